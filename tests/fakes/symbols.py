"""A working source of symbols for Python files of a folder, by their text alone: it really finds, cuts and says what it cannot."""

from __future__ import annotations

import re
from pathlib import Path

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


class TextSymbols:
    """Implements `core.ports.SymbolSource`: `def` and `class` lines are definitions, whole words are uses."""

    name = "index"

    def __init__(self, root: Path) -> None:
        self._root = root
        self.asked: list[Query] = []
        self.status = "ready"

    def knows(self, operation: Operation, path: str) -> bool:
        return operation != "code_actions" and (not path or path.endswith(".py"))

    async def ask(self, query: Query) -> Answer:
        self.asked.append(query)
        if query.operation == "implementations":
            return Answer("unsupported", self.name, note="Text alone does not tell what implements what.")
        found = self._answer(query)
        note = "The index is still being built." if self.status != "ready" else ""
        return Answer(self.status, self.name, tuple(found[: query.limit]), len(found) > query.limit, note=note)  # type: ignore[arg-type]

    async def aclose(self) -> None:
        return None

    def _answer(self, query: Query) -> list[Item]:
        name = query.name.rpartition(".")[2] or self._word(query)
        symbols = [symbol for path in sorted(self._root.rglob("*.py")) for symbol in self._symbols(path)]
        match query.operation:
            case "workspace_symbols":
                found: list[Item] = [symbol for symbol in symbols if query.name in symbol.name]
            case "document_symbols":
                found = [symbol for symbol in symbols if symbol.span.path == query.path]
            case "definition":
                found = [Location(symbol.span, symbol.signature) for symbol in symbols if symbol.name == name]
            case "hover":
                found = [Hover(f"`{symbol.signature}`") for symbol in symbols if symbol.name == name]
            case "callers" | "callees":
                found = [
                    Call(symbol, tuple(use.span for use in self._uses(name)))
                    for symbol in symbols
                    if symbol.name == name
                ]
            case "rename":
                found = [TextEdit(use.span, query.new_name) for use in self._uses(name)]
            case "diagnostics":
                found = [Diagnostic(self._span(query.path, 1, 1, 2), "warning", "It is only text.", "fake", "T1")]
            case _:
                found = list(self._uses(name))
        return found

    def _word(self, query: Query) -> str:
        if query.position is None:
            return ""
        line = (self._root / query.path).read_text().splitlines()[query.position.line - 1]
        return next((m[0] for m in re.finditer(r"\w+", line) if m.start() < query.position.column <= m.end() + 1), "")

    def _symbols(self, path: Path) -> list[Symbol]:
        relative = path.relative_to(self._root).as_posix()
        found = []
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if head := re.match(r"\s*(def|class) (\w+)", line):
                span = self._span(relative, number, head.start(2) + 1, head.end(2) + 1)
                kind = "function" if head[1] == "def" else "class"
                found.append(Symbol(head[2], kind, "", span, span, line.strip().rstrip(":"), language="python"))
        return found

    def _uses(self, name: str) -> list[Location]:
        found = []
        for path in sorted(self._root.rglob("*.py")):
            relative = path.relative_to(self._root).as_posix()
            for number, line in enumerate(path.read_text().splitlines(), 1):
                found += [
                    Location(self._span(relative, number, use.start() + 1, use.end() + 1), line)
                    for use in re.finditer(rf"\b{re.escape(name)}\b", line)
                ]
        return found

    def _span(self, path: str, line: int, start: int, end: int) -> Span:
        return Span(path, Position(line, start), Position(line, end))
