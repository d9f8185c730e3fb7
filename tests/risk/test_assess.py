"""Scores: additive reasons, parts that never exceed the whole, and what must not move them."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.core.diff import Change, FileDiff, Hunk
from sidecar.risk.assess import assess, foretell
from sidecar.risk.eras import Level
from sidecar.risk.facts import Facts, FileFacts
from sidecar.risk.features import MESSAGE
from sidecar.risk.model import load
from sidecar.risk.moved import WHY_MOVED
from sidecar.risk.repairs import Repaired

MODEL = load()
WORDS = st.sampled_from(
    ["if a:", "  b = c[1] + 2", "return f(x)", "# note", "", "x" * 90 + "()", "import os", "é = 'ü'"]
)
LINES = st.lists(WORDS, max_size=8)
HUNKS = st.tuples(LINES, LINES)


def laid_out(pairs):
    hunks, old, new = [], 1, 1
    for removed, added in pairs:
        start_old = old if removed else old - 1
        start_new = new if added else new - 1
        hunks.append(Hunk(start_old, start_new, tuple(removed), tuple(added)))
        old, new = old + len(removed) + 3, new + len(added) + 3
    return tuple(hunks)


PATHS = st.lists(
    st.sampled_from(["a.py", "b/c.go", "d.rs", "tests/t.py", "docs/d.md", "e.ts"]), unique=True, max_size=5
)


@st.composite
def changes(draw):
    files = tuple(
        FileDiff(path, draw(st.sampled_from(["added", "modified"])), laid_out(draw(st.lists(HUNKS, max_size=3))))
        for path in draw(PATHS)
    )
    return Change(files, message=draw(st.sampled_from(["", "Fix a crash, see #1", "Add x"])))


REPAIRED = st.builds(
    Repaired,
    found=st.integers(0, 400),
    expected=st.floats(0, 400),
    recent=st.floats(0, 90),
    fixes=st.just(("a1b2c3d",)),
)
FACTS = st.builds(
    Facts,
    history=st.booleans(),
    files=st.dictionaries(
        st.sampled_from(["a.py", "b/c.go", "d.rs"]),
        st.builds(
            FileFacts,
            changes=st.integers(0, 500),
            authors=st.frozensets(st.sampled_from("abcdef")),
            fixes=st.integers(0, 60),
            age=st.none() | st.floats(0, 4000),
            repairs=REPAIRED,
        ),
    ),
    exp=st.integers(0, 9000),
    sexp=st.integers(0, 9000),
    dev_days=st.floats(0, 5000),
    fix_rate=st.floats(0, 1),
    traced=st.booleans(),
    folders=st.dictionaries(st.sampled_from(["", "b"]), REPAIRED),
    here=REPAIRED,
    level=st.none() | st.builds(Level, changes=st.integers(0, 100), found=st.integers(0, 100), told=st.floats(0, 100)),
)


@settings(deadline=None)  # a deadline would measure the machine
@given(changes(), FACTS)
def test_reasons_add_up_and_parts_stay_within_the_whole(change, facts):
    report = assess(change, facts, MODEL)
    total = report.base + math.fsum(reason.effect for reason in report.reasons)
    assert total == pytest.approx(math.log(report.score / (1 - report.score)), abs=1e-6)
    assert 0 < report.score < 1
    of_file = {file.file: file.score for file in report.files}
    for hunk in report.hunks:
        assert hunk.score <= of_file[hunk.file] + 1e-9 <= report.score + 2e-9
        assert all(0 <= line.score <= hunk.score + 1e-9 for line in hunk.lines)
        assert all(hunk.start <= line.line <= hunk.end for line in hunk.lines)
    assert {f.file for f in report.files} | {s.file for s in report.skipped} >= {f.path for f in change.files}


@settings(deadline=None)  # a deadline would measure the machine
@given(changes(), FACTS, st.randoms())
def test_the_order_of_files_does_not_matter(change, facts, random):
    files = list(change.files)
    random.shuffle(files)
    shuffled = Change(tuple(files), message=change.message)
    assert assess(shuffled, facts, MODEL) == assess(change, facts, MODEL)


@settings(deadline=None)  # a deadline would measure the machine
@given(changes(), FACTS)
def test_line_ends_do_not_matter(change, facts):
    def dos(lines):
        return tuple(line + "\r" for line in lines)

    files = tuple(
        FileDiff(f.path, f.status, tuple(Hunk(h.old_start, h.new_start, dos(h.removed), dos(h.added)) for h in f.hunks))
        for f in change.files
    )
    assert assess(Change(files, message=change.message), facts, MODEL).score == assess(change, facts, MODEL).score


def code(path="a.py", *, lines=("x = f(1)", "y = 2"), status="added"):
    return FileDiff(path, status, (Hunk(0, 1, (), tuple(lines)),))


def test_a_file_alone_has_the_score_of_the_change():
    report = assess(Change((code(),)), Facts(), MODEL)
    assert [file.score for file in report.files] == [pytest.approx(report.score)]


@pytest.mark.parametrize(
    "files",
    [
        (),
        (code("README.md"),),
        (code("tests/test_a.py"),),
        (FileDiff("a.png", "modified", binary=True, reason="binary"),),
        (code("a.py", lines=("# only words", "")),),
        (FileDiff("a.py", "deleted", (Hunk(1, 0, ("x = 1",), ()),)),),
        (FileDiff("b.py", "renamed", old_path="a.py"),),
    ],
)
def test_a_change_without_new_production_code_gets_the_floor(files):
    report = assess(Change(files), Facts(history=True), MODEL)
    assert (report.score, report.band, report.files, report.hunks) == (MODEL.floor, "low", (), ())
    assert {item.file for item in report.skipped} == {file.path for file in files}
    assert all(item.why for item in report.skipped)


def test_files_that_are_no_code_do_not_move_the_score():
    plain = assess(Change((code(),)), Facts(), MODEL)
    more = assess(Change((code(), code("README.md"), FileDiff("a.png", "added", binary=True))), Facts(), MODEL)
    assert (more.score, more.hunks) == (plain.score, plain.hunks)


def test_a_re_indented_line_has_a_score_of_nothing():
    hunk = Hunk(1, 1, ("x = f(1)",), ("if y:", "    x = f(1)"))
    report = assess(Change((FileDiff("a.py", "modified", (hunk,)),)), Facts(), MODEL)
    lines = {line.line: line.score for line in report.hunks[0].lines}
    assert lines[2] == 0.0 < lines[1]


MOVED = ("def total(items):", "    if not items:", "        return fallback(0)", "    return sum(items)")


def test_a_change_that_only_moves_code_gets_the_floor_and_says_so():
    files = (FileDiff("a.py", "modified", (Hunk(1, 0, MOVED, ()),)), code("b.py", lines=MOVED))
    report = assess(Change(files), Facts(history=True), MODEL)
    assert (report.score, report.files, report.hunks) == (MODEL.floor, (), ())
    assert [(item.file, item.why.partition(":")[0]) for item in report.skipped] == [
        ("a.py", "adds no new line of code"), ("b.py", "moved code"),
    ]  # fmt: skip


def test_moved_lines_of_another_change_have_a_score_of_nothing():
    files = (FileDiff("a.py", "modified", (Hunk(1, 0, MOVED, ()),)), code("b.py", lines=("x = f(1)[2]", *MOVED)))
    report = assess(Change(files), Facts(), MODEL)
    lines = {line.line: line.score for hunk in report.hunks for line in hunk.lines}
    assert lines[1] > 0
    assert [lines[n] for n in range(2, 6)] == [0.0] * 4
    assert 0 < report.files[0].score < report.score
    whole = (*files[:1], code("b.py", lines=MOVED), code("c.py"))
    told = assess(Change(whole), Facts(), MODEL)
    assert {item.file: item.why for item in told.skipped}["b.py"].startswith("moved code")
    assert {hunk.file: hunk.score for hunk in told.hunks}["b.py"] == 0.0


def test_absent_history_is_said_and_not_taken_as_nothing():
    change = Change((code(),))
    without = assess(change, Facts(), MODEL)
    nothing = assess(change, Facts(history=True, fix_rate=1 / 8), MODEL)
    assert without.score != nothing.score
    last = without.reasons[-1]
    assert (last.feature, last.effect) == ("history", 0.0)
    assert "left out" in last.text
    assert not any(reason.feature == "history" for reason in nothing.reasons)


def test_a_message_moves_the_score_by_its_stated_effects():
    silent = assess(Change((code(),)), Facts(), MODEL)
    said = assess(Change((code(),), message="Fix crash in parser, see #3"), Facts(), MODEL)
    stated = sum(r.effect for r in said.reasons if r.feature in MESSAGE)
    assert stated != 0
    moved = math.log(said.score / (1 - said.score)) - math.log(silent.score / (1 - silent.score))
    assert moved == pytest.approx(stated, abs=1e-9)


def test_more_code_is_more_risk():
    scores = [assess(Change((code(lines=("x = f(1)",) * n),)), Facts(), MODEL).score for n in (1, 10, 100, 1000)]
    assert scores == sorted(scores)
    assert scores[-1] > 2 * scores[0]


@pytest.mark.parametrize("path", ["a.py", "a.ts", "a.go"])
@pytest.mark.parametrize("facts", [Facts(), Facts(history=True), Facts(history=True, traced=True)])
@pytest.mark.parametrize(
    "text", ["x = f(1)", "  return y[0] + g(z, 2)", "value = 1", "items.append(make(a, b))", "import os"]
)
def test_more_of_the_same_never_scores_lower(path, facts, text):
    grown = [Change((code(path, lines=(text,) * n),)) for n in (2, 5, 20, 60, 200, 600, 1200)]
    scores = [assess(change, facts, MODEL).score for change in grown]
    assert scores == sorted(scores)


@settings(deadline=None)  # a deadline would measure the machine
@given(changes(), FACTS)
def test_an_earlier_change_is_foretold_as_it_would_be_scored_without_message_and_level(change, facts):
    silent, without = replace(change, message=""), replace(facts, level=None)
    report = assess(silent, without, MODEL)
    if report.files or not any(item.why == WHY_MOVED for item in report.skipped):
        assert foretell(change, without, MODEL) == pytest.approx(report.score)


def test_an_earlier_change_that_only_moved_code_is_foretold_as_if_it_were_new_as_in_the_fit():
    files = (FileDiff("a.py", "modified", (Hunk(1, 0, MOVED, ()),)), code("b.py", lines=MOVED))
    assert assess(Change(files), Facts(), MODEL).score == MODEL.floor
    new = assess(Change((files[0], code("b.py", lines=("x = f(1)[2]", *MOVED)))), Facts(), MODEL)
    assert MODEL.floor < foretell(Change(files), Facts(), MODEL) < new.score
