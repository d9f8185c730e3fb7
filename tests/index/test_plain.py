"""What is hidden from a grammar leaves all else at its place, and is used where it stands."""

from __future__ import annotations

import pytest

from sidecar.index.plain import ended, hidden, parsable


@pytest.mark.parametrize(
    ("language", "text", "parsed"),
    [
        ("cpp", "class API A : B {", "class     A : B {"),
        ("cpp", "struct API(x) A final {", "struct        A final {"),
        ("cpp", "struct POINT p;", "struct POINT p;"),
        ("cpp", "int f() LOCKS_OUT(mu) {", "int f()               {"),
        ("cpp", "int n GUARDED_BY(mu);", "int n               ;"),
        ("cpp", "if (x) RETURN_IF(y);", "if (x) RETURN_IF(y);"),
        ("sql", "SELECT [Order ID] FROM [t];\nGO\n", 'SELECT "Order ID" FROM "t";\n; \n'),
        ("sql", "a text[], ARRAY[b], c[d]", "a text[], ARRAY[b], c[d]"),
        ("python", "class API A: pass", "class API A: pass"),
    ],
)
def test_what_a_grammar_does_not_know_is_hidden(language, text, parsed):
    assert parsable(text.encode(), language) == parsed.encode()


def test_what_is_hidden_is_told_with_its_place():
    text = "\nclass API A {\n  int f() LOCKS_OUT(mu) {\n"
    assert [(text[start:end], place) for start, end, place in hidden(text.encode())] == [
        ("API", (1, 6)),
        ("LOCKS_OUT", (2, 10)),
        ("mu", (2, 20)),
    ]


def test_statements_of_kotlin_end_before_their_block():
    assert ended(b"class A { fun f() = 1 }\nval x = { }\n") == b"class A { fun f() = 1;}\nval x = { }\n"
