"""Who uses a symbol: every use of its name, kept when what stands there can mean it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from sidecar.core.defined import Defined, Local
from sidecar.index.found import MEMBER, STRICT, Found, dotted, is_member, places
from sidecar.index.resolve import Resolver
from sidecar.store.symbols import FileRow, UseRow

CALL: Final = 1
IMPORT: Final = 2
_KIND: Final = 7


class Use(NamedTuple):
    """One use; `mark` is as `extract` packs it (kind, member, the symbol it stands in)."""

    path: str
    line: int
    column: int
    length: int
    mark: int
    file: int


def uses_of(resolver: Resolver, target: Defined) -> Iterator[Use]:
    """The uses of a symbol, file by file; its definition is none of them."""
    alone = sum(s.name == target.name and is_member(s) == is_member(target) for s in resolver.named(target.name)) == 1
    member = bool(target.container) and not _in_function(resolver, target)
    wanted = (target.path, target.line, target.column)
    for row in resolver.reader.uses(target.name):
        file = resolver.file(row.path)
        if file is None:
            continue
        decide = _Members(resolver, file, wanted, target, alone) if member else _Tops(resolver, file, wanted, target)
        for line, column, mark in places(row.places):
            if resolver.leaves_off():
                return
            if decide(line, column, mark):
                yield Use(row.path, line, column, len(target.name), mark, file.id)
    if not member:
        yield from _aliased(resolver, target, wanted)


def uses_of_local(resolver: Resolver, file: FileRow, local: Local) -> Iterator[Use]:
    """The places of a local name within its scope, its binding among them, found in the text itself."""
    word = re.compile(rf"(?<![\w$.]){re.escape(local.name)}(?![\w$])")
    lines = resolver.lines(file.path)
    for number in range(local.start, min(local.end, len(lines)) + 1):
        for match in word.finditer(lines[number - 1]):
            seen = resolver.local(file, number, local.name)
            if seen == local and not _quoted(lines[number - 1], match.start()):
                yield Use(file.path, number, match.start() + 1, len(local.name), 0, file.id)


def _quoted(line: str, at: int) -> bool:
    """Whether a place of a line stands in a comment or a string, as far as the line alone tells."""
    before = line[:at]
    if re.search(r"(^|\s)(#|//|--)\s", before):
        return True
    return any(before.count(mark) % 2 for mark in "\"'`") and not re.search(r"[{]\s*[^}]*$", before)


def brought_on(
    resolver: Resolver, file: FileRow, line: int, name: str, wanted: Collection[tuple[str, int, int]]
) -> bool:
    """Whether the import that stands on a line brings in, under a name, one of the symbols that are defined at these places."""
    rows = [row for row in resolver.imports(file.id) if row.line <= line]
    first = max((row.line for row in rows), default=0)
    rows = [row for row in rows if row.line == first and row.name and name in {row.name, row.alias}]
    return any(_is(resolver.brought(file, row, row.alias), place) for row in rows for place in wanted)


def _in_function(resolver: Resolver, target: Defined) -> bool:
    """Whether a symbol is defined in a function, and so is no member of anything."""
    file = resolver.file(target.path)
    outer = [s for s in resolver.symbols_in(file.id) if dotted(s) == target.container] if file is not None else []
    return bool(outer) and all(s.kind in {"function", "method", "module", "constructor"} for s in outer)


def _is(found: Found, wanted: tuple[str, int, int], *, first: bool = False) -> bool:
    symbols = found.symbols[:1] if first else found.symbols
    return any((s.path, s.line, s.column) == wanted for s in symbols)


class _Tops:
    """Whether a use of one file means a symbol at the top of a file (or of a namespace, or in a function)."""

    def __init__(self, resolver: Resolver, file: FileRow, wanted: tuple[str, int, int], target: Defined) -> None:
        self._resolver, self._file, self._wanted, self._target = resolver, file, wanted, target
        self._bare: dict[str, bool] = {}

    def __call__(self, line: int, column: int, mark: int) -> bool:
        if mark & MEMBER and mark & _KIND != IMPORT:
            before = _before(self._resolver, self._file, line, column)
            found = self._resolver.used(self._file, line, self._target.name, before)
            return _is(found, self._wanted) and (found.exact or self._file.language not in STRICT)
        if mark & _KIND == IMPORT:
            return brought_on(self._resolver, self._file, line, self._target.name, {self._wanted})
        scope = self._resolver.enclosing_path(self._file, line)
        known = self._bare.get(scope)
        if known is None:
            found = self._resolver.bare(self._file, line, self._target.name)
            if not found and self._file.language not in STRICT:
                found = self._resolver.used(self._file, line, self._target.name, "")
            known = self._bare[scope] = _is(found, self._wanted)
        return known


class _Members:
    """Whether a use of one file means a member of a class."""

    def __init__(
        self,
        resolver: Resolver,
        file: FileRow,
        wanted: tuple[str, int, int],
        target: Defined,
        alone: bool,  # noqa: FBT001
    ) -> None:
        self._resolver, self._file, self._wanted, self._target, self._alone = resolver, file, wanted, target, alone
        self._knows: bool | None = None

    def __call__(self, line: int, column: int, mark: int) -> bool:
        if mark & _KIND == IMPORT:
            return False
        if not mark & MEMBER:
            found = self._resolver.bare(self._file, line, self._target.name)
            return _is(found, self._wanted)
        before = _before(self._resolver, self._file, line, column)
        found = self._resolver.used(self._file, line, self._target.name, before)
        if found.exact:
            return _is(found, self._wanted)
        return _is(found, self._wanted) and (self._alone or self._near())

    def _near(self) -> bool:
        """Whether the file has to do with the member's class: it defines it, or speaks of it."""
        if self._knows is None:
            owner = self._target.container.rpartition(".")[2]
            same = self._file.path == self._target.path
            self._knows = same or bool(self._resolver.reader.use_in(self._file.id, owner))
        return self._knows


def _before(resolver: Resolver, file: FileRow, line: int, column: int) -> str:
    lines = resolver.lines(file.path)
    return lines[line - 1][: column - 1] if 0 < line <= len(lines) else ""


def _aliased(resolver: Resolver, target: Defined, wanted: tuple[str, int, int]) -> Iterator[Use]:
    """Uses under another name, in files that import it `as` one, or from one that does."""
    names = {
        brought.alias
        for row in _importers(resolver, target)
        if (file := resolver.file(row.path)) is not None
        for brought in resolver.imports(file.id)
        if brought.name == target.name and brought.alias not in {target.name, ""}
    }
    for name in sorted(names):
        for row in resolver.reader.uses(name):
            file = resolver.file(row.path)
            if resolver.leaves_off():
                return
            if file is None or not _is(resolver.bound(file, name), wanted):
                continue
            for line, column, mark in places(row.places):
                if not mark & MEMBER and resolver.local(file, line, name) is None:
                    yield Use(file.path, line, column, len(name), mark, file.id)


def _importers(resolver: Resolver, target: Defined) -> list[UseRow]:
    """Files where the name stands in an import."""
    rows = resolver.reader.uses(target.name)
    return [row for row in rows if any(mark & _KIND == IMPORT for _, _, mark in places(row.places))]
