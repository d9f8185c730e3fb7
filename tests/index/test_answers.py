"""Every operation over a small project, by place and by name; each answer whole, limited or refused as asked."""

from __future__ import annotations

import pytest

from sidecar.core.errors import BadInput
from sidecar.core.symbols import Call, Hover, Location, Position, Query, Symbol
from sidecar.index.answers import KNOWN, items
from tests.index.test_resolve import PYTHON
from tests.index.trees import resolving, write_tree

FILES = {
    **PYTHON,
    "heirs.py": "from shop.cart import Cart\nclass Small(Cart):\n    def total(self): return super().total([])\nclass Tiny(Small): pass\n",
    "tests/test_cart.py": "from shop.cart import Cart\ndef test_cart(): Cart().total([])\n",
    "names.py": "class CartLine: pass\nclass ShoppingCart: pass\ndef cart_of(): pass\ndiscard = 1\n",
}


@pytest.fixture
def resolver(tmp_path):
    with resolving(write_tree(tmp_path / "work", FILES), tmp_path / "state") as made:
        yield made


def ask(resolver, operation, **about):
    return list(items(resolver, Query(operation, **about)))


def place(item):
    span = item.span if isinstance(item, Location | Symbol | Hover) else item.symbol.span
    return f"{span.path}:{span.start.line}"


def test_names_are_found_whole_in_part_and_loosely_the_best_first(resolver):
    names = [symbol.name for symbol in ask(resolver, "workspace_symbols", name="cart")]
    assert names == ["Cart", "Cart", "CartLine", "cart_of", "ShoppingCart", "test_cart"]
    assert [s.path for s in ask(resolver, "workspace_symbols", name="Cart.total")][:2] == ["Cart.total", "Cart.total"]
    assert ask(resolver, "workspace_symbols", name="shpcrt")[0].name == "ShoppingCart"
    assert ask(resolver, "workspace_symbols", name="") == []
    assert ask(resolver, "workspace_symbols", name='"%_\\"') == []
    assert {s.name for s in ask(resolver, "workspace_symbols", name="ca")} >= {"Cart", "cart_of"}


def test_however_many_names_hold_a_text_who_asks_for_more_gets_more_and_a_path_is_found(tmp_path):
    """2,000 names are looked at, or as many as are asked for; a name path is looked for among far more."""
    many = "".join(f"def get_{n}(): pass\n" for n in range(2_500))
    root = write_tree(tmp_path / "work", {"a.py": many, "z.py": "class Last:\n    def get_it_all(self): pass\n"})
    with resolving(root, tmp_path / "state") as resolver:
        assert len(ask(resolver, "workspace_symbols", name="get", limit=2_400)) > 2_400
        assert [s.path for s in ask(resolver, "workspace_symbols", name="Last.get")] == ["Last.get_it_all"]


def test_a_files_symbols_in_its_order(resolver):
    told = [(s.path, s.kind, s.span.start.line) for s in ask(resolver, "document_symbols", path="shop/base.py")]
    assert told == [("Base", "class", 1), ("Base.save", "method", 2), ("Base.make", "method", 4)]


def test_definition_and_references_by_place_and_by_name(resolver):
    at = Position(7, 12)
    assert [place(x) for x in ask(resolver, "definition", path="app.py", position=at)] == ["shop/cart.py:8"]
    by_place = ask(resolver, "references", path="app.py", position=at)
    by_name = ask(resolver, "references", name="shop.cart.Cart.total")
    assert [place(x) for x in by_place] == [place(x) for x in by_name]
    assert set(map(place, by_place)) == {
        "shop/cart.py:8",
        "app.py:7",
        "shop/cart.py:13",
        "shop/cart.py:16",
        "tests/test_cart.py:2",
    } | {"heirs.py:3"}
    assert by_place[0].text == "def total(self, items):"
    assert {x.within for x in by_place if place(x) == "app.py:7"} == {"run"}
    local = ask(resolver, "references", path="app.py", position=Position(6, 5))
    assert [place(x) for x in local] == ["app.py:6", "app.py:7"]


def test_callers_and_callees(resolver):
    callers = ask(resolver, "callers", name="shop.tax.rate")
    assert {(call.symbol.path, len(call.places)) for call in callers} == {
        ("run", 1),
        ("Cart.total", 1),
        ("Cart.store", 1),
    }
    callees = ask(resolver, "callees", name="Cart.store")
    assert [call.symbol.path for call in callees] == ["Base.save", "Cart.total", "Base.make", "rate", "Cart"]
    assert all(isinstance(call, Call) for call in callees)


def test_implementations_of_classes_and_methods(resolver):
    assert [place(x) for x in ask(resolver, "implementations", name="shop.cart.Cart")] == ["heirs.py:2", "heirs.py:4"]
    assert [place(x) for x in ask(resolver, "implementations", name="shop.cart.Cart.total")] == ["heirs.py:3"]


def test_hover_tells_signature_doc_and_place(resolver):
    (hover,) = ask(resolver, "hover", name="shop.tax.rate")
    assert "def rate(net)" in hover.text
    assert "function in shop/tax.py:2" in hover.text
    (local,) = ask(resolver, "hover", path="app.py", position=Position(7, 5))
    assert "basket = Basket()" in local.text


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({"path": "gone.py", "position": Position(1, 1)}, "not in the index"),
        ({"path": "app.py", "position": Position(0, 1)}, "count from 1"),
        ({"path": "app.py", "position": Position(999, 1)}, "no line 999"),
        ({}, "Say which symbol"),
    ],
)
def test_a_place_that_is_none_is_refused_with_the_mend(resolver, about, words):
    with pytest.raises(BadInput, match=words):
        ask(resolver, "definition", **about)


def test_every_known_operation_can_be_asked_about_anything(resolver):
    for operation in KNOWN - {"document_symbols", "workspace_symbols"}:
        assert ask(resolver, operation, name="no.such.Thing") == []
        for line in range(1, 15):
            for column in (1, 5, 9, 14, 200):
                ask(resolver, operation, path="app.py", position=Position(line, column))


TWO = {
    "lib.py": "class Row:\n    def __init__(self, width): self.width = width\n    @property\n    def top(self): return 1\n    @top.setter\n    def top(self, value): pass\n",
    "use.py": "from lib import Row\nRow(width=2).top\n",
}


def test_an_arguments_name_leads_to_the_parameter_and_a_property_to_all_that_makes_it(tmp_path):
    with resolving(write_tree(tmp_path / "work", TWO), tmp_path / "state") as made:
        argument = {"path": "use.py", "position": Position(2, 6)}
        assert [place(x) for x in ask(made, "definition", **argument)] == ["lib.py:2"]
        assert [place(x) for x in ask(made, "references", **argument)] == ["lib.py:2", "lib.py:2"]
        assert "local name, line 2" in ask(made, "hover", **argument)[0].text
        for at in (Position(4, 10), Position(6, 10)):
            told = sorted(map(place, ask(made, "references", path="lib.py", position=at)))
            assert told == ["lib.py:4", "lib.py:5", "lib.py:6", "use.py:2"]


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("ns::work", ["a.sh:1"]),
        ("App\\Models\\User::make", ["src/User.php:3"]),
        ("User.make", ["src/User.php:3"]),
    ],
)
def test_a_name_with_a_languages_own_separators_is_found(tmp_path, name, places):
    files = {
        "a.sh": "ns::work() { :; }\n",
        "src/User.php": "<?php\nnamespace App\\Models;\nclass User { static function make() {} }\n",
    }
    with resolving(write_tree(tmp_path / "work", files), tmp_path / "state") as resolver:
        found = list(items(resolver, Query("workspace_symbols", name=name)))
        assert [f"{s.span.path}:{s.span.start.line}" for s in found] == places
        found = list(items(resolver, Query("definition", name=name)))
        assert [f"{s.span.path}:{s.span.start.line}" for s in found] == places
