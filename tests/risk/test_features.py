"""The numbers the models look at."""

import math
from dataclasses import replace

import pytest

from sidecar.core.diff import Change, FileDiff, Hunk
from sidecar.risk.code import read
from sidecar.risk.content import CONTENT, content_features
from sidecar.risk.eras import Level
from sidecar.risk.facts import Facts, FileFacts
from sidecar.risk.features import (
    DIFF,
    HISTORY,
    LEVEL,
    LINE,
    MESSAGE,
    REPAIRS,
    change_features,
    line_features,
    mean_age,
    message_features,
    written_in,
)
from sidecar.risk.model import squash
from sidecar.risk.repairs import Repaired

FILES = (
    FileDiff("a/x.py", "modified", (Hunk(4, 4, ("old",), ("if x:", "    return y[0]", "# note")),)),
    FileDiff("b/y.py", "added", (Hunk(0, 1, (), ("z = f(1)",)),)),
    FileDiff("tests/t.py", "modified", (Hunk(0, 1, (), ("assert x", "assert y")),)),
)
FACTS = Facts(
    history=True,
    files={
        "a/x.py": FileFacts(9, frozenset({"ada", "bob"}), 3, 2, 10.0),
        "tests/t.py": FileFacts(5, frozenset({"bob", "eve"}), 4, 0, 20.0),
    },
    exp=7,
    sexp=4,
    dev_days=100.0,
    fix_rate=0.2,
    recent={"sexp": (1.0, 9.0), "age": (1.0,), "ndev": (), "nfix_sum": (3.0, 3.0)},
)


def features(message="", facts=FACTS):
    change = Change(FILES, message=message)
    return change_features(change, read(change, facts), facts)


def test_all_features_of_a_change_with_history():
    found = features()
    assert {name: found.pop(name) for name in CONTENT} == content_features(read(Change(FILES), FACTS))
    assert found == {
        "tokens": 3 + 5 + 6, "indent_max": 4, "branches": 1, "test_la": 2, "prod_nf": 2,
        "fix_rate": 0.2, "fix_density": 0.3, "nfix_max": 3, "nfix_sum": 3, "nuc": 9, "ndev": 2, "age": 10.0,
        "exp": 7, "sexp": 4, "dev_days": 100.0,
        "r_sexp": 0.5, "r_age": 2 / 3, "r_ndev": 0.5, "r_nfix_sum": 0.5,
    }  # fmt: skip


def test_the_past_is_that_of_the_scored_files_alone():
    others = [
        FileDiff(path, "modified", (Hunk(1, 1, (), ("x",)),)) for path in ("dist/a.js", "vendor/v.go", "docs/d.py")
    ]
    past = {file.path: FileFacts(90, frozenset({"zoe"}), 80, 1, 900.0) for file in others}
    change, facts = Change((*FILES, *others)), replace(FACTS, files={**FACTS.files, **past})
    assert change_features(change, read(change, facts), facts) == features()


def test_what_is_not_known_is_absent_and_not_zero():
    assert set(features(facts=Facts())) == set(DIFF)
    assert set(features("Fix it", Facts())) == {*DIFF, *MESSAGE}
    assert set(features("Fix it")) == {*DIFF, *HISTORY, *MESSAGE}
    assert set(features("  \n")) == {*DIFF, *HISTORY}
    assert set(features(facts=replace(FACTS, traced=True))) == {*DIFF, *HISTORY, *REPAIRS}
    assert set(features(facts=replace(FACTS, level=Level()))) == {*DIFF, *HISTORY}
    assert set(features(facts=replace(FACTS, traced=True, level=Level()))) == {*DIFF, *HISTORY, *REPAIRS, LEVEL}


def test_the_level_is_seen_as_the_logarithm_that_it_is():
    found = features(facts=replace(FACTS, traced=True, level=Level(100, 5, 20.0)))
    assert squash(found[LEVEL]) == pytest.approx(math.log(15 / 30))


def test_repairs_by_file_folder_and_repository():
    files = {"a/x.py": FileFacts(repairs=Repaired(4, 1.0, 2.5)), "b/y.py": FileFacts(repairs=Repaired(0, 2.0))}
    facts = replace(FACTS, traced=True, files=files, folders={"a": Repaired(2, 2.0)}, here=Repaired(3, 8.0))
    found = features(facts=facts)
    ratio = (math.sqrt(2) * math.log(6 / 3) + math.log(2 / 4)) / (math.sqrt(2) + 1)
    assert [found[name] for name in REPAIRS] == [
        pytest.approx(value) for value in (ratio, math.log(3 / 3), 0.0, 1 - 18 / 13)
    ]


def test_message_features():
    assert message_features("Fix the cache\n\nSee #12.\n") == {"fix": 1.0, "msg_len": 23}
    assert message_features("Add a cache") == {"fix": 0.0, "msg_len": 11}


def test_the_language_is_that_of_the_new_code_and_not_of_tests_or_comments():
    go = FileDiff("c/w.go", "modified", (Hunk(4, 4, (), tuple(f"x{n} := {n}" for n in range(5))),))
    tests = FileDiff("tests/v.go", "added", (Hunk(0, 1, (), ("x := 1",) * 9),))
    said = FileDiff("c/u.py", "added", (Hunk(0, 1, (), ("# note",) * 9),))
    cases = ((FILES, "python"), ((*FILES, tests), "python"), ((*FILES, said, go), None))
    assert [written_in(read(Change(files), FACTS)) for files, _ in cases] == [language for _, language in cases]


def test_mean_age_of_files_with_a_past():
    assert mean_age([4.0, None, 8.0]) == 6.0
    assert mean_age([None]) == 0.0


def test_features_of_lines():
    reading = read(Change(FILES), FACTS)
    rows = list(line_features(reading, FACTS))
    assert [set(row) for row in rows] == [set(LINE)] * 3
    first, second, third = rows
    assert (first["pos"], second["pos"], second["pos_rel"]) == (0, 1, pytest.approx(1 / 3))
    assert (first["hunk_add"], first["hunk_del"], first["h_code"], first["f_code"]) == (3, 1, 2, 2)
    assert (first["f_nuc"], first["f_nfix"], third["f_nuc"], third["new_file"]) == (9, 3, 0, 1.0)
    assert (first["branch"], second["index"], third["call"]) == (1.0, 1.0, 1.0)
    assert (first["prev_ntok"], second["prev_ntok"]) == (0, 3)
    assert [row["ntok_rank"] for row in rows] == [pytest.approx(x / 3) for x in (1, 2, 3)]
