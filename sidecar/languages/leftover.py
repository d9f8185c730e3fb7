"""What an answer about the whole project leaves over: places that bear the name and that its source gives to nothing else.

A language's tool lists the places of which it knows the type. `client.get()` on a parameter without a type, as tests take from
pytest's fixtures, it passes over without a sign. The index knows the places that bear the name; of each that the answer
lacks the tool is asked what it means. What it cannot tell may belong to the answer, and the answer says so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sidecar.core.errors import BadInput
from sidecar.core.ports import SymbolSource
from sidecar.core.symbols import Answer, Call, Item, Location, Operation, Position, Query, Span, Symbol, TextEdit

HELD: Final[frozenset[Operation]] = frozenset({"references", "callers", "implementations", "rename"})
MOST: Final = 200
"""So many places are asked about for one answer."""

SECONDS: Final = 2.0
"""Nor does that take longer: for the source itself, and again for jedi behind it."""

_INDEX_SECONDS: Final = 1.0
_SHARE: Final = 0.4
"""The share of the time left that may go into learning what there is to ask."""

_AT_ONCE: Final = {"editor": 4}
"""Questions in flight; the way to an editor is long, all others take one after the other anyway."""

_KNOWN: Final = 10_000
_GRACE: Final = 0.05
_UNSURE: Final = "There may be more places that bear this name, of which the index cannot tell yet. {why}"

Place = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Held:
    """Who takes part: the source that answered, the index, and jedi, which infers what a type checker does not (None where it answered)."""

    source: SymbolSource
    index: SymbolSource
    jedi: SymbolSource | None


@dataclass(slots=True)
class _Sorted:
    """What became of places: they mean the symbol, nobody can tell, nobody was asked. Those that mean something else are gone."""

    here: list[Location] = field(default_factory=list)
    dark: list[Location] = field(default_factory=list)
    unseen: list[Location] = field(default_factory=list)


async def held(by: Held, query: Query, answer: Answer) -> Answer:
    """The answer, fuller where its source knows of more when it is led there, and saying what it may lack.

    Within the query's deadline. Where the index does not know the place, or no symbol there, the answer stays as it is.
    """
    end, share = time.monotonic() + query.deadline, query.deadline * _SHARE
    meant = await _meant(by, query, min(share, SECONDS))
    look = replace(query, operation="mentions", of=query.operation, meant=meant, limit=_KNOWN)
    try:
        known = await in_time(by.index, replace(look, deadline=min(share, _INDEX_SECONDS)))
    except BadInput:
        return answer
    told = _places(answer.items)
    over = [m for m in known.items if isinstance(m, Location) and _place(m.span) not in told]
    if by.source is by.index:  # whatever may be an heir it counts as one
        return answer if query.operation == "implementations" else _saying(answer, _Sorted(dark=over), 0, query.limit)
    answer = await _sorted_out(by, query, answer, over, meant, end) if over else answer
    if known.status in {"partial", "warming"}:  # there may be more: it is being made, was late, or is behind the file
        return replace(answer, status="partial", note=_joined(answer.note, _UNSURE.format(why=known.note)))
    return answer


async def _sorted_out(
    by: Held, query: Query, answer: Answer, over: Sequence[Location], meant: Sequence[Span], end: float
) -> Answer:
    """The answer after each place that it passes over was asked about."""
    wanted = {_place(span) for span in meant}
    found = await _sort(by.source, over, wanted, end)
    if query.operation == "implementations":  # a base is no heir: that one is in the answer, under its own name
        found.here = []
    if found.here:
        answer = await _again(by.source, replace(query, deadline=end - time.monotonic()), answer)
        told = _places(answer.items)
        found.here = [m for m in found.here if _place(m.span) not in told]
    led = 0
    if by.jedi is not None and found.dark:
        second = await _sort(by.jedi, found.dark, wanted, end)
        led, found.dark = len(second.here), [*second.here, *second.dark, *second.unseen]
    return _saying(answer, found, led, query.limit)


async def in_time(source: SymbolSource, query: Query) -> Answer:
    """A source's answer, also where it does not keep its deadline. Raises BadInput for a place that is none."""
    try:
        async with asyncio.timeout(query.deadline + _GRACE):
            return await source.ask(query)
    except TimeoutError:
        return Answer("warming", source.name, note=f"{source.name} did not answer in time; ask again.")


async def _meant(by: Held, query: Query, seconds: float) -> tuple[Span, ...]:
    """Where the symbol is defined that is asked about; nothing where nobody knows, or the index is to say it by itself."""
    if by.source is by.index or query.position is None:
        return ()
    spans = await _definitions(by.source, query.path, query.position, seconds)
    return tuple(spans or (await _definitions(by.index, query.path, query.position, seconds) or [])[:1])


async def _definitions(source: SymbolSource, path: str, at: Position, seconds: float) -> list[Span] | None:
    """Where what stands at a place is defined, by one source: none where it cannot tell, None where it has not said."""
    try:
        answer = await in_time(source, Query("definition", path, at, deadline=seconds))
    except BadInput:
        return None
    spans = [item.span for item in answer.items if isinstance(item, Location)]
    return spans if spans or answer.status == "ready" else None


async def _sort(source: SymbolSource, mentions: Sequence[Location], wanted: set[Place], end: float) -> _Sorted:
    """Ask about each place alone, for as long as there is time."""
    found, asked, size = _Sorted(), list[Location](), _AT_ONCE.get(source.name, 1)
    for mention in mentions:
        (asked if source.knows("definition", mention.span.path) else found.dark).append(mention)
    end = min(end, time.monotonic() + SECONDS)
    for first in range(0, len(asked), size):
        left = end - time.monotonic()
        if left <= 0 or first >= MOST:
            found.unseen += asked[first:]
            break
        some = asked[first : first + size]
        spans = await asyncio.gather(*(_definitions(source, m.span.path, m.span.start, left) for m in some))
        for mention, defined in zip(some, spans, strict=True):
            if defined is None:
                found.unseen.append(mention)
            elif not defined:
                found.dark.append(mention)
            elif wanted & {_place(span) for span in defined}:
                found.here.append(mention)
    return found


async def _again(source: SymbolSource, query: Query, answer: Answer) -> Answer:
    """Ask once more: files that a source was led to belong to its project now."""
    if query.deadline <= 0:
        return answer
    fuller = await in_time(source, query)
    return fuller if fuller.status in {"ready", "partial"} and len(fuller.items) >= len(answer.items) else answer


def _saying(answer: Answer, found: _Sorted, led: int, limit: int) -> Answer:
    """The answer with what it may lack, in a number and in words; jedi leads the first `led` of the dark places to the symbol."""
    maybe, said = (*found.here, *found.dark), [answer.note]
    if found.dark:
        several = f"{len(found.dark)} more places use" if len(found.dark) > 1 else "1 more place uses"
        said.append(f"{several} this name on something whose type is not known and may mean it.")
    if led:
        said.append(f"Asked about each alone, jedi leads {led} of them here.")
    if found.here:
        several = f"{len(found.here)} more places" if len(found.here) > 1 else "1 more place"
        said.append(f"Asked about each alone, {answer.source} leads {several} here that it does not list.")
    if found.unseen:
        several = f"{len(found.unseen)} places bear" if len(found.unseen) > 1 else "1 place bears"
        said.append(f"{several} this name and could not be looked at in time; ask with a longer deadline.")
    if len(said) == 1:
        return answer
    return replace(answer, status="partial", note=_joined(*said), unresolved=len(maybe), maybe=maybe[:limit])


def _joined(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def _places(items: Iterable[Item]) -> set[Place]:
    """The places that an answer names."""
    found: set[Place] = set()
    for item in items:
        if isinstance(item, Call):
            found.update(_place(span) for span in item.places)
        elif isinstance(item, Location | TextEdit | Symbol):
            found.add(_place(item.span))
    return found


def _place(span: Span) -> Place:
    return span.path, span.start.line, span.start.column
