"""Import statements of every language that has them, word for word."""

import pytest

from sidecar.index.imports import read_imports


@pytest.mark.parametrize(
    ("language", "text", "brought"),
    [
        ("python", "import a.b.c as d, e", [("a.b.c", "", "d"), ("e", "", "e")]),
        ("python", "from .x import (a as b,  # why\n  c,\n)", [(".x", "a", "b"), (".x", "c", "c")]),
        ("python", "from .. import x", [("..", "x", "x")]),
        ("python", "from a.b import *", [("a.b", "*", "")]),
        ("javascript", "import d, { a as b, c } from './x'", [("./x", "a", "b"), ("./x", "c", "c"), ("./x", "default", "d")]),
        ("typescript", "import type { T } from '@s/p'", [("@s/p", "T", "T")]),
        ("typescript", "import { type T, u } from './x'", [("./x", "T", "T"), ("./x", "u", "u")]),
        ("javascript", "import * as ns from '../y'", [("../y", "", "ns")]),
        ("javascript", "import './style'", [("./style", "", "")]),
        ("javascript", "export { q as r } from './z'", [("./z", "q", "r")]),
        ("javascript", "export * from './w'", [("./w", "*", "")]),
        ("javascript", "export * as n from './w'", [("./w", "", "n")]),
        ("javascript", "fs = require('fs')", [("fs", "", "fs")]),
        ("javascript", "{ u, v: w } = require('./r')", [("./r", "u", "u"), ("./r", "v", "w")]),
        ("go", '"fmt"', [("fmt", "", "fmt")]),
        ("go", 'x "a.b/c/d"', [("a.b/c/d", "", "x")]),
        ("go", '"github.com/a/b/v2"', [("github.com/a/b/v2", "", "b")]),
        ("go", '. "dot/q"', [("dot/q", "*", "")]),
        ("java", "import a.b.C;", [("a.b", "C", "C")]),
        ("java", "import static a.b.C.m;", [("a.b.C", "m", "m")]),
        ("java", "import a.b.*;", [("a.b", "*", "")]),
        ("kotlin", "import c.d.F as G", [("c.d", "F", "G")]),
        ("scala", "import c.d.{E, F => G}", [("c.d", "E", "E"), ("c.d", "F", "G")]),
        ("scala", "import x.y._", [("x.y", "*", "")]),
        ("c_sharp", "using System.Text;", [("System.Text", "*", "")]),
        ("c_sharp", "using X = A.B.C;", [("A.B", "C", "X")]),
        ("rust", "use crate::a::{b, c as d, e::{self, f}};", [("crate::a", "b", "b"), ("crate::a", "c", "d"), ("crate::a", "e", "e"), ("crate::a::e", "f", "f")]),
        ("rust", "pub use std::io::*;", [("std::io", "*", "")]),
        ("rust", "mod inner;", [("self::inner", "", "inner")]),
        ("c", '#include "util/x.h"', [("util/x.h", "*", "")]),
        ("cpp", "#include <vector>", [("vector", "*", "")]),
        ("ruby", "require_relative 'foo/bar'", [("./foo/bar", "*", "")]),
        ("ruby", "require 'set'", [("set", "*", "")]),
        ("php", "use App\\Base\\Model;", [("App\\Base", "Model", "Model")]),
        ("php", "use Foo\\{A, B as C};", [("Foo", "A", "A"), ("Foo", "B", "C")]),
        ("php", "require_once 'x.php'", [("x.php", "*", "")]),
        ("bash", 'source "$DIR/lib.sh"', [("./lib.sh", "*", "")]),
        ("swift", "import Foundation", [("Foundation", "*", "")]),
        ("sql", "anything", []),
    ],
)  # fmt: skip
def test_statement(language, text, brought):
    assert read_imports(language, text) == brought


@pytest.mark.parametrize(
    "language", ["python", "javascript", "go", "java", "rust", "php", "bash", "c", "c_sharp", "scala"]
)
@pytest.mark.parametrize(
    "text", ["", "import", "from", "use {", "require(", "import x from", "#include", "source", "use a::{b, {"]
)
def test_half_a_statement_is_no_fault(language, text):
    read_imports(language, text)
