"""What a name at a place means, in the languages whose rules are known; `«»` marks the asked place in a source."""

from __future__ import annotations

import pytest

from sidecar.index.found import dotted
from tests.index.trees import resolving, write_tree

PYTHON = {
    "shop/__init__.py": "from .cart import Cart as Basket\nfrom .tax import *\n",
    "shop/tax.py": "RATE = 0.19\ndef rate(net): return net * RATE\n",
    "shop/base.py": "class Base:\n    def save(self): pass\n    @classmethod\n    def make(cls): pass\n",
    "shop/cart.py": (
        "import shop.tax\nfrom shop import tax\nfrom shop.base import Base\nfrom . import base as b\n\n"
        "class Cart(Base):\n    limit = 3\n    def total(self, items):\n        net = sum(items)\n        return tax.rate(net)\n"
        "    def store(self):\n        self.save()\n        self.total([])\n        b.Base.make()\n        shop.tax.rate(1)\n        return Cart().total\n"
    ),
    "app.py": (
        "from shop import Basket, rate\nfrom shop.cart import Cart\nimport json\n\ndef run(cart: Cart):\n    basket = Basket()\n    basket.total([])\n"
        "    cart.store()\n    rate(2)\n    json.dumps(rate)\n    # rate in a comment\n    limit = 1\n    return limit\n"
    ),
    "deco.py": "from shop.tax import rate\nclass D:\n    @rate\n    def of(self): pass\n",
    "other.py": "class Cart:\n    def total(self): pass\ndef rate(): pass\n",
}
TYPESCRIPT = {
    "tsconfig.json": '{"compilerOptions": {"paths": {"@/*": ["./src/*"]}}}',
    "src/model.ts": "export class Model { save(): void {} }\nexport default function create() { return new Model(); }\nexport const LIMIT = 1;\n",
    "src/index.ts": "export { Model as Entity } from './model';\nexport * from './model';\n",
    "src/app.tsx": (
        "import make, { LIMIT } from './model';\nimport { Entity } from '@/index';\nimport * as all from './index';\n"
        "const one = new Entity();\none.save();\nmake();\nall.LIMIT;\nfunction f(LIMIT: number) { return LIMIT; }\nconst two: Entity = one;\ntwo.save();\n"
    ),
}
GO = {
    "go.mod": "module example.com/m\n",
    "main.go": 'package main\nimport "example.com/m/inner"\nfunc main() { s := inner.Make(); s.Do(); helper() }\n',
    "help.go": "package main\nfunc helper() {}\n",
    "inner/a.go": "package inner\ntype S struct { N int }\nfunc Make() *S { return &S{} }\n",
    "inner/b.go": "package inner\nfunc (s *S) Do() { s.N = 1 }\n",
}
OTHERS = {
    "a/b/Base.java": "package a.b;\npublic class Base { void up() {} static int K = 1; }\n",
    "a/c/Main.java": "package a.c;\nimport a.b.Base;\nclass Main extends Base { int x; void run() { up(); x = Base.K; } }\n",
    "src/lib.rs": "mod util;\nuse util::helper;\nuse crate::util::Thing;\nfn top() { helper(); Thing::new(); }\n",
    "src/util.rs": "pub struct Thing;\nimpl Thing { pub fn new() -> Self { Thing } }\npub fn helper() {}\n",
    "c/x.h": "int twice(int a);\n",
    "c/main.c": '#include "x.h"\nint main(void) { return twice(2); }\n',
}
MORE_THAN_WORDS = {
    "run.sh": "#!/bin/bash\nmy-func() { :; }\nns::work() { my-func a; }\nns::work b\nmy-func --my-flag\n",
    "a.rb": "class A\n  def empty?; @i; end\n  def save!; empty? ? 1 : 2; end\nend\nA.new.save!\n",
    "a.kt": "fun `with spaces`() {}\nfun f() { `with spaces`() }\n",
    "a.sql": "CREATE TABLE [Order Details] ([Order ID] int);\nSELECT [Order ID] FROM [Order Details];\n",
    "db.h": "namespace db {\nclass API DB {\n public:\n  static int Open(int n);\n};\n}\n",
    "db.cc": '#include "db.h"\nnamespace db {\nint DB::Open(int n) { return n; }\nint twice(int n) { return DB::Open(n); }\n}\n',
}
NO_KEYWORDS = {
    "go.mod": "module example.com/m\n",
    "a.go": "package a\ntype C struct{}\nfunc (c *C) Add(o *C) {}\nfunc (c *C) Run() { parent := &C{}; parent.Add(c) }\n",
    "a.rb": "class A\n  def after; end\n  def go(base); base.after; end\nend\n",
    "a.php": "<?php\nclass A { function up() {} static function st() {} }\nclass B extends A { function f() { parent::up(); static::st(); } }\n",
    "a.cs": "class A { void Up() {} }\nclass B : A { void F() { base.Up(); } }\n",
}
TYPED = {
    "lib.py": (
        "import click\nfrom typing import List, overload\n\nclass Row:\n    def __init__(self, width: int, *, style=None): pass\n"
        "    def append(self, cell): pass\n    def copy(self) -> 'Row': return self\n    @property\n    def top(self) -> 'Row': return self\n"
        "    @top.setter\n    def top(self, value): pass\nclass Maker:\n    size: int = 1\n    def command(self): pass\n    def __call__(self) -> Row: return Row(1)\n"
    ),
    "use.py": (
        "import click\nfrom lib import Maker, Row\n\ndef make(width) -> Row: return Row(width)\n\ndef go(found: List[Row], width):\n"
        "    row = make(1)\n    row.append(2)\n    rows = []\n    rows.append(row)\n    found.append(row)\n    row.copy().append(3)\n"
        "    make(len('(')).append(4)\n    row.top.append(5)\n    again = Row(\n        1,\n        style=width,\n    )\n    make(width=width)\n"
        "    Maker(size=2)\n    made = Maker()\n    cell = made()\n    cell.append(6)\n    with Row(1) as held:\n        held.append(7)\n    Maker().gone()\n\n"
        "@click.command()\ndef told(anything, hint: 'Row'):\n    anything.command()\n    hint.append(8)\n"
    ),
}
GENERIC = {
    "a.ts": (
        "export class Box<T> { put(item: T): Box<T> { return this; } }\nexport type Of<K> = K extends Array<infer U> ? U : { [P in keyof K]: P };\n"
        "export function first<A>(a: A): A;\nexport function first<A, B>(a: A, b: B): B;\nexport function first(...all: any[]) {\n  return all[0];\n}\n"
        "class T {}\nlet t: T;\nnew Box().put(1).put(2);\n"
    )
}
CIRCLES = {
    "x.py": "class A:\n    def m(self): pass\na = b.m()\nb = a.m()\ndef f(c=d): c.m()\nself = self.self\na.m()\nb.m\n"
    + "".join(f"v{n} = v{n + 1}.m()\n" for n in range(500)) + "v0.m()\n",
    "d.ts": "import d from './d';\nexport default d;\nd.m();\n",
    "e.ts": "export * from './f';\nexport { q as p } from './f';\n", "f.ts": "export * from './e';\nexport { p as q } from './e';\nimport { p } from './e';\np.m();\n",
}  # fmt: skip

CASES = [
    (TYPED, "use.py", "row.«append(2", "lib.py:Row.append"),
    (TYPED, "use.py", "rows.«append", ""),
    (TYPED, "use.py", "found.«append", ""),
    (TYPED, "use.py", "row.copy().«append", "lib.py:Row.append"),
    (TYPED, "use.py", "make(len('(')).«append", "lib.py:Row.append"),
    (TYPED, "use.py", "row.top.«append", "lib.py:Row.append"),
    (TYPED, "use.py", "cell.«append", "lib.py:Row.append"),
    (TYPED, "use.py", "held.«append", "lib.py:Row.append"),
    (TYPED, "use.py", "hint.«append", "lib.py:Row.append"),
    (TYPED, "use.py", "hint: '«Row", "lib.py:Row"),
    (TYPED, "use.py", "«style=width", "lib.py:5"),
    (TYPED, "use.py", "make(«width=width", "use.py:4"),
    (TYPED, "use.py", "=«width)", "use.py:6"),
    (TYPED, "use.py", "Maker(«size", "lib.py:Maker.size"),
    (TYPED, "use.py", "@click.«command", ""),
    (TYPED, "use.py", "anything.«command", "lib.py:Maker.command"),
    (TYPED, "use.py", "Maker().«gone", ""),
    (TYPED, "use.py", "-> «Row", "lib.py:Row"),
    (GENERIC, "a.ts", "put(item: «T)", "a.ts:1"),
    (GENERIC, "a.ts", "Box<«T> {", "a.ts:1"),
    (GENERIC, "a.ts", "= «K extends", "a.ts:2"),
    (GENERIC, "a.ts", "? «U", "a.ts:2"),
    (GENERIC, "a.ts", "]: «P", "a.ts:2"),
    (GENERIC, "a.ts", "b: «B", "a.ts:4"),
    (GENERIC, "a.ts", "let t: «T", "a.ts:T"),
    (GENERIC, "a.ts", "put(1).«put", "a.ts:Box.put"),
    (PYTHON, "deco.py", "@«rate", "shop/tax.py:rate"),
    (PYTHON, "app.py", "basket = «Basket()", "shop/cart.py:Cart"),
    (PYTHON, "app.py", "basket.«total", "shop/cart.py:Cart.total"),
    (PYTHON, "app.py", "cart.«store", "shop/cart.py:Cart.store"),
    (PYTHON, "app.py", "    «rate(2)", "shop/tax.py:rate"),
    (PYTHON, "app.py", "run(cart: «Cart", "shop/cart.py:Cart"),
    (PYTHON, "app.py", "import «Cart", "shop/cart.py:Cart"),
    (PYTHON, "app.py", "from shop.«cart", "shop/cart.py"),
    (PYTHON, "app.py", "return «limit", "app.py:12"),
    (PYTHON, "app.py", "# «rate in", ""),
    (PYTHON, "app.py", "«json.dumps", ""),
    (PYTHON, "app.py", "def «run", "app.py:run"),
    (PYTHON, "shop/cart.py", "return tax.«rate", "shop/tax.py:rate"),
    (PYTHON, "shop/cart.py", "return «tax.rate", "shop/tax.py"),
    (PYTHON, "shop/cart.py", "self.«save", "shop/base.py:Base.save"),
    (PYTHON, "shop/cart.py", "self.«total([", "shop/cart.py:Cart.total"),
    (PYTHON, "shop/cart.py", "b.Base.«make", "shop/base.py:Base.make"),
    (PYTHON, "shop/cart.py", "shop.tax.«rate(1", "shop/tax.py:rate"),
    (PYTHON, "shop/cart.py", "Cart().«total", "shop/cart.py:Cart.total"),
    (PYTHON, "shop/cart.py", "sum(«items", "shop/cart.py:8"),
    (PYTHON, "shop/tax.py", "net * «RATE", "shop/tax.py:RATE"),
    (TYPESCRIPT, "src/app.tsx", "new «Entity", "src/model.ts:Model"),
    (TYPESCRIPT, "src/app.tsx", "one.«save", "src/model.ts:Model.save"),
    (TYPESCRIPT, "src/app.tsx", "two.«save", "src/model.ts:Model.save"),
    (TYPESCRIPT, "src/app.tsx", "\n«make", "src/model.ts:create"),
    (TYPESCRIPT, "src/app.tsx", "all.«LIMIT", "src/model.ts:LIMIT"),
    (TYPESCRIPT, "src/app.tsx", "return «LIMIT", "src/app.tsx:8"),
    (GO, "main.go", "inner.«Make", "inner/a.go:Make"),
    (GO, "main.go", "s.«Do", "inner/b.go:S.Do"),
    (GO, "main.go", "«helper", "help.go:helper"),
    (GO, "inner/b.go", "s.«N", "inner/a.go:S.N"),
    (OTHERS, "a/c/Main.java", "{ «up", "a/b/Base.java:Base.up"),
    (OTHERS, "a/c/Main.java", "Base.«K", "a/b/Base.java:Base.K"),
    (OTHERS, "a/c/Main.java", "{ up(); «x", "a/c/Main.java:Main.x"),
    (OTHERS, "src/lib.rs", "{ «helper", "src/util.rs:helper"),
    (OTHERS, "src/lib.rs", "Thing::«new", "src/util.rs:Thing.new"),
    (OTHERS, "c/main.c", "«twice", "c/x.h:twice"),
    (NO_KEYWORDS, "a.go", "parent.«Add", "a.go:C.Add"),
    (NO_KEYWORDS, "a.rb", "base.«after", "a.rb:A.after"),
    (NO_KEYWORDS, "a.php", "parent::«up", "a.php:A.up"),
    (NO_KEYWORDS, "a.php", "static::«st", "a.php:A.st"),
    (NO_KEYWORDS, "a.cs", "base.«Up", "a.cs:A.Up"),
    (MORE_THAN_WORDS, "run.sh", "{ m«y-func", "run.sh:my-func"),
    (MORE_THAN_WORDS, "run.sh", "\nmy-«func --", "run.sh:my-func"),
    (MORE_THAN_WORDS, "run.sh", "\nns::«work b", "run.sh:ns::work"),
    (MORE_THAN_WORDS, "run.sh", "--my-«flag", ""),
    (MORE_THAN_WORDS, "a.rb", "; «empty? ?", "a.rb:A.empty?"),
    (MORE_THAN_WORDS, "a.rb", "new.«save!", "a.rb:A.save!"),
    (MORE_THAN_WORDS, "a.kt", "{ `with «spaces", "a.kt:with spaces"),
    (MORE_THAN_WORDS, "a.sql", "SELECT [Order «ID]", "a.sql:Order Details.Order ID"),
    (MORE_THAN_WORDS, "a.sql", "FROM [«Order Details]", "a.sql:Order Details"),
    (MORE_THAN_WORDS, "db.cc", "return DB::«Open", "db.cc:db.DB.Open"),
    (MORE_THAN_WORDS, "db.cc", "return «DB::Open", "db.h:db.DB"),
]


@pytest.mark.parametrize(("files", "path", "marked", "expected"), CASES, ids=[f"{c[1]}-{c[2].strip()}" for c in CASES])
def test_meaning(tmp_path, files, path, marked, expected):
    root = write_tree(tmp_path / "work", files)
    before, _, after = marked.partition("«")
    at = files[path].index(before + after) + len(before)
    line = files[path].count("\n", 0, at) + 1
    column = at - files[path].rfind("\n", 0, at)
    with resolving(root, tmp_path / "state") as resolver:
        _, _, found = resolver.meaning(path, line, column)
    if found.local is not None:
        told = f"{found.elsewhere or path}:{found.local.line}"
    elif found.symbols:
        told = f"{found.symbols[0].path}:{dotted(found.symbols[0])}"
    else:
        told = "".join(found.modules)
    assert told == expected


FOREIGN_BASES = {
    "A.java": "class A extends Missing implements Other {\n  void f() { this.gone(); }\n}\n",
    "r.rs": "trait Sink: Missing { fn m(&self) { self.gone(); } }\n",
    "a.kt": "class A : Missing() {\n  fun f() { this.gone() }\n}\n",
    "a.rb": "class A < Missing\n  def f; self.gone; end\nend\n",
    "a.cs": "class A : Missing {\n  void F() { this.gone(); }\n}\n",
    "a.cc": "class A : public Missing {\n  void f() { this->gone(); }\n};\n",
}


@pytest.mark.parametrize("path", FOREIGN_BASES)
def test_a_member_of_a_class_whose_base_is_a_librarys_is_looked_for_to_an_end(tmp_path, path):
    with resolving(write_tree(tmp_path / "work", FOREIGN_BASES), tmp_path / "state") as resolver:
        text = FOREIGN_BASES[path]
        at = text.index("gone")
        name, _, found = resolver.meaning(path, text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))
    assert (name, found.symbols) == ("gone", ())


def test_circles_and_long_chains_end(tmp_path):
    """What is told by what it tells itself, and chains of thousands, are given up, not followed."""
    with resolving(write_tree(tmp_path / "work", CIRCLES), tmp_path / "state") as resolver:
        for path, text in CIRCLES.items():
            lines = list(enumerate(text.split("\n"), 1))
            for number, line in lines[:10] + lines[-3:]:
                for column in range(1, min(len(line), 24)):
                    name, _, _ = resolver.meaning(path, number, column)
                    assert name in line


def test_an_overload_is_told_with_its_body_first_and_a_setter_with_its_getter(tmp_path):
    with resolving(write_tree(tmp_path / "work", {**GENERIC, **TYPED}), tmp_path / "state") as resolver:
        _, _, overload = resolver.meaning("a.ts", 3, 18)
        _, _, getter = resolver.meaning("lib.py", 9, 10)
    assert [s.line for s in overload.symbols] == [5, 3, 4]
    assert [s.line for s in getter.symbols] == [9, 11]
