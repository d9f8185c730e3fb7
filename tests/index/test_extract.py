"""What a file says is found in every language: symbols in their containers, uses that are no local names, base classes."""

from __future__ import annotations

import tracemalloc
from array import array

import pytest

from sidecar.index.extract import CALL, IMPORT, MEMBER, TYPE, extract

PYTHON = '''"""About carts.

More.
"""
import os
from shop.tax import rate as tax_rate

LIMIT = 10
size = None
if LIMIT:
    late = 1

class Cart(Base, mixins.Log):
    """Holds items."""
    currency = "EUR"
    SIZE = 3
    def __init__(self, items):
        self.items = items
        self.items = sorted(items)
    @property
    def total(self) -> Money:
        """The sum, with tax."""
        net = sum(item.price for item in self.items)
        def inner(size): return net * size
        global late
        late = 2
        return tax_rate(net, size=1) + inner(net)

def use(cart=Cart(), *rest, **more):
    with open(os.path) as stream, other() as (a, b):
        return [x for x in stream if (y := x)] + [lambda z: z + LIMIT]
'''

CASES = {
    "python": (
        PYTHON,
        (
            "LIMIT:constant size:variable late:variable Cart:class Cart.currency:field Cart.SIZE:constant Cart.__init__:method "
            "Cart.items:field Cart.total:method Cart.total.inner:function use:function"
        ),
        "self items item net size stream a b x y z cart rest more",
        "Cart<Base Cart<Log",
    ),
    "javascript": (
        (
            "import d from './x';\nclass Foo extends Bar { x = 1; #p = 2; m(a, {p, q: r}, ...rest) { const c = a; this.y = c; } }\n"
            "exports.foo = function(a) {}; Foo.prototype.zap = function() {};\nconst arrow = v => v;\n"
            "function* gen(a = 1) { try { for (const i of z) {} } catch (e) {} }\n"
        ),
        "Foo:class Foo.x:field Foo.#p:field Foo.m:method Foo.y:field foo:function Foo.zap:method arrow:function gen:function",
        "a p r rest c v i e",
        "Foo<Bar",
    ),
    "typescript": (
        (
            "export default class Foo<T> extends Bar implements I { private x = 1; constructor(private y: number) { super(); } }\n"
            "interface I { m(a: string): void; prop: number }\ntype Al = (arg: string) => void; enum En { A, B = 2 }\n"
            "namespace N { export function inner(b?: string) {} } abstract class Ab { abstract am(): void }\ndeclare function dd(): I;\n"
        ),
        (
            "Foo:class Foo.x:field Foo.constructor:method Foo.y:field I:interface I.m:method I.prop:field Al:type En:enum "
            "En.A:constant En.B:constant N:module N.inner:function Ab:class Ab.am:method dd:function"
        ),
        "y a arg b T",
        "Foo<Bar Foo<I",
    ),
    "tsx": (
        "export const View = (props: Props) => <Panel title={props.title} />;\n",
        "View:function",
        "props",
        "",
    ),
    "go": (
        (
            "package main\ntype S struct { A int; Base }\ntype I interface { M(a int) error }\nconst k = 1\nvar V, W = 2, 3\n"
            "func (s *S) Meth(a int) (r error) { b := a; for i, v := range x.Foo(b) { use(i, v) }; return s.A }\n"
            "func Top[T any](a T) { var q int; f := func(z int) {}; f(q) }\n"
        ),
        "S:struct S.A:field I:interface I.M:method k:constant V:constant W:constant S.Meth:method Top:function",
        "a s r b i v q f z T",
        "S<Base",
    ),
    "rust": (
        (
            "pub struct S { pub x: i32 }\nenum E { A, B(i32) }\ntrait T { fn m(&self) -> i32; }\n/// Does.\nimpl T for S { fn m(&self) -> i32 { let y = self.x; foo(y) } }\n"
            "impl<Q> S { pub fn new(a: i32) -> Self { let f = |z| z; for i in 0..a {} S { x: a } } }\nmacro_rules! mac { () => {} }\nstatic ST: i32 = 1;\n"
            "mod inner { pub fn top() {} }\n"
        ),
        (
            "S:struct S.x:field E:enum E.A:constant E.B:constant T:trait T.m:method S.m:method S.new:method mac:macro ST:variable "
            "inner:module inner.top:function"
        ),
        "y a f z i Q",
        "S<T",
    ),
    "java": (
        (
            "package a.b;\npublic class A extends B implements C, D { private int x = 1; static final int K = 2; A(int q) { this.x = q; }\n"
            "@Override public int m(int a) { int b = a; for (int i : z) {} try {} catch (Ex e) {} Runnable r = (w) -> w; return b; }\n"
            "enum En { ONE } interface In { void z(); } record R(int p) {} }\n"
        ),
        "A:class A.x:field A.K:field A.A:constructor A.m:method A.En:enum A.En.ONE:constant A.In:interface A.In.z:method A.R:class A.R.p:field",
        "q a b i e r w",
        "A<B A<C A<D",
    ),
    "c": (
        (
            "#define MAX 3\n#define SQ(x) ((x)*(x))\nstruct node { int v; struct node *next; };\nenum color { RED };\ntypedef struct { int q; } Point;\n"
            "static int counter = 0;\nint *add(int a, char *b) { int c = a; foo(c); return p->x; }\nint proto(int z);\n"
        ),
        (
            "MAX:macro SQ:macro node:struct node.v:field node.next:field color:enum color.RED:constant Point:type Point.q:field "
            "counter:variable add:function proto:function"
        ),
        "a b c z",
        "",
    ),
    "cpp": (
        (
            "namespace ns { class Foo : public Bar { public: int f(int a) { return a; } int m_; void decl(); }; }\n"
            "int ns::Foo::g(int q) { auto l = [](int z){ return z; }; return q; }\ntemplate<typename T> struct S { T v; };\n"
        ),
        "ns:module ns.Foo:class ns.Foo.f:method ns.Foo.m_:field ns.Foo.decl:method ns.Foo.g:method S:struct S.v:field",
        "a q l z T",
        "ns.Foo<Bar",
    ),
    "c_sharp": (
        (
            "namespace N { public class Foo : Base, IFoo { private int x; public string Name { get; set; } public Foo(int a) { var b = a; }\n"
            "public void Bar(string s) { foreach (var q in s) {} this.x = Baz(s); } }\ninterface IFoo { void M(); } struct S {} enum E { One } }\n"
        ),
        (
            "N:module N.Foo:class N.Foo.x:field N.Foo.Name:property N.Foo.Foo:constructor N.Foo.Bar:method N.IFoo:interface N.IFoo.M:method "
            "N.S:struct N.E:enum N.E.One:constant"
        ),
        "a b s q",
        "N.Foo<Base N.Foo<IFoo",
    ),
    "ruby": (
        (
            "module M\n  class Foo < Bar\n    CONST = 1\n    attr_accessor :name\n    include Baz\n    def hello(a, b = 2, *c)\n      x = a\n      @y = x\n"
            "      [1].each { |i| puts i }\n    end\n    def self.build; end\n  end\nend\n"
        ),
        "M:module M.Foo:class M.Foo.CONST:constant M.Foo.name:field M.Foo.hello:method M.Foo.y:field M.Foo.build:method",
        "a b c x i",
        "M.Foo<Bar M.Foo<Baz",
    ),
    "php": (
        (
            "<?php\ninterface I { function m(); }\ntrait T { }\nabstract class Foo extends Model implements I { const X = 1; public int $name = 1; use T;\n"
            " public function bar(string $a): int { $b = $a; return $this->baz($b); } }\nfunction top($x) { return $x; }\nenum Suit { case Hearts; }\n"
        ),
        "I:interface I.m:method T:trait Foo:class Foo.X:constant Foo.name:field Foo.bar:method top:function Suit:enum Suit.Hearts:constant",
        "a b x",
        "Foo<I Foo<Model Foo<T",
    ),
    "kotlin": (
        (
            "interface I {\n    fun m(): Int\n}\ndata class Foo(val x: Int) : Base(x), I {\n    val z = 1\n    fun bar(a: Int): Int {\n        val b = a\n"
            "        return b\n    }\n}\nobject Obj {\n    fun q() {}\n}\nenum class Col { RED, GREEN }\nfun top(s: String) = s.length\ntypealias TA = Int\n"
        ),
        (
            "I:interface I.m:method Foo:class Foo.x:field Foo.z:field Foo.bar:method Obj:class Obj.q:method Col:enum Col.RED:constant "
            "Col.GREEN:constant top:function TA:type"
        ),
        "a b s",
        "Foo<Base Foo<I",
    ),
    "swift": (
        (
            "protocol P {\n  func m(a: Int) -> Int\n}\nclass Foo: Bar, P {\n  var x: Int = 1\n  func bar(_ b: Int) -> Int {\n    let c = b\n    return self.baz(q: c)\n  }\n}\n"
            "struct S { }\nenum E { case one }\nextension Foo { func ext() {} }\nfunc top() {}\n"
        ),
        "P:interface P.m:method Foo:class Foo.x:field Foo.bar:method S:struct E:enum E.one:constant Foo.ext:method top:function",
        "a b c",
        "Foo<Bar Foo<P",
    ),
    "scala": (
        (
            "trait T { def m(a: Int): Int }\nclass Foo(val x: Int) extends Bar with T { val y = 1; def bar(a: Int): Int = { val b = a; b + x } }\n"
            "object Obj { def q() = 1; val K = 2 }\ntype X = Int\n"
        ),
        "T:trait T.m:method Foo:class Foo.x:field Foo.y:field Foo.bar:method Obj:class Obj.q:method Obj.K:constant X:type",
        "a b",
        "Foo<Bar Foo<T",
    ),
    "bash": (
        'NAME=1\nfunction foo() { local x=1; bar "$x" "$NAME"; }\nbaz() { foo; }\n',
        "NAME:variable foo:function baz:function",
        "x",
        "",
    ),
    "sql": (
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);\nCREATE VIEW v AS SELECT u.name FROM users u;\nCREATE INDEX idx ON users (name);\n",
        "users:table users.id:column users.name:column v:view idx:index",
        "",
        "",
    ),
}


def uses(facts, name):
    flat = array("I", facts.uses.get(name, b""))
    return list(zip(flat[::3], flat[1::3], flat[2::3], strict=True))


@pytest.mark.parametrize("language", CASES)
def test_symbols_locals_and_bases(language):
    source, symbols, local, bases = CASES[language]
    facts = extract(source.encode(), language)
    named = {f"{s.container}.{s.name}:{s.kind}".removeprefix(".") for s in facts.symbols}
    assert named == set(symbols.split())
    assert {known.name for known in facts.locals} == set(local.split())
    assert {f"{owner}<{base}" for base, owner in facts.bases} == set(bases.split())
    assert not facts.broken


@pytest.mark.parametrize("language", CASES)
def test_every_place_is_where_the_name_stands(language):
    source = CASES[language][0]
    facts = extract(source.encode(), language)
    lines = source.split("\n")
    for symbol in facts.symbols:
        assert lines[symbol.line - 1][symbol.column - 1 : symbol.end_column - 1] in {
            symbol.name,
            f"@{symbol.name}"[: len(symbol.name)],
            f":{symbol.name}"[: len(symbol.name)],
        }
        assert (
            (symbol.from_line, symbol.from_column) <= (symbol.line, symbol.column) <= (symbol.to_line, symbol.to_column)
        )
    for name in facts.uses:
        for line, column, _ in uses(facts, name):
            assert lines[line - 1][column - 1 :].startswith(name)


@pytest.mark.parametrize(
    ("language", "source", "symbols"),
    [
        (
            "python",
            "type Ids[T] = list[T]\ntype Id = int\nclass C:\n    def f(self):\n        self.a, (self.b, [self.c]) = 1, (2, [3])\n",
            "Ids:type Id:type C:class C.f:method C.a:field C.b:field C.c:field",
        ),
        ("go", "package a\nconst One, Two = 1, 2\n", "One:constant Two:constant"),
        ("go", "package a\ntype P struct {\n\tx, y int\n\tz int\n}\n", "P:struct P.x:field P.y:field P.z:field"),
        (
            "c",
            "struct p { int x, y; struct { int a, b; } in; };\n",
            "p:struct p.x:field p.y:field p.in:field p.in.a:field p.in.b:field",
        ),
        (
            "sql",
            "CREATE PROCEDURE pay(a int) LANGUAGE SQL AS $$ UPDATE t SET p = 0; $$;\nCREATE TABLE t (p int);\n",
            "pay:function t:table t.p:column",
        ),
        (
            "scala",
            "extension (c: Cart) def total: Int = c.n\ngiven order: Ordering[Int] with { def compare(a: Int) = a }\n",
            "total:function order:variable compare:function",
        ),
        ("swift", "class A {\n  subscript(i: Int) -> Int { 1 }\n  func f() {}\n}\n", "A:class A.f:method"),
        (
            "c_sharp",
            "class A {\n  int this[int i] => i;\n  public static A operator +(A a, A b) => a;\n  void F() {}\n}\n",
            "A:class A.F:method",
        ),
    ],
)
def test_what_is_written_less_often(language, source, symbols):
    facts = extract(source.encode(), language)
    assert not facts.broken
    assert " ".join(f"{s.container}.{s.name}:{s.kind}".lstrip(".") for s in facts.symbols) == symbols


def test_fields_of_one_line_stand_in_the_order_of_the_text():
    names = [f"{letter}{number}" for number in range(40) for letter in "abc"]
    lines = "".join(f"\t{', '.join(names[at : at + 3])} int\n" for at in range(0, len(names), 3))
    facts = extract(f"package p\n\ntype T struct {{\n{lines}}}\n".encode(), "go")
    assert [s.name for s in facts.symbols] == ["T", *names]


def test_quotes_are_no_part_of_a_name_in_sql():
    """As dumps of MySQL write all names, and whoever has names with capital letters."""
    source = 'CREATE TABLE `users` (`id` int);\nCREATE VIEW "Old" AS SELECT `id` FROM users;\nSELECT * FROM "Old";\n'
    facts = extract(source.encode(), "sql")
    assert [(s.name, s.kind, s.container, s.line, s.column) for s in facts.symbols] == [
        ("users", "table", "", 1, 15),
        ("id", "column", "users", 1, 24),
        ("Old", "view", "", 2, 14),
    ]
    assert [(line, column) for line, column, _ in uses(facts, "users")] == [(2, 39)]
    assert [(line, column) for line, column, _ in uses(facts, "id")] == [(2, 30)]
    assert [(line, column) for line, column, _ in uses(facts, "Old")] == [(3, 16)]


def test_uses_tell_their_kind_and_what_they_stand_in():
    facts = extract(PYTHON.encode(), "python")
    within = lambda mark: facts.symbols[(mark >> 4) - 1].name if mark >> 4 else ""  # noqa: E731
    (call,) = [use for use in uses(facts, "tax_rate") if use[2] & 7 == CALL]
    assert within(call[2]) == "total"
    assert [mark & 7 for *_, mark in uses(facts, "rate")] == [IMPORT]
    assert [bool(mark & MEMBER) for *_, mark in uses(facts, "price")] == [True]
    assert [within(mark) for *_, mark in uses(facts, "LIMIT")] == ["", "use"]
    java = extract(b"class A { Money m() { return null; } }", "java")
    assert [mark & 7 for *_, mark in uses(java, "Money")] == [TYPE]


def test_types_in_strings_are_uses_and_other_strings_are_not():
    source = b"def f(a: 'Cart', b: List['shop.Item'] = 'Text') -> 'f':\n    x: 'a' = d['Key']\n"
    facts = extract(source, "python")
    assert [use[:2] for use in uses(facts, "Cart")] == [(1, 11)]
    assert [(column, bool(mark & MEMBER)) for _, column, mark in uses(facts, "Item")] == [(32, True)]
    assert not {"Text", "Key", "a"} & facts.uses.keys()


def test_local_names_and_keyword_arguments_are_no_uses():
    facts = extract(PYTHON.encode(), "python")
    assert not {"net", "x", "stream", "a", "rest", "item"} & facts.uses.keys()
    assert [line for line, *_ in uses(facts, "size")] == []
    assert [line for line, *_ in uses(facts, "late")] == [25, 26]


def test_signatures_and_first_lines_of_documentation():
    facts = extract(PYTHON.encode(), "python")
    told = {s.name: (s.signature, s.doc) for s in facts.symbols}
    assert facts.doc == "About carts."
    assert told["Cart"] == ("class Cart(Base, mixins.Log)", "Holds items.")
    assert told["total"] == ("def total(self) -> Money", "The sum, with tax.")
    go = extract(b"// Package p does.\npackage p\n\n// Top is the\n// highest.\nfunc Top(a int) error {\n}\n", "go")
    assert (go.doc, go.symbols[0].doc, go.symbols[0].signature) == (
        "Package p does.",
        "Top is the",
        "func Top(a int) error",
    )


def test_columns_count_characters():
    facts = extract('x = "ü🎉"; y = len(z)\nclass Ä:\n    é = 1\n'.encode(), "python")
    assert {s.name: (s.line, s.column) for s in facts.symbols} == {"x": (1, 1), "y": (1, 11), "Ä": (2, 7), "é": (3, 5)}
    assert [use[:2] for use in uses(facts, "z")] == [(1, 19)]


@pytest.mark.parametrize("before", ["", "\ufeff", "# ü🎉\r\n\r\n", "\f\n\v\u2028\n", 't = """a\nü\n\n"""\n', "\n" * 3])
def test_lines_are_counted_as_the_parser_counts_them(before):
    text = f'{before}é = "ü🎉", one(two,\n\n  "ö", three)\nfour'
    facts = extract(text.encode(), "python")
    rows = text.split("\n")
    for name in ("one", "two", "three", "four"):
        row = next(number for number, line in enumerate(rows) if name in line)
        assert list(array("I", facts.uses[name]))[:2] == [row + 1, rows[row].index(name) + 1]


@pytest.mark.parametrize(
    "source", [b"", b"\xff\xfe", b"(" * 3000, b"def", b"class A(\n\n\ndef f(:", "x = '🎉".encode()]
)
@pytest.mark.parametrize("language", sorted(CASES))
def test_nothing_makes_it_fail(source, language):
    extract(source, language)


def test_functions_in_functions_do_not_keep_the_names_of_all_around_them():
    """Once each held a copy: 55 kB of text took 240 MB, 400 kB all that there was."""
    deep = "".join(f"function f(p{n}) {{" for n in range(1500)) + "p0; p1499; q" + "}" * 1500
    extract(b"f()", "javascript")
    tracemalloc.start()
    facts = extract(deep.encode(), "javascript")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert set(facts.uses) == {"q"}
    assert peak < 20e6
    assert set(extract(b"function f(a) { g(b => a + b); b } a", "javascript").uses) == {"g", "b", "a"}
