"""Questions about symbols, answered from the index: each operation a function from a query to items."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from sidecar.core.defined import Defined
from sidecar.core.errors import BadInput
from sidecar.core.symbols import Call, Hover, Item, Location, Operation, Position, Query, Span, Symbol
from sidecar.index.found import CLASSES, STRICT, Found, dotted, places
from sidecar.index.mentions import mentions_of
from sidecar.index.references import CALL, Use, uses_of, uses_of_local
from sidecar.index.resolve import Resolver
from sidecar.store.symbols import FileRow

MANY_CANDIDATES: Final = 10
_SEARCHED: Final = 2_000
_MOST_SEARCHED: Final = 100_000
_LOOSE: Final = 5
"""How well a name fits that only holds the letters that were typed."""

_TESTS: Final = re.compile(
    r"(^|/)(tests?|testing|spec|__tests__|fixtures|examples?)(/|$)|(^|/)test_|[._]test\.|\.spec\."
)
_RANKS: Final = """class interface struct trait enum type table
function method constructor module macro
constant property view"""
_KIND_ORDER: Final = {kind: order for order, kinds in enumerate(_RANKS.splitlines()) for kind in kinds.split()}


def items(resolver: Resolver, query: Query) -> Iterator[Item]:
    """What there is to say, the best first. Raises BadInput for a place that is none."""
    return _ANSWERS[query.operation](resolver, query)


def _workspace_symbols(resolver: Resolver, query: Query) -> Iterator[Item]:
    *outer, wanted = parts(query.name) or [""]
    if not wanted:
        return
    yield from map(symbol_of, resolver.named(query.name.strip()) if outer else ())  # `ns::work`, a function of Bash
    # so that what is cut is more than was asked for
    most = max(_SEARCHED, query.limit + 1) if not outer else _MOST_SEARCHED
    ranked = sorted((_match(name, wanted), len(name), name) for name in resolver.reader.search(wanted, most))
    for _, level in groupby(ranked, key=lambda rank: rank[0]):
        for names in batched([name for _, _, name in level], max(query.limit, 20)):
            found = [s for s in resolver.reader.symbols_of(names) if _stands_in(s, outer)]
            yield from (symbol_of(s) for s in sorted(found, key=_weight))


def ranked(symbols: Iterable[Defined], name: str) -> list[Symbol]:
    """Those whose name holds what was typed, the best first."""
    *outer, wanted = parts(name) or [""]
    fit = [(_match(s.name, wanted), len(s.name), s.name, _weight(s), s) for s in symbols if _stands_in(s, outer)]
    return [symbol_of(symbol) for match, *_, symbol in sorted(fit, key=lambda each: each[:4]) if match < _LOOSE]


def batched(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """So many names at a time: SQLite binds only so many, and who asks for few symbols needs few names."""
    yield from (names[start : start + min(size, 200)] for start in range(0, len(names), min(size, 200)))


def _match(name: str, wanted: str) -> int:
    """How well a name fits what was typed; less is better."""
    if name == wanted:
        return 0
    low, want = name.lower(), wanted.lower()
    if low == want:
        return 1
    if low.startswith(want):
        return 2
    if re.search(
        rf"_(?i:{re.escape(wanted)})|(?<=[a-z]){re.escape(wanted[0].upper())}(?i:{re.escape(wanted[1:])})", name
    ):
        return 3
    return 4 if want in low else _LOOSE


def _weight(symbol: Defined) -> tuple[bool, int, int, int, str, int]:
    kind = _KIND_ORDER.get(symbol.kind, 9)
    return bool(_TESTS.search(symbol.path)), kind, len(symbol.name), symbol.path.count("/"), symbol.path, symbol.line


def _document_symbols(resolver: Resolver, query: Query) -> Iterator[Item]:
    file = _file(resolver, query.path)
    yield from (symbol_of(s) for s in resolver.symbols_in(file.id))


def _definition(resolver: Resolver, query: Query) -> Iterator[Item]:
    file, found = _meant(resolver, query)
    file = _home(resolver, file, found)
    if found.local is not None and file is not None:
        name, line, column = found.local[:3]
        yield _location(resolver, file.path, line, column, len(name), resolver.enclosing_path(file, line))
    for symbol in found.symbols:
        yield _location(resolver, symbol.path, symbol.line, symbol.column, len(symbol.name), symbol.container)
    for path in found.modules:
        yield _location(resolver, path, 1, 1, 0)


def _references(resolver: Resolver, query: Query) -> Iterator[Item]:
    file, found = _meant(resolver, query)
    file = _home(resolver, file, found)
    if found.local is not None and file is not None:
        yield from (_used(resolver, use) for use in uses_of_local(resolver, file, found.local))
    symbols = _targets(found)
    for symbol in symbols:
        yield _location(resolver, symbol.path, symbol.line, symbol.column, len(symbol.name), symbol.container)
    told = {(s.path, s.line, s.column) for s in symbols}
    for symbol in _asked(symbols):
        for use in uses_of(resolver, symbol):
            if use[:3] not in told:
                told.add(use[:3])
                yield _used(resolver, use)


def _callers(resolver: Resolver, query: Query) -> Iterator[Item]:
    _, found = _meant(resolver, query)
    calls: dict[tuple[int, int], list[Span]] = {}
    for symbol in _asked(_targets(found)):
        for use in uses_of(resolver, symbol):
            if use.mark & 7 == CALL:
                calls.setdefault((use.file, use.mark >> 4), []).append(_span(*use[:4]))
    for (number, place), spans in calls.items():
        caller = next((s for s in resolver.symbols_in(number) if s.place == place), None)
        if caller is not None:
            yield Call(symbol_of(caller), tuple(spans))
        else:
            top = _span(spans[0].path, 1, 1, 0)
            yield Call(Symbol(posixpath.basename(top.path), "module", "", top, top), tuple(spans))


def _callees(resolver: Resolver, query: Query) -> Iterator[Item]:
    _, found = _meant(resolver, query)
    calls: dict[Defined, list[Span]] = {}
    for caller in _targets(found):
        file = resolver.file(caller.path)
        within = resolver.symbols_in(caller.file)
        own = {s.place for s in within if s.from_line >= caller.from_line and s.to_line <= caller.to_line}
        for name, packed in resolver.reader.names_used_in(caller.file) if file is not None else ():
            for line, column, mark in places(packed):
                if mark & 7 != CALL or mark >> 4 not in own or file is None:
                    continue
                text = _line(resolver, file.path, line)
                meant = resolver.used(file, line, name, text[: column - 1])
                if meant.symbols:
                    calls.setdefault(meant.symbols[0], []).append(_span(file.path, line, column, len(name)))
    yield from (
        Call(symbol_of(s), tuple(spans)) for s, spans in sorted(calls.items(), key=lambda call: call[1][0].start.line)
    )


def _hover(resolver: Resolver, query: Query) -> Iterator[Item]:
    file, found = _meant(resolver, query)
    for symbol in found.symbols[:1]:
        head = f"```{symbol.language}\n{symbol.signature or symbol.name}\n```"
        place = f"{symbol.kind} in {symbol.path}:{symbol.line}"
        yield Hover("\n\n".join(part for part in (head, symbol.doc, place) if part), symbol_of(symbol).span)
    file = _home(resolver, file, found)
    if found.local is not None and file is not None:
        text = _line(resolver, file.path, found.local.line).strip()
        yield Hover(f"```\n{text}\n```\n\nlocal name, line {found.local.line}")


def _implementations(resolver: Resolver, query: Query) -> Iterator[Item]:
    _, found = _meant(resolver, query)
    for symbol in _targets(found):
        member = "" if symbol.kind in CLASSES else symbol.name
        owner = dotted(symbol) if not member else symbol.container
        for heir in _heirs(resolver, symbol.path, owner, set()):
            if not member:
                yield _location(resolver, heir.path, heir.line, heir.column, len(heir.name), heir.container)
                continue
            for own in resolver.symbols_in(heir.file):
                if own.name == member and own.container == dotted(heir):
                    yield _location(resolver, own.path, own.line, own.column, len(own.name), own.container)


def _mentions(resolver: Resolver, query: Query) -> Iterator[Item]:
    _, found = _meant(resolver, query)
    known = [(symbol.path, symbol.line, symbol.column) for symbol in found.symbols]
    asked = [(query.path, query.position.line, query.position.column)] if query.position else known[:1]
    for at in asked:
        yield from (_used(resolver, use) for use in mentions_of(resolver, at, query.meant, query.of))


def _heirs(resolver: Resolver, path: str, owner: str, told: set[tuple[str, str]]) -> Iterator[Defined]:
    """Classes made from one, and from these."""
    name = owner.rpartition(".")[2]
    for place, inner in resolver.reader.derived(name):
        file = resolver.file(place)
        if file is None or (place, inner) in told:
            continue
        heir = next((s for s in resolver.symbols_in(file.id) if dotted(s) == inner and s.kind in CLASSES), None)
        base = resolver.bare(file, heir.line, name) if heir is not None else Found()
        if heir is None or (base.symbols and all((s.path, dotted(s)) != (path, owner) for s in base.symbols)):
            continue
        told.add((place, inner))
        yield heir
        yield from _heirs(resolver, place, inner, told)


_ANSWERS: Final[dict[Operation, Callable[[Resolver, Query], Iterator[Item]]]] = {
    "workspace_symbols": _workspace_symbols,
    "document_symbols": _document_symbols,
    "definition": _definition,
    "references": _references,
    "callers": _callers,
    "callees": _callees,
    "hover": _hover,
    "implementations": _implementations,
    "mentions": _mentions,
}
KNOWN: Final = frozenset(_ANSWERS)
"""Operations that the index can answer."""


# ── what a query is about ─────────────────────────────────────────────────────────────────────────
def _meant(resolver: Resolver, query: Query) -> tuple[FileRow | None, Found]:
    """What a query's place or name means, and the file of the place."""
    if query.path and query.position is not None:
        file = _file(resolver, query.path)
        at = query.position
        if at.line < 1 or at.column < 1:
            raise BadInput("Lines and columns count from 1.")
        if at.line > max(len(resolver.lines(query.path)), 1):
            raise BadInput(f"{query.path} has no line {at.line}.")
        _, _, found = resolver.meaning(query.path, at.line, at.column)
        return file, found
    *outer, last = parts(query.name) or [""]
    if not last:
        raise BadInput("Say which symbol is meant: a file with a line and a column, or a name such as `Class.method`.")
    known = [s for s in resolver.named(last) if _stands_in(s, outer)] or resolver.named(query.name.strip())
    return None, Found(tuple(sorted(known, key=_weight)))


def _targets(found: Found) -> Sequence[Defined]:
    """The symbols that a question is about: all that it can mean by rule or by name, the best where it is a guess."""
    return found.symbols if found.exact else found.symbols[:MANY_CANDIDATES]


def _asked(symbols: Sequence[Defined]) -> Sequence[Defined]:
    """One of each that have their uses in common: overloads, a getter with its setter."""
    strict = {(s.path, s.container, s.name): s for s in symbols if s.language in STRICT}
    return [*strict.values(), *(s for s in symbols if s.language not in STRICT)]


def _home(resolver: Resolver, file: FileRow | None, found: Found) -> FileRow | None:
    """The file that a local name belongs to."""
    return resolver.file(found.elsewhere) if found.elsewhere else file


def parts(name: str) -> list[str]:
    """The names that a name path is made of; a namespace of PHP is none of them."""
    named = name.strip().removesuffix("()").rpartition("\\")[2]
    return [part for part in re.split(r"\.|::|#|->|/", named) if part]


def _stands_in(symbol: Defined, outer: Sequence[str]) -> bool:
    """Whether the dotted names before a symbol's own fit it: its containers, and before them its module's path."""
    if not outer:
        return True
    place = [
        *posixpath.splitext(symbol.path)[0].removesuffix("/__init__").split("/"),
        *filter(None, symbol.container.split(".")),
    ]
    at = 0
    for part in place:  # each of them, in order, the last one right before the name
        if at < len(outer) and part == outer[at]:
            at += 1
    return at == len(outer) and (not place or place[-1] == outer[-1] or not symbol.container)


def _file(resolver: Resolver, path: str) -> FileRow:
    file = resolver.file(path)
    if file is None:
        raise BadInput(
            f"{path or 'No file'} is not in the index; name a file of the workspace that git does not ignore."
        )
    return file


# ── values ────────────────────────────────────────────────────────────────────────────────────────
def symbol_of(row: Defined) -> Symbol:
    """A kept symbol as the value that everybody knows."""
    extent = Span(row.path, Position(row.from_line, row.from_column), Position(row.to_line, row.to_column))
    span = Span(row.path, Position(row.line, row.column), Position(row.line, row.end_column))
    return Symbol(row.name, row.kind, row.container, span, extent, row.signature, row.doc, row.language)


def _span(path: str, line: int, column: int, length: int) -> Span:
    return Span(path, Position(line, column), Position(line, column + length))


def _location(resolver: Resolver, path: str, line: int, column: int, length: int, within: str = "") -> Location:
    return Location(_span(path, line, column, length), _line(resolver, path, line).strip()[:300], within)


def _used(resolver: Resolver, use: Use) -> Location:
    within = next((dotted(s) for s in resolver.symbols_in(use.file) if s.place == use.mark >> 4), "")
    return _location(resolver, use.path, use.line, use.column, use.length, within)


def _line(resolver: Resolver, path: str, line: int) -> str:
    lines = resolver.lines(path)
    return lines[line - 1] if 0 < line <= len(lines) else ""
