"""The tables of node types agree with the grammars that are installed."""

import pytest
from tree_sitter import Parser

from sidecar.index.grammars import GRAMMARS, grammar_for, language


@pytest.mark.parametrize("grammar", GRAMMARS, ids=lambda g: g.name)
def test_grammar_knows_its_own_node_types(grammar):
    """A name that the grammar's next version no longer has would silently find nothing."""
    tables = language(grammar.name)
    known = {tables.node_kind_for_id(number) for number in range(tables.node_kind_count)}
    fields = {tables.field_name_for_id(number) for number in range(1, tables.field_count + 1)}
    types = {*grammar.shapes, *grammar.scopes, *grammar.top}
    assert types <= known
    assert {field for field, _ in grammar.shapes.values()} | set(grammar.scopes.values()) <= fields
    assert Parser(tables).parse(b"").root_node is not None


@pytest.mark.parametrize(
    ("path", "name"), [("a/b.PY", "python"), ("x.d.ts", "typescript"), ("x", None), ("x.txt", None)]
)
def test_grammar_is_chosen_by_suffix(path, name):
    grammar = grammar_for(path)
    assert (grammar.name if grammar else None) == name
