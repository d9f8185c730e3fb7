"""The workspace's files as language tools need them: a file inside it, its lines, and columns in characters and UTF-16 units."""

from __future__ import annotations

import os
import re
import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

from sidecar.core.errors import BadInput
from sidecar.core.symbols import Position, Span
from sidecar.languages.uris import path_from_uri, uri_from_path

MAX_BYTES: Final = 4 << 20
"""Larger files are generated; no language tool answers about them in time."""

MAX_FILES: Final = 20_000
_KEPT: Final = 200
_ENDS: Final = re.compile(r"\r\n|\n|\r")
_PASSED_OVER: Final = frozenset(
    {"node_modules", "__pycache__", "venv", "site-packages", "target", "build", "dist", "vendor", "bin", "obj"}
)

Stamp = tuple[int, int]
"""A file's modification time in nanoseconds, and its size: differs when the text does."""


@dataclass(frozen=True, slots=True)
class Text:
    """A file's text at one moment."""

    whole: str
    lines: tuple[str, ...]
    stamp: Stamp

    def line(self, number: int) -> str:
        """The line of a number from 1; empty where there is none."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""


def utf16(line: str, column: int) -> int:
    """The column (characters, from 1) as UTF-16 units from 0."""
    before = line[: column - 1]
    return len(before) if before.isascii() else len(before.encode("utf-16-le", "surrogatepass")) // 2


def characters(line: str, units: int) -> int:
    """UTF-16 units from 0 as a column (characters, from 1); beyond the line's end it is the end."""
    if line.isascii():
        return min(units, len(line)) + 1
    before = line.encode("utf-16-le", "surrogatepass")[: 2 * units]
    return len(before.decode("utf-16-le", "ignore")) + 1


class Files:
    """One workspace's files. All of it blocks on the disk, so it is called in threads."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))
        self._shown = root.absolute()
        self._texts: dict[Path, Text] = {}
        self._lock = threading.Lock()

    def locate(self, path: str) -> Path:
        """The real place of a file that is asked about. Raises BadInput for what is no regular file of the workspace."""
        try:
            place = Path(os.path.realpath(self.root / self.relative(PurePath(path))))
            facts = place.stat()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise BadInput(f"The file {path!r} cannot be looked at ({reason}); name one of the workspace.") from None
        if not place.is_relative_to(self.root):
            raise BadInput(f"The file {path!r} lies outside the workspace; name one inside it.")
        if not stat.S_ISREG(facts.st_mode):
            raise BadInput(f"{path!r} is no regular file; name a source file of the workspace.")
        if facts.st_size > MAX_BYTES:
            raise BadInput(f"The file {path!r} is larger than {MAX_BYTES >> 20} MB; language tools do not read it.")
        return place

    def text(self, place: Path) -> Text | None:
        """A regular file's text as it is now; None for what cannot be read."""
        try:
            facts = place.stat()
            stamp = (facts.st_mtime_ns, facts.st_size)
            with self._lock:
                kept = self._texts.get(place)
            if kept is not None and kept.stamp == stamp:
                return kept
            if not stat.S_ISREG(facts.st_mode) or facts.st_size > MAX_BYTES:
                return None
            whole = place.read_bytes().decode("utf-8", "replace")
        except (OSError, ValueError):
            return None
        text = Text(whole, tuple(_ENDS.split(whole)), stamp)
        with self._lock:
            self._texts.pop(place, None)
            self._texts[place] = text
            if len(self._texts) > _KEPT:
                self._texts.pop(next(iter(self._texts)))
        return text

    def check(self, text: Text, position: Position, path: str) -> None:
        """Raises BadInput where the position is none of the text."""
        if not 0 < position.line <= len(text.lines):
            raise BadInput(f"{path} has {len(text.lines)} lines; there is no line {position.line}.")
        if not 0 < position.column <= len(text.line(position.line)) + 1:
            length = len(text.line(position.line))
            raise BadInput(
                f"Line {position.line} of {path} has {length} characters; there is no column {position.column}."
            )

    def relative(self, path: PurePath) -> PurePath:
        """A path below the workspace, however its folder was spelled; any other as it is."""
        for top in (self._shown, self.root):
            if path.is_relative_to(top):
                return path.relative_to(top)
        return path

    def shown(self, place: PurePath) -> str:
        """A path as answers spell it: relative to the workspace with `/`, absolute outside."""
        return self.relative(place).as_posix()

    def uri(self, place: Path) -> str:
        """The `file:` URI of a file."""
        return uri_from_path(place)

    def span(self, uri: str, lsp_range: dict[str, dict[str, int]]) -> tuple[Span, Text | None] | None:
        """A range of LSP as a span, and the text it was measured on; None for what is no file, or none any more."""
        pure = path_from_uri(uri)
        if pure is None:
            return None
        text = self.text(Path(pure))

        def place(side: str) -> Position:
            line, units = lsp_range[side]["line"] + 1, lsp_range[side]["character"]
            return Position(line, characters(text.line(line), units) if text else units + 1)

        span = Span(self.shown(pure), place("start"), place("end"))
        gone = text is None and not os.path.lexists(pure)  # a server may go on telling of what was deleted
        return None if gone else (span, text)

    def walk(self, suffixes: frozenset[str]) -> Iterator[tuple[Path, Stamp]]:
        """Source files with one of these suffixes, at most so many; hidden, built and fetched folders are left out."""
        count = 0
        folders = [self.root]
        while folders:
            try:
                entries = sorted(os.scandir(folders.pop()), key=lambda entry: entry.name)
            except OSError:
                continue
            for entry in entries:
                if entry.name.startswith(".") or entry.name in _PASSED_OVER:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))
                elif PurePath(entry.name).suffix in suffixes and entry.is_file(follow_symlinks=False):
                    facts = entry.stat(follow_symlinks=False)
                    yield Path(entry.path), (facts.st_mtime_ns, facts.st_size)
                    count += 1
                    if count >= MAX_FILES:
                        return


def word_at(text: Text, position: Position) -> str:
    """The identifier at a position; empty where there is none."""
    line = text.line(position.line)
    for found in re.finditer(r"[\w$]+", line):
        if found.start() <= position.column - 1 <= found.end():
            return found.group()
    return ""
