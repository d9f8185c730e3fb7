"""Find where a name is defined, by parsing just the files that hold it: nothing is kept, nothing can be stale.

It blocks, so it is called in a thread. Which files hold the name is told by the caller (`git grep -l`).
"""

from __future__ import annotations

import re
import stat
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tree_sitter import Node, Parser

from sidecar.index.grammars import Grammar, grammar_for, language

MAX_BYTES: Final = 1_000_000
"""Larger files are generated, or take longer than a question may."""

MAX_FOUND: Final = 100
_SECONDS: Final = 5.0
_VARIABLES: Final = frozenset({"assignment", "variable_declarator", "const_spec", "var_spec"})
_FUNCTIONS: Final = frozenset({"arrow_function", "function_expression", "function", "generator_function"})
_SIGNATURE: Final = 200


@dataclass(frozen=True, slots=True)
class Definition:
    """One place where a name is defined.

    `path` is relative to the root, with `/`; `line` counts from 1; `container` is what it stands in (`Cart`,
    `Cart.add`), empty at the top; `signature` is its head on one line, without the body.
    """

    path: str
    line: int
    kind: str
    container: str
    signature: str


@dataclass(frozen=True, slots=True)
class Found:
    """What a search brought. `complete` is False when its time or its number of results ran out first."""

    definitions: tuple[Definition, ...]
    files: int
    complete: bool = True


def find_definitions(root: Path, name: str, files: Iterable[str], *, seconds: float = _SECONDS) -> Found:
    """Where `name` (`total`, `Cart.total`, `Cart::total`) is defined in the given files (relative to the root).

    Files that cannot be read, are no regular files, binary, huge or in a language without a grammar are passed over.
    Definitions come ordered by path and line.
    """
    *outer, last = [part for part in re.split(r"\.|::|#", name.strip()) if part] or [""]
    wanted = last.encode()
    end = time.monotonic() + seconds
    found: list[Definition] = []
    parsers: dict[str, Parser] = {}
    looked_at = 0
    for path in sorted(set(files)) if wanted else ():
        if time.monotonic() > end or len(found) >= MAX_FOUND:
            return Found(tuple(found[:MAX_FOUND]), looked_at, complete=False)
        grammar = grammar_for(path)
        source = _read(root / path) if grammar else None
        if grammar is None or source is None or wanted not in source:
            continue
        if grammar.name not in parsers:
            parsers[grammar.name] = Parser(language(grammar.name))
        looked_at += 1
        tree = parsers[grammar.name].parse(source)
        found.extend(d for d in _in_file(path, tree.root_node, wanted, source, grammar) if _stands_in(d, outer))
    return Found(tuple(found), looked_at)


def _read(path: Path) -> bytes | None:
    """A regular file's bytes; None for anything else. A link is not followed: it may lead out of the workspace."""
    try:
        facts = path.lstat()
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > MAX_BYTES:
            return None
        source = path.read_bytes()
    except OSError:
        return None
    return None if b"\0" in source[:8192] else source


def _in_file(path: str, root: Node, name: bytes, source: bytes, grammar: Grammar) -> Iterator[Definition]:
    for match in re.finditer(rb"(?<![\w$])" + re.escape(name) + rb"(?![\w$])", source):
        node = root.descendant_for_byte_range(match.start(), match.end())
        definition = _defining(node, grammar) if node is not None and node.text == name else None
        if node is None or definition is None:
            continue
        container = _container(definition, grammar)
        yield Definition(
            path, node.start_point.row + 1, _kind(definition, grammar, container), container, _signature(definition)
        )


def _defining(node: Node, grammar: Grammar) -> Node | None:
    """The node that defines what `node` names, or None when `node` only uses it."""
    parent = node.parent
    shape = grammar.shapes.get(parent.type) if parent is not None else None
    if parent is None or shape is None or node not in parent.children_by_field_name(shape[0]):
        return None
    if parent.type in _VARIABLES and not _is_shared(parent, grammar):
        return None
    return parent


def _is_shared(variable: Node, grammar: Grammar) -> bool:
    """Whether a variable stands where others can see it, and not inside a function."""
    node = variable.parent
    while node is not None:
        if node.type in grammar.top:
            return True
        if "function" in node.type or node.type in {"method_definition", "method_declaration", "lambda"}:
            return False
        inner = node.type in {"block", "statement_block"}
        if inner and (node.parent is None or node.parent.type not in grammar.top | {"internal_module"}):
            return False
        node = node.parent
    return False


def _kind(definition: Node, grammar: Grammar, container: str) -> str:
    kind = grammar.shapes[definition.type][1]
    value = definition.child_by_field_name("value") or definition.child_by_field_name("type")
    if kind == "variable" and value is not None and value.type in _FUNCTIONS:
        return "function"
    if definition.type == "type_spec" and value is not None:
        return {"struct_type": "struct", "interface_type": "interface"}.get(value.type, kind)
    if kind == "function" and container and _within_type(definition, grammar):
        return "method"
    return kind


def _within_type(definition: Node, grammar: Grammar) -> bool:
    node = definition.parent
    while node is not None and node.type not in grammar.scopes:
        node = node.parent
    return node is not None and node.type in {"class_definition", "impl_item", "trait_item"}


def _container(definition: Node, grammar: Grammar) -> str:
    names: list[str] = []
    receiver = definition.child_by_field_name("receiver")
    if receiver is not None:
        names.extend(re.findall(r"\w+", _text(receiver))[-1:])
    node = definition.parent
    while node is not None:
        field = grammar.scopes.get(node.type)
        named = node.child_by_field_name(field) if field else None
        if named is not None:
            names.append(_text(named))
        node = node.parent
    return ".".join(reversed(names))


def _stands_in(definition: Definition, outer: list[str]) -> bool:
    containers = re.sub(r"<[^>]*>", "", definition.container).split(".")
    return not outer or containers[-len(outer) :] == outer


def _signature(definition: Node) -> str:
    """The head of a definition, on one line: up to its body, or its first line where it has none."""
    body = definition.child_by_field_name("body")
    text = _text(definition)
    if body is not None:
        raw = definition.text or b""
        text = raw[: body.start_byte - definition.start_byte].decode("utf-8", "replace")
    else:
        text = text.split("\n", 1)[0]
    head = " ".join(text.split()).rstrip(" {:")
    return head if len(head) <= _SIGNATURE else head[: _SIGNATURE - 1] + "…"


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")
