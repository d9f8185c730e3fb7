"""Stops for a debugger."""

import pytest

from sidecar.risk.hazards.leftover import RULE
from tests.risk.hazards.cases import check_words, lines, mend


@pytest.mark.parametrize(
    ("path", "line", "found"),
    [
        ("a.py", "    breakpoint()", True),
        ("a.py", "import pdb; pdb.set_trace()", True),
        ("a.py", "x = 1; ipdb.set_trace()", True),
        ("tests/test_a.py", "    pdb.set_trace()", True),
        ("a.js", "  debugger;", True),
        ("a.tsx", "debugger", True),
        ("a.rb", "  binding.pry", True),
        ("src/a.rs", "    dbg!(&x);", True),
        ("a.py", "def breakpoint(): pass", False),
        ("a.py", "# breakpoint()", False),
        ("a.py", "on_breakpoint()", False),
        ("a.py", 'CASES = ["import pdb; pdb.set_trace()"]', False),
        ("a.js", "const debugger_url = 1", False),
        ("a.js", "// debugger;", False),
        ("docs/a.py", "breakpoint()", False),
        ("a.css", "debugger;", False),
    ],
)
def test_cases(path, line, found):
    assert lines(RULE, path, line) == [1] * found


@pytest.mark.parametrize(
    ("path", "text", "mended"),
    [
        ("a.py", "def f():\n    breakpoint()\n    g()", "def f():\n    g()"),
        ("a.py", "def f():\n    g()\n    import pdb; pdb.set_trace()  # why?", "def f():\n    g()"),
        ("a.py", "def f():\n    if x:\n        g()\n    breakpoint()", "def f():\n    if x:\n        g()"),
        ("a.py", "x = 1\nbreakpoint()", "x = 1"),
        (
            "a.py",
            "def f(\n        a):\n    breakpoint()\n\n    # then\n    g()",
            "def f(\n        a):\n\n    # then\n    g()",
        ),
        ("a.js", "function f() {\n  debugger;\n}", "function f() {\n}"),
        ("a.ts", "g();\ndebugger", "g();"),
        ("a.rb", "items.each do |item|\n  binding.pry\nend", "items.each do |item|\nend"),
        ("src/a.rs", "    let x = f();\n    dbg!(&x, y.len);\n    g(x)", "    let x = f();\n    g(x)"),
        ("a.php", "f();\nxdebug_break();", "f();"),
    ],
)
def test_a_stop_is_taken_out(path, text, mended):
    assert mend(RULE, path, text) == mended


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", "if x:\n    breakpoint()\ny()"),
        ("a.py", "def f(\n        a):  # here\n    breakpoint()\n"),
        ("a.py", "if (a and\n    b):\n    breakpoint()"),
        ("a.py", "def f():\n    breakpoint() or g()\n    h()"),
        ("a.py", "def f():\n    x = 1; ipdb.set_trace()\n    g()"),
        ("a.py", "import pdb\nx = 1"),
        ("a.py", "import pdb; pdb.set_trace()\npdb.post_mortem()"),
        ("a.js", "if (x)\n  debugger;\ng();"),
        ("a.js", "else\n  debugger\ng()"),
        ("a.js", "const a = b;\ndebugger;\n(c || d).e()"),
        ("a.rb", "x =\n  binding.pry"),
        ("src/a.rs", "    dbg!(f());"),
        ("src/a.rs", "    let y = 1;\n    dbg!(x)\n}"),
        ("a.php", "f();\ndd($x);"),
    ],
)
def test_a_stop_that_something_hangs_on_stays(path, text):
    assert mend(RULE, path, text) is None


def test_words():
    check_words(RULE)
