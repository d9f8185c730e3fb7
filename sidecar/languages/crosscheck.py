"""What an editor says of the whole project, checked against the index: an extension may look at a part of it only, without a sign.

A project's own configuration says what its tools look at (`include` of pyright, `files` of TypeScript); tests and examples are
often none of it. Where the index knows uses in files that the editor's answer passes over, these files are opened for it,
and it is asked again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from sidecar.core.errors import BadInput
from sidecar.core.ports import SymbolSource
from sidecar.core.symbols import Answer, Call, Item, Location, Operation, Query, Symbol, TextEdit

CHECKED: Final[frozenset[Operation]] = frozenset({"references", "callers", "rename"})
MOST: Final = 40
"""So many files are opened for one question; the editor's other extensions see them too."""

_INDEX_SECONDS: Final = 1.0
_KNOWN: Final = 10_000


async def checked(editor: SymbolSource, index: SymbolSource, query: Query, answer: Answer) -> Answer:
    """The answer, or a fuller one, within the query's deadline; partial where the editor does not get so far."""
    end = time.monotonic() + query.deadline
    look = replace(query, operation="references", limit=_KNOWN, deadline=min(_INDEX_SECONDS, query.deadline))
    try:
        known = await index.ask(look)
    except BadInput:  # the index has no such file, or no such line yet
        return answer
    passed_over = sorted(_files(known.items) - _files(answer.items))
    left = end - time.monotonic()
    if answer.truncated or not passed_over or left <= 0:
        return answer
    try:
        async with asyncio.timeout(left):
            fuller = await editor.ask(replace(query, also=tuple(passed_over[:MOST]), deadline=left))
    except TimeoutError:
        fuller = Answer("warming", editor.name)
    if fuller.status != "ready":
        return replace(answer, status="partial", note=_note(len(passed_over)))
    more = _files(fuller.items) - _files(answer.items)
    if more and len(passed_over) > MOST:
        return replace(fuller, status="partial", note=_note(len(passed_over) - MOST))
    return fuller


def _note(count: int) -> str:
    several = "1 more file" if count == 1 else f"{count} more files"
    return f"The editor looks at a part of the project; {several} may use it, as the index has it."


def _files(items: Iterable[Item]) -> set[str]:
    """The files that an answer speaks of."""
    found: set[str] = set()
    for item in items:
        if isinstance(item, Call):
            found.update(place.path for place in item.places)
        elif isinstance(item, Location | TextEdit | Symbol):
            found.add(item.span.path)
    return found
