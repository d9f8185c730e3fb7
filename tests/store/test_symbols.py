"""Reading the index: what is asked for by name, by file, by part of a name; and what is no index."""

from __future__ import annotations

import contextlib
import sqlite3

import pytest

from sidecar.core.errors import StoreError
from sidecar.store.symbols import SymbolReader
from tests.index.trees import build_index, write_tree

FILES = {
    "shop/cart.py": "from .base import Base\nclass Cart(Base):\n    def total(self): return self.rate()\n",
    "shop/base.py": "class Base:\n    def rate(self): pass\n",
    "docs/a.md": "# Cart\n",
    "requirements.txt": "flask==2\n",
}


@pytest.fixture
def reader(tmp_path):
    where = build_index(write_tree(tmp_path / "work", FILES), tmp_path / "state")
    with contextlib.closing(SymbolReader(where)) as made:
        yield made


def test_files(reader):
    file = reader.file("shop/cart.py")
    assert (file.language, file.skipped, file.path) == ("python", "", "shop/cart.py")
    assert reader.file("gone.py") is None
    assert reader.paths(["gone.py", "shop/base.py", "shop/cart.py"]) == ["shop/base.py", "shop/cart.py"]
    assert reader.named("cart.py") == ["shop/cart.py"]
    assert reader.in_folder("shop") == ["shop/base.py", "shop/cart.py"]
    assert [path for path, *_ in reader.all_files()] == sorted(FILES)
    assert ("dependency", "flask", "==2", "requirements.txt") in reader.facts()
    assert reader.symbol_counts() == {"python": 4}


def test_symbols(reader):
    (cart,) = reader.symbols_named("Cart")
    assert (cart.kind, cart.path, cart.line, cart.signature) == ("class", "shop/cart.py", 2, "class Cart(Base)")
    assert reader.symbols_named("cart") == []
    assert [s.name for s in reader.symbols_in(cart.file)] == ["Cart", "total"]
    assert reader.derived("Base") == [("shop/cart.py", "Cart")]
    assert reader.bases_in(cart.file) == [("Base", "Cart")]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("cart", {"Cart"}), ("TOT", {"total"}), ("ra", {"rate"}), ("c", {"Cart"}), ("crt", {"Cart"}), ("xyz", set()),
        ('a"b', set()), ("%", set()), ("'; --", set()), ("ate", {"rate"}), ("a*", set()), ("OR", set()),
    ],
)  # fmt: skip
def test_search_is_by_part_or_loosely_and_never_by_query_language(reader, text, names):
    assert set(reader.search(text, 100)) == names


def test_a_name_itself_is_found_however_many_hold_it(tmp_path):
    many = "".join(f"def get_{n}(): pass\n" for n in range(50))
    where = build_index(write_tree(tmp_path / "work", {"a.py": many, "z.py": "def get(): pass\n"}), tmp_path / "state")
    with contextlib.closing(SymbolReader(where)) as reader:
        assert "get" in reader.search("get", 10)
        assert len(reader.search("get_", 10)) == 10
        assert len(reader.search("get", 100)) == 51


def test_uses_and_imports(reader):
    (use,) = reader.uses("rate")
    assert use.path == "shop/cart.py"
    assert reader.use_in(use.file, "rate") == use.places
    assert reader.use_in(use.file, "nothing") == b""
    assert {name for name, _ in reader.names_used_in(use.file)} == {"base", "Base", "rate"}
    (row,) = reader.imports_of(use.file)
    assert (row.module, row.name, row.alias) == (".base", "Base", "Base")
    assert reader.all_imports() == [("shop/cart.py", "python", ".base", "Base")]


def test_what_is_no_index_is_refused_with_the_mend(tmp_path):
    with pytest.raises(StoreError, match="sidecar index"):
        SymbolReader(tmp_path / "none.db")
    with contextlib.closing(sqlite3.connect(tmp_path / "other.db")) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="another version"):
        SymbolReader(tmp_path / "other.db")
    (tmp_path / "begun.db").touch()
    with pytest.raises(StoreError, match="no index of this workspace yet"):
        SymbolReader(tmp_path / "begun.db")
    (tmp_path / "junk.db").write_bytes(b"junk" * 1000)
    with pytest.raises(StoreError, match="--rebuild"):
        SymbolReader(tmp_path / "junk.db")


def test_it_is_counted(reader):
    files, symbols = reader.counts()
    assert (files, symbols) == (len(reader.all_files()), sum(reader.symbol_counts().values()))
    assert symbols > 0


def test_a_reader_cannot_write(reader):
    with pytest.raises(sqlite3.OperationalError):
        reader._db.execute("DELETE FROM files")
