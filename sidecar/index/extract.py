"""From a file's text to its facts: symbols, references, imports, base classes, local names. Pure, but for the parser.

One pass of a query over the tree gives all nodes of interest; two sweeps along the text put them into their scopes:
the first finds what each scope binds, the second which uses are of such a local name (they are no references) and
which symbol each of the others stands in.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, cached_property
from operator import attrgetter, itemgetter
from typing import Any, Final, NamedTuple

from tree_sitter import Node, Parser, QueryCursor

from sidecar.core.defined import Defined, Local
from sidecar.index.comments import first_words, words_above
from sidecar.index.grammars import BY_NAME, loaded
from sidecar.index.imports import Import, read_imports
from sidecar.index.plain import ended, hidden, parsable

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
_SHARING: Final = _CLASSLIKE | {"module"}
_BINDING: Final = ("member", "bind", "outer", "parameter")
_FIELDS: Final = ("name", "declarator", "left", "pattern", "property", "bound_identifier", "type")
_NO_OBJECT: Final = frozenset({"prototype", "exports", "module", "this", "self", "window", "globalThis"})
_SIGNATURE: Final = 200
_DOC: Final = 160
_DOCSTRING: Final = re.compile(rb"""[rRuU]{0,2}(\"{3}|'{3}|"|')\s*([^\n]*)""")
_WORD: Final = re.compile(r"\w+")
_NAME: Final = re.compile(
    rb"[A-Za-z_#@:~\x80-\xff][\w$\x80-\xff]*|\$[\w$]+|operator\W+|[!%&*+/<=>?^|-]+|\[\]=?", re.ASCII
)
_ANGLES: Final = re.compile(rb"<[^<>]*>")
_TICKED: Final = frozenset({"kotlin", "swift", "scala"})
_BODIES: Final = frozenset({"function", "method", "constructor", "scope"})
_TYPE: Final = re.compile(rb"[A-Za-z_\x80-\xff][\w\x80-\xff]*")
_FOREVER: Final = 1 << 62
_START: Final = attrgetter("start_byte")
_BEGIN: Final = attrgetter("start")


class Facts(NamedTuple):
    """What one file says.

    `defined` and `bound` are plain tuples with the fields of `Defined` and `Local`, as they are stored.
    `uses` maps a name to packed triples (line, column, mark) of 32 bits each; a mark's symbol is its place in `defined`
    plus one, 0 where it stands in none. `doc` is the file's own first line of words. `bases` are pairs (name of the base, dotted path of the class). `broken`:
    parts of it could not be parsed.
    """

    defined: list[tuple[Any, ...]]
    uses: dict[str, bytes]
    imports: list[Import]
    bases: list[tuple[str, str]]
    bound: list[tuple[str, int, int, int, int]]
    doc: str
    broken: bool

    @property
    def symbols(self) -> list[Defined]:
        """What is defined, with names for its fields."""
        return [Defined(*row) for row in self.defined]

    @property
    def locals(self) -> list[Local]:
        """What is bound, with names for its fields."""
        return [Local(*row) for row in self.bound]


class _Word(NamedTuple):
    """An identifier that is no node of its own."""

    start_byte: int
    end_byte: int
    start_point: tuple[int, int]


class _Scope:
    """A stretch of the text in which names may be bound; `symbol` counts from 1, 0 for none.

    `outer` is what it stands in, `foreign` the names that it says are bound outside. When all is found, `symbol` also holds
    what holds in it from outside.
    """

    __slots__ = ("end", "foreign", "kind", "names", "outer", "path", "rows", "start", "symbol")

    def __init__(self, start: int, end: int, kind: str, path: str, outer: _Scope | None) -> None:
        self.start, self.end, self.kind, self.path, self.outer = start, end, kind, path, outer
        self.symbol = 0
        self.rows = (0, 0)
        self.names: set[bytes] = set()
        self.foreign: set[bytes] = set()


@cache
def _tools(language: str) -> tuple[Parser, QueryCursor]:
    grammar, query = loaded(language)
    return Parser(grammar), QueryCursor(query)


def extract(source: bytes, language: str) -> Facts:
    """The facts of a text in a language that has a grammar. Text that cannot be parsed in places is read around them."""
    parser, cursor = _tools(language)
    tree = parser.parse(parsable(source, language))
    if tree.root_node.has_error and language == "kotlin":
        again = parser.parse(ended(source))
        tree = tree if again.root_node.has_error else again
    return _Reading(source, language, cursor.captures(tree.root_node)).facts(broken=tree.root_node.has_error)


class _Reading:
    """One file being read."""

    def __init__(self, source: bytes, language: str, found: dict[str, list[Node]]) -> None:
        self._source = source
        self._quotes = b'`"[' if language == "sql" else b"`" if language in _TICKED and b"`" in source else b""
        self._language = language
        self._found = found
        self._comments = tuple(mark.encode() for mark in BY_NAME[language].comments)
        self._ascii = source.isascii()
        self._text: Callable[[bytes], str] = bytes.decode if self._ascii else _text
        self._named: set[int] = set()
        self._symbols: list[tuple[Any, ...]] = []
        self._locals: list[tuple[str, int, int, int, int]] = []
        self._scopes: list[_Scope] = []
        self._shared: set[tuple[str, bytes]] = set()

    def facts(self, *, broken: bool) -> Facts:
        self._find_scopes()
        imports, rows = self._imports()
        uses: defaultdict[bytes, list[int]] = defaultdict(list)
        skipped = self._named.union(map(_START, self._found.get("skip", ())))
        for capture, kind in (("ref.member", MEMBER), ("ref.type", TYPE), ("ref", READ), ("quoted", TYPE)):
            nodes: Sequence[Node | _Word] = self._found.get(capture, ())
            if capture == "quoted":
                nodes = list(self._quoted(self._found.get(capture, ())))
            elif self._quotes:
                nodes = [self._bare(node) for node in self._found.get(capture, ())]
            if capture == "ref" and self._language == "cpp":
                nodes = [*nodes, *(_Word(*word) for word in hidden(self._source))]
            if nodes:
                self._sweep_uses(nodes, kind, skipped, rows, uses)
            if nodes and kind == MEMBER:
                skipped = skipped.union(map(_START, nodes))
        text = self._text
        packed = {text(name): array("I", places).tobytes() for name, places in uses.items()}
        return Facts(self._symbols, packed, imports, self._bases(), self._locals, self._file_doc(), broken)

    # ── first sweep: what is bound where ────────────────────────────────────────────────────────────
    def _find_scopes(self) -> None:
        """Definitions, scopes and bound names in the order of the text, each put into what it stands in."""
        stack: list[_Scope] = []
        for start, _, kind, node, name in self._marks():
            while stack and (stack[-1].end <= start or (kind == "field" and stack[-1].start == start)):
                stack.pop()  # of `a, b int` the second stands in what the first stands in
            outer = stack[-1] if stack else None
            if kind in _BINDING:
                self._bind(kind, node, stack, outer)
                continue
            if name is not None and self._language == "cpp" and _is_object(kind, node, outer):
                self._bind("bind", name, stack, outer)
                continue
            if name is None:
                scope = _Scope(start, node.end_byte, kind, outer.path if outer else "", outer)
                if kind == "impl":
                    scope.path = _joined(scope.path, self._impl_name(node))
                scope.rows = (node.start_point[0] + 1, node.end_point[0] + 1)
            else:
                scope = self._define(kind, node, name, outer)
            stack.append(scope)
            self._scopes.append(scope)
        for scope in self._scopes:
            if (outer := scope.outer) is not None:
                scope.symbol = scope.symbol or outer.symbol

    def _marks(self) -> list[tuple[int, int, str, Node, Node | None]]:
        marks: list[tuple[int, int, str, Node, Node | None]] = []
        for kind in filter(self._found.__contains__, KINDS):
            for node in self._in_order(kind):
                name = _name_node(node)
                if name is None or name.start_byte in self._named:
                    continue
                quoted = self._is_quoted(name)
                proper = _NAME.match(self._source, name.start_byte + quoted, name.end_byte)
                if not proper and kind not in {"module", "field"}:
                    continue
                self._named.add(name.start_byte)
                self._named.add(name.start_byte + quoted)
                whole = _around(node) if node.id == name.id else node
                marks.append((whole.start_byte, -whole.end_byte, kind, whole, name))
        for kind in ("scope", "impl", "template"):
            marks += [(node.start_byte, -node.end_byte, kind, node, None) for node in self._found.get(kind, ())]
        taken = set(map(_START, self._found.get("parameter", ()))) if self._language == "cpp" else ()
        for kind in _BINDING:
            nodes = self._found.get(kind, [])
            nodes = [node for node in nodes if node.start_byte not in taken] if taken and kind == "bind" else nodes
            marks += [(node.start_byte, 0, kind, node, node) for node in nodes if node.start_byte not in self._named]
        marks.sort(key=itemgetter(0, 1))
        return marks

    def _define(self, kind: str, node: Node, name: Node, outer: _Scope | None) -> _Scope:
        path, said = outer.path if outer else "", ""
        if self._language != "python":
            path = _joined(path, said := self._prefix(node, name))
        owner = _beyond_templates(outer)
        of_class = owner.kind in _CLASSLIKE if owner else bool(path)
        if kind == "function" and (of_class or (said and self._language == "cpp")):
            kind = "method"
        text, first, last = self._add(kind, node, name, path)
        self._shared.add((path, self._source[name.start_byte : name.end_byte]))
        scope = _Scope(node.start_byte, node.end_byte, kind, _joined(path, text), outer)
        scope.symbol, scope.rows = len(self._symbols), (first, last)
        return scope

    def _bind(self, kind: str, node: Node, stack: Sequence[_Scope], outer: _Scope | None) -> None:
        name = self._source[node.start_byte : node.end_byte]
        if kind == "member":
            owner = next((scope for scope in reversed(stack) if scope.kind in _CLASSLIKE), None)
            if owner is not None and (owner.path, name) not in self._shared:
                self._shared.add((owner.path, name))
                self._named.add(node.start_byte)
                self._add("field", node, node, owner.path)
        elif kind == "outer":
            if outer is not None:
                outer.names.discard(name)
                outer.foreign.add(name)
                text, first = self._text(name), outer.rows[0]
                self._locals = [known for known in self._locals if known[0] != text or known[3] != first]
        elif kind == "parameter" or ((outer := _beyond_templates(outer)) and outer.kind not in _SHARING):
            if outer is not None and name not in outer.names and name not in outer.foreign:
                outer.names.add(name)
                row, column = node.start_point
                column = column + 1 if self._ascii else self._column(row, column)
                self._locals.append((self._text(name), row + 1, column, *outer.rows))
        elif kind == "bind":
            self._share(node, name, outer)

    def _share(self, node: Node, name: bytes, owner: _Scope | None) -> None:
        """A name that is bound outside functions, where others see it; its first binding is its definition."""
        path = owner.path if owner else ""
        if (path, name) in self._shared:
            return
        self._shared.add((path, name))
        self._named.add(node.start_byte)
        within = owner is not None and owner.kind in _CLASSLIKE
        parent = node.parent or node
        constant = name.isupper() or parent.type == "const_spec"
        self._add("constant" if constant else "field" if within else "variable", parent, node, path)

    def _add(self, kind: str, node: Node, name: Node, path: str) -> tuple[str, int, int]:
        """Note a symbol; its name, and the lines that it begins and ends in."""
        quoted = self._is_quoted(name)
        text = self._text(self._source[name.start_byte + quoted : name.end_byte - quoted]).strip("'\"` ")
        if self._language == "ruby":
            text = text.lstrip(":@")
        (row, at), (top, left), (bottom, right) = name.start_point, node.start_point, node.end_point
        if self._ascii:
            at, left, right = at + 1, left + 1, right + 1
        else:
            at, left, right = self._column(row, at), self._column(top, left), self._column(bottom, right)
        at += quoted
        body = node.child_by_field_name("body")
        doc, signature = self._doc(body, top), self._signature(node, body)
        self._symbols.append(
            (text, kind, path, row + 1, at, at + len(text), top + 1, left, bottom + 1, right, signature, doc)
        )
        return text, top + 1, bottom + 1

    def _is_quoted(self, name: Node | _Word) -> bool:
        """Whether a name stands in quotes, which are no part of it."""
        return bool(self._quotes) and self._source[name.start_byte] in self._quotes

    def _bare(self, name: Node) -> _Word:
        """A name without its quotes."""
        quoted, (row, column) = self._is_quoted(name), name.start_point
        return _Word(name.start_byte + quoted, name.end_byte - quoted, (row, column + quoted))

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
        for _ in range(8 if b"<" in before else 0):  # as deep as people write
            before = _ANGLES.sub(b"", before)
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
        uses: defaultdict[bytes, list[int]],
    ) -> None:
        """Note each use, but for those of local names."""
        source, plain = self._source + b"\0", self._ascii
        scopes = iter([*self._scopes, _Scope(_FOREVER, _FOREVER, "", "", None)])
        coming = next(scopes)
        stack = [_Scope(0, _FOREVER, "", "", None)]
        edge, within = coming.start, 0
        local: Counter[bytes] = Counter()  # in how many of the scopes around a name is bound
        for node in sorted(nodes, key=_START):
            start = node.start_byte
            if start >= edge:
                while coming.start <= start or stack[-1].end <= start:
                    if stack[-1].end <= min(coming.start, start):
                        local.subtract(stack.pop().names)
                    else:
                        local.update(coming.names)
                        stack.append(coming)
                        coming = next(scopes)
                edge, within = min(stack[-1].end, coming.start), stack[-1].symbol << 4
            if start in skipped:
                continue
            end = node.end_byte
            name = source[start:end]
            mark = kind
            if kind != MEMBER:
                before = source[start - 1]
                if before in _BEFORE_MEMBER and (
                    source[start - 2] != _DOT if before == _DOT else source[start - 2 : start] in _ARROWS
                ):  # two dots are a range or a spread
                    mark |= MEMBER
                elif local.get(name):
                    continue
            row, column = node.start_point
            if row in import_rows:
                mark |= IMPORT
            elif source[end] == _OPENING:
                mark = mark & MEMBER | CALL
            places = uses[name]
            places += (row + 1, column + 1 if plain else self._column(row, column), within | mark)

    def _quoted(self, nodes: Iterable[Node]) -> Iterator[_Word]:
        """The words of types that are written as strings."""
        for node in nodes:
            row, column = node.start_point
            if row == node.end_point[0]:
                start = node.start_byte
                for match in _TYPE.finditer(self._source, start, node.end_byte):
                    yield _Word(*match.span(), (row, column + match.start() - start))

    # ── the small things ────────────────────────────────────────────────────────────────────────────
    def _imports(self) -> tuple[list[Import], set[int]]:
        imports: list[Import] = []
        rows: set[int] = set()
        for node in self._in_order("import"):
            first, (last, column) = node.start_point[0], node.end_point
            rows.update(range(first, last + (column > 0)))  # some nodes take their line's end with them
            text = self._text(self._source[node.start_byte : node.end_byte])
            imports += [(first + 1, *rest) for rest in read_imports(self._language, text)]
        return imports, rows

    def _bases(self) -> list[tuple[str, str]]:
        """Each base with the class that names it: the innermost one around it."""
        bases = []
        for node in self._in_order("base"):
            at = node.start_byte
            begun = bisect_right(self._scopes, at, key=_BEGIN)
            owner = next((s for s in reversed(self._scopes[:begun]) if at < s.end and s.kind in _SHARING), None)
            words = _WORD.findall(_text(self._source[at : node.end_byte]).partition("<")[0].partition("[")[0])
            if owner is not None and words:
                bases.append((words[-1], owner.path))
        return bases

    def _in_order(self, capture: str) -> list[Node]:
        """What was captured, as it stands in the text: it comes in any order."""
        return sorted(self._found.get(capture, ()), key=_START)

    @cached_property
    def _lines(self) -> list[bytes]:
        return self._source.split(b"\n")

    def _column(self, row: int, column: int) -> int:
        """A column from 1 in characters, of one from 0 in bytes."""
        line = self._lines[row]
        return column + 1 if line.isascii() else len(line[:column].decode("utf-8", "replace")) + 1

    def _signature(self, node: Node, body: Node | None) -> str:
        """The head of a definition, on one line: up to its body, or its first line where it has none."""
        if body is None:
            value = node.child_by_field_name("value")
            body = value.child_by_field_name("body") if value is not None else None
        start = node.start_byte
        raw = self._source[start : body.start_byte if body is not None else min(node.end_byte, start + 1000)]
        text = self._text(raw if body is not None else raw.partition(b"\n")[0])
        head = " ".join(text.split()).removesuffix("=>").rstrip(" {:=;")
        return head if len(head) <= _SIGNATURE else head[: _SIGNATURE - 1] + "…"

    def _doc(self, body: Node | None, row: int) -> str:
        """The first line of a definition's docstring, or of the comment right above it."""
        if self._language == "python":
            match = _DOCSTRING.match(self._source, body.start_byte) if body is not None else None
            line = match[2].partition(match[1])[0] if match else b""
        else:
            line = words_above(self._lines, row, self._comments)
        text = self._text(line).strip()
        return text if len(text) <= _DOC else text[: _DOC - 1] + "…"

    def _file_doc(self) -> str:
        """What the file's docstring, or the comment that it begins with, says first."""
        if self._language == "python":
            match = re.compile(rb"(?:\s*#[^\n]*\n|\s+)*" + _DOCSTRING.pattern).match(self._source)
            line = match[2].partition(match[1])[0] if match else b""
        else:
            line = first_words(self._source, self._comments)
        return _text(line).strip()[:_DOC]


_BEFORE_MEMBER: Final = frozenset(b".>:")
_DOT: Final = ord(".")
_OPENING: Final = ord("(")
_ARROWS: Final = frozenset({b"->", b"::"})


def _name_node(node: Node) -> Node | None:
    """The identifier that names what a node defines; None for what has no name of its own."""
    for _ in range(8):
        if node.named_child_count == 0 or node.type == "destructor_name":
            return node
        inner = node.child_by_field_name("name") or next(
            (child for name in _FIELDS[1:-1] if (child := node.child_by_field_name(name)) is not None), None
        )
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


def _beyond_templates(scope: _Scope | None) -> _Scope | None:
    """The innermost scope from one outwards that is no template's."""
    while scope is not None and scope.kind == "template":
        scope = scope.outer
    return scope


def _is_object(kind: str, node: Node, outer: _Scope | None) -> bool:
    """Whether what C++'s grammar takes for a function that is declared is an object made by a call (`Lock l(mutex);`)."""
    within = _beyond_templates(outer) if kind == "function" and node.type == "declaration" else None
    return within is not None and within.kind in _BODIES


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name else path or name


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
