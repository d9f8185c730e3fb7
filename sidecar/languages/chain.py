"""One question, several sources: the editor's own languages, jedi, a language server, and the index as the last resort.

The first whole answer counts. A source that is cold, cannot tell or fails hands on to the next, and when none is whole the
best of what was said is given, with what it lacks; what it passes over without a sign is looked for (`leftover`). Names are
first turned into places; one that means several is told.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from sidecar.core.errors import BadInput
from sidecar.core.ports import SymbolSource
from sidecar.core.symbols import Answer, Location, Operation, Query, Span, Symbol
from sidecar.languages.crosscheck import CHECKED, checked
from sidecar.languages.leftover import HELD, Held, held, in_time
from sidecar.languages.session import WIDE

_KEPT_BACK: Final = 0.25
"""The share of the time left that a source must leave to those behind it."""

_OTHERS_SECONDS: Final = 0.25
"""So long others are asked for a name while the index is being made and knows of none."""

_SHOWN: Final = 5
_PARTS: Final = re.compile(r"[.#/]+|::")
_FILE_ONLY: Final = frozenset({"document_symbols", "diagnostics"})


class Chain:
    """Implements `core.ports.Symbols` by the sources that it was given, best first, and those attached meanwhile.

    `jedi` is asked before servers about one place, after them about the whole project, which they know better.
    """

    name = "symbols"

    def __init__(self, sources: Sequence[SymbolSource]) -> None:
        self._own = tuple(sources)
        self._sources = list(sources)

    # ── core.ports.Symbols ──────────────────────────────────────────────────────────────────────────
    def attach(self, source: SymbolSource, *, last: bool = False) -> Callable[[], None]:
        """Ask this source before all others, or after them; the result ends it. Whoever attaches it closes it."""
        self._sources.insert(len(self._sources) if last else 0, source)

        def end() -> None:
            if source in self._sources:
                self._sources.remove(source)

        return end

    def knows(self, operation: Operation, path: str) -> bool:
        """Always: where nobody can tell, the answer says so."""
        return True

    async def ask(self, query: Query) -> Answer:
        """The best answer within the deadline. Raises BadInput for a question that is none, or a place that is none."""
        began = time.monotonic()
        _check(query)
        if query.name and query.position is None and query.operation not in {"workspace_symbols", *_FILE_ONLY}:
            answer = await self._ask_by_name(query)
        else:
            answer = await self._ask_in_turn(query)
        return replace(answer, ms=(time.monotonic() - began) * 1000)

    async def aclose(self) -> None:
        """End what the sources started."""
        for source in self._own:
            await source.aclose()

    # ── one after the other ─────────────────────────────────────────────────────────────────────────
    def _in_order(self, query: Query) -> list[SymbolSource]:
        asked = [source for source in self._sources if source.knows(query.operation, query.path)]
        if query.operation == "mentions":
            return [source for source in asked if source.name == "index"]
        if query.operation == "workspace_symbols":  # only the index knows every file
            return sorted(asked, key=lambda source: source.name != "index")
        if query.operation in WIDE:
            last = {"jedi": 1, "index": 2}
            return sorted(asked, key=lambda source: last.get(source.name, 0))
        return asked

    async def _ask_in_turn(self, query: Query) -> Answer:
        end = time.monotonic() + query.deadline
        answer, source = await self._first_whole(query, end)
        index, left = self._index("mentions", query.path), end - time.monotonic()
        whole = answer.status == "ready" or (answer.status == "partial" and answer.items)
        if query.operation not in HELD or query.position is None or not whole or answer.truncated or left <= 0:
            return answer
        if source is None or index is None:
            return answer
        jedi = next((each for each in self._sources if each.name == "jedi" and each is not source), None)
        return await held(Held(source, index, jedi), replace(query, deadline=left), answer)

    async def _first_whole(self, query: Query, end: float) -> tuple[Answer, SymbolSource | None]:
        """The first whole answer, or the best part, and whose it is."""
        said: list[tuple[Answer, SymbolSource]] = []
        sources = self._in_order(query)
        for number, source in enumerate(sources, 1):
            left = end - time.monotonic()
            if left <= 0 or (source.name == "index" and any(a.items and a.status == "partial" for a, _ in said)):
                break  # what a language's own tool found, if not all, is worth more than what only reads
            share = left if number == len(sources) else left * (1 - _KEPT_BACK)
            answer = await in_time(source, replace(query, deadline=share))
            if source.name == "editor" and query.operation in CHECKED and answer.status == "ready":
                answer = await self._checked(source, replace(query, deadline=end - time.monotonic()), answer)
            if answer.status == "ready" and (answer.items or not _goes_on(query, sources[number:])):
                return _without(answer, said, query), source
            said.append((answer, source))
            if query.operation == "workspace_symbols" and source.name == "index" and answer.status == "warming":
                if answer.items:
                    break
                end = min(end, time.monotonic() + _OTHERS_SECONDS)  # who types a name waits for no project to be read
                sources[number:] = [each for each in sources[number:] if each.name != "jedi"]  # it would read all of it
        return _best(said)

    def _index(self, operation: Operation, path: str) -> SymbolSource | None:
        """The index, where there is one that answers such questions."""
        return next((each for each in self._sources if each.name == "index" and each.knows(operation, path)), None)

    async def _checked(self, editor: SymbolSource, query: Query, answer: Answer) -> Answer:
        """The editor's answer, made whole where the index knows of more."""
        index = self._index("references", query.path)
        if index is None or query.deadline <= 0:
            return answer
        return await checked(editor, index, query, answer)

    # ── names ───────────────────────────────────────────────────────────────────────────────────────
    async def _ask_by_name(self, query: Query) -> Answer:
        """Find the name, then ask about its place."""
        began = time.monotonic()
        *outer, last = [part for part in _PARTS.split(query.name) if part] or [""]
        look = replace(
            query, operation="workspace_symbols", name=last, path="", deadline=query.deadline * 0.5, limit=1_000
        )
        if query.path:
            look = replace(look, operation="document_symbols", path=query.path, name="")
        found, named = await self._named(look, query.name, outer, last)
        places = {(symbol.span.path, symbol.span.start): symbol for symbol in named}
        if not places and found.truncated:
            note = f"Nothing is called {query.name} among the first {len(found.items)} names; ask about its place."
            return replace(found, status="partial", items=(), note=note)
        if not places:
            lacking = found.status == "ready"
            note = found.note if not lacking else f"Nothing is called {query.name} here."
            return replace(found, items=(), truncated=False, note=note)
        several = _several(query.name, list(places.values()), more=found.truncated)
        if query.operation == "definition":
            items = tuple(Location(symbol.span, symbol.signature, symbol.container) for symbol in places.values())
            more = found.truncated or len(items) > query.limit
            note = found.note or (several if len(items) > 1 else "")
            return replace(found, items=items[: query.limit], truncated=more, note=note)
        if len(places) > 1:
            return replace(found, status="partial", items=(), truncated=False, note=f"{several} Ask about one of them.")
        ((path, start),) = places
        left = max(query.deadline - (time.monotonic() - began), 0.1)
        return await self._ask_in_turn(replace(query, name="", path=path, position=start, deadline=left))

    async def _named(self, look: Query, name: str, outer: Sequence[str], last: str) -> tuple[Answer, list[Symbol]]:
        """The symbols of a name, and the answer that told them: `truncated` where there may be more of them."""
        found = await self._ask_in_turn(look)
        named = [item for item in found.items if isinstance(item, Symbol) and _is_called(item, outer, last)]
        index = self._index("workspace_symbols", "") if outer and look.operation == "workspace_symbols" else None
        if index is not None and found.status != "warming" and (not named or found.truncated):
            whole = await in_time(index, replace(look, name=name))  # it knows name paths, and those of modules
            called = [item for item in whole.items if isinstance(item, Symbol) and item.name == last]
            if called:
                found, named = whole, [item for item in called if _is_called(item, outer, last)] or called
        cut = found.truncated and (found.source != "index" or len(named) == len(found.items))  # its best come first
        return replace(found, truncated=cut), named


def _check(query: Query) -> None:
    """Raises BadInput for a question that lacks something."""
    place = bool(query.path) and query.position is not None
    if query.operation in _FILE_ONLY:
        enough, wanted = bool(query.path), "a file"
    elif query.operation == "workspace_symbols":
        enough, wanted = bool(query.name), "a name"
    else:
        enough, wanted = place or bool(query.name), "a place (file, line, column) or a name"
    if not enough:
        raise BadInput(f"The question {query.operation} is about {wanted}; name it.")
    if query.operation == "rename" and not query.new_name:
        raise BadInput("A rename needs the new name.")
    if query.deadline <= 0 or query.limit <= 0:
        raise BadInput("Deadline and limit must be more than 0.")


def _goes_on(query: Query, behind: Sequence[SymbolSource]) -> bool:
    """Whether an empty answer, though whole by its source's own account, is worth asking on about."""
    return bool(behind) and query.operation in {"definition", "workspace_symbols", "hover"}


def _without(answer: Answer, said: Sequence[tuple[Answer, SymbolSource]], query: Query) -> Answer:
    """What the index says of the whole project, with who would know better and is not there."""
    if answer.source != "index" or query.operation not in WIDE:
        return answer
    notes = [answer.note, *(other.note for other, _ in said if other.status == "unsupported")]
    return replace(answer, note=" ".join(dict.fromkeys(note for note in notes if note)))


def _best(said: Sequence[tuple[Answer, SymbolSource]]) -> tuple[Answer, SymbolSource | None]:
    """The answer that says most; among empty ones the one with the best reason. What others said is added to its note."""
    if not said:
        return Answer("unsupported", "index", note="Nobody here can answer this for this file."), None
    worth = {"ready": 3, "partial": 2, "warming": 1, "unsupported": 0}
    best, source = max(said, key=lambda each: (bool(each[0].items), worth[each[0].status]))
    if best.status == "ready":
        return best, source
    notes = [best.note, *(answer.note for answer, _ in said if answer is not best and answer.note)]
    return replace(best, note=" ".join(dict.fromkeys(note for note in notes if note))), source


def _is_called(symbol: Symbol, outer: Sequence[str], last: str) -> bool:
    parts = [part for part in _PARTS.split(symbol.path) if part]
    return parts[-1:] == [last] and (not outer or parts[-1 - len(outer) : -1] == list(outer))


def _several(name: str, symbols: Sequence[Symbol], *, more: bool = False) -> str:
    shown = ", ".join(f"{symbol.path} ({_where(symbol.span)})" for symbol in symbols[:_SHOWN])
    rest = f" and {len(symbols) - _SHOWN} more" if len(symbols) > _SHOWN else ""
    return f"{len(symbols)}{' or more' if more else ''} symbols are called {name}: {shown}{rest}."


def _where(span: Span) -> str:
    return f"{span.path}:{span.start.line}:{span.start.column}"
