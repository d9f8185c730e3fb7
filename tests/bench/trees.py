"""Pinned public trees for benchmarks: fetched once from their registries, checked by digest, unpacked into the cache."""

from __future__ import annotations

import ast
import hashlib
import io
import keyword
import os
import random
import re
import shutil
import subprocess
import sys
import tarfile
import tokenize
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.bench.truth import Spot

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "claude-sidecar" / "bench"
SEED = 20_261_128
KEYWORDS = frozenset(
    [
        "abstract",
        "any",
        "as",
        "asserts",
        "async",
        "await",
        "boolean",
        "break",
        "case",
        "catch",
        "class",
        "const",
        "constructor",
        "continue",
        "declare",
        "default",
        "delete",
        "do",
        "else",
        "enum",
        "export",
        "extends",
        "false",
        "finally",
        "for",
        "from",
        "function",
        "get",
        "if",
        "implements",
        "import",
        "in",
        "infer",
        "instanceof",
        "interface",
        "is",
        "keyof",
        "let",
        "module",
        "namespace",
        "never",
        "new",
        "null",
        "number",
        "object",
        "of",
        "private",
        "protected",
        "public",
        "readonly",
        "require",
        "return",
        "set",
        "static",
        "string",
        "super",
        "switch",
        "symbol",
        "this",
        "throw",
        "true",
        "try",
        "type",
        "typeof",
        "undefined",
        "unique",
        "unknown",
        "var",
        "void",
        "while",
        "with",
        "yield",
    ]
)
TSCONFIG = '{"compilerOptions": {"target": "es2020", "lib": ["es2020", "dom"], "strict": true}, "include": ["src"]}\n'


@dataclass(frozen=True)
class Tree:
    """One pinned package: its language, where its own sources lie, and its archive's digest."""

    name: str
    version: str
    language: str
    sources: str
    archive: str
    sha256: str

    @property
    def root(self) -> Path:
        """Where it is unpacked."""
        return CACHE / f"{self.name}-{self.version}"

    def files(self) -> list[Path]:
        """Its own sources, in order."""
        suffix = ".py" if self.language == "python" else ".ts"
        return sorted(
            path for path in (self.root / self.sources).rglob(f"*{suffix}") if not path.name.endswith(".d.ts")
        )

    def all_files(self) -> list[Path]:
        """Every file of its language, its tests and examples too."""
        return sorted(path for path in self.root.rglob(f"*{self._suffix}") if "node_modules" not in path.parts)

    @property
    def _suffix(self) -> str:
        return ".py" if self.language == "python" else ".ts"

    def fetch(self) -> None:
        """Bring it onto the disk unless it is there."""
        archive = CACHE / self.archive
        CACHE.mkdir(parents=True, exist_ok=True)
        if not archive.exists():
            _download(self)
        if hashlib.sha256(archive.read_bytes()).hexdigest() != self.sha256:
            raise SystemExit(f"{archive} is not the pinned one; remove it and try again.")
        if self.root.exists():
            return
        unpacked = CACHE / f"{self.root.name}.part"
        shutil.rmtree(unpacked, ignore_errors=True)
        with tarfile.open(archive) as tar:
            tar.extractall(unpacked, filter="data")
        (inner,) = unpacked.iterdir()
        if self.language == "typescript":
            (inner / "tsconfig.json").write_text(TSCONFIG)
        # a repository, so that a project's end is where git says
        subprocess.run(["git", "init", "--quiet", inner], check=True)
        inner.rename(self.root)
        unpacked.rmdir()


TREES = (
    Tree(
        "flask",
        "3.1.2",
        "python",
        "src/flask",
        "flask-3.1.2.tar.gz",
        "bf656c15c80190ed628ad08cdfd3aaa35beb087855e2f494910aa3774cc4fd87",
    ),
    Tree(
        "rich",
        "14.1.0",
        "python",
        "rich",
        "rich-14.1.0.tar.gz",
        "e497a48b844b0320d45007cdebfeaeed8db2a4f4bcf49f15e455cfc4af11eaa8",
    ),
    Tree(
        "rxjs",
        "7.8.2",
        "typescript",
        "src",
        "rxjs-7.8.2.tgz",
        "2312f8ffd9726ffd7bd53ea12c5f13663d09a3dc3326f448c70b88f5ef6fac82",
    ),
)


def _download(tree: Tree) -> None:
    if tree.language == "python":
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
        subprocess.run([*pip, "-d", CACHE, f"{tree.name}=={tree.version}"], check=True)
    else:
        subprocess.run(["npm", "pack", "--silent", f"{tree.name}@{tree.version}"], cwd=CACHE, check=True)


# ── places by rule ──────────────────────────────────────────────────────────────────────────────────
def uses(tree: Tree) -> list[Spot]:
    """Every identifier of the sources, in an order that a fixed seed shuffles."""
    found: list[Spot] = []
    for path in tree.files():
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(tree.root).as_posix()
        if tree.language == "python":
            found += [
                (name, token.start[0] - 1, _units(token.line, token.start[1]))
                for token in tokenize.generate_tokens(io.StringIO(text).readline)
                if token.type == tokenize.NAME and not keyword.iskeyword(token.string)
            ]
        else:
            for number, line in enumerate(text.split("\n")):
                code = "" if re.match(r"\s*(\*|//|/\*)", line) else line.split("//")[0]
                code = re.sub(r"'[^']*'|\"[^\"]*\"|`[^`]*`", lambda quoted: " " * len(quoted.group()), code)
                words = (word for word in re.finditer(r"\b[A-Za-z_$][\w$]*", code) if word.group() not in KEYWORDS)
                found += [(name, number, _units(line, word.start())) for word in words]
    random.Random(SEED).shuffle(found)
    return found


@dataclass(frozen=True)
class Named:
    """A definition of the sources: where its name stands, and whether a reader can tell by the name alone what is meant."""

    spot: Spot
    name: str
    clear: bool


def definitions(tree: Tree) -> list[Named]:
    """Functions, classes and methods (what is exported, in TypeScript), shuffled by the same seed.

    `clear`: nothing else in the sources has the name (no variable, parameter or attribute either), or it stands at the
    top and some file imports it by that name.
    """
    found: list[tuple[Spot, str, bool]] = []
    imported: set[str] = set()
    bound: set[str] = set()
    for path in tree.files():
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(tree.root).as_posix()
        found += (
            _python(name, text, imported, bound) if tree.language == "python" else _typescript(name, text, imported)
        )
    count = Counter(name for _, name, _ in found)
    tops = Counter(name for _, name, top in found if top)
    named = [
        Named(spot, name, (count[name] == 1 and name not in bound) or (top and tops[name] == 1 and name in imported))
        for spot, name, top in found
    ]
    random.Random(SEED).shuffle(named)
    return named


def _python(file: str, text: str, imported: set[str], bound: set[str]) -> list[tuple[Spot, str, bool]]:
    found = []
    lines = text.split("\n")
    module = ast.parse(text)
    for node in ast.walk(module):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            bound.add(node.attr)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
    imported.update(alias.name for node in ast.walk(module) if isinstance(node, ast.ImportFrom) for alias in node.names)
    for outer in (module, *(node for node in ast.walk(module) if isinstance(node, ast.ClassDef))):
        for node in outer.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith(
                "__"
            ):
                line = lines[node.lineno - 1]
                start = line.index(node.name, node.col_offset + 3)
                found.append(((file, node.lineno - 1, _units(line, start)), node.name, outer is module))
    return found


def _typescript(file: str, text: str, imported: set[str]) -> list[tuple[Spot, str, bool]]:
    for names in re.findall(r"import\s+(?:type\s+)?\{([^}]*)\}", text):
        imported.update(part.split(" as ")[0].strip() for part in names.split(","))
    kinds = "function|class|abstract class|const|interface|type|enum"
    found = {}
    for number, line in enumerate(text.split("\n")):
        match = re.match(rf"export (?:declare )?(?:{kinds}) (\w+)", line)
        if match and match.group(1) not in found:  # overloads are one function
            found[match.group(1)] = ((file, number, _units(line, match.start(1))), match.group(1), True)
    return list(found.values())


def _units(line: str, column: int) -> int:
    return len(line[:column].encode("utf-16-le")) // 2
