"""Run a workspace's tests: start the runner, tell how it goes on, read its report and its coverage."""

from __future__ import annotations

import asyncio
import shlex
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from sidecar.store.runs import Case, Coverage, Outcome, Run
from sidecar.testruns import coverage
from sidecar.testruns.process import Bounds, Ended, run
from sidecar.testruns.reports import READERS, recognized
from sidecar.testruns.runners import Plan, Selection, plan

_TAIL: Final = 4_000
_LARGEST: Final = 32 * 1024 * 1024
_MOST_REPORTS: Final = 2_000
_MOST_CASES: Final = 20_000

Say = Callable[[str], None]


class TestRuns:
    """The tests of one folder. Cancelling a run ends its programs."""

    __test__ = False

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        *,
        command: str | None,
        seconds: float,
        coverage_files: Sequence[str] = (),
    ) -> None:
        self._folder = folder
        self._environment = environment
        self._command = command
        self._seconds = seconds
        self._coverage_files = coverage_files

    async def run(self, selection: Selection, say: Say = lambda _: None) -> Run:
        """Run them; `say` gets the newest line of output now and then.

        Raises NotFound where there are none, BadInput for a selection that the runner cannot make, SetupError where it
        cannot be started.
        """
        with tempfile.TemporaryDirectory(prefix="sidecar-tests-") as scratch:
            chosen = await asyncio.to_thread(plan, self._folder, selection, self._command, Path(scratch))
            started = time.time()
            ended = await run(chosen.argv, self._folder, self._environment, Bounds(self._seconds), _Voice(say))
            cases = await asyncio.to_thread(self._cases, chosen, ended, started)
            told = await asyncio.to_thread(self._coverage, started)
        return Run(
            started=started,
            seconds=round(ended.seconds, 3),
            runner=chosen.runner,
            command=shlex.join(chosen.argv).replace(scratch, "$TMP"),
            outcome=_outcome(ended, cases),
            cases=tuple(cases[:_MOST_CASES]),
            tail=ended.output.decode("utf-8", "replace")[-_TAIL:],
            coverage=told,
        )

    def coverage_now(self) -> Coverage | None:
        """What the newest coverage report says, whenever it was written; blocks."""
        return self._coverage(0.0)

    def _cases(self, chosen: Plan, ended: Ended, started: float) -> list[Case]:
        read = READERS.get(chosen.report, recognized)
        cases: list[Case] = []
        for path in self._found(chosen.places, started)[:_MOST_REPORTS]:
            cases += read(path.read_bytes())
        if not cases:
            cases = read(ended.output) or recognized(ended.output)
        return [replace(case, file=self._relative(case.file)) for case in cases]

    def _coverage(self, started: float) -> Coverage | None:
        for path in self._found(self._coverage_files or coverage.PLACES, started):
            found = coverage.read(path.read_bytes())
            if found is not None:
                files = {self._relative(name): share for name, share in found.files.items()}
                missed = {self._relative(name): lines for name, lines in found.missed.items()}
                return replace(found, files=files, missed=missed)
        return None

    def _found(self, places: Sequence[str], since: float) -> list[Path]:
        """Files at these places that were written since; none outside of the workspace unless a place is our own."""
        found = []
        for place in places:
            own = Path(place)
            for path in [own] if own.is_absolute() else sorted(self._folder.glob(place)):
                inside = own.is_absolute() or path.resolve().is_relative_to(self._folder.resolve())
                if inside and path.is_file() and path.stat().st_size <= _LARGEST and path.stat().st_mtime >= since - 1:
                    found.append(path)
        return found

    def _relative(self, name: str) -> str:
        path = Path(name)
        root = self._folder.resolve()
        return path.relative_to(root).as_posix() if path.is_absolute() and path.is_relative_to(root) else name


class _Voice:
    """Takes output and says its newest whole line, not more often than a person can read."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._last = 0.0

    def __call__(self, chunk: bytes) -> None:
        now = time.monotonic()
        lines = [line for line in chunk.decode("utf-8", "replace").splitlines() if line.strip()]
        if lines and now - self._last >= 0.2:
            self._last = now
            self._say(lines[-1].strip()[:200])


def _outcome(ended: Ended, cases: Sequence[Case]) -> Outcome:
    if ended.timed_out:
        return "timed out"
    if ended.status == 0:
        return "passed"
    # a runner that fails without a failed test could not do its work (an import error, a wrong option)
    return "failed" if any(case.outcome == "failed" for case in cases) or not cases else "error"
