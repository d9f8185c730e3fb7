"""Text and bytes."""

import pytest

from sidecar.risk.hazards.encoding import RULE
from tests.risk.hazards.cases import lines


@pytest.mark.parametrize(
    ("path", "line", "found"),
    [
        ("a.py", 'x = text.encode("utf-8")', True),
        ("a.py", "x = data.decode()", True),
        ("a.js", "Buffer.from(text, 'latin1')", True),
        ("A.java", "text.getBytes()", True),
        ("a.rs", "String::from_utf8(data)", True),
        ("a.py", "# -*- coding: utf-8 -*-", False),
        ("a.py", "x = encode_all", False),
        ("docs/a.py", "x.encode()", False),
    ],
)
def test_cases(path, line, found):
    assert lines(RULE, path, line) == [1] * found
