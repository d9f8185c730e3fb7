"""Which files an import means: candidates by the language's own rules, and those of them that the index has.

Nothing of it is kept with the importing file, since a file that appears or goes changes what the imports of others mean.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from sidecar.store.symbols import SymbolReader

ECMA: Final = frozenset({"javascript", "typescript", "tsx"})
_ECMA_ENDINGS: Final = (".ts", ".tsx", ".d.ts", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts")
_ROOTS: Final = ("", "src", "lib", "python", "include")
BY_SUFFIX: Final = frozenset({"java", "kotlin", "scala", "c_sharp", "php", "swift"})
"""Languages whose imports name packages: the files are found by the name that is brought in."""


class Modules:
    """The imports of one state of the index; it remembers what it has found."""

    def __init__(self, files: SymbolReader) -> None:
        self._files = files
        self._facts: dict[str, list[tuple[str, str, str]]] | None = None
        self._roots = lru_cache(maxsize=20_000)(self._python_roots)
        self.files_of = lru_cache(maxsize=20_000)(self._files_of)

    def _files_of(self, importer: str, language: str, module: str) -> tuple[str, ...]:
        """The files that make up a module, as one file calls it; empty for one that lies elsewhere."""
        folder = posixpath.dirname(importer)
        if language == "python":
            return self._first(_python(folder, module, () if module.startswith(".") else self._roots(folder)))
        if language in ECMA:
            return self._ecma(folder, module)
        if language == "go":
            return self._go(module)
        if language == "rust":
            return self._first(_rust(importer, module))
        if language in BY_SUFFIX:
            return ()
        return self._included(folder, module, ".rb" if language == "ruby" else "")

    def _first(self, candidates: Iterator[str]) -> tuple[str, ...]:
        """The first that there is."""
        return next(((path,) for path in candidates if self._files.paths([path])), ())

    def _python_roots(self, folder: str) -> tuple[str, ...]:
        """Where absolute imports begin: never within a package, whose modules bear its name before theirs."""
        above = [root for root in _above(folder) if not self._files.paths([_normal(root, "__init__.py")])]
        return (*_ROOTS, *above)

    def _fact(self, kind: str) -> list[tuple[str, str, str]]:
        """(name, detail, folder of the file that says it) of all facts of a kind."""
        if self._facts is None:
            self._facts = {}
            for one, name, detail, path in self._files.facts():
                self._facts.setdefault(one, []).append((name, detail, posixpath.dirname(path)))
        return self._facts.get(kind, [])

    def _ecma(self, folder: str, module: str) -> tuple[str, ...]:
        if module.startswith("."):
            return self._first(_ecma_files(_normal(folder, module)))
        for pattern, target, base in self._fact("paths"):
            head, star, tail = pattern.partition("*")
            if (star and module.startswith(head) and module.endswith(tail)) or module == pattern:
                inner = module[len(head) : len(module) - len(tail) or None] if star else ""
                if found := self._first(_ecma_files(_normal(base, target.replace("*", inner)))):
                    return found
        for name, main, base in self._fact("module"):
            if module == name:
                return self._first(
                    path
                    for start in (main, "src/index", "index")
                    if start
                    for path in _ecma_files(_normal(base, start))
                )
            if module.startswith(f"{name}/"):
                rest = module[len(name) + 1 :]
                return self._first(path for at in ("", "src") for path in _ecma_files(_normal(base, at, rest)))
        return ()

    def _go(self, module: str) -> tuple[str, ...]:
        for name, _, base in self._fact("module"):
            if module == name or module.startswith(f"{name}/"):
                paths = self._files.in_folder(_normal(base, module[len(name) + 1 :]))
                return tuple(path for path in paths if path.endswith(".go") and not path.endswith("_test.go"))
        return ()

    def _included(self, folder: str, module: str, ending: str) -> tuple[str, ...]:
        """A file that is named by its path: C's headers, Ruby's and a shell's scripts."""
        path = module if not ending or module.endswith(ending) else module + ending
        if found := self._first(_normal(root, path) for root in (folder, *_ROOTS, *_above(folder))):
            return found
        tail = path.lstrip("./")
        return tuple(at for at in self._files.named(posixpath.basename(path)) if at.endswith(f"/{tail}"))[:1]


def _python(folder: str, module: str, roots: tuple[str, ...]) -> Iterator[str]:
    dots = len(module) - len(module.lstrip("."))
    path = module[dots:].replace(".", "/")
    if dots:
        base = folder
        for _ in range(dots - 1):
            base = posixpath.dirname(base)
        roots = (base,)
    for root in roots:
        place = _normal(root, path)
        yield from (f"{place}.py", _normal(place, "__init__.py"), f"{place}.pyi", _normal(place, "__init__.pyi"))


def _above(folder: str) -> list[str]:
    """A folder and those above it, the highest first."""
    parts = folder.split("/") if folder else []
    return ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _ecma_files(path: str) -> Iterator[str]:
    yield path
    stem, ending = posixpath.splitext(path)
    if ending in {".js", ".mjs", ".cjs", ".jsx"}:
        yield from (f"{stem}{other}" for other in (ending.replace("js", "ts"), ".ts", ".tsx", ".d.ts"))
    yield from (f"{path}{other}" for other in _ECMA_ENDINGS)
    yield from (f"{path}/index{other}" for other in _ECMA_ENDINGS)


def _rust(importer: str, module: str) -> Iterator[str]:
    folder, stem = posixpath.dirname(importer), posixpath.splitext(posixpath.basename(importer))[0]
    own = folder if stem in {"mod", "lib", "main"} else _normal(folder, stem)
    parts = module.split("::")
    if parts[0] == "crate":
        top = re.match(r"(.*/)?src(?=/|$)", folder)
        bases = [top[0] if top else folder]
        parts = parts[1:]
    elif parts[0] in {"self", "super"}:
        base = own
        while parts and parts[0] in {"self", "super"}:
            base = posixpath.dirname(base) if parts[0] == "super" else base
            parts = parts[1:]
        bases = [base]
    else:
        bases = [own, folder]
    for count in range(len(parts), 0, -1):  # the last words may name a type in the module, or a module in the file
        for base in bases:
            place = _normal(base, "/".join(parts[:count]))
            yield from (f"{place}.rs", f"{place}/mod.rs")
    for base in bases:
        yield from (f"{base}/lib.rs", f"{base}/main.rs", f"{base}/mod.rs", f"{base}.rs")


def _normal(*parts: str) -> str:
    path = posixpath.normpath(posixpath.join("", *parts))
    return "" if path == "." else path
