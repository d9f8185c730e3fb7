"""The workspace's tests for the model: run them, see the last results, the history, the coverage."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal

from sidecar.core.errors import BadInput, Conflict, NotFound
from sidecar.core.tool import Caller, Tool, ToolResult
from sidecar.store.runs import CaseOutcome, Coverage, Run, RunStore
from sidecar.testruns.runners import Selection, beside
from sidecar.testruns.runs import TestRuns
from sidecar.tools.bench import Bench
from sidecar.tools.define import Input, also, define
from sidecar.vcs.worktree import status

_MOST_FAILED: Final = 50
_MOST_TOLD: Final = 1_500
_COUNTED: Final[tuple[CaseOutcome, ...]] = ("passed", "failed", "skipped")


class RunTests(Input):
    """Which tests to run."""

    scope: Literal["all", "files", "changed", "failed"] = also(
        "scope",
        default="all",
        about="Everything; `files`; those that belong to changed files; or what failed last time.",
    )
    files: list[str] = also("files", "paths", default=[], about="Test files, for scope=files.", max_length=200)
    file: str = also("file", "path", default="", about="One test file.")
    collect_coverage: bool = also(
        "collect_coverage", default=True, about="Coverage reports are always read where there are some."
    )


class History(Input):
    """How much of the past."""

    limit: int = also("limit", default=10, about="How many runs, newest first.", ge=1, le=50)
    include_logs: bool = also("include_logs", default=False, about="The end of each output, too.")


class Last(Input):
    """How much of the last run."""

    passed: bool = also("passed", default=False, about="List tests that passed, too.")
    include_recent: bool = also("include_recent", default=True, about="How often runs passed lately, too.")
    recent_limit: int = also("recent_limit", default=20, about="How many runs that is about.", ge=1, le=200)


class CoverageInput(Input):
    """Which coverage."""

    path: str = also("path", "file", default="", about="Only this file, with its missed lines.")
    limit: int = also("limit", default=50, about="How many files, the least covered first.", ge=1, le=500)


class TestTools:
    """The family; `tools` are what is offered. One run at a time."""

    __test__ = False

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._running = asyncio.Lock()

    def tools(self) -> Iterator[Tool]:
        """What this family offers."""
        yield define("tests_run", "run", self.run)
        yield define("tests_last", "read", self.last)
        yield define("tests_history", "read", self.history)
        yield define("tests_coverage", "read", self.coverage)

    async def run(self, given: RunTests, caller: Caller) -> ToolResult:
        """Run the workspace's tests with the runner that it uses, and tell what failed and why.

        All of them, some files, those that belong to changed files, or those that failed last time.
        """
        self._bench.need_trust("Running tests")
        if self._running.locked():
            raise Conflict("The tests are being run already; wait for that run, or look at tests_last.")
        async with self._running:
            selection = await self._selection(given)
            found = await self._runs().run(selection, lambda line: caller.progress(0, None, line))
            number = await (await self._store()).add(found)
        return ToolResult(value=_value(found, number), text=told(found), error=False)

    async def last(self, given: Last, caller: Caller) -> ToolResult:
        """Tell the results of the last run, test by test, and how runs went lately."""
        store = await self._store()
        found = await store.last()
        if found is None:
            raise NotFound("The tests were not run from here yet; run them with tests_run.")
        text = told(found)
        if given.passed:
            text += "".join(f"\npassed: {case.id}" for case in found.cases if case.outcome == "passed")
        value = _value(found, found.id)
        if given.include_recent:
            recent = await store.list(given.recent_limit)
            good = sum(run.outcome == "passed" for run in recent)
            text += f"\nOf the last {len(recent)} runs {good} passed."
            value |= {"runs": len(recent), "pass_rate": good / len(recent)}
        return ToolResult(value=value, text=text)

    async def history(self, given: History, caller: Caller) -> ToolResult:
        """List the last runs: when, how long, how many passed and failed, coverage."""
        runs = await (await self._store()).list(given.limit)
        lines = []
        for run in runs:
            day = datetime.fromtimestamp(run.started, UTC).isoformat(timespec="seconds")
            lines.append(f"{run.id}. {day} {_head(run)}")
            lines += [f"{run.tail[-2_000:]}\n"] if given.include_logs else []
        return ToolResult(
            value={"runs": [_value(run, run.id) for run in runs]}, text="\n".join(lines) or "No runs yet."
        )

    async def coverage(self, given: CoverageInput, caller: Caller) -> ToolResult:
        """Tell how much of the code the tests run, by the newest coverage report: the least covered files, missed lines."""
        found = await asyncio.to_thread(self._runs().coverage_now)
        if found is None:
            raise NotFound(
                "There is no coverage report here; have the tests write one (WORKSPACE_TEST_COVERAGE_FILES)."
            )
        if given.path:
            name = (await asyncio.to_thread(self._bench.fence.place, given.path)).name
            return _one_file(found, name)
        least = sorted(found.files.items(), key=lambda item: (item[1], item[0]))[: given.limit]
        lines = [
            f"{found.total:.0%} of the lines ({found.source})",
            *(f"{share:>4.0%} {name}" for name, share in least),
        ]
        return ToolResult(
            value={"total": found.total, "files": dict(least), "source": found.source}, text="\n".join(lines)
        )

    # ── how it is done ──────────────────────────────────────────────────────────────────────────────
    def _runs(self) -> TestRuns:
        tests = self._bench.tests
        return TestRuns(
            self._bench.fence.root,
            self._bench.environment,
            command=tests.command,
            seconds=tests.timeout_ms / 1000,
            coverage_files=tests.coverage_files,
        )

    async def _store(self) -> RunStore:
        return RunStore(await self._bench.database())

    async def _selection(self, given: RunTests) -> Selection:
        named = [*given.files, *([given.file] if given.file else [])]
        match "files" if named else given.scope:
            case "files":
                if not named:
                    raise BadInput("Name the test files (`files`), or take another scope.")
                return Selection(files=await asyncio.to_thread(self._existing, named))
            case "changed":
                return Selection(files=await self._changed())
            case "failed":
                last = await (await self._store()).last()
                failed = [case.id for case in last.cases if case.outcome == "failed"] if last else []
                if not failed:
                    raise NotFound("No test failed in the last run, so there is none to run again.")
                return Selection(tests=tuple(name for name in failed if not name.startswith("-")))
            case _:
                return Selection()

    def _existing(self, names: Sequence[str]) -> tuple[str, ...]:
        places = [self._bench.fence.for_reading(name) for name in names]
        gone = [place.name for place in places if not (self._bench.fence.root / place.name).exists()]
        if gone:
            raise NotFound(f"There is no {gone[0]} to run.")
        return tuple(_plain(place.name) for place in places)

    async def _changed(self) -> tuple[str, ...]:
        git, prefix = await self._bench.inside()
        now = await status(git)
        changed = {*now.staged, *now.unstaged, *now.untracked}
        said = await git.run("ls-files", "-co", "--exclude-standard", "--deduplicate", "-z", "--", prefix or ".")
        known = [name.removeprefix(prefix) for name in said.decode("utf-8", "replace").split("\0")[:-1]]
        own = [name.removeprefix(prefix) for name in sorted(changed) if name.startswith(prefix)]
        found = await asyncio.to_thread(
            lambda: [n for n in beside(own, known) if (self._bench.fence.root / n).is_file()]
        )
        if not found:
            raise NotFound("No test belongs to what changed, by its name; run all of them.")
        return tuple(_plain(name) for name in found)


def _plain(name: str) -> str:
    """A file's name that no program takes for an option."""
    return f"./{name}" if name.startswith("-") else name


def told(run: Run) -> str:
    """A run in words: how it went, what failed and why, the end of the output where no test tells it."""
    lines = [_head(run), f"$ {run.command}"]
    failed = [case for case in run.cases if case.outcome == "failed"]
    for case in failed[:_MOST_FAILED]:
        lines += [
            f"failed: {case.id}",
            *(f"    {line}" for line in case.message[:_MOST_TOLD].strip().splitlines()[-25:]),
        ]
    if len(failed) > _MOST_FAILED:
        lines.append(f"and {len(failed) - _MOST_FAILED} more failed")
    if run.outcome != "passed" and not failed:
        lines += ["The end of the output:", run.tail[-_MOST_TOLD:]]
    return "\n".join(lines)


def _head(run: Run) -> str:
    counts = [(run.count(outcome), outcome) for outcome in _COUNTED]
    tests = ", ".join(f"{count} {word}" for count, word in counts if count) or "no single results"
    covered = f", {run.coverage.total:.0%} covered" if run.coverage else ""
    return f"{run.outcome}: {tests} in {run.seconds:.1f} s by {run.runner}{covered}"


def _value(run: Run, number: int) -> dict[str, Any]:
    failed = [
        {"id": case.id, "file": case.file, "message": case.message} for case in run.cases if case.outcome == "failed"
    ]
    counts: dict[str, Any] = {outcome: run.count(outcome) for outcome in _COUNTED}
    more = {"runner": run.runner, "outcome": run.outcome, "seconds": run.seconds, "failures": failed[:_MOST_FAILED]}
    return {
        "id": number,
        "started": run.started,
        **more,
        **counts,
        "coverage": run.coverage.total if run.coverage else None,
    }


def _one_file(found: Coverage, name: str) -> ToolResult:
    match = next((path for path in found.files if path == name or path.endswith(f"/{name}")), None)
    if match is None:
        raise NotFound(f"The coverage report does not speak of {name}.")
    missed = found.missed.get(match, [])
    lines = f"; not run: {', '.join(map(str, missed))}" if missed else ""
    value = {"path": match, "share": found.files[match], "missed": missed}
    return ToolResult(value=value, text=f"{match}: {found.files[match]:.0%} of its lines{lines}")
