"""Regular expressions."""

import pytest

from sidecar.risk.hazards.pattern import RULE
from tests.risk.hazards.cases import lines


@pytest.mark.parametrize(
    ("path", "line", "found"),
    [
        ("a.py", 'x = re.compile(r"a+")', True),
        ("a.py", "if re.match(p, text):", True),
        ("a.js", "const x = /a+/g;", True),
        ("a.ts", "new RegExp(text)", True),
        ("a.go", "var x = regexp.MustCompile(`a+`)", True),
        ("A.java", 'Pattern.compile("a+")', True),
        ("a.rs", 'Regex::new("a+")', True),
        ("a.py", "x = a / b / c", False),
        ("a.js", "x = a / b; y = c / d;", False),
        ("a.js", "// const x = /a+/g;", False),
        ("a.py", "return core.search(text)", False),
        ("tests/test_a.py", 're.compile("a")', False),
    ],
)
def test_cases(path, line, found):
    assert lines(RULE, path, line) == [1] * found
