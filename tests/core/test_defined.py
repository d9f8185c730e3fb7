"""What a text defines and what the index keeps of it have one form."""

from __future__ import annotations

import contextlib
from pathlib import Path

from sidecar.core.defined import OF_TEXT, Defined
from sidecar.index.build import Builder
from sidecar.index.extract import extract
from sidecar.store.symbols import SymbolReader
from sidecar.store.symbolwriter import SymbolWriter

TEXT = b'class Cart:\n    """A cart."""\n\n    def add(self, item): ...\n'


def test_what_is_found_in_a_text_is_what_the_index_gives_back(tmp_path: Path) -> None:
    found = extract(TEXT, "python").symbols
    assert [(s.name, s.container, s.path, s.file) for s in found] == [("Cart", "", "", 0), ("add", "Cart", "", 0)]
    root = tmp_path / "project"
    root.mkdir()
    (root / "cart.py").write_bytes(TEXT)
    where = tmp_path / "index.db"
    with contextlib.closing(SymbolWriter(where)) as writer, contextlib.closing(Builder(root, writer)) as builder:
        builder.look_at_all(["cart.py"])
    with contextlib.closing(SymbolReader(where)) as reader:
        file = reader.file("cart.py")
        assert file is not None
        kept = reader.symbols_in(file.id)
    assert [s[:OF_TEXT] for s in kept] == [s[:OF_TEXT] for s in found]
    assert [(s.path, s.language, s.file, s.place) for s in kept] == [
        ("cart.py", "python", file.id, 1),
        ("cart.py", "python", file.id, 2),
    ]
    assert len(Defined._fields) == OF_TEXT + 4
