"""Which lines of a diff the tests touched, by the newest coverage report that is younger than the file."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sidecar.core.diff import FileDiff
from sidecar.core.review import Touched
from sidecar.testruns import coverage

_LARGEST = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Report:
    """A report as it was read: the file, its time in nanoseconds, its kind and what it says by the names that it uses."""

    path: Path
    written: int
    source: str
    lines: coverage.Lines


class LastReport:
    """Implements `core.ports.TestsSeen` from the reports that runners leave in a folder; a report is read once. For any thread.

    A file that was written after the report, or whose lines are not those of the diff (unsaved, staged, of another
    commit), is not spoken of: its lines need not be those that ran.
    """

    def __init__(self, root: Path, folder: Path | None = None, places: Sequence[str] = ()) -> None:
        """Paths of a diff are relative to `root`; tests are run in `folder` and leave their reports at `places` there."""
        self._root = root.resolve()
        self._folder = (folder or root).resolve()
        self._places = tuple(places) or coverage.PLACES
        self._lock = threading.Lock()
        self._last: _Report | None = None

    def of(self, file: FileDiff) -> Touched | None:
        """What the newest report says of a file; None where none says anything of the lines that the diff shows."""
        with self._lock:
            report = self._newest()
        path = self._root / file.path
        try:
            if report is None or path.stat().st_mtime_ns >= report.written or not _stands(path, file):
                return None
        except OSError:
            return None
        lines = self._named(report, path)
        if lines is None:
            return None
        ran = frozenset(line for line, touched in lines.items() if touched)
        return Touched(ran, frozenset(lines) - ran, report.source, report.written / 1e9)

    def _newest(self) -> _Report | None:
        """The newest report that can be read; where it is the one that was read last, nothing is read."""
        for written, path in sorted(self._found(), reverse=True):
            if self._last and (self._last.path, self._last.written) == (path, written):
                return self._last
            try:
                told = coverage.read_lines(path.read_bytes())
            except OSError:
                continue
            if told is not None:
                self._last = _Report(path, written, *told)
                return self._last
        return None

    def _found(self) -> Iterator[tuple[int, Path]]:
        """Reports in the folder; none that a link leads out of it to."""
        for place in self._places:
            own = Path(place)
            for path in [own] if own.is_absolute() else self._folder.glob(place):
                try:
                    told = path.stat()
                    if path.is_file() and told.st_size <= _LARGEST and (own.is_absolute() or self._inside(path)):
                        yield told.st_mtime_ns, path
                except OSError:
                    continue

    def _inside(self, path: Path) -> bool:
        return path.resolve().is_relative_to(self._folder)

    def _named(self, report: _Report, path: Path) -> dict[int, bool] | None:
        """A file's lines, where just one name of the report is this file's."""
        alike = [name for name in report.lines if re.split(r"[/\\]", name)[-1] == path.name and self._means(name, path)]
        return report.lines[alike[0]] if len(alike) == 1 else None

    def _means(self, name: str, path: Path) -> bool:
        """Whether a report's name is a file's. Some reports have more before the path (Go: the module), some less (JaCoCo: from the package on)."""
        parts = Path(name.replace("\\", "/")).parts
        for at in range(len(parts)):
            there = self._folder.joinpath(*parts[at:])
            if there.is_file():
                return there == path
        return path.parts[-len(parts) :] == parts


def _stands(path: Path, file: FileDiff) -> bool:
    """Whether the file on disk has the diff's new lines where the diff has them."""
    lines = path.read_bytes().decode("utf-8", "surrogateescape").split("\n")
    return all(
        [line.removesuffix("\r") for line in lines[hunk.new_start - 1 : hunk.new_start - 1 + len(hunk.added)]]
        == [line.removesuffix("\r") for line in hunk.added]
        for hunk in file.hunks
        if hunk.added
    )
