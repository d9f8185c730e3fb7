"""A review's values: names of changes, and what is kept of a review and comes back."""

import json

import pytest

from sidecar.core.critique import Critique, Dropped, Limits, NamedChange, Remark, Unread, Wish, restored
from sidecar.core.review import RiskReport, Suggestion

NAMES = [
    (NamedChange(), "the uncommitted change"),
    (NamedChange("staged"), "the staged change"),
    (NamedChange("base", "main"), "HEAD since main"),
    (NamedChange("range", "a", "b"), "a..b"),
    (NamedChange("range", "a...", "b"), "a...b"),
    (NamedChange("commit", head="v1"), "commit v1"),
    (NamedChange("patch", patch="x"), "the patch"),
]


@pytest.mark.parametrize(("scope", "name"), NAMES)
def test_a_change_has_a_name(scope: NamedChange, name: str) -> None:
    assert scope.told() == name


def test_what_is_kept_comes_back_and_the_risk_is_not_among_it() -> None:
    whole = Critique(
        "model",
        "S",
        files={"a": "n"},
        checklist=("c",),
        remarks=(
            Remark("a", 1, 2, "low", "t", "b", moved=True),
            Remark("a", 3, 3, "low", "t", "b", suggestion=Suggestion(("x",), ("y", "z"))),
        ),
        dropped=(Dropped("a", 9, "t", "w"),),
        unread=(Unread("b", "w"),),
        notes=("n",),
        provider="p",
        model="m",
        parts=2,
        requests=3,
        report=RiskReport(0.5, "high", 0.0, "m@1"),
        facts="f",
        threads=1,
    )
    again = restored(json.loads(json.dumps(whole.kept())))
    assert again.remarks == whole.remarks
    assert again.dropped == whole.dropped
    assert again.unread == whole.unread
    assert (again.cached, again.requests, again.report, again.facts, again.threads) == (True, 0, None, "", 0)


@pytest.mark.parametrize("spoilt", [{}, {"summary": 1}, {**Critique("model", "").kept(), "remarks": [{"no": 1}]}])
def test_anything_else_is_not_believed(spoilt: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        restored(spoilt)


def test_the_defaults_ask_a_model() -> None:
    assert Wish().by_model
    assert Wish().limits == Limits()
