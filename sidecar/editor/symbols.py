"""Symbols for the editor from the workspace's index, for the languages that nobody else outlines."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from lsprotocol import types

from sidecar.core.errors import BadInput
from sidecar.core.ports import SymbolIndex
from sidecar.core.symbols import Position, Query, Span, Symbol
from sidecar.editor.places import Places

MOST: Final = 300
_MORE: Final = f"The first {MOST} are shown; there are more."
IDS: Final[Mapping[str, tuple[str, ...]]] = {
    "python": ("python",),
    "javascript": ("javascript", "javascriptreact"),
    "typescript": ("typescript",),
    "tsx": ("typescriptreact",),
    "go": ("go",),
    "rust": ("rust",),
    "java": ("java",),
    "c": ("c",),
    "cpp": ("cpp",),
    "c_sharp": ("csharp",),
    "ruby": ("ruby",),
    "php": ("php",),
    "kotlin": ("kotlin",),
    "swift": ("swift",),
    "scala": ("scala",),
    "bash": ("shellscript",),
    "sql": ("sql",),
}
"""The index's languages, and what VS Code calls them."""

BUILT_IN: Final = frozenset({"javascript", "javascriptreact", "typescript", "typescriptreact"})
"""VS Code outlines these by itself."""

OPTION: Final = "symbolLanguages"
"""The initialization option: language ids that no other extension handles, as only the editor can know."""

_KINDS: Final = {
    "module": types.SymbolKind.Module,
    "class": types.SymbolKind.Class,
    "interface": types.SymbolKind.Interface,
    "trait": types.SymbolKind.Interface,
    "struct": types.SymbolKind.Struct,
    "union": types.SymbolKind.Struct,
    "table": types.SymbolKind.Struct,
    "view": types.SymbolKind.Struct,
    "enum": types.SymbolKind.Enum,
    "type": types.SymbolKind.TypeParameter,
    "function": types.SymbolKind.Function,
    "macro": types.SymbolKind.Function,
    "trigger": types.SymbolKind.Event,
    "method": types.SymbolKind.Method,
    "constructor": types.SymbolKind.Constructor,
    "property": types.SymbolKind.Property,
    "field": types.SymbolKind.Field,
    "column": types.SymbolKind.Field,
    "constant": types.SymbolKind.Constant,
    "index": types.SymbolKind.Key,
}


def chosen(options: Mapping[str, Any]) -> frozenset[str]:
    """The language ids that are served: those that the editor named, else all but what VS Code does by itself."""
    known = {id_ for ids in IDS.values() for id_ in ids}
    named = options.get(OPTION)
    if isinstance(named, Sequence) and not isinstance(named, str):
        return frozenset(name for name in named if isinstance(name, str) and name in known)
    return frozenset(known - BUILT_IN)


class Symbols:
    """What the index says, in the editor's words."""

    def __init__(self, index: SymbolIndex, folder: Path | None, languages: Collection[str]) -> None:
        self.index = index
        self.places = Places.of(index.root, folder)
        self._served = {name for name, ids in IDS.items() if set(ids) & set(languages)}

    async def outline(self, uri: str) -> list[types.DocumentSymbol]:
        """The symbols of a file as a tree; none for a language that somebody else serves."""
        path = self.places.relative(uri)
        if path is None:
            return []
        try:
            answer = await self.index.ask(Query("document_symbols", path=path, limit=10_000))
        except BadInput:
            return []  # a file that belongs into no index
        symbols = [item for item in answer.items if isinstance(item, Symbol) and item.language in self._served]
        columns = await asyncio.to_thread(_Columns, Path(self.index.root)) if symbols else None
        return _tree(symbols, columns) if columns is not None else []

    async def search(self, text: str) -> tuple[list[types.SymbolInformation], str]:
        """Symbols of the workspace by name, and what is missing among them, which the protocol has no place for."""
        if not text:
            return [], ""
        answer = await self.index.ask(Query("workspace_symbols", name=text, limit=MOST))
        symbols = [s for s in answer.items if isinstance(s, Symbol) and s.language in self._served]
        lacks = f"{answer.note} {_MORE if answer.truncated else ''}".strip()

        def told() -> list[types.SymbolInformation]:
            columns = _Columns(Path(self.index.root))
            return [
                types.SymbolInformation(
                    types.Location(self.places.uri(s.span.path), columns.range(s.span)),
                    s.name,
                    kind_of(s),
                    container_name=s.container,
                )
                for s in symbols
            ]

        return await asyncio.to_thread(told), lacks


def kind_of(symbol: Symbol) -> types.SymbolKind:
    """A symbol's kind as the protocol numbers it."""
    return _KINDS.get(symbol.kind, types.SymbolKind.Variable)


class _Columns:
    """From characters to UTF-16 units, by the files' own lines; it blocks."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lines: dict[str, list[str]] = {}

    def range(self, span: Span) -> types.Range:
        return types.Range(self._position(span.path, span.start), self._position(span.path, span.end))

    def _position(self, path: str, at: Position) -> types.Position:
        if path not in self._lines:
            try:
                self._lines[path] = (self._root / path).read_text("utf-8", "replace").split("\n")
            except OSError:
                self._lines[path] = []
        lines = self._lines[path]
        text = lines[at.line - 1][: at.column - 1] if at.line <= len(lines) else ""
        wide = 0 if text.isascii() else sum(ord(letter) > 0xFFFF for letter in text)
        return types.Position(at.line - 1, at.column - 1 + wide)


def _tree(symbols: Sequence[Symbol], columns: _Columns) -> list[types.DocumentSymbol]:
    """Symbols in what they stand in, by their extents."""
    roots: list[types.DocumentSymbol] = []
    open_: list[tuple[Symbol, types.DocumentSymbol]] = []
    for symbol in sorted(symbols, key=lambda s: (s.extent.start.line, s.extent.start.column, -s.extent.end.line)):
        node = types.DocumentSymbol(
            symbol.name or "?",
            kind_of(symbol),
            columns.range(symbol.extent),
            columns.range(symbol.span),
            symbol.signature,
            children=[],
        )
        while open_ and not _holds(open_[-1][0], symbol):
            open_.pop()
        siblings = roots if not open_ else open_[-1][1].children
        if isinstance(siblings, list):
            siblings.append(node)
        open_.append((symbol, node))
    return roots


def _holds(outer: Symbol, inner: Symbol) -> bool:
    end, start = outer.extent.end, inner.extent.start
    return (end.line, end.column) > (start.line, start.column)
