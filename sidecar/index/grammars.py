"""Which language a file is in, and how its names are found: single grammar wheels and one tree-sitter query a language.

The queries (`queries/*.scm`) capture definitions by their kind (`@class`, `@function`, …); `@bind` is an identifier that
a declaration binds, which is a local name inside a function and a symbol elsewhere, `@member` one that is set on the
object itself, `@outer` one that a function takes from outside, `@parameter` a type parameter, local to what it stands
in; `@scope` has local names but is no symbol, `@impl` has
members but defines nothing; `@base` stands in a list of base classes; `@import` is a statement that brings names in;
`@ref`, `@ref.member` and `@ref.type` are uses, `@quoted` is a string that holds types, `@skip` are identifiers that are
none.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Final, NamedTuple

from tree_sitter import LANGUAGE_VERSION, MIN_COMPATIBLE_LANGUAGE_VERSION, Language, Query, QueryError


class Grammar(NamedTuple):
    """One language: its wheel, the function in it that gives the tables, its queries, what begins a comment line."""

    name: str
    wheel: str
    suffixes: tuple[str, ...]
    function: str = "language"
    queries: tuple[str, ...] = ()
    comments: tuple[str, ...] = ("//", "/*", "*")
    names: tuple[str, ...] = ()


_HASH: Final = ("#",)
GRAMMARS: Final = (
    Grammar("python", "python", (".py", ".pyi", ".pyw"), comments=()),
    Grammar("javascript", "javascript", (".js", ".jsx", ".mjs", ".cjs"), queries=("ecma", "javascript")),
    Grammar("typescript", "typescript", (".ts", ".mts", ".cts"), "language_typescript", queries=("ecma", "typescript")),
    Grammar("tsx", "typescript", (".tsx",), "language_tsx", queries=("ecma", "typescript")),
    Grammar("go", "go", (".go",)),
    Grammar("rust", "rust", (".rs",), comments=("//", "/*", "*", "#[")),
    Grammar("java", "java", (".java",)),
    Grammar("c", "c", (".c", ".h")),
    Grammar("cpp", "cpp", (".cc", ".cpp", ".cxx", ".hpp", ".hh", ".hxx", ".ipp"), queries=("c", "cpp")),
    Grammar("c_sharp", "c_sharp", (".cs",)),
    Grammar("ruby", "ruby", (".rb", ".rake", ".gemspec"), comments=_HASH, names=("rakefile", "gemfile")),
    Grammar("php", "php", (".php",), "language_php", comments=("//", "/*", "*", "#")),
    Grammar("kotlin", "kotlin", (".kt", ".kts")),
    Grammar("swift", "swift", (".swift",)),
    Grammar("scala", "scala", (".scala", ".sc")),
    Grammar("bash", "bash", (".sh", ".bash"), comments=_HASH),
    Grammar("sql", "sql", (".sql",), comments=("--",)),
)
BY_NAME: Final = {grammar.name: grammar for grammar in GRAMMARS}

_TYPES: Final = """
markdown:md,markdown rst:rst,rest text:txt json:json,jsonc,json5 yaml:yaml,yml toml:toml xml:xml,xsd,xsl html:html,htm
css:css scss:scss,sass less:less vue:vue svelte:svelte dart:dart lua:lua perl:pl,pm r:r julia:jl elixir:ex,exs
erlang:erl,hrl haskell:hs ocaml:ml,mli clojure:clj,cljs,cljc groovy:groovy,gradle powershell:ps1 batch:bat,cmd zig:zig
nim:nim fsharp:fs,fsx objective-c:m,mm cuda:cu protobuf:proto graphql:graphql,gql terraform:tf,hcl cython:pyx,pxd
notebook:ipynb ini:ini,cfg,conf assembly:s,asm fortran:f90,f95,f03 vb:vb solidity:sol gettext:po,pot
"""
"""Languages that are known by their files' endings only."""

_FILES: Final = {"makefile": "make", "dockerfile": "docker", "cmakelists.txt": "cmake", "jenkinsfile": "groovy"}
_BY_SUFFIX: Final[dict[str, str]] = {
    **{
        f".{suffix}": name
        for entry in _TYPES.split()
        for name, _, suffixes in [entry.partition(":")]
        for suffix in suffixes.split(",")
    },
    **{suffix: grammar.name for grammar in GRAMMARS for suffix in grammar.suffixes},
}
_BY_FILE: Final = {**_FILES, **{name: grammar.name for grammar in GRAMMARS for name in grammar.names}}

_CPP: Final = re.compile(
    rb"(?m)^[ \t]{0,80}(class\s[\w\s()]{1,200}[:{]|namespace\b[\w\s:]{0,200}\{|template\s*<|using\s|(?:public|private|protected)\s*:)|std::"
)


def language_of(path: str) -> str:
    """The language of a file by its name; empty where it tells none."""
    name = path.lower().rpartition("/")[2]
    stem, dot, ending = name.rpartition(".")
    return _BY_FILE.get(name) or (_BY_SUFFIX.get(dot + ending, "") if stem else "")


def spoken_in(path: str, source: bytes) -> str:
    """The language of a file by its name and its text: a header is one of C++ if it says what C has no words for."""
    language = language_of(path)
    return "cpp" if language == "c" and path.endswith(".h") and _CPP.search(source, 0, 1 << 16) else language


@cache
def loaded(name: str) -> tuple[Language, Query]:
    """A grammar's tables and its query, loaded when first needed, as few projects have all of them.

    Raises ImportError with a sentence when the wheel is missing, of another format than this tree-sitter reads, or
    does not know what the query asks for.
    """
    grammar = BY_NAME[name]
    tables = getattr(import_module(f"tree_sitter_{grammar.wheel}"), grammar.function)()
    try:
        language = Language(tables)
        return language, Query(language, _query(grammar))
    except (ValueError, QueryError) as error:
        wanted = f"{MIN_COMPATIBLE_LANGUAGE_VERSION} to {LANGUAGE_VERSION}"
        raise ImportError(
            f"The grammar tree-sitter-{grammar.wheel} does not fit ({error}; formats {wanted} do)."
        ) from None


def _query(grammar: Grammar) -> str:
    folder = Path(__file__).with_name("queries")
    return "\n".join((folder / f"{name}.scm").read_text("utf-8") for name in grammar.queries or (grammar.name,))
