"""What the text around a name tells: the call of an argument, the type of a value, what comes with the language."""

from __future__ import annotations

import pytest

from sidecar.core.around import annotated, call_around, hands_through, is_plain, result_of, values_of, without_arguments


@pytest.mark.parametrize(
    ("text", "callee"),
    [
        ("make(«size=1)", "make"),
        ("a.make(1, [2, (3)], «size=1)", "make"),
        ("make(\n    'a (', # (\n    b(2),\n    «size=1,\n)", "make"),
        ("make(size, «size == 1)", ""),
        ("make([«size=1])", ""),
        ("«size = 1", ""),
        ("make(1)\n«size = 1", ""),
        ("(«size=1)", ""),
        ("make(" + "\n" * 100 + "«size=1)", ""),
    ],
)
def test_the_call_that_an_argument_belongs_to(text, callee):
    before, _, after = text.partition("«")
    lines = (before + after).split("\n")
    line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
    found = call_around(lines, line, column, column + 4)
    told = lines[found[0] - 1][found[1] - 1 :].partition("(")[0] if found else ""
    assert told == callee


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a(1).b(c(2), 'x').", "a().b()."),
        ("x = f(')').", "x = f()."),
        ("f(a).g(", "f().g("),
        ("plain.", "plain."),
        ("((((", "(((("),
    ],
)
def test_arguments_are_left_out(before, after):
    assert without_arguments(before) == after


@pytest.mark.parametrize(
    ("text", "name", "values"),
    [
        ("def f(a, cart: Cart = None):", "cart", ["Cart"]),
        ("cart: Optional['shop.Cart'] = None", "cart", ["shop.Cart"]),
        ("cart: Any = Cart(1)", "cart", ["Cart()"]),
        ("cart = await shop.make(1)", "cart", ["shop.make()"]),
        ("with shop.opened(a) as cart:", "cart", ["shop.opened()"]),
        ("self.cart = basket or Cart()", "cart", ["basket"]),
        ("const cart = new Cart<Item>();", "cart", ["Cart()"]),
        ("private readonly cart?: Cart,", "cart", ["Cart"]),
        ("Cart cart = other;", "cart", ["other", "Cart"]),
        ("func f(cart *Cart) {", "cart", ["Cart"]),
        ("for cart in carts:", "cart", []),
    ],
)
def test_what_a_line_says_that_a_name_is(text, name, values):
    assert list(values_of(text, name)) == values


def test_types_that_are_written():
    assert annotated("def f(rows: List[Row]):", "rows") == "List"
    assert [annotated(text, "x") for text in ("x: Any = 1", "x = 1", "x: 'a.B'")] == ["", "", "a.B"]


@pytest.mark.parametrize("text", ["x = []", 'x = f"a"', "x: T = {}", "x = open(p)", "const x = new Map<A>()", "x = 1"])
def test_literals_and_the_languages_own_types_are_plain(text):
    assert is_plain(text, "x")


@pytest.mark.parametrize("text", ["x = make()", "x = y", "x: List[int]", "xx = []", "x == 1", "x = opened()"])
def test_what_may_be_ours_is_not_plain(text):
    assert not is_plain(text, "x")


@pytest.mark.parametrize(
    ("signature", "result"),
    [
        ("def total(self) -> Money", "Money"),
        ("def get(self, a: Callable[[], int]) -> Optional['shop.Cart']", "shop.Cart"),
        ("make(a: string): Promise<Cart>", "Cart"),
        ("func Make(a int) *Cart", "Cart"),
        ("def anything(self) -> Any", ""),
        ("def nothing(self)", ""),
    ],
)
def test_the_type_that_a_head_says_it_gives(signature, result):
    assert result_of(signature) == result


def test_calls_that_give_back_what_they_are_given():
    assert hands_through("copy.copy()")
    assert not hands_through("re.compile()")
