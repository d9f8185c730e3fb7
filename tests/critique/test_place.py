"""Where comments belong: believed where the change shows it, moved by what they quote, dropped else."""

from __future__ import annotations

import pytest

from sidecar.core.critique import Limits
from sidecar.core.review import Suggestion
from sidecar.critique.answer import Claim
from sidecar.critique.material import prepare
from sidecar.critique.place import place
from tests.critique.making import change, file, scored

TEXT = ["import os", "", "def f(x):", "    y = eval(x)", "    return y", "", "def g(x):", "    y = x", "    return y"]
ADDED = TEXT[2:]
ROWS = prepare(
    change(file("src/a.py", (3, ["old = gone()"], ADDED)), file("b.py", (1, ["last = 1"], []))),
    scored(),
    {"src/a.py": TEXT, "b.py": ["kept = 2"]},
    Limits(),
).rows


def claim(file="src/a.py", line=4, quote="    y = eval(x)", end=0, **more) -> Claim:
    return Claim(file, line, max(line, end), quote, "high", more.pop("title", "T"), "B", **more)


PLACED = [
    ("right", claim(), (4, 4, False)),
    ("several lines", claim(end=5), (4, 5, False)),
    ("an end past the change", claim(end=500), (4, 9, False)),
    ("wrong number", claim(line=2), (4, 4, True)),
    ("a number of nowhere", claim(line=900), (4, 4, True)),
    ("no number", claim(line=0), (4, 4, True)),
    ("quoted with number and sign", claim(line=1, quote="     4 +     y = eval(x)"), (4, 4, True)),
    ("other blanks", claim(line=1, quote="y  =  eval(x)"), (4, 4, True)),
    ("a part of the line", claim(line=1, quote="= eval(x)"), (4, 4, True)),
    ("several lines quoted", claim(line=1, quote="    y = eval(x)\n    return y"), (4, 4, True)),
    ("no quote", claim(quote=""), (4, 4, False)),
    ("of two the nearest", claim(line=8, quote="return y"), (9, 9, True)),
    ("context", claim(line=1, quote="import os"), (1, 1, False)),
    ("a removed line", claim(line=1, quote="old = gone()"), (3, 3, True)),
    ("a removed last line", claim("b.py", 1, "last = 1"), (1, 1, False)),
    ("path with a prefix", claim("b/src/a.py"), (4, 4, False)),
    ("end of a path", claim("a.py"), (4, 4, False)),
]


@pytest.mark.parametrize(("given", "wanted"), [row[1:] for row in PLACED], ids=[row[0] for row in PLACED])
def test_a_place_is_found(given, wanted):
    (remark,), dropped = place([given], ROWS)
    assert (remark.start, remark.end, remark.moved) == wanted
    assert dropped == []


DROPPED = [
    ("another file", claim("c.py"), "the file is not in the change"),
    ("no such text", claim(quote="z = exec(x)"), "not in the change, or stands at several"),
    ("two places as near", claim(line=7, quote="    return y"), "several places"),
    ("two places, no number", claim(line=0, quote="return y"), "several places"),
    ("no quote, no line", claim(line=40, quote=""), "no text was quoted"),
]


@pytest.mark.parametrize(("given", "why"), [row[1:] for row in DROPPED], ids=[row[0] for row in DROPPED])
def test_a_place_that_cannot_be_told_is_dropped_with_the_reason(given, why):
    remarks, (dropped,) = place([given], ROWS)
    assert remarks == []
    assert why in dropped.why
    assert dropped.title == "T"


def test_the_same_comment_twice_is_one():
    assert len(place([claim(), claim(line=2), claim(title="Other")], ROWS)[0]) == 2


def test_a_moved_comment_points_at_one_line():
    (remark,), _ = place([claim(line=1, end=3)], ROWS)
    assert (remark.start, remark.end) == (4, 4)


MENDS = [
    ("one line", claim(suggestion=("    y = int(x)",)), ("    y = int(x)",)),
    ("two lines", claim(end=5, suggestion=("    return int(x)",)), ("    return int(x)",)),
    ("without its indentation", claim(suggestion=("y = int(x)",)), ("    y = int(x)",)),
    ("the first without", claim(suggestion=("if x:", "        y = 1")), ("    if x:", "        y = 1")),
    ("moved, the whole line quoted", claim(line=1, suggestion=("    y = int(x)",)), ("    y = int(x)",)),
    ("no number, the whole line quoted", claim(line=0, suggestion=("    y = int(x)",)), ("    y = int(x)",)),
    ("a part quoted, at its number", claim(quote="= eval(x)", suggestion=("    y = int(x)",)), ("    y = int(x)",)),
    ("moved, a part quoted", claim(line=1, quote="= eval(x)", suggestion=("    y = int(x)",)), None),
    ("moved, several lines", claim(line=1, end=2, suggestion=("    y = int(x)",)), None),
    ("nothing quoted", claim(quote="", suggestion=("    y = int(x)",)), None),
    ("more lines than are shown", claim(end=500, suggestion=("    y = int(x)",)), None),
    ("a removed line", claim(line=3, quote="old = gone()", suggestion=("new = here()",)), None),
    ("the same", claim(suggestion=("    y = eval(x)",)), None),
    ("a patch", claim(suggestion=("-    y = eval(x)", "+    y = int(x)")), None),
    ("all without indentation", claim(suggestion=("if x:", "    y = 1", "else:", "    y = 2")), None),
    ("none", claim(), None),
]


@pytest.mark.parametrize(("given", "wanted"), [row[1:] for row in MENDS], ids=[row[0] for row in MENDS])
def test_a_suggestion_stays_where_it_is_certain_what_it_replaces(given, wanted):
    (remark,), dropped = place([given], ROWS)
    assert dropped == []
    if wanted is None:
        assert remark.suggestion is None
    else:
        assert remark.suggestion == Suggestion(tuple(TEXT[remark.start - 1 : remark.end]), wanted)
