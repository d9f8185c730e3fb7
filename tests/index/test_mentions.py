"""Places that may mean a symbol: those whose object no rule knows, and none that an import, a scope, a class or a library explains."""

from __future__ import annotations

import pytest

from sidecar.core.symbols import Position, Span
from sidecar.index.mentions import mentions_of
from tests.index.trees import resolving, write_tree

PYTHON = {
    "shop.py": "class Client:\n    size = 1\n    def open(self): pass\ndef rate(): pass\n",
    "door.py": "class Door:\n    def open(self): pass\ndef enter(door: Door):\n    door.open()\n",
    "uses.py": (
        "from typing import Any\nimport io\nfrom shop import Client, rate\nfrom library import open as other\n"
        "def typed(c: Client):\n    c.open()\n    return rate()\n"
        "def bare(c, any: Any):\n    c.open()\n    any.open\n    open('x')\n    io.open('x')\n    'c.open()'  # c.open()\n"
        "    c.rate()\n    c['a'].open()\n"
        "def local(open):\n    return open\n"
    ),
    "near.py": "from shop import Client\ndef f(c, d: Client):\n    c.open()\n",
    "again.py": "from shop import rate\nfrom library import rate as theirs\n",
    "gone.py": "from library import rate\nrate()\nundefined.rate\n",
    "more.js": "c.open()\n",
}
TYPESCRIPT = {
    "a.ts": "export class Cart { total() {} }\n",
    "b.ts": "import { Cart } from './a';\nfunction f(x: any, y, z: Cart) { x.total(); y.total(); z.total(); const o = { total: 1 }; }\n",
    "c.js": "export function g(x) { return x.total() + total(); }\n",
}
GO = {
    "a.go": "package a\n\ntype S struct{}\n\nfunc (s S) Do() {}\n",
    "b.go": "package a\n\nfunc f(x any) {\n\tx.Do()\n}\n",
}


@pytest.mark.parametrize(
    ("files", "at", "operation", "places"),
    [
        (PYTHON, ("shop.py", 3, 9), "references", "near.py:3 uses.py:6 uses.py:9 uses.py:10 uses.py:15"),
        (PYTHON, ("shop.py", 3, 9), "callers", "near.py:3 uses.py:6 uses.py:9 uses.py:15"),
        (PYTHON, ("uses.py", 6, 7), "references", "near.py:3 uses.py:6 uses.py:9 uses.py:10 uses.py:15"),
        (PYTHON, ("door.py", 2, 9), "references", "door.py:4 near.py:3 uses.py:9 uses.py:10 uses.py:15"),
        (PYTHON, ("shop.py", 4, 5), "references", "again.py:1 uses.py:3 uses.py:7"),
        (PYTHON, ("uses.py", 16, 11), "references", ""),
        (PYTHON, ("uses.py", 2, 8), "references", ""),
        (TYPESCRIPT, ("a.ts", 1, 21), "references", "b.ts:2 b.ts:2 b.ts:2 c.js:1"),
        (GO, ("a.go", 5, 12), "references", "b.go:4"),
    ],
)  # fmt: skip
def test_what_may_be_a_use(tmp_path, files, at, operation, places):
    root = write_tree(tmp_path / "work", files)
    with resolving(root, tmp_path / "state") as resolver:
        found = [f"{use.path}:{use.line}" for use in mentions_of(resolver, at, (), operation)]
    assert sorted(found, key=str) == sorted(places.split(), key=str)
    if at == ("shop.py", 3, 9):
        assert found[-1].startswith("uses.py") or found[0].startswith("near.py")


def test_others_may_say_what_is_meant(tmp_path):
    """Of a use whose object it does not know the index has several; a type checker knows the one."""
    root = write_tree(tmp_path / "work", PYTHON)
    client = Span("shop.py", Position(3, 9), Position(3, 13))
    with resolving(root, tmp_path / "state") as resolver:
        told = [f"{use.path}:{use.line}" for use in mentions_of(resolver, ("uses.py", 9, 7), (client,), "references")]
        alone = [f"{use.path}:{use.line}" for use in mentions_of(resolver, ("uses.py", 9, 7), (), "references")]
    assert "uses.py:6" in told
    assert "door.py:4" not in told
    assert {"uses.py:6", "door.py:4"} <= set(alone)


def test_who_may_be_an_heir(tmp_path):
    files = {
        "base.py": "class Base:\n    def run(self): pass\n",
        "own.py": "from base import Base\nclass Own(Base): pass\n",
        "odd.py": "class Odd(thing.Base):\n    x: Base\n",
        "far.py": "from library import Base\nclass Far(Base): pass\n",
        "user.py": "from base import Base\nBase()\n",
    }
    root = write_tree(tmp_path / "work", files)
    with resolving(root, tmp_path / "state") as resolver:
        for at in (("base.py", 1, 7), ("base.py", 2, 9)):
            found = [(use.path, use.line, use.column) for use in mentions_of(resolver, at, (), "implementations")]
            assert found == [("odd.py", 1, 17), ("own.py", 2, 11)]
