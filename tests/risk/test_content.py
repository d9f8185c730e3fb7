"""What new code is made of, as numbers."""

import pytest

from sidecar.core.diff import Change, FileDiff, Hunk
from sidecar.risk.code import read
from sidecar.risk.content import CONTENT, content_features
from sidecar.risk.facts import Facts


def content(*files):
    return content_features(read(Change(files), Facts()))


def test_all_features_of_two_files():
    found = content(
        FileDiff("a.py", "modified", (Hunk(4, 4, ("old",), ("x = f(g(1), y.z)", "    return y[0] + 2", "# note")),)),
        FileDiff("b.py", "added", (Hunk(0, 1, (), ("y,", "raise y")),)),
        FileDiff("tests/t.py", "added", (Hunk(0, 1, (), ("assert f(x)",)),)),
    )
    assert found == {
        "n_arithmetic": 1, "n_number": 2, "n_call": 1, "n_index": 1, "n_comma": 1, "n_exit": 2, "n_assign": 1,
        "lines": 4, "names": 8, "names_all": 5, "names_once": 4, "tokens_max": 13, "calls_max": 2, "dots_max": 1,
        "hunk_max": 2, "tokens_mean": (13 + 7 + 2 + 2) / 4, "indent_mean": 1.0, "replacing": 2,
    }  # fmt: skip
    assert tuple(found) == CONTENT


@pytest.mark.parametrize("lines", [(), ("# note", "")])
def test_no_new_code_is_nothing(lines):
    assert content(FileDiff("a.py", "added", (Hunk(0, 1, (), lines),))) == dict.fromkeys(CONTENT, 0)


def test_neither_place_nor_order_of_files_matters():
    one = FileDiff("a.py", "added", (Hunk(0, 1, (), ("x = f(1)", "y = x")),))
    two = FileDiff("z.go", "added", (Hunk(0, 1, (), ("x := g(2)",)),))
    assert content(one, two) == content(two, one)
    assert content(one) == content(FileDiff("q.py", "added", (Hunk(0, 90, (), ("x = f(1)", "y = x")),)))
