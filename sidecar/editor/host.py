"""The editor's own languages as a source of symbols: whatever extensions the user has installed answer through the bridge."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path, PurePath
from typing import Any, Final

from pydantic import ValidationError
from pygls.exceptions import JsonRpcException, JsonRpcMethodNotFound

from sidecar.core.symbols import Answer, Item, Operation, Query
from sidecar.editor.protocol import HOST_QUERY, HostAnswer, HostPosition, HostQuery, HostQuestion
from sidecar.languages.files import Files
from sidecar.languages.lsp import Reader, place_of
from sidecar.languages.uris import uri_from_path

IN_FLIGHT: Final = 4
MOST: Final = 1_000
_MARGIN: Final = 0.1
_FORGET: Final = 60.0
_WHAT: Final[Mapping[Operation, HostQuestion]] = {
    "definition": "definition",
    "type_definition": "typeDefinition",
    "implementations": "implementation",
    "references": "references",
    "hover": "hover",
    "document_symbols": "documentSymbols",
    "workspace_symbols": "workspaceSymbols",
    "callers": "callers",
    "callees": "callees",
    "rename": "rename",
    "diagnostics": "diagnostics",
    "code_actions": "codeActions",
}
_NOTES: Final = {
    "warming": "The editor's language support is still starting; ask again in some seconds.",
    "partial": "The editor's language support may not know everything yet.",
    "unsupported": "No extension in the editor answers this for this kind of file.",
}
_SCOPE: Final = "The editor checks only files that are open in a tab."


class HostSource:
    """Implements `core.ports.SymbolSource` named `editor`; `ask` sends a request to the editor.

    A language that nobody in the editor handles is not asked about again for a minute. What was answered is kept by the
    extension, which hears of every change of a document or file, and not here.
    """

    name = "editor"

    def __init__(self, folder: Path, ask: Callable[[str, Any], Awaitable[Any]]) -> None:
        self._folder = folder
        self._files = Files(folder)
        self._request = ask
        self._room = asyncio.Semaphore(IN_FLIGHT)
        self._silent: dict[tuple[Operation, str], float] = {}
        self._mute = False

    def knows(self, operation: Operation, path: str) -> bool:
        """Whether the editor may know this kind of file."""
        if self._mute or operation not in _WHAT or bool(path) == (operation == "workspace_symbols"):
            return False
        until = self._silent.get((operation, PurePath(path).suffix), 0.0)
        return asyncio.get_running_loop().time() >= until

    async def ask(self, query: Query) -> Answer:
        """The editor's answer, within the deadline. Raises BadInput for a place that is none."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        params = await asyncio.to_thread(self._question, query)
        try:
            async with asyncio.timeout(query.deadline), self._room:
                left = query.deadline - (loop.time() - began)
                params = params.model_copy(update={"deadline_ms": max(int(left * 1000 * (1 - _MARGIN)), 1)})
                said = await self._request(HOST_QUERY, params.model_dump(by_alias=True))
            answer = HostAnswer.model_validate(said)
            items = await asyncio.to_thread(self._items, query, answer)
        except TimeoutError:
            return Answer("warming", self.name, ms=_ms(began), note="The editor did not answer in time; ask again.")
        except JsonRpcMethodNotFound:
            self._mute = True
            return Answer("unsupported", self.name, ms=_ms(began), note="This editor has no bridge to its languages.")
        except (JsonRpcException, ValidationError, KeyError, TypeError, ValueError, AttributeError) as error:
            what = error.message if isinstance(error, JsonRpcException) else type(error).__name__
            return Answer("partial", self.name, ms=_ms(began), note=f"The editor's answer cannot be used ({what}).")
        if answer.status == "unsupported":
            self._silent[query.operation, PurePath(query.path).suffix] = loop.time() + _FORGET
        note = _SCOPE if answer.diagnostics_scope else _NOTES.get(answer.status, "")
        truncated = answer.truncated or len(items) > query.limit
        return Answer(answer.status, self.name, items[: query.limit], truncated, answer.version, _ms(began), note)

    async def aclose(self) -> None:
        """Nothing to end: the editor is not ours."""

    def _question(self, query: Query) -> HostQuery:
        uri = position = None
        if query.path:
            place = self._files.locate(query.path)
            # spelled as the editor spells its folder, so that it finds its own documents
            uri = uri_from_path(self._folder / self._files.relative(place))
            text = self._files.text(place)
            if query.position is not None and text is not None:
                self._files.check(text, query.position, query.path)
                position = HostPosition(**place_of(text, query.position))
        what, name = _WHAT[query.operation], query.new_name or query.name
        also = [uri_from_path(self._folder / path) for path in query.also]
        limit = min(query.limit + 1, MOST)
        return HostQuery(what=what, uri=uri, position=position, query=name, deadline_ms=1, limit=limit, also=also)

    def _items(self, query: Query, answer: HostAnswer) -> tuple[Item, ...]:
        reader = Reader(self._files, query)
        if query.operation == "rename":
            return tuple(item for each in answer.result for item in reader.items(each))
        return reader.items(answer.result)


def _ms(began: float) -> float:
    return (asyncio.get_running_loop().time() - began) * 1000
