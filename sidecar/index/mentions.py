"""Places that bear a symbol's name and may mean it: what an answer of somebody else's is held against.

No rule of the index gives such a place to another symbol, to a local name or to a library; whether it means the symbol
depends on a type that the index cannot tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from sidecar.core.defined import Defined
from sidecar.core.symbols import Operation, Span
from sidecar.index.found import CLASSES, IMPORT, MEMBER, STRICT, dotted, is_member, places
from sidecar.index.references import CALL, Use, brought_on
from sidecar.index.resolve import Resolver, related
from sidecar.store.symbols import FileRow

_KIND: Final = 7
Place = tuple[str, int, int]


def mentions_of(
    resolver: Resolver, at: tuple[str, int, int], meant: Sequence[Span], operation: Operation
) -> Iterator[Use]:
    """Those that an answer to `operation` about a place (path, line, column) may lack, files that speak of the class first.

    `meant` is where others say that the symbol is defined. Nothing where it is no symbol of the project.
    """
    name, _, found = resolver.meaning(*at)
    wanted: set[Place] = {(span.path, span.start.line, span.start.column) for span in meant}
    if found.exact or not meant:
        wanted |= {_place(symbol) for symbol in found.symbols}
    targets = [symbol for symbol in resolver.named(name) if _place(symbol) in wanted] if name else []
    if not targets or found.local is not None:
        return
    if operation == "implementations":
        yield from _bases(resolver, targets)
        return
    asked = _Asked(resolver, name, wanted, any(is_member(symbol) for symbol in targets))
    owners = {symbol.container.rpartition(".")[2] for symbol in targets} - {""}
    rows = [row for row in resolver.reader.uses(name) if any(related(row.language, s.language) for s in targets)]
    rows.sort(key=lambda row: not any(resolver.reader.use_in(row.file, owner) for owner in owners))
    for row in rows:
        file = resolver.file(row.path)
        for line, column, mark in places(row.places) if file is not None else ():
            if resolver.leaves_off():
                return
            if (
                (operation != "callers" or mark & _KIND == CALL)
                and file is not None
                and asked(file, line, column, mark)
            ):
                yield Use(row.path, line, column, len(name), mark, row.file)


class _Asked:
    """Whether a place may mean what is asked about; `member`: that is reached through an object."""

    def __init__(self, resolver: Resolver, name: str, wanted: set[Place], member: bool) -> None:  # noqa: FBT001
        self._resolver, self._name, self._wanted, self._member = resolver, name, wanted, member

    def __call__(self, file: FileRow, line: int, column: int, mark: int) -> bool:
        if mark & _KIND == IMPORT:
            return brought_on(self._resolver, file, line, self._name, self._wanted)
        _, _, found = self._resolver.meaning(file.path, line, column)
        if any(_place(symbol) in self._wanted for symbol in found.symbols):
            return True
        if found.exact:
            return False
        if file.language not in STRICT:
            return True
        if bool(mark & MEMBER) != self._member:
            return False
        return self._member or not self._resolver.brings(file, self._name)


def _bases(resolver: Resolver, targets: Sequence[Defined]) -> Iterator[Use]:
    """Where a class names a base that is called as the symbol's class, and the index does not know better."""
    for target in targets:
        owner = dotted(target) if target.kind in CLASSES else target.container
        name = owner.rpartition(".")[2]
        for path, inner in resolver.reader.derived(name) if name else ():
            file = resolver.file(path)
            heir = next((s for s in resolver.symbols_in(file.id) if dotted(s) == inner), None) if file else None
            if file is None or heir is None:
                continue
            head = (p for p in places(resolver.reader.use_in(file.id, name)) if p[0] >= heir.line)
            line, column, mark = next(head, (0, 0, 0))
            known = resolver.meaning(path, line, column)[2]
            ours = any((s.path, dotted(s)) == (target.path, owner) for s in known.symbols)
            if not line or (not ours and (known.exact or (not mark & MEMBER and resolver.brings(file, name)))):
                continue
            yield Use(path, line, column, len(name), mark, file.id)


def _place(symbol: Defined) -> Place:
    return symbol.path, symbol.line, symbol.column
