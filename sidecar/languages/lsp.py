"""The Language Server Protocol's answers as values of ours, whoever gave them: a server, or the editor's own languages.

Lines and UTF-16 units from 0 become lines and characters from 1 here. What does not have the form that LSP gives it raises
KeyError, TypeError, ValueError or AttributeError: whoever asked tells that as a fault of the answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any, Final

from sidecar.core.symbols import (
    Call,
    CodeAction,
    Diagnostic,
    Hover,
    Item,
    Location,
    Operation,
    Position,
    Query,
    Severity,
    Span,
    Symbol,
    TextEdit,
)
from sidecar.languages.files import Files, Text, utf16
from sidecar.languages.uris import path_from_uri

Json = Any

METHODS: Final[Mapping[Operation, tuple[str, str]]] = {
    "definition": ("textDocument/definition", "definitionProvider"),
    "type_definition": ("textDocument/typeDefinition", "typeDefinitionProvider"),
    "implementations": ("textDocument/implementation", "implementationProvider"),
    "references": ("textDocument/references", "referencesProvider"),
    "hover": ("textDocument/hover", "hoverProvider"),
    "document_symbols": ("textDocument/documentSymbol", "documentSymbolProvider"),
    "workspace_symbols": ("workspace/symbol", "workspaceSymbolProvider"),
    "callers": ("callHierarchy/incomingCalls", "callHierarchyProvider"),
    "callees": ("callHierarchy/outgoingCalls", "callHierarchyProvider"),
    "rename": ("textDocument/rename", "renameProvider"),
    "diagnostics": ("textDocument/diagnostic", "diagnosticProvider"),
    "code_actions": ("textDocument/codeAction", "codeActionProvider"),
}
"""What a question is called in LSP, and how a server says that it can answer it."""

KINDS: Final = [
    "symbol",
    "file",
    "module",
    "namespace",
    "package",
    "class",
    "method",
    "property",
    "field",
    "constructor",
    "enum",
    "interface",
    "function",
    "variable",
    "constant",
    "string",
    "number",
    "boolean",
    "array",
    "object",
    "key",
    "null",
    "member",
    "struct",
    "event",
    "operator",
    "type",
]
_SEVERITIES: Final[tuple[Severity, ...]] = ("error", "error", "warning", "information", "hint")

LANGUAGES: Final[Mapping[str, str]] = {
    ".py": "python", ".pyi": "python", ".js": "javascript", ".mjs": "javascript", ".cjs": "javascript",
    ".jsx": "javascriptreact", ".ts": "typescript", ".mts": "typescript", ".cts": "typescript",
    ".tsx": "typescriptreact", ".go": "go", ".rs": "rust", ".java": "java", ".c": "c", ".h": "c", ".cc": "cpp",
    ".cpp": "cpp", ".cxx": "cpp", ".hh": "cpp", ".hpp": "cpp", ".hxx": "cpp", ".cs": "csharp", ".rb": "ruby",
    ".php": "php", ".kt": "kotlin", ".kts": "kotlin", ".swift": "swift", ".scala": "scala", ".sc": "scala",
    ".sh": "shellscript", ".bash": "shellscript",
}  # fmt: skip
"""Suffixes and the names that LSP gives their languages."""


def language_of(path: str) -> str:
    """The language of a file by its suffix; empty where it is not known."""
    return LANGUAGES.get(PurePath(path).suffix.lower(), "")


def place_of(text: Text, position: Position) -> dict[str, int]:
    """A position as LSP writes it."""
    return {"line": position.line - 1, "character": utf16(text.line(position.line), position.column)}


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the answers to one query. It looks into files (for columns and lines), so it is called in a thread."""

    files: Files
    query: Query

    def items(self, result: Json) -> tuple[Item, ...]:
        """The answer's items, in the answer's order, none twice."""
        readers: Mapping[Operation, Callable[[Json], Iterator[Item]]] = {
            "hover": self._hover,
            "document_symbols": self._symbols,
            "workspace_symbols": self._symbols,
            "callers": self._calls,
            "callees": self._calls,
            "rename": self._edits,
            "diagnostics": self._diagnostics,
            "code_actions": self._actions,
        }
        read = readers.get(self.query.operation, self._locations)
        return tuple(dict.fromkeys(read(result)))

    def _span(self, uri: str, lsp_range: Json) -> Span | None:
        found = self.files.span(uri, lsp_range)
        return found[0] if found else None

    def _locations(self, result: Json) -> Iterator[Location]:
        for each in result if isinstance(result, list) else [result] if result else []:
            uri = each.get("targetUri") or each["uri"]
            found = self.files.span(uri, each.get("targetSelectionRange") or each.get("targetRange") or each["range"])
            if found is not None:
                span, text = found
                yield Location(span, text.line(span.start.line).strip()[:300] if text else "")

    def _hover(self, result: Json) -> Iterator[Hover]:
        for each in result if isinstance(result, list) else [result] if result else []:
            text = "\n\n".join(_marked(each["contents"])).strip()
            if text:
                yield Hover(text)

    def _symbols(self, result: Json, container: str = "") -> Iterator[Symbol]:
        for each in result or ():
            inner = "location" in each
            uri = each["location"]["uri"] if inner else self.files.uri(self.files.locate(self.query.path))
            # workspace symbols may come without a range: then the file is known, and no more
            whole = each["location"].get("range", _NOWHERE) if inner else each["range"]
            extent = self._span(uri, whole)
            span = extent if inner else self._span(uri, each["selectionRange"])
            if span is None or extent is None:
                continue
            name = str(each["name"])
            if inner:
                span = self._named(name, uri, extent)
            within = (each.get("containerName") or "") if inner else container
            yield self._symbol(name, each, within, span, extent)
            path = f"{container}.{name}" if container else name
            yield from self._symbols(each.get("children"), path)

    def _named(self, name: str, uri: str, extent: Span) -> Span:
        """Where the name stands in a definition of which only the whole is told (in its first lines, else its start)."""
        pure = path_from_uri(uri)
        text = self.files.text(Path(pure)) if pure is not None else None
        last = re.split(r"[.:#]", name)[-1]
        start = extent.start
        for number in range(start.line, min(start.line + 10, extent.end.line) + 1) if text and last else ():
            first = start.column - 1 if number == start.line else 0
            found = re.compile(rf"(?<![\w$]){re.escape(last)}(?![\w$])").search(
                text.line(number) if text else "", first
            )
            if found is not None:
                return Span(extent.path, Position(number, found.start() + 1), Position(number, found.end() + 1))
        return replace(extent, end=start)

    def _symbol(self, name: str, each: Json, container: str, span: Span, extent: Span) -> Symbol:
        kind = int(each.get("kind", 0))
        return Symbol(
            name=name,
            kind=KINDS[kind] if 0 <= kind < len(KINDS) else KINDS[0],
            container=container,
            span=span,
            extent=extent,
            signature=str(each.get("detail") or ""),
            language=language_of(span.path),
        )

    def _calls(self, result: Json) -> Iterator[Call]:
        side = "from" if self.query.operation == "callers" else "to"
        for each in result or ():
            item = each[side]
            extent, span = (self._span(item["uri"], item[key]) for key in ("range", "selectionRange"))
            if extent is None or span is None:
                continue
            # the calls of whoever is asked about stand in the file that was asked about
            uri = item["uri"] if side == "from" else each.get("askedUri", item["uri"])
            places = tuple(place for r in each["fromRanges"] if (place := self._span(uri, r)) is not None)
            yield Call(self._symbol(str(item["name"]), item, "", span, extent), places)

    def _edits(self, result: Json) -> Iterator[TextEdit]:
        if not result:
            return
        for uri, edits in (result.get("changes") or {}).items():
            yield from self._edits_of(uri, edits)
        for change in result.get("documentChanges") or ():
            if "edits" in change:
                yield from self._edits_of(change["textDocument"]["uri"], change["edits"])

    def _edits_of(self, uri: str, edits: Json) -> Iterator[TextEdit]:
        for edit in edits:
            span = self._span(uri, edit["range"])
            if span is not None:
                yield TextEdit(span, str(edit["newText"]))

    def _diagnostics(self, result: Json) -> Iterator[Diagnostic]:
        own = self.files.uri(self.files.locate(self.query.path)) if self.query.path else ""
        for each in (result.get("items") if isinstance(result, dict) else result) or ():
            span = self._span(each.get("uri", own), each["range"])
            severity = int(each.get("severity") or 1)
            if span is not None:
                code = each.get("code", "")
                yield Diagnostic(
                    span,
                    _SEVERITIES[severity if 0 < severity < len(_SEVERITIES) else 1],
                    str(each["message"]),
                    str(each.get("source") or ""),
                    str(code.get("value", "") if isinstance(code, dict) else "" if code is None else code),
                )

    def _actions(self, result: Json) -> Iterator[CodeAction]:
        for each in result or ():
            yield CodeAction(str(each["title"]), str(each.get("kind") or ""), tuple(self._edits(each.get("edit"))))


_NOWHERE: Final = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}


def _marked(contents: Json) -> Iterator[str]:
    """Every form that LSP has for a hover's text, as Markdown."""
    if isinstance(contents, str):
        yield contents
    elif isinstance(contents, list):
        for part in contents:
            yield from _marked(part)
    elif "language" in contents:
        yield f"```{contents['language']}\n{contents['value']}\n```"
    else:
        yield str(contents["value"])
