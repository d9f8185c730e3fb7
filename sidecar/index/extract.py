"""From a file's text to its facts: symbols, references, imports, base classes, local names. Pure, but for the parser.

One pass of a query over the tree gives all nodes of interest; two sweeps along the text put them into their scopes:
the first finds what each scope binds, the second which uses are of such a local name (they are no references) and
which symbol each of the others stands in.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate, count
from operator import add, attrgetter, itemgetter
from typing import Final, NamedTuple

from tree_sitter import Node, Parser, QueryCursor

from sidecar.core.defined import Defined, Local
from sidecar.index.grammars import BY_NAME, loaded
from sidecar.index.imports import Import, read_imports

READ: Final = 0
CALL: Final = 1
IMPORT: Final = 2
TYPE: Final = 3
MEMBER: Final = 8
"""A use's kind in the three lowest bits of its mark, whether it follows a dot in the fourth, the symbol it stands in above."""

_TYPES: Final = ("interface", "struct", "enum", "union", "trait", "class")
_LAST: Final = ("type", "method", "function", "constructor", "property", "constant", "variable", "field")
_OTHERS: Final = ("module", "macro", "table", "view", "index", "column", "trigger")
KINDS: Final = (*_TYPES, *_OTHERS, *_LAST)
"""All kinds of symbols. Of two that capture one name, the earlier counts."""

_CLASSLIKE: Final = frozenset({*_TYPES, "impl", "table"})
_BINDING: Final = ("member", "bind", "outer", "parameter")
_FIELDS: Final = ("name", "declarator", "left", "pattern", "property", "bound_identifier", "type")
_NO_OBJECT: Final = frozenset({"prototype", "exports", "module", "this", "self", "window", "globalThis"})
_SIGNATURE: Final = 200
_DOC: Final = 160
_DOCSTRING: Final = re.compile(rb"""[rRuU]{0,2}(\"{3}|'{3}|"|')\s*([^\n]*)""")
_LEGAL: Final = re.compile(rb"copyright|licen[cs]e|spdx", re.IGNORECASE)
_DIRECTIVE: Final = re.compile(
    rb"[\w-]+: \S+$|[\w.-]*coding[:=]|<\w|https?:|@\w|[et]slint|prettier|shellcheck|vim?:|\W+$"
)
"""Comments that are for tools, or say nothing."""

_WORD: Final = re.compile(r"\w+")
_NAME: Final = re.compile(
    rb"[A-Za-z_#@:~\x80-\xff][\w$\x80-\xff]*|\$[\w$]+|operator\W+|[!%&*+/<=>?^|-]+|\[\]=?", re.ASCII
)
_ANGLES: Final = re.compile(rb"<[^<>]*>")
_MACROS: Final = re.compile(
    rb"\b(?:class|struct)\s+([A-Z][A-Z0-9_]+(?:\([^()\n]*\))?)(?=\s+\w+\s*(?:final\s*)?[:{])"
    rb"|\)\s*(?:const\s*)?([A-Z]+_[A-Z0-9_]+\([^()\n]*\))(?=\s*\{)|\b((?:PT_)?GUARDED_BY\([^()\n]*\))(?=\s*[;={])"
)
"""Macros of C++ that stand where the grammar knows none: `class API Name {`, `void f() LOCKS(mu) {`."""

_BRACKETS: Final = re.compile(rb"(?<![\w\])])\[([A-Za-z_][\w $#-]*)\]|^([Gg][Oo])(?=[ \t]*;?\r?$)", re.MULTILINE)
"""Names of SQL Server in brackets, and the line that ends a batch there."""

_TYPE: Final = re.compile(rb"[A-Za-z_\x80-\xff][\w\x80-\xff]*")
_ENDING: Final = re.compile(rb"(?<=[^\s{;]) (?=\})")
_FOREVER: Final = 1 << 62
_TICKED: Final = frozenset({"kotlin", "swift", "scala"})
_BODIES: Final = frozenset({"function", "method", "constructor", "scope"})


class Facts(NamedTuple):
    """What one file says.

    `uses` maps a name to packed triples (line, column, mark) of 32 bits each; a mark's symbol is its place in `symbols`
    plus one, 0 where it stands in none. `doc` is the file's own first line of words. `bases` are pairs (name of the base, dotted path of the class). `broken`:
    parts of it could not be parsed.
    """

    symbols: list[Defined]
    uses: dict[str, bytes]
    imports: list[Import]
    bases: list[tuple[str, str]]
    locals: list[Local]
    doc: str
    broken: bool


class _Word(NamedTuple):
    """An identifier that is no node of its own."""

    start_byte: int
    end_byte: int


@dataclass(slots=True)
class _Scope:
    """A stretch of the text in which names may be bound; `symbol` counts from 1, 0 for none."""

    start: int
    end: int
    kind: str
    path: str
    symbol: int = 0
    rows: tuple[int, int] = (0, 0)
    names: set[bytes] = field(default_factory=set)


@cache
def _tools(language: str) -> tuple[Parser, QueryCursor]:
    grammar, query = loaded(language)
    return Parser(grammar), QueryCursor(query)


def extract(source: bytes, language: str) -> Facts:
    """The facts of a text in a language that has a grammar. Text that cannot be parsed in places is read around them."""
    parser, cursor = _tools(language)
    tree = parser.parse(_plain(source, language))
    if tree.root_node.has_error and language == "kotlin":  # `{ fun f() = 1 }`: it wants an end before that of the block
        ended = parser.parse(_ENDING.sub(b";", source))
        tree = tree if ended.root_node.has_error else ended
    return _Reading(source, language, cursor.captures(tree.root_node)).facts(broken=tree.root_node.has_error)


def _plain(source: bytes, language: str) -> bytes:
    """A text as its grammar can read it, everything at its place."""
    if language == "cpp":
        return _MACROS.sub(lambda m: m[0].replace(m[m.lastindex or 0], b" " * len(m[m.lastindex or 0])), source)
    return _BRACKETS.sub(lambda m: b'"%b"' % m[1] if m[1] else b"; ", source) if language == "sql" else source


class _Reading:
    """One file being read."""

    def __init__(self, source: bytes, language: str, found: dict[str, list[Node]]) -> None:
        self._source = source
        self._quotes = b'`"[' if language == "sql" else b"`" if language in _TICKED and b"`" in source else b""
        self._language = language
        self._found = found
        self._comments = tuple(mark.encode() for mark in BY_NAME[language].comments)
        self._lines: list[bytes] = source.split(b"\n")
        self._ends = [*map(add, accumulate(map(len, self._lines)), count())]
        self._ascii = source.isascii()
        self._named: set[int] = set()
        self._symbols: list[Defined] = []
        self._locals: list[Local] = []
        self._scopes: list[_Scope] = []
        self._shared: set[tuple[str, bytes]] = set()

    def facts(self, *, broken: bool) -> Facts:
        self._find_scopes()
        imports, rows = self._imports()
        uses: dict[bytes, list[int]] = {}
        skipped = self._named | {node.start_byte for node in self._found.get("skip", ())}
        for capture, kind in (("ref.member", MEMBER), ("ref.type", TYPE), ("ref", READ), ("quoted", TYPE)):
            nodes: Sequence[Node | _Word] = self._found.get(capture, ())
            if capture == "quoted":
                nodes = list(self._quoted(self._found.get(capture, ())))
            elif self._quotes:
                nodes = [_Word(n.start_byte + (q := self._is_quoted(n)), n.end_byte - q) for n in nodes]
            if capture == "ref" and self._language == "cpp":
                spans = [match.span(match.lastindex or 0) for match in _MACROS.finditer(self._source)]
                nodes = [*nodes, *(_Word(*word.span()) for at in spans for word in _TYPE.finditer(self._source, *at))]
            if nodes:
                self._sweep_uses(nodes, kind, skipped, rows, uses)
            if nodes and kind == MEMBER:
                skipped = skipped | {node.start_byte for node in nodes}
        packed = {_text(name): array("I", places).tobytes() for name, places in uses.items()}
        return Facts(self._symbols, packed, imports, self._bases(), self._locals, self._file_doc(), broken)

    # ── first sweep: what is bound where ────────────────────────────────────────────────────────────
    def _find_scopes(self) -> None:
        """Definitions, scopes and bound names in the order of the text, each put into what it stands in."""
        stack: list[_Scope] = []
        for start, _, kind, node, name in self._marks():
            while stack and (stack[-1].end <= start or (kind == "field" and stack[-1].start == start)):
                stack.pop()  # of `a, b int` the second stands in what the first stands in
            if name is None:
                scope = _Scope(start, node.end_byte, kind, stack[-1].path if stack else "")
                if kind == "impl":
                    scope.path = _joined(scope.path, self._impl_name(node))
            elif kind in _BINDING:
                self._bind(kind, node, stack)
                continue
            elif self._language == "cpp" and self._is_object(kind, node, stack):
                self._bind("bind", name, stack)
                continue
            else:
                scope = self._define(kind, node, name, stack)
            scope.rows = (node.start_point[0] + 1, node.end_point[0] + 1)
            stack.append(scope)
            self._scopes.append(scope)

    def _marks(self) -> list[tuple[int, int, str, Node, Node | None]]:
        marks: list[tuple[int, int, str, Node, Node | None]] = []
        for kind in KINDS:
            for node in self._found.get(kind, ()):
                name = _name_node(node)
                if name is None or name.start_byte in self._named:
                    continue
                quoted = self._is_quoted(name)
                proper = kind in {"module", "field"} or _NAME.match(
                    self._source, name.start_byte + quoted, name.end_byte
                )
                if not proper:
                    continue
                self._named.update((name.start_byte, name.start_byte + quoted))
                whole = _around(node) if node.id == name.id else node
                marks.append((whole.start_byte, -whole.end_byte, kind, whole, name))
        for kind in ("scope", "impl", "template"):
            marks += [(node.start_byte, -node.end_byte, kind, node, None) for node in self._found.get(kind, ())]
        taken = {node.start_byte for node in self._found.get("parameter", ())} if self._language == "cpp" else ()
        for kind in _BINDING:
            nodes = self._found.get(kind, [])
            nodes = [node for node in nodes if node.start_byte not in taken] if taken and kind == "bind" else nodes
            marks += [(node.start_byte, 0, kind, node, node) for node in nodes if node.start_byte not in self._named]
        marks.sort(key=itemgetter(0, 1))
        return marks

    def _define(self, kind: str, node: Node, name: Node, stack: Sequence[_Scope]) -> _Scope:
        path = stack[-1].path if stack else ""
        path = _joined(path, said := self._prefix(node, name))
        outer = _around_templates(stack)
        owner = outer.kind if outer is not None else ""
        if kind == "function" and (owner in _CLASSLIKE or (said and (not stack or self._language == "cpp"))):
            kind = "method"
        symbol = self._add(kind, node, name, path)
        self._shared.add((path, self._source[name.start_byte : name.end_byte]))
        return _Scope(node.start_byte, node.end_byte, kind, _joined(path, symbol.name), len(self._symbols))

    def _is_object(self, kind: str, node: Node, stack: Sequence[_Scope]) -> bool:
        """Whether what C++'s grammar takes for a function that is declared is an object made by a call (`Lock l(mutex);`)."""
        outer = _around_templates(stack) if kind == "function" and node.type == "declaration" else None
        return outer is not None and outer.kind in _BODIES

    def _bind(self, kind: str, node: Node, stack: Sequence[_Scope]) -> None:
        name = self._source[node.start_byte : node.end_byte]
        if kind == "member":
            owner = next((scope for scope in reversed(stack) if scope.kind in _CLASSLIKE), None)
            if owner is not None and (owner.path, name) not in self._shared:
                self._shared.add((owner.path, name))
                self._named.add(node.start_byte)
                self._add("field", node, node, owner.path)
            return
        owner = stack[-1] if stack else None
        if owner is not None and owner.kind == "template" and kind != "parameter":
            owner = _around_templates(stack)
        if kind == "outer":
            if owner is not None:
                owner.names.discard(name)
                own = (_text(name), owner.rows[0])
                self._locals = [known for known in self._locals if (known.name, known.start) != own]
                owner.names.add(b"\0" + name)
        elif owner is not None and (kind == "parameter" or (owner.kind not in _CLASSLIKE and owner.kind != "module")):
            if name not in owner.names and b"\0" + name not in owner.names:
                owner.names.add(name)
                row, column = node.start_point
                self._locals.append(Local(_text(name), row + 1, self._column(row, column), *owner.rows))
        elif kind == "bind":
            self._share(node, name, owner)

    def _share(self, node: Node, name: bytes, owner: _Scope | None) -> None:
        """A name that is bound outside functions, where others see it; its first binding is its definition."""
        path = owner.path if owner else ""
        if (path, name) in self._shared:
            return
        self._shared.add((path, name))
        self._named.add(node.start_byte)
        within = owner is not None and owner.kind in _CLASSLIKE
        constant = name.isupper() or (node.parent is not None and node.parent.type == "const_spec")
        self._add("constant" if constant else "field" if within else "variable", node.parent or node, node, path)

    def _add(self, kind: str, node: Node, name: Node, path: str) -> Defined:
        row, column = name.start_point
        quoted = self._is_quoted(name)
        text = (
            _text(self._source[name.start_byte + quoted : name.end_byte - quoted])
            .strip("'\"` ")
            .lstrip(":@" if self._language == "ruby" else "")
        )
        first = self._column(row, column) + quoted
        (top, left), (bottom, right) = node.start_point, node.end_point
        symbol = Defined(
            text, kind, path, row + 1, first, first + len(text),
            top + 1, self._column(top, left), bottom + 1, self._column(bottom, right),
            self._signature(node), self._doc(node, top),
        )  # fmt: skip
        self._symbols.append(symbol)
        return symbol

    def _is_quoted(self, name: Node | _Word) -> bool:
        """Whether a name stands in quotes, which are no part of it."""
        return bool(self._quotes) and self._source[name.start_byte] in self._quotes

    def _prefix(self, node: Node, name: Node) -> str:
        """What a definition's own words say of its container: Go's receiver, C++'s `A::b`, JavaScript's `A.prototype.b`."""
        receiver = node.child_by_field_name("receiver") if self._language == "go" else None
        if receiver is not None:
            words = _WORD.findall(_text(self._source[receiver.start_byte : receiver.end_byte]).partition("[")[0])
            return words[-1] if words else ""
        said = "name" if self._language == "ruby" or node.type == "namespace_definition" else "declarator"
        head = node.child_by_field_name("left" if node.type == "assignment_expression" else said)
        if head is None or head.start_byte >= name.start_byte:
            return ""
        before = self._source[head.start_byte : name.start_byte]
        if b"::" not in before and not before.endswith(b"."):
            return ""
        while b"<" in before and (bare := _ANGLES.sub(b"", before)) != before:
            before = bare
        return ".".join(word for word in _WORD.findall(_text(before)) if word not in _NO_OBJECT)

    def _impl_name(self, node: Node) -> str:
        named = node.child_by_field_name("type") or node.child_by_field_name("name")
        words = _WORD.findall(_text(named.text or b"").partition("<")[0]) if named is not None else []
        return words[-1] if words else ""

    # ── second sweep: uses ──────────────────────────────────────────────────────────────────────────
    def _sweep_uses(
        self,
        nodes: Iterable[Node | _Word],
        kind: int,
        skipped: set[int],
        import_rows: set[int],
        uses: dict[bytes, list[int]],
    ) -> None:
        """Note each use, but for those of local names."""
        source, scopes, plain = self._source, self._scopes, self._ascii
        row, begins, ending = 0, 0, self._ends[0]
        stack: list[_Scope] = []
        at, many = 0, len(scopes)
        opens = scopes[0].start if scopes else _FOREVER
        closes = _FOREVER
        local: set[bytes] = set()
        within = 0
        for node in sorted(nodes, key=attrgetter("start_byte")):
            start = node.start_byte
            if start >= opens or start >= closes:
                while at < many and scopes[at].start <= start:
                    stack.append(scopes[at])
                    at += 1
                stack = [scope for scope in stack if scope.end > start]
                opens = scopes[at].start if at < many else _FOREVER
                closes = min((scope.end for scope in stack), default=_FOREVER)
                local = set().union(*(scope.names for scope in stack)) if stack else set()
                within = next((scope.symbol << 4 for scope in reversed(stack) if scope.symbol), 0)
            if start in skipped:
                continue
            end = node.end_byte
            name = source[start:end]
            mark = kind
            if kind != MEMBER:
                before = source[start - 1] if start else 0
                if before in _BEFORE_MEMBER and _follows_dot(source, start, before):
                    mark |= MEMBER
                elif name in local:
                    continue
            while start > ending:  # the node knows its row as well, but takes longer to say so
                row += 1
                begins, ending = ending + 1, self._ends[row]
            if row in import_rows:
                mark |= IMPORT
            elif source[end : end + 1] == b"(":
                mark = mark & MEMBER | CALL
            places = uses.get(name)
            if places is None:
                places = uses[name] = []
            places += (row + 1, start - begins + 1 if plain else self._column(row, start - begins), within | mark)

    def _quoted(self, nodes: Iterable[Node]) -> Iterator[_Word]:
        """The words of types that are written as strings."""
        for node in nodes:
            if node.start_point[0] == node.end_point[0]:
                for match in _TYPE.finditer(self._source, node.start_byte, node.end_byte):
                    yield _Word(*match.span())

    # ── the small things ────────────────────────────────────────────────────────────────────────────
    def _imports(self) -> tuple[list[Import], set[int]]:
        imports: list[Import] = []
        rows: set[int] = set()
        for node in self._found.get("import", ()):
            first, (last, column) = node.start_point[0], node.end_point
            rows.update(range(first, last + (column > 0)))  # some nodes take their line's end with them
            text = _text(self._source[node.start_byte : node.end_byte])
            imports += [Import(first + 1, *rest) for rest in read_imports(self._language, text)]
        return imports, rows

    def _bases(self) -> list[tuple[str, str]]:
        """Each base with the class that names it: the innermost one around it."""
        bases = []
        for node in self._found.get("base", ()):
            at = node.start_byte
            owner = next(
                (s for s in reversed(self._scopes) if s.start <= at < s.end and s.kind in _CLASSLIKE | {"module"}), None
            )
            words = _WORD.findall(_text(self._source[at : node.end_byte]).partition("<")[0].partition("[")[0])
            if owner is not None and words:
                bases.append((words[-1], owner.path))
        return bases

    def _column(self, row: int, column: int) -> int:
        """A column from 1 in characters, of one from 0 in bytes."""
        if self._ascii:
            return column + 1
        return len(self._lines[row][:column].decode("utf-8", "replace")) + 1

    def _signature(self, node: Node) -> str:
        """The head of a definition, on one line: up to its body, or its first line where it has none."""
        body = node.child_by_field_name("body")
        if body is None:
            value = node.child_by_field_name("value")
            body = value.child_by_field_name("body") if value is not None else None
        start = node.start_byte
        raw = self._source[start : body.start_byte if body is not None else min(node.end_byte, start + 1000)]
        text = _text(raw if body is not None else raw.partition(b"\n")[0])
        head = " ".join(text.split()).removesuffix("=>").rstrip(" {:=;")
        return head if len(head) <= _SIGNATURE else head[: _SIGNATURE - 1] + "…"

    def _doc(self, node: Node, row: int) -> str:
        """The first line of a definition's docstring, or of the comment right above it."""
        if self._language == "python":
            body = node.child_by_field_name("body")
            match = _DOCSTRING.match(self._source, body.start_byte) if body is not None else None
            line = match[2].partition(match[1])[0] if match else b""
        else:
            line = self._comment_above(row)
        text = _text(line).strip()
        return text if len(text) <= _DOC else text[: _DOC - 1] + "…"

    def _file_doc(self) -> str:
        """What the file's docstring, or the comment that it begins with, says first."""
        if self._language == "python":
            match = re.compile(rb"(?:\s*#[^\n]*\n|\s+)*" + _DOCSTRING.pattern).match(self._source)
            line = match[2].partition(match[1])[0] if match else b""
        else:
            line, legal = b"", False
            for raw in self._source[:3000].split(b"\n"):
                if not raw.strip().startswith(self._comments) and raw.strip():
                    break
                line = raw.strip().lstrip(b"/*#-! ").removesuffix(b"*/").rstrip()
                legal = bool(raw.strip()) and (legal or _LEGAL.search(line) is not None)  # to the comment's end
                if line and not legal and not raw.startswith((b"#!", b"#[")) and not _DIRECTIVE.match(line):
                    break
                line = b""
        return _text(line).strip()[:_DOC]

    def _comment_above(self, row: int) -> bytes:
        line = b""
        while row > 0:
            row -= 1
            above = self._lines[row].strip()
            if above.startswith(b"#[") or (above.startswith(b"@") and not line):
                continue
            if not above.startswith(self._comments) or above.startswith(b"#!"):
                break
            said = above.lstrip(b"/*#-! ").removesuffix(b"*/").rstrip()
            line = said or line
        return line


_BEFORE_MEMBER: Final = frozenset(b".>:")


def _follows_dot(source: bytes, start: int, before: int) -> bool:
    if before == 46:  # a dot; two of them are a range or a spread
        return source[start - 2 : start - 1] != b"."
    return source[start - 2 : start] in {b"->", b"::"}


def _name_node(node: Node) -> Node | None:
    """The identifier that names what a node defines; None for what has no name of its own."""
    for _ in range(8):
        if node.named_child_count == 0 or node.type == "destructor_name":
            return node
        inner = next((child for name in _FIELDS[:-1] if (child := node.child_by_field_name(name)) is not None), None)
        if inner is None and node.named_child_count == 1:
            inner = node.named_children[0]
        if inner is None and node.type == "nested_namespace_specifier":
            inner = node.named_children[-1]
        if inner is None and node.type.startswith("create_"):
            inner = next((child for child in node.named_children if child.type == "object_reference"), None)
        if inner is None:
            return None
        node = inner
    return None


def _around(name: Node) -> Node:
    """The declaration of a name that was captured by itself."""
    parent = name.parent
    return name if parent is None or parent.type.endswith(("body", "list", "clause", "call", "entry")) else parent


def _around_templates(stack: Sequence[_Scope]) -> _Scope | None:
    """The innermost scope that is no template's."""
    return next((scope for scope in reversed(stack) if scope.kind != "template"), None)


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name else path or name


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
