"""Ordinary constructs of each language: what they define, what of it is local, and what a class is made from.

Every case was found wrong in a real project.
"""

from __future__ import annotations

from array import array

import pytest

from sidecar.index.extract import extract
from sidecar.index.grammars import spoken_in

CASES = [
    # language, text, symbols, local names, bases
    (
        "cpp",
        (
            "class API_EXPORT DB : public Base<int>, ns::Other {\n public:\n  DB(int n) : n_(n) {}\n  DB(const DB&) = delete;\n  ~DB();\n"
            "  DB* next();\n  DB& self() const;\n  int Read() LOCKS_EXCLUDED(mu_) { return 1; }\n"
            "  void Write(int w) LOCKS_REQUIRED(mu_);\n  int n_ GUARDED_BY(mu_);\n  static int count;\n};\n"
        ),
        (
            "DB:class DB.DB:method DB.DB:method DB.~DB:method DB.next:method DB.self:method DB.Read:method DB.Write:method "
            "DB.n_:field DB.count:field"
        ),
        "n w",
        "DB<Base DB<Other",
    ),
    (
        "cpp",
        (
            "namespace a::b {\ntemplate <typename T, int N> T* Box<T, N>::get() const {\n  Lock l(mutex_);\n  auto [p, q] = pair;\n"
            "  auto f = [c = 1](int z) { return z; };\n  return nullptr;\n}\nint Box<int>::count = 0;\nEnv* Env::Default() { return 0; }\n"
            "Box::~Box() {}\ntemplate <class T> concept Addable = true;\n}\n"
        ),
        (
            "a.b:module a.b.Box.get:method a.b.Box.count:field a.b.Env.Default:method a.b.Box.~Box:method a.b.Addable:type"
        ),
        "T N l p q f c z",
        "",
    ),
    (
        "java",
        (
            "class A<T> extends C<T> implements D<T> {\n  static { int s = 1; }\n  { int i = 2; }\n"
            "  void f(Object o) { if (o instanceof String t) {} switch (o) { case P(int p) -> {} case Q q -> {} } }\n"
            '  record R(int n) { R { int c = 1; } }\n  @interface N { String value() default ""; }\n}\n'
        ),
        "A:class A.f:method A.R:class A.R.n:field A.R.R:constructor A.N:interface A.N.value:method",
        "T s i o t p q c",
        "A<C A<D",
    ),
    (
        "c_sharp",
        (
            "record P(int First) : Base(First), IThing<int>;\nclass A {\n  public event E Changed { add { var a = 1; } remove { } }\n"
            "  public static implicit operator int(A from) => 1;\n  ~A() { int d = 0; }\n"
            "  void F() { if (o is string s) {} var (p, q) = (1, 2); G(out var r); foreach (var (k, v) in d) {} var w = from x in l select x; }\n}\n"
        ),
        "P:class P.First:field A:class A.Changed:field A.F:method",
        "a from d s p q r k v w x",
        "P<Base P<IThing",
    ),
    (
        "kotlin",
        (
            "var String.ext: Int\n  get() { val g = 1; return g }\n  set(value) { val h = 2 }\nval (one, two) = pair\n"
            "@Test fun `a name with spaces`() { val z = 1 }\nclass A(val p: Int) : B<Int>(p) {\n  init { val i = 1 }\n"
            "  constructor(n: String) : this(1) { val c = 2 }\n  companion object { fun make() = A(1) }\n  inner class In { fun m() {} }\n}\n"
            "fun f() { for ((a, b) in m) {}; when (val w = x) { is A -> {} }; try {} catch (e: Exception) {} }\n"
        ),
        (
            "ext:variable one:variable two:variable a name with spaces:function A:class A.p:field A.make:method A.In:class "
            "A.In.m:method f:function"
        ),
        "g h z i n c a b w e",
        "A<B",
    ),
    (
        "swift",
        (
            "protocol P { associatedtype Item }\nclass A: B {\n  var x: Int { let l = 1; return l }\n  var o: Int = 0 { didSet { let w = 1 } }\n"
            "  deinit { let d = 1 }\n  static func == (a: A, b: A) -> Bool { true }\n  func `repeat`(with n: Int) {\n"
            "    if let u = opt { }\n    guard let g = opt else { return }\n    do { } catch let e { }\n    let (s, t) = (1, 2)\n  }\n}\n"
            'macro say(_ m: Int) = #externalMacro(module: "M", type: "T")\n'
        ),
        "P:interface P.Item:type A:class A.x:field A.o:field A.==:method A.repeat:method say:macro",
        "l w d a b n u g e s t m",
        "A<B",
    ),
    (
        "scala",
        (
            "package object po { val pv = 1 }\ntrait T { val abs: Int; var av: Int }\nobject O {\n  val (t1, t2) = p\n  val Some(q) = o\n"
            "  lazy val y = { val inner = 2; inner }\n  def +(o: Int) = o\n  val `type` = 1\n"
            "  def f(x: Any) = x match { case Foo(n, m: Int) => n; case k @ Bar(_) => k; case e: Ex => e }\n}\n"
        ),
        (
            "po:class po.pv:field T:trait T.abs:field T.av:field O:class O.t1:field O.t2:field O.q:field O.y:field O.+:method "
            "O.type:field O.f:method"
        ),
        "inner o x n m k e",
        "",
    ),
    (
        "rust",
        (
            "trait T: Base + Other<i32> { type Item; }\nfn f<const N: usize>() {\n  match x { E::B(ref q) => q, E::C { g, h: i, .. } => g }\n"
            "  let [a, ..] = z;\n}\n#[derive(Debug)]\nstruct S;\n"
        ),
        "T:trait T.Item:type f:function S:struct",
        "N q g i a",
        "T<Base T<Other",
    ),
    (
        "go",
        (
            "package a\ntype RW interface {\n\tReader\n\tClose() error\n}\ntype S struct {\n\t*Base\n\tEmb[int]\n}\n"
            "func f() {\n\tswitch y := x.(type) {\n\tcase int:\n\t\t_ = y\n\t}\n\tselect {\n\tcase m := <-ch:\n\t\t_ = m\n\t}\n}\n"
        ),
        "RW:interface RW.Close:method S:struct f:function",
        "y m",
        "RW<Reader S<Base S<Emb",
    ),
    (
        "php",
        (
            "<?php\ndefine('OLD', 1);\nclass U {\n  public function __construct(private string $first) {}\n"
            "  public string $full { get => $this->first; set { $v = 1; } }\n}\n"
        ),
        "OLD:constant U:class U.__construct:method U.first:field U.full:field",
        "first v",
        "",
    ),
    (
        "ruby",
        (
            "class A::B::C\n  alias other empty?\n  alias_method :old, :new\n  define_method(:dyn) { |a| a }\n"
            "  def <=>(o); o; end\n  def [](i); i; end\n  def go; @@count = 1; end\nend\n"
        ),
        (
            "A.B.C:class A.B.C.other:method A.B.C.old:method A.B.C.dyn:method A.B.C.<=>:method A.B.C.[]:method A.B.C.go:method "
            "A.B.C.count:field"
        ),
        "a o i",
        "",
    ),
    (
        "sql",
        (
            "CREATE TABLE [dbo].[Order Details] ([Order ID] int, [n] int);\nGO\nCREATE SCHEMA shop;\n"
            'CREATE TABLE t ("full name" text, tags text[], n int);\n'
        ),
        (
            "Order Details:table Order Details.Order ID:column Order Details.n:column shop:module t:table t.full name:column "
            "t.tags:column t.n:column"
        ),
        "",
        "",
    ),
    (
        "typescript",
        "class A<T> implements I<T>, n.K { static { const s = 1; } }\ninterface J<T> extends L<T>, n.M {}\n",
        "A:class J:interface",
        "T s",
        "A<I A<K J<L J<M",
    ),
    (
        "python",
        "class C(Base[int], a.Other[str]):\n  pass\ndef f(v):\n  match v:\n    case [h, *t]: pass\n    case P(x=p): pass\n",
        "C:class f:function",
        "v h t p",
        "C<Base C<Other",
    ),
]


@pytest.mark.parametrize(("language", "text", "symbols", "local", "bases"), CASES, ids=[case[0] for case in CASES])
def test_what_is_ordinary_is_found(language, text, symbols, local, bases):
    facts = extract(text.encode(), language)
    assert " ".join(f"{s.container}.{s.name}:{s.kind}".removeprefix(".") for s in facts.symbols) == symbols
    assert {known.name for known in facts.locals} == set(local.split())
    assert sorted(f"{owner}<{base}" for base, owner in facts.bases) == sorted(bases.split())


def places(facts, name):
    flat = array("I", facts.uses.get(name, b""))
    return list(zip(flat[::3], flat[1::3], strict=False))


def test_a_macro_that_the_grammar_does_not_know_is_used_where_it_stands():
    text = "class API_EXPORT A : B {\n  void f() LOCKS_EXCLUDED(mu) { g(); }\n};\n"
    facts = extract(text.encode(), "cpp")
    assert places(facts, "API_EXPORT") == [(1, 7)]
    assert places(facts, "LOCKS_EXCLUDED") == [(2, 12)]
    assert [(s.name, s.line, s.column) for s in facts.symbols] == [("A", 1, 18), ("f", 2, 8)]
    assert facts.symbols[0].signature == "class API_EXPORT A : B"


def test_names_in_ticks_and_brackets_are_used_without_them():
    assert places(extract(b"func f() { `repeat`() }\n", "swift"), "repeat") == [(1, 13)]
    text = "SELECT d.[Order ID] FROM [Order Details] d WHERE a = ARRAY[1] AND b['x'] = \"full name\";\n"
    facts = extract(text.encode(), "sql")
    assert places(facts, "Order Details") == [(1, 27)]
    assert places(facts, "full name") == [(1, 77)]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("namespace a {\nclass B;\n}\n", "cpp"),
        ("struct A {\n public:\n  int x;\n};\n", "cpp"),
        ("template <class T> T f();\n", "cpp"),
        ("#include <string>\nstd::string f();\n", "cpp"),
        ("/* class of its own */\nstruct a { int class_; };\nint f(void);\n", "c"),
        ("typedef struct { int public; } a;\n", "c"),
    ],
)
def test_a_header_is_read_as_what_it_is(text, language):
    assert spoken_in("a/b.h", text.encode()) == language
    assert spoken_in("a/b.c", text.encode()) == "c"
