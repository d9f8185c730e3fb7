"""Names are found where they are defined, in every language that is offered, and nowhere else."""

import os
import sys
from pathlib import Path

import pytest

from sidecar.index.definitions import MAX_FOUND, Definition, find_definitions
from sidecar.index.walk import MAX_BYTES

SHOP = Path(__file__).parents[1] / "workspaces" / "polyglot"
FILES = sorted(file.name for file in SHOP.iterdir())

CASES = [
    # name, file, line, kind, container, signature
    ("TAX", "shop.py", 3, "constant", "", "TAX = 0.19"),
    ("rate", "shop.py", 4, "variable", "", "rate: float = TAX"),
    ("total", "shop.py", 7, "function", "", "def total(items)"),
    ("total", "shop.py", 15, "method", "Cart", "async def total( self, items: list[int], ) -> float"),
    ("inner", "shop.py", 19, "function", "Cart.total", "def inner()"),
    ("size", "shop.py", 25, "method", "Cart", "def size(self)"),
    ("Cart", "shop.py", 12, "class", "", "class Cart"),
    ("limit", "shop.py", 13, "field", "Cart", "limit = 10"),
    ("TAX", "cart.js", 2, "constant", "", "TAX = 0.19"),
    ("total", "cart.js", 4, "function", "", "total = (items)"),
    ("discount", "cart.js", 6, "function", "", "function discount(items)"),
    ("Cart", "cart.js", 11, "class", "", "class Cart"),
    ("limit", "cart.js", 12, "field", "Cart", "limit = 10"),
    ("add", "cart.js", 14, "method", "Cart", "add(item)"),
    ("Item", "cart.ts", 1, "interface", "", "interface Item"),
    ("price", "cart.ts", 2, "field", "Item", "price: number"),
    ("describe", "cart.ts", 3, "method", "Item", "describe(): string"),
    ("Items", "cart.ts", 6, "type", "", "type Items = Item[]"),
    ("State", "cart.ts", 8, "enum", "", "enum State"),
    ("Open", "cart.ts", 9, "constant", "State", "Open"),
    ("currency", "cart.ts", 14, "variable", "money", "currency = 'EUR'"),
    ("Cart", "cart.ts", 17, "class", "", "abstract class Cart<T extends Item>"),
    ("add", "cart.ts", 20, "method", "Cart", "add(item: T): void"),
    ("checkout", "cart.ts", 24, "method", "Cart", "abstract checkout(): Promise<State>"),
    ("total", "cart.ts", 27, "function", "", "function total(items: Items): number"),
    ("CartView", "view.tsx", 3, "function", "", "function CartView(props: { items: number[] })"),
    ("Tax", "cart.go", 3, "constant", "", "Tax = 0.19"),
    ("Priced", "cart.go", 5, "interface", "", "Priced interface"),
    ("Price", "cart.go", 6, "method", "Priced", "Price() int"),
    ("Cart", "cart.go", 9, "struct", "", "Cart struct"),
    ("limit", "cart.go", 10, "field", "Cart", "limit int"),
    ("Total", "cart.go", 13, "method", "Cart", "func (c *Cart) Total(items []Priced) int"),
    ("NewCart", "cart.go", 18, "function", "", "func NewCart() *Cart"),
    ("Cart", "Cart.java", 3, "class", "", "public class Cart"),
    ("Cart", "Cart.java", 12, "constructor", "Cart", "Cart(int limit)"),
    ("Priced", "Cart.java", 8, "interface", "Cart", "interface Priced"),
    ("LIMIT", "Cart.java", 4, "field", "Cart", "LIMIT = 10"),
    ("State", "Cart.java", 6, "enum", "Cart", "enum State"),
    ("OPEN", "Cart.java", 6, "constant", "Cart.State", "OPEN"),
    ("price", "Cart.java", 9, "method", "Cart.Priced", "int price()"),
    ("total", "Cart.java", 15, "method", "Cart", "public int total(int[] items)"),
    ("TAX", "cart.rs", 1, "constant", "", "const TAX: f64 = 0.19"),
    ("Priced", "cart.rs", 3, "trait", "", "pub trait Priced"),
    ("price", "cart.rs", 4, "method", "Priced", "fn price(&self) -> u32"),
    ("State", "cart.rs", 7, "enum", "", "pub enum State"),
    ("Open", "cart.rs", 8, "constant", "State", "Open"),
    ("Cart", "cart.rs", 11, "struct", "", "pub struct Cart<T>"),
    ("limit", "cart.rs", 12, "field", "Cart", "limit: T"),
    ("total", "cart.rs", 16, "method", "Cart", "pub fn total(&self, items: &[u32]) -> u32"),
    ("cart", "cart.rs", 21, "macro", "", "macro_rules! cart"),
]


@pytest.mark.parametrize(("name", "file", "line", "kind", "container", "signature"), CASES)
def test_finds_definition(name, file, line, kind, container, signature):
    found = find_definitions(SHOP, name, [file]).definitions
    assert Definition(file, line, kind, container, signature) in found


def test_finds_nothing_but_the_listed_definitions():
    """The table above is complete for its names: uses, locals and parameters are not taken for definitions."""
    names = {case[0] for case in CASES}
    found = {(n, d.path, d.line) for n in names for d in find_definitions(SHOP, n, FILES).definitions}
    assert found == {case[:3] for case in CASES}


@pytest.mark.parametrize(
    "name", ["local", "sum", "rate_now", "items_", "self", "", "  ", "...", "tot", "\0", "(", "ümlaut"]
)
def test_finds_nothing_for(name):
    assert find_definitions(SHOP, name, FILES).definitions == ()


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("Cart.total", {("shop.py", 15), ("Cart.java", 15), ("cart.rs", 16)}),
        ("Cart::total", {("shop.py", 15), ("Cart.java", 15), ("cart.rs", 16)}),
        ("Cart.State.OPEN", {("Cart.java", 6)}),
        ("Basket.total", set()),
    ],
)
def test_container_narrows(name, places):
    assert {(d.path, d.line) for d in find_definitions(SHOP, name, FILES).definitions} == places


def test_passes_over_what_cannot_be_read(tmp_path):
    (tmp_path / "good.py").write_text("def total(): pass\n")
    (tmp_path / "binary.py").write_bytes(b"def total(): pass\0\n")
    (tmp_path / "huge.py").write_bytes(b"def total(): pass\n" + b"#" * MAX_BYTES)
    (tmp_path / "latin.py").write_bytes("def total(ä): pass\n".encode("latin-1"))
    (tmp_path / "broken.py").write_text("class Cart:\n    def total(self:\n  )))\n")
    (tmp_path / "text.txt").write_text("def total(): pass\n")
    (tmp_path / "folder.py").mkdir()
    names = ["good.py", "binary.py", "huge.py", "latin.py", "text.txt", "folder.py", "gone.py", "broken.py"]
    if sys.platform != "win32":
        (tmp_path / "link.py").symlink_to(tmp_path / "good.py")
        os.mkfifo(tmp_path / "pipe.py")
        names += ["link.py", "pipe.py"]
    found = {d.path for d in find_definitions(tmp_path, "total", names).definitions}
    assert found - {"broken.py"} == {"good.py", "latin.py"}


def test_says_when_it_did_not_look_at_everything(tmp_path):
    (tmp_path / "many.py").write_text("def total(): pass\n" * (MAX_FOUND + 5))
    (tmp_path / "more.py").write_text("def total(): pass\n")
    crowded = find_definitions(tmp_path, "total", ["many.py", "more.py"])
    assert (len(crowded.definitions), crowded.complete) == (MAX_FOUND, False)
    late = find_definitions(tmp_path, "total", ["more.py"], seconds=-1)
    assert (late.definitions, late.complete) == ((), False)
    assert find_definitions(tmp_path, "total", ["more.py"]).complete
