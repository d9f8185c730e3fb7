"""Each language's wheel fits the tree-sitter that is installed, and its query asks only for what the grammar has."""

import pytest
from tree_sitter import LANGUAGE_VERSION, MIN_COMPATIBLE_LANGUAGE_VERSION

from sidecar.index.extract import KINDS
from sidecar.index.grammars import GRAMMARS, language_of, loaded

OTHERS = {
    "bind",
    "member",
    "outer",
    "parameter",
    "quoted",
    "scope",
    "template",
    "impl",
    "base",
    "import",
    "skip",
    "ref",
    "ref.member",
    "ref.type",
}


@pytest.mark.parametrize("grammar", GRAMMARS, ids=lambda g: g.name)
def test_grammar_fits_and_knows_what_its_query_asks_for(grammar):
    """A node type that the next version no longer has raises here, where it would else silently find nothing."""
    tables, query = loaded(grammar.name)
    assert MIN_COMPATIBLE_LANGUAGE_VERSION <= tables.abi_version <= LANGUAGE_VERSION
    captures = {query.capture_name(number) for number in range(query.capture_count)}
    assert {c for c in captures if not c.startswith("_")} <= {*KINDS, *OTHERS}
    assert "ref" in captures


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a/b.PY", "python"),
        ("x.d.ts", "typescript"),
        ("x", ""),
        ("x.txt", "text"),
        ("Rakefile", "ruby"),
        ("deep/Makefile", "make"),
        ("a.h", "c"),
        ("x.zzz", ""),
    ],
)
def test_language_is_told_by_the_name(path, name):
    assert language_of(path) == name
