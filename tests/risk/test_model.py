"""The model as values, and the one that ships."""

import csv
import json
import lzma
import math
from importlib import resources
from pathlib import Path

import pytest

from sidecar.risk.features import (
    DIFF,
    HISTORY,
    LEVEL,
    LINE,
    LINE_CONTEXT,
    LINE_FORMS,
    LINE_HISTORY,
    MESSAGE,
    REPAIRS,
    unsquashed,
)
from sidecar.risk.model import Term, effects, effects_of_rows, load, squash


def test_squash_keeps_sign_and_zero():
    assert [squash(x) for x in (0.0, math.e - 1, 1 - math.e)] == [0.0, 1.0, -1.0]


@pytest.mark.parametrize("value", [0.0, 0.7, -2.5])
def test_what_is_a_logarithm_already_is_seen_as_it_is(value):
    assert squash(unsquashed(value)) == pytest.approx(value)


def test_terms_of_one_feature_add_up_and_absent_ones_are_left_out():
    terms = (Term("a", 2.0, 1.0, 0.5), Term("a", 1.0, 0.0, 1.0, centre=1.0), Term("b", 1.0, 0.0, 1.0))
    value = math.e - 1
    assert effects(terms, {"a": value}) == {"a": pytest.approx(0.0)}
    assert effects(terms, {"a": 0.0}) == {"a": pytest.approx(-4.0 + 0.25)}


def test_a_term_of_a_language_is_added_to_the_common_one_there_alone():
    terms = (Term("a", 1.0, 0.0, 1.0), Term("a", 2.0, 0.0, 1.0, language="python"))
    found = [effects(terms, {"a": math.e - 1}, language) for language in (None, "javascript", "python")]
    assert found == [{"a": pytest.approx(n)} for n in (1.0, 1.0, 3.0)]


def test_rows_have_the_same_effects_as_each_alone():
    terms = (Term("a", 2.0, 1.0, 0.5), Term("a", 1.0, 0.0, 1.0, centre=1.0), Term("b", 1.0, 0.0, 1.0))
    rows = [{"a": 1.0, "b": 0.0}, {"a": 5.0, "b": 0.0}, {"a": 1.0, "b": -2.0}]
    assert effects_of_rows(terms, rows) == [effects(terms, row) for row in rows]


def test_the_shipped_model_is_small_and_uses_only_features_that_there_are():
    text = resources.files("sidecar.risk").joinpath("model.json").read_text("utf-8")
    assert len(text) < 1_000_000
    model = load()
    assert model.name == json.loads(text)["name"] == "jit-lr@7"
    assert {term.feature for term in model.traced.terms} == {*DIFF, *HISTORY, *REPAIRS, LEVEL}
    assert {term.feature for term in model.history.terms} == {*DIFF, *HISTORY}
    assert {term.feature for term in model.diff.terms} == set(DIFF)
    assert {term.feature for term in model.message} == set(MESSAGE)
    for head in (model.traced, model.history, model.diff):
        own = sorted((term.language, term.feature) for term in head.terms if term.language)
        assert own == sorted((language, feature) for language in ("python", "javascript") for feature in DIFF)
    assert {term.feature for term in model.traced.lines} == set(LINE)
    assert {term.feature for term in model.history.lines} == set(LINE)
    assert {term.feature for term in model.diff.lines} == set(LINE) - set(LINE_HISTORY)


def test_the_head_is_the_one_for_what_is_known():
    model = load()
    names = [model.head(history=h, traced=t).name for h, t in ((True, True), (True, False), (False, True))]
    assert names == ["jit-lr@7", "jit-lr@7/history", "jit-lr@7/diff"]


def test_bands_rise_with_the_score():
    model = load()
    low, mid, high = model.limits
    assert 0 < model.floor < low < mid < high < 1
    cases = {0.0: "low", low: "medium", mid: "high", high: "critical", 1.0: "critical"}
    assert {score: model.band(score) for score in cases} == cases


@pytest.mark.parametrize(
    ("table", "features"),
    [("changes", (*DIFF, *HISTORY, *REPAIRS, "language")), ("context", (*LINE_FORMS, *LINE_CONTEXT))],
)
def test_the_tables_of_the_fit_hold_the_features_that_the_product_computes(table, features):
    path = Path(__file__).parents[1] / "bench" / "risk" / f"{table}.csv.xz"
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        assert next(csv.reader(lines)) == ["repo", *features]
