"""What a name at a place means: through local names, scopes, imports and classes, exact where these decide, else ranked.

It works on what the index holds and the line's own text; nothing is parsed. One object serves one state of the index.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final

from sidecar.core import around
from sidecar.core.defined import Defined, Local
from sidecar.index.found import (
    CLASSES,
    FOREIGN,
    IMPORT,
    MORE,
    NOTHING,
    STRICT,
    Found,
    dotted,
    is_member,
    locals_of,
    places,
    shared_folders,
    shared_tail,
    word_at,
)
from sidecar.index.modules import BY_SUFFIX, ECMA, Modules
from sidecar.store.symbols import FileRow, ImportRow, SymbolReader

_SELF: Final = frozenset({"self", "this", "cls", "Self", "$this"})
_ABOVE: Final = {"c_sharp": "base", "php": "parent"}
"""What a language calls the class above; elsewhere it is a name like others."""

_CHAIN: Final = re.compile(r"((?:[$@]?[\w$]+(?:\(\s*\))?\s*(?:\.|->|::|\?\.)\s*)+)$")
_UNKNOWN_OBJECT: Final = re.compile(r"[)\]\"'`}]\s*(?:\?)?(?:\.|->|::)\s*$")
_DEEP: Final = 8
_SHARED_FOLDER: Final = frozenset({"go", "java", "kotlin", "scala", "c_sharp", "swift"})
Lines = Callable[[str], Sequence[str]]
"""Gives the lines of a file by its path, as they are on the disk; none where it cannot be read."""


class Resolver:
    """Answers for one state of the index. It blocks, as its reader does."""

    def __init__(self, reader: SymbolReader, lines: Lines) -> None:
        self.reader = reader
        self.lines = lines
        self.modules = Modules(reader)
        self.file = lru_cache(maxsize=4096)(reader.file)
        self.symbols_in = lru_cache(maxsize=512)(reader.symbols_in)
        self.named = lru_cache(maxsize=2048)(reader.symbols_named)
        self.imports = lru_cache(maxsize=4096)(reader.imports_of)
        self._bases = lru_cache(maxsize=2048)(reader.bases_in)
        self.exported = lru_cache(maxsize=20_000)(self._exported)
        self._asking: set[tuple[int, int, str, str]] = set()
        self._over: Callable[[], bool] = lambda: False
        self.late = False
        """Whether something was not looked at, for want of time."""

    def begin(self, over: Callable[[], bool]) -> None:
        """Another question, for which there is time until `over`."""
        self._over, self.late = over, False

    def leaves_off(self) -> bool:
        """Whether there is no time to look at more."""
        self.late = self.late or self._over()
        return self.late

    # ── by position ─────────────────────────────────────────────────────────────────────────────────
    def meaning(self, path: str, line: int, column: int) -> tuple[str, int, Found]:
        """The identifier at a place, the column where it begins, and what it means; no name where none is there."""
        file, lines = self.file(path), self.lines(path)
        text = lines[line - 1] if 0 < line <= len(lines) else ""
        word = word_at(text, column)
        if file is not None and file.language in MORE:
            more = word_at(text, column, file.language)
            word = more if more is not None and self.reader.use_in(file.id, more[0]) else word
        if file is None or word is None:
            return "", column, NOTHING
        name, start = word
        if file.language == "php" and name.startswith("$"):
            name, start = name[1:], start + 1
        own = [s for s in self.symbols_in(file.id) if s.line == line and s.column <= column <= s.end_column]
        if own:
            return own[0].name, own[0].column, Found(self._with_twins(file, own), exact=True)
        if argument := self._argument(file, lines, (line, start), name):
            return name, start, argument
        mark = next((m for at, col, m in places(self.reader.use_in(file.id, name)) if (at, col) == (line, start)), None)
        before = text[: start - 1]
        local = self.local(file, line, name) if not _CHAIN.search(before) else None
        if local is not None:
            found = Found(local=local, exact=True)
        elif mark is None:
            found = NOTHING  # in a comment or a string
        elif mark & 7 == IMPORT:
            found = self._imported(file, line, name)
        else:
            found = self.used(file, line, name, before)
        return name, start, found

    def _with_twins(self, file: FileRow, own: Sequence[Defined]) -> tuple[Defined, ...]:
        """What is defined at a place with all that it is one thing with: overloads and what they declare, getters and setters."""
        if file.language not in STRICT:
            return tuple(own)
        twins = [s for s in self.symbols_in(file.id) if s.name == own[0].name and s.container == own[0].container]
        if file.language in ECMA and own[0].kind in {"function", "method"}:  # the one with a body says most
            lines = self.lines(file.path)
            twins.sort(key=lambda s: s.to_line > len(lines) or not lines[s.to_line - 1].rstrip().endswith("}"))
            return tuple(twins)
        return (*own, *(s for s in twins if s not in own))

    def _argument(self, file: FileRow, lines: Sequence[str], at: tuple[int, int], name: str) -> Found:
        """What an argument's name (`f(name=1)`) means: a parameter of what is called, or a field of the class."""
        place = around.call_around(lines, *at, at[1] + len(name)) if file.language == "python" else None
        if place is None:
            return NOTHING
        callee = word_at(lines[place[0] - 1], place[1])
        own = callee is not None and callee[0] in {"cls", "__class__"}
        called = self._typed(file, place[0], "cls") if own else self.meaning(file.path, *place)[2]
        for symbol in called.symbols:
            if symbol.kind in CLASSES:
                made = self.member_of(symbol, "__init__").symbols or self.member_of(symbol, name).symbols
                symbol = made[0] if made else symbol  # noqa: PLW2901 - the class is called, its constructor answers
            if symbol.name == name:
                return Found((symbol,), exact=True)
            owner = self.file(symbol.path)
            for known in locals_of(owner.locals) if owner is not None and owner.locals else ():
                if known[0] == name and known[3] == symbol.from_line:
                    return Found(local=Local(*known), elsewhere=symbol.path, exact=True)
        return NOTHING

    def _imported(self, file: FileRow, line: int, name: str) -> Found:
        """What a word of an import statement means: the name that is brought in, or a module on the way to it."""
        rows = [row for row in self.imports(file.id) if row.line <= line]
        first = max((row.line for row in rows), default=0)
        for row in (row for row in rows if row.line == first):
            if row.name and name in {row.name, row.alias} and (found := self.brought(file, row, row.alias)):
                return found
        for row in (row for row in rows if row.line == first):
            before, at, _ = row.module.partition(name)
            if at or name == row.alias:
                files = self.modules.files_of(file.path, file.language, before + name if at else row.module)
                if files:
                    return Found(modules=files, exact=True)
        return self.bare(file, line, name)

    def used(self, file: FileRow, line: int, name: str, before: str) -> Found:
        """What a use of a name means, `before` being the text of its line up to it."""
        before = around.without_arguments(before) if before.rstrip(" ?").endswith(").") else before
        if file.language in STRICT and not before.rstrip().endswith("."):
            return self.bare(file, line, name)
        chain = _CHAIN.search(before)
        if chain is None and _UNKNOWN_OBJECT.search(before):
            return self._ranked(file, name, member=True)
        if chain is not None and not before.endswith("..") and not re.match(r"\s*(from|import)\s", before):
            objects = [part.strip() for part in re.split(r"\.|->|::|\?\.", chain[1]) if part.strip(" ?")]
            if file.language in STRICT:  # a decorator's sign is no part of its name
                objects[0] = objects[0].lstrip("@")
            return self._member(file, line, [part.rstrip("?") for part in objects], name)
        return self.bare(file, line, name) or self._ranked(file, name)

    def bare(self, file: FileRow, line: int, name: str, *, of_bases: bool = True) -> Found:
        """What a name without an object before it means, by rule alone; not `of_bases` where it is itself a class's base."""
        local = self.local(file, line, name)
        if local is not None:
            return Found(local=local, exact=True)
        within = self.enclosing_path(file, line)
        in_file = [s for s in self.symbols_in(file.id) if s.name == name and _sees(within, s, file.language)]
        brought = self.bound(file, name)
        if in_file and not (brought and in_file[0].kind in {"variable", "constant"} and not in_file[0].container):
            deepest = max(len(s.container) for s in in_file)
            return Found(tuple(s for s in in_file if len(s.container) == deepest), exact=True)
        if brought:
            return brought
        if of_bases and within and file.language not in {"python", *ECMA}:
            inherited = self._inherited(file, within, name)
            if inherited:
                return inherited
        return self._beside(file, name)

    def local(self, file: FileRow, line: int, name: str) -> Local | None:
        """The local name that is seen from a line; the innermost one."""
        if not file.locals:
            return None
        seen = [Local(*known) for known in locals_of(file.locals) if known[0] == name and known[3] <= line <= known[4]]
        return max(seen, key=lambda known: (known.start, known.line), default=None)

    def enclosing(self, file: FileRow, line: int) -> Defined | None:
        """The innermost symbol that a line stands in."""
        around = [s for s in self.symbols_in(file.id) if s.from_line <= line <= s.to_line and s.kind not in _FLAT]
        return max(around, key=lambda s: (s.from_line, -s.to_line), default=None)

    def enclosing_path(self, file: FileRow, line: int) -> str:
        """The dotted path of that symbol; empty at the top of a file."""
        symbol = self.enclosing(file, line)
        return dotted(symbol) if symbol is not None else ""

    # ── imports ─────────────────────────────────────────────────────────────────────────────────────
    def bound(self, file: FileRow, name: str) -> Found:
        """What a file's imports make of a name."""
        stars: list[ImportRow] = []
        for row in self.imports(file.id):
            if row.name == "*":
                stars.append(row)
            elif row.alias == name or (not row.name and row.alias.partition(".")[0] == name):
                found = self.brought(file, row, name)
                if found:
                    return found
        for row in stars:
            found = self._from_module(file, row.module, name, 0)
            if found:
                return found
        return NOTHING

    def brought(self, file: FileRow, row: ImportRow, name: str) -> Found:
        """What one import brings in."""
        if not row.name:
            module = row.module if row.alias == name else name
            files = self.modules.files_of(file.path, file.language, module)
            return Found(modules=files, exact=True) if files else NOTHING
        return self._from_module(file, row.module, row.name, 0)

    def _from_module(self, file: FileRow, module: str, name: str, depth: int) -> Found:
        if file.language in BY_SUFFIX:
            return self._by_package(module, name)
        for path in self.modules.files_of(file.path, file.language, module):
            found = self.exported(path, name, depth)
            if found:
                return found
        inner = f"{module}{'' if module.endswith('.') else '.'}{name}" if file.language == "python" else ""
        files = self.modules.files_of(file.path, file.language, inner) if inner else ()
        if file.language == "rust" and not files:
            paths = self.modules.files_of(file.path, "rust", f"{module}::{name}")
            files = tuple(path for path in paths if f"/{name}" in f"/{path}")
        return Found(modules=files, exact=True) if files else NOTHING

    def _exported(self, path: str, name: str, depth: int = 0) -> Found:
        """What a file gives to others under a name, by itself or by handing on what it brings in."""
        file = self.file(path)
        if file is None or depth > _DEEP:
            return NOTHING
        own = [s for s in self.symbols_in(file.id) if s.name == name and not s.container]
        rows = self.imports(file.id)
        if own and not (own[0].kind in {"variable", "constant"} and any(row.alias == name for row in rows)):
            return Found(tuple(own), exact=True)
        if name == "default":
            return self._default(file, depth)
        handed_on = self._handed_on(file, name, depth)
        if handed_on:
            return handed_on
        nested = [s for s in self.symbols_in(file.id) if s.name == name and s.kind != "field"]
        return Found(tuple(nested), exact=True) if nested and file.language in {"rust", "c_sharp", "cpp"} else NOTHING

    def _handed_on(self, file: FileRow, name: str, depth: int) -> Found:
        """What a file gives to others though it comes from elsewhere."""
        rows = self.imports(file.id)
        for row in (row for row in rows if row.alias == name and row.name != "*"):
            if not row.name:
                return Found(modules=self.modules.files_of(file.path, file.language, row.module), exact=True)
            return self._from_module(file, row.module, row.name, depth + 1)
        for row in (row for row in rows if row.name == "*"):
            if found := self._from_module(file, row.module, name, depth + 1):
                return found
        return NOTHING

    def _default(self, file: FileRow, depth: int) -> Found:
        text = "\n".join(self.lines(file.path))
        match = re.search(r"export\s+default\s+(?:abstract\s+|async\s+)*(?:class\s+|function\s*\*?\s*)?([\w$]+)", text)
        match = match or re.search(r"module\.exports\s*=\s*([\w$]+)|export\s*\{[^}]*?([\w$]+)\s+as\s+default", text)
        name = next((word for word in match.groups() if word), "") if match else ""
        return self.exported(file.path, name, depth + 1) if name and name != "default" else NOTHING

    def _by_package(self, module: str, name: str) -> Found:
        """Symbols whose file lies where the package's name says, or is called as its last word."""
        parts = [part for part in re.split(r"\.|\\", module) if part]
        scored = []
        for symbol in self.named(name):
            place = posixpath.splitext(symbol.path)[0].split("/")
            outer = [*place, *symbol.container.split(".")] if symbol.container else place
            for at in (outer, place[:-1], place):
                common = shared_tail(at, parts)
                if common:
                    scored.append((common, symbol))
                    break
        best = max((score for score, _ in scored), default=0)
        return Found(tuple(s for score, s in scored if score == best), exact=best == len(parts))

    # ── members ─────────────────────────────────────────────────────────────────────────────────────
    def _member(self, file: FileRow, line: int, objects: Sequence[str], name: str) -> Found:
        """What `a.b.name` means."""
        first = objects[0].removesuffix("()") if objects else ""
        above = first in {"super", _ABOVE.get(file.language)}
        if len(objects) == 1 and (above or first in _SELF or (file.language, first) == ("php", "static")):
            path = self.class_path(file, line)
            inherited = self._inherited(file, path, name, above=above) if path else NOTHING
            return inherited or (FOREIGN if above and path else self._ranked(file, name, member=True))
        found = self._object(file, line, objects)
        if found is FOREIGN:
            return FOREIGN
        if found.modules:
            return self._of_module(file, found.modules, name)
        for symbol in found.symbols:
            if inner := self.member_of(symbol, name):
                return inner
        if found.symbols and file.language in STRICT and found.symbols[0].kind in {"class", "interface"}:
            return FOREIGN  # its class is known, and has no such member that is ours
        return self._ranked(file, name, member=True, of=objects[-1])

    def _of_module(self, file: FileRow, modules: Sequence[str], name: str) -> Found:
        """What a module gives under a name, or a module within it."""
        for path in modules:
            if inner := self.exported(path, name):
                return inner
        if file.language == "python":
            for folder in map(posixpath.dirname, modules):
                if paths := self.reader.paths([f"{folder}/{name}.py", f"{folder}/{name}/__init__.py"]):
                    return Found(modules=tuple(paths), exact=True)
        return NOTHING

    def _object(self, file: FileRow, line: int, objects: Sequence[str]) -> Found:
        """What stands before the last dot: a module, a class, or something whose class can be told."""
        whole = ".".join(objects)
        for row in self.imports(file.id):
            if not row.name and row.alias == whole:
                return self.brought(file, row, whole) or FOREIGN
        found = self._typed(file, line, objects[0])
        for part in objects[1:]:
            inner, name = NOTHING, part.removesuffix("()")
            for path in found.modules:
                inner = inner or self.exported(path, name)
            for symbol in found.symbols:
                inner = inner or self.member_of(symbol, name)
            found = FOREIGN if found is FOREIGN else self._as_class(inner, called=part != name)
        return found

    def _typed(self, file: FileRow, line: int, name: str) -> Found:
        """A variable's class, as its declaration or its first value tells it."""
        called = name.endswith("()")
        name = name.removesuffix("()")
        if name in _SELF or (file.language == "php" and name in {"static", "parent"}):
            path = self.class_path(file, line)
            return Found(tuple(s for s in self.symbols_in(file.id) if dotted(s) == path))
        found = self.bare(file, line, name)
        if found.local is not None:
            kind = self._declared(file, found.local.line, name)
            return self._given(kind) if called else kind
        if not found and file.language in STRICT and self.brings(file, name):
            return FOREIGN
        return self._as_class(found, called=called)

    def brings(self, file: FileRow, name: str) -> bool:
        """Whether a file's imports bring in a name, from wherever."""
        return any(row.alias.partition(".")[0] == name for row in self.imports(file.id))

    def _given(self, owner: Found) -> Found:
        """What an object gives that is called itself."""
        return self._as_class(self.member_of(owner.symbols[0], "__call__")) if owner.symbols else NOTHING

    def _as_class(self, found: Found, *, called: bool = False) -> Found:
        """The class of what was found: of a variable what it was given, of a function what it gives."""
        symbol = found.symbols[0] if found.symbols else None
        file = self.file(symbol.path) if symbol is not None else None
        if symbol is None or file is None:
            return found
        if symbol.kind in {"variable", "constant", "field", "property"}:
            kind = self._declared(file, symbol.line, symbol.name)
            return self._given(kind) if called else kind
        if symbol.kind in {"function", "method"}:
            return self._class_named(file, symbol.line, around.result_of(symbol.signature), symbol.name)
        return found

    def _declared(self, file: FileRow, line: int, name: str) -> Found:
        """The class of what is bound on a line."""
        lines = self.lines(file.path)
        text = lines[line - 1][: around.LONG] if 0 < line <= len(lines) else ""
        for value in around.values_of(text, name):
            found = self._class_named(file, line, value, name)
            if found or found is FOREIGN:
                return found
        if file.language not in STRICT:
            return NOTHING
        kind = around.annotated(text, name)
        foreign = kind and not self.bare(file, line, kind.partition(".")[0])
        return FOREIGN if foreign or (not kind and around.is_plain(text, name)) else NOTHING

    def _class_named(self, file: FileRow, line: int, value: str, asked: str) -> Found:
        """The class of a value that is written as `a.b.C`; none where that leads back to what is asked, or too far."""
        key = (file.id, line, asked, value)
        if not value or key in self._asking or len(self._asking) >= _DEEP:
            return NOTHING
        self._asking.add(key)
        try:
            found = self._object(file, line, value.split("."))
        finally:
            self._asking.remove(key)
        if found is FOREIGN and value.endswith("()"):  # a library's methods may well give what is ours (`rows.pop()`)
            theirs = self.brings(file, value.partition(".")[0]) and not around.hands_through(value)
            return FOREIGN if theirs else NOTHING
        if found is FOREIGN:
            return FOREIGN
        return found if found.symbols and found.symbols[0].kind in CLASSES else NOTHING

    def class_path(self, file: FileRow, line: int) -> str:
        """The dotted path of the innermost class around a line, or of the one that a method there belongs to."""
        around = [s for s in self.symbols_in(file.id) if s.from_line <= line <= s.to_line and s.kind not in _FLAT]
        for symbol in sorted(around, key=lambda s: (-s.from_line, s.to_line)):
            if symbol.kind in CLASSES:
                return dotted(symbol)
            if symbol.kind in {"method", "constructor"} and symbol.container:
                return symbol.container
        return ""

    def member_of(self, owner: Defined, name: str) -> Found:
        """A member of a class, or of the ones that it is made from."""
        file = self.file(owner.path)
        return self._inherited(file, dotted(owner), name) if file is not None else NOTHING

    def _inherited(self, file: FileRow, path: str, name: str, *, above: bool = False, depth: int = 0) -> Found:
        own = [s for s in self.symbols_in(file.id) if s.name == name and s.container == path]
        if own and not above and file.language != "cpp":  # there what is declared is defined elsewhere
            return Found(tuple(own), exact=True)
        if depth > _DEEP:
            return NOTHING
        if not above and file.language in {"go", "rust", "cpp", "swift", "ruby", "c_sharp"}:  # a class in several files
            elsewhere = [s for s in self.named(name) if s.container.rpartition(".")[2] == path.rpartition(".")[2]]
            if elsewhere:
                return Found(tuple(elsewhere), exact=True)
        for base, owner in self._bases(file.id):
            if owner != path or base == path:
                continue
            named = self.bare(file, self._line_of(file, path), base, of_bases=False) or self._ranked(file, base)
            for symbol in named.symbols:
                other = self.file(symbol.path)
                if symbol.kind not in CLASSES or other is None or (other.id == file.id and dotted(symbol) == path):
                    continue
                if found := self._inherited(other, dotted(symbol), name, depth=depth + 1):
                    return found
        return NOTHING

    def _line_of(self, file: FileRow, path: str) -> int:
        return next((s.line for s in self.symbols_in(file.id) if dotted(s) == path), 1)

    # ── by rank ─────────────────────────────────────────────────────────────────────────────────────
    def _beside(self, file: FileRow, name: str) -> Found:
        """In languages whose packages are folders: what the neighbours define."""
        if file.language not in _SHARED_FOLDER:
            return NOTHING
        folder = posixpath.dirname(file.path)
        near = [s for s in self.named(name) if not s.container and posixpath.dirname(s.path) == folder]
        return Found(tuple(near), exact=True) if near else NOTHING

    def _ranked(self, file: FileRow, name: str, *, member: bool = False, of: str = "") -> Found:
        """All that bear the name, the likeliest first: nothing decides among them. An object (`of`) is often called as its class is."""
        hint = of.removesuffix("()").replace("_", "").lower()
        candidates = [s for s in self.named(name) if related(s.language, file.language)]
        if not member and file.language in {"python", *ECMA}:
            return NOTHING  # there a name that nothing brings in is none of ours
        files_of = self.modules.files_of
        known = {path for row in self.imports(file.id) for path in files_of(file.path, file.language, row.module)}

        def likeliness(symbol: Defined) -> tuple[bool, bool, bool, bool, int, str, int]:
            misfit = bool(symbol.container) != member
            called = hint and symbol.container.rpartition(".")[2].lower() == hint
            far = (symbol.path != file.path, symbol.path not in known, -shared_folders(symbol.path, file.path))
            return (misfit, not called, *far, symbol.path, symbol.line)

        if member:
            members = [s for s in candidates if is_member(s)]
            candidates = members if file.language in STRICT else members or candidates
        return Found(tuple(sorted(candidates, key=likeliness)), exact=len(candidates) == 1)


_FLAT: Final = frozenset({"field", "variable", "constant", "column", "property"})


def _sees(within: str, symbol: Defined, language: str) -> bool:
    """Whether a bare name within a scope may mean this symbol."""
    container = symbol.container
    if not container or container == within:
        return True
    inside = within.startswith(f"{container}.")
    # in Python and JavaScript a class's members are not seen from within its methods
    return inside and (language not in {"python", *ECMA} or symbol.kind in {"function", "class"})


def related(one: str, other: str) -> bool:
    """Whether what one language defines is used by the other."""
    families: tuple[Iterable[str], ...] = (ECMA, {"c", "cpp"}, {"java", "kotlin", "scala"})
    return one == other or any(one in family and other in family for family in families)
