"""Symbols for the model: where a name is defined, who uses it, what a file holds; each answer says where it comes from."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any, Final

from sidecar.core.errors import BadInput, NotSupported
from sidecar.core.ports import SymbolSource
from sidecar.core.symbols import (
    Answer,
    Call,
    Diagnostic,
    Hover,
    Item,
    Location,
    Operation,
    Position,
    Query,
    Span,
    Symbol,
    TextEdit,
)
from sidecar.core.tool import Caller, Tool, ToolResult
from sidecar.tools.bench import Bench
from sidecar.tools.define import Input, also, define

_DEADLINE: Final = 10.0
_MOST_SEARCHED: Final = 2_000
"""So many symbols of a name are looked through for those of one file or language."""

_LANGUAGES: Final = {
    "c#": "c_sharp", "csharp": "c_sharp", "c++": "cpp", "tsx": "typescript", "typescriptreact": "typescript", "ts": "typescript",
    "javascriptreact": "javascript", "js": "javascript", "jsx": "javascript", "py": "python", "rb": "ruby", "rs": "rust",
    "kt": "kotlin", "golang": "go", "sh": "bash", "shell": "bash", "shellscript": "bash",
}  # fmt: skip
"""What languages are called besides: by editors, by their files' endings, by people."""

_MAYBE: Final = 20
"""So many places that may belong to an answer are shown; all of them are in its value."""


class Place(Input):
    """A place in a file, or a name."""

    path: str = also("path", "file", default="", about="The file, for a place.")
    line: int | None = also("line", default=None, about="Its line, from 1.", ge=1)
    column: int = also("column", "character", default=1, about="Its column in characters, from 1.", ge=1)
    name: str = also(
        "name", "symbol", default="", about="In place of that a name, such as `Class.method`.", max_length=500
    )
    limit: int = also("limit", default=100, about="How many at most.", ge=1, le=1_000)


class SymbolSearch(Input):
    """What to look for."""

    query: str = also("query", "name", "symbol", about="A name or part of one.", min_length=1, max_length=200)
    path: str = also("path", "file", default="", about="Only in this file.")
    language: str = also("language", default="", about="Only of this language, such as `python`.", max_length=40)
    limit: int = also("limit", default=50, about="How many at most.", ge=1, le=500)


class File(Input):
    """Which file."""

    path: str = also("path", "file", about="The file.")
    limit: int = also("limit", default=300, about="How many at most.", ge=1, le=2_000)


class Rename(Place):
    """What is to be called otherwise."""

    new_name: str = also("new_name", "to", about="The new name.", pattern=r"^[^\W\d]\w{0,200}$")


class Summary(Input):
    """Whether to look again."""

    refresh: bool = also("refresh", "rebuild", default=False, about="Look at the project again first.")


class SymbolTools:
    """The family; `tools` are what is offered: nothing where there is no source of symbols."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def tools(self) -> Iterator[Tool]:
        """What this family offers."""
        if self._bench.symbols is not None:
            yield define("symbols_search", "read", self.search)
            yield define("symbols_outline", "read", self.outline)
            yield define("symbols_definition", "read", self.definition)
            yield define("symbols_references", "read", self.references)
            yield define("symbols_implementations", "read", self.implementations)
            yield define("symbols_callers", "read", self.callers)
            yield define("symbols_callees", "read", self.callees)
            yield define("symbols_hover", "read", self.hover)
            yield define("symbols_diagnostics", "read", self.diagnostics)
            yield define("symbols_rename_preview", "read", self.rename_preview)
        if self._bench.summarizer is not None:
            yield define("symbols_summary", "read", self.summary)

    async def search(self, given: SymbolSearch, caller: Caller) -> ToolResult:
        """Find symbols (functions, classes, methods, …) of the workspace by their name or a part of it."""
        path, language = await self._path(given.path) if given.path else "", _plain(given.language)
        limit = _MOST_SEARCHED if path or language else given.limit
        answer = await self._ask(Query("workspace_symbols", name=given.query, limit=limit, deadline=_DEADLINE))
        wanted = [
            item
            for item in answer.items
            if isinstance(item, Symbol)
            and (not path or item.span.path == path)
            and (not language or _plain(item.language) == language)
        ]
        truncated = answer.truncated or len(wanted) > given.limit
        return _told(replace(answer, truncated=truncated), wanted[: given.limit])

    async def outline(self, given: File, caller: Caller) -> ToolResult:
        """List the symbols that a file defines, with their lines."""
        path = await self._path(given.path)
        return _told(await self._ask(Query("document_symbols", path=path, limit=given.limit, deadline=_DEADLINE)))

    async def definition(self, given: Place, caller: Caller) -> ToolResult:
        """Tell where the symbol at a place, or of a name, is defined."""
        return await self._at("definition", given)

    async def references(self, given: Place, caller: Caller) -> ToolResult:
        """List the places that use the symbol at a place, or of a name.

        Places of which nobody could tell the type come after them, with a question mark: they may be uses, too.
        """
        return await self._at("references", given)

    async def implementations(self, given: Place, caller: Caller) -> ToolResult:
        """List what implements (or overrides) the symbol at a place, or of a name."""
        return await self._at("implementations", given)

    async def callers(self, given: Place, caller: Caller) -> ToolResult:
        """List who calls the function at a place, or of a name."""
        return await self._at("callers", given)

    async def callees(self, given: Place, caller: Caller) -> ToolResult:
        """List what the function at a place, or of a name, calls."""
        return await self._at("callees", given)

    async def hover(self, given: Place, caller: Caller) -> ToolResult:
        """Tell the signature, type and documentation of the symbol at a place, or of a name."""
        return await self._at("hover", given)

    async def diagnostics(self, given: File, caller: Caller) -> ToolResult:
        """List what the language's checkers say about a file."""
        path = await self._path(given.path)
        return _told(await self._ask(Query("diagnostics", path=path, limit=given.limit, deadline=_DEADLINE)))

    async def rename_preview(self, given: Rename, caller: Caller) -> ToolResult:
        """Show which edits a rename would need; nothing is changed. Apply them with files_edit."""
        return await self._at("rename", given, new_name=given.new_name)

    async def summary(self, given: Summary, caller: Caller) -> ToolResult:
        """Tell what kind of project this is: languages, frameworks, layout, dependencies, how it is tested."""
        if self._bench.summarizer is None:
            raise NotSupported("There is no index here to summarize from.")
        return ToolResult(text=await self._bench.summarizer.summary(refresh=given.refresh))

    # ── how it is done ──────────────────────────────────────────────────────────────────────────────
    async def _at(self, operation: Operation, given: Place, new_name: str = "") -> ToolResult:
        if bool(given.name) == (given.line is not None):
            raise BadInput("Name either a place (`path`, `line` and `column`) or a symbol (`name`).")
        if given.line is not None and not given.path:
            raise BadInput("A line needs its file (`path`).")
        path = await self._path(given.path) if given.path else ""
        position = Position(given.line, given.column) if given.line is not None else None
        query = Query(operation, path, position, given.name, new_name, given.limit, _DEADLINE)
        return _told(await self._ask(query))

    async def _path(self, name: str) -> str:
        return (await asyncio.to_thread(self._bench.fence.for_reading, name)).name

    async def _ask(self, query: Query) -> Answer:
        source: SymbolSource | None = self._bench.symbols
        if source is None or not source.knows(query.operation, query.path):
            raise NotSupported(
                f"Nobody here can answer this ({query.operation}) for {query.path or 'names'}; search the text."
            )
        answer = await source.ask(query)
        if answer.status == "unsupported":
            raise NotSupported(answer.note or f"{answer.source} cannot answer this for {query.path or 'names'}.")
        return answer


def _plain(language: str) -> str:
    """A language by its one name."""
    return _LANGUAGES.get(language.lower(), language.lower())


def _told(answer: Answer, items: list[Any] | None = None) -> ToolResult:
    """An answer in lines, closed by who says it and what may be missing."""
    found: list[Item] = list(answer.items) if items is None else items
    lines = [_line(item) for item in found] or ["Nothing was found."]
    if answer.truncated:
        lines.append("[there are more; ask with a higher limit or for something narrower]")
    lines += [f"? {_line(place)}" for place in answer.maybe[:_MAYBE]]
    if len(answer.maybe) > _MAYBE:
        lines.append(f"[{answer.unresolved - _MAYBE} more places that may belong here]")
    state = f", {answer.status}: {answer.note or 'not whole yet'}" if answer.status != "ready" else ""
    state = f", {answer.note}" if answer.note and found and not state else state
    said = {name: getattr(answer, name) for name in ("source", "status", "truncated", "version", "note")}
    places = {"items": [asdict(item) for item in found], "maybe": [asdict(place) for place in answer.maybe]}
    return ToolResult(
        value={**said, "ms": round(answer.ms, 3), "unresolved": answer.unresolved, **places},
        text="\n".join([*lines, f"[{answer.source}{state}]"]),
    )


def _line(item: Item) -> str:
    match item:
        case Symbol():
            signature = f": {item.signature}" if item.signature else ""
            told = f"{_at(item.span)} {item.kind} {item.path}{signature}"
        case Location():
            within = f" (in {item.within})" if item.within else ""
            told = f"{_at(item.span)}{within} {item.text.strip()}".rstrip()
        case Call():
            places = ", ".join(f"{place.start.line}" for place in item.places)
            told = f"{_at(item.symbol.span)} {item.symbol.path}" + (f", calls at lines {places}" if places else "")
        case Hover():
            told = item.text
        case TextEdit():
            told = f"{_at(item.span)}-{item.span.end.line}:{item.span.end.column} becomes {item.text!r}"
        case Diagnostic():
            code = f" [{item.code}]" if item.code else ""
            told = f"{_at(item.span)} {item.severity}: {item.message}{code}" + (
                f" ({item.source})" if item.source else ""
            )
        case _:
            told = item.title
    return told


def _at(span: Span) -> str:
    return f"{span.path}:{span.start.line}:{span.start.column}"
