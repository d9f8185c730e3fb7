"""Who uses a symbol: imported, handed on, renamed, called through an object; and who only uses the same word."""

from __future__ import annotations

import pytest

from sidecar.index.found import dotted
from sidecar.index.references import uses_of, uses_of_local
from tests.index.test_resolve import GO, OTHERS, PYTHON, TYPED, TYPESCRIPT
from tests.index.trees import resolving, write_tree

MORE = {
    **PYTHON,
    "renamed.py": "from shop.tax import rate as quota\nprint(quota(1), rate)\n",
    "shadow.py": "from shop.tax import rate\ndef f(rate): return rate\nrate(1)\nx.rate\n",
    "text.py": "# rate\n'rate'\n",
}

FOREIGN_NAMESAKE = {
    "ours.py": "class Reply: pass\n",
    "main.py": "from library import Reply as Other\nfrom ours import Reply\nReply()\n",
}


@pytest.mark.parametrize(
    ("files", "path", "symbol", "places"),
    [
        (MORE, "shop/tax.py", "rate", "app.py:1 app.py:9 app.py:10 shop/cart.py:10 shop/cart.py:15 renamed.py:1 renamed.py:1 renamed.py:2 shadow.py:1 shadow.py:3 deco.py:1 deco.py:3"),
        (MORE, "other.py", "rate", ""),
        (MORE, "shop/cart.py", "Cart", "app.py:2 app.py:5 shop/__init__.py:1 shop/__init__.py:1 shop/cart.py:16 app.py:1 app.py:6"),
        (MORE, "shop/cart.py", "Cart.total", "app.py:7 shop/cart.py:13 shop/cart.py:16"),
        (MORE, "other.py", "Cart.total", ""),
        (MORE, "shop/base.py", "Base.save", "shop/cart.py:12"),
        (MORE, "shop/tax.py", "RATE", "shop/tax.py:2"),
        (TYPESCRIPT, "src/model.ts", "Model.save", "src/app.tsx:5 src/app.tsx:10"),
        (TYPESCRIPT, "src/model.ts", "LIMIT", "src/app.tsx:1 src/app.tsx:7"),
        (GO, "inner/a.go", "Make", "main.go:3"),
        (GO, "inner/b.go", "S.Do", "main.go:3"),
        (OTHERS, "a/b/Base.java", "Base.up", "a/c/Main.java:3"),
        (OTHERS, "src/util.rs", "helper", "src/lib.rs:2 src/lib.rs:4"),
        (OTHERS, "c/x.h", "twice", "c/main.c:2"),
        (TYPED, "lib.py", "Row.append", "use.py:8 use.py:12 use.py:13 use.py:14 use.py:23 use.py:25 use.py:31"),
        (TYPED, "lib.py", "Maker.command", "use.py:30"),
        (TYPED, "lib.py", "Row", "lib.py:7 lib.py:9 lib.py:15 lib.py:15 use.py:2 use.py:4 use.py:4 use.py:6 use.py:15 use.py:24 use.py:29"),
        (FOREIGN_NAMESAKE, "ours.py", "Reply", "main.py:2 main.py:3"),
    ],
)  # fmt: skip
def test_uses(tmp_path, files, path, symbol, places):
    root = write_tree(tmp_path / "work", files)
    with resolving(root, tmp_path / "state") as resolver:
        file = resolver.file(path)
        (target,) = [s for s in resolver.symbols_in(file.id) if dotted(s) == symbol]
        found = list(uses_of(resolver, target))
    assert sorted(f"{use.path}:{use.line}" for use in found) == sorted(places.split())


def test_a_local_name_is_used_in_its_scope_only(tmp_path):
    source = "def f(x):\n    y = x  # x\n    return [x for x in y], 'x', g.x\nx = 1\n"
    root = write_tree(tmp_path / "work", {"a.py": source})
    with resolving(root, tmp_path / "state") as resolver:
        file = resolver.file("a.py")
        local = resolver.local(file, 2, "x")
        assert [(use.line, use.column) for use in uses_of_local(resolver, file, local)] == [(1, 7), (2, 9)]
