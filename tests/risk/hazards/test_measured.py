"""Which files the measured rules look at, and how they say what they foretell."""

import pytest

from sidecar.risk.hazards.measured import counts, why
from sidecar.risk.hazards.rules import RULES
from sidecar.risk.hazards.seen import see
from tests.risk.hazards.cases import change, check_words


@pytest.mark.parametrize(
    ("path", "wanted"),
    [("app.py", True), ("a.rs", True), ("tests/test_a.py", False), ("a.rb", False), ("docs/a.py", False), ("a.sh", False)],
)  # fmt: skip
def test_production_code_of_known_languages(path, wanted):
    (file,) = see(change(path, "x = 1"))
    assert counts(file) is wanted


def test_a_frequency():
    assert why(1.4) == "Such lines were repaired later 1.4 times as often as the other new lines of the same changes."


@pytest.mark.parametrize("rule", [rule for rule in RULES if not rule.hazard], ids=lambda rule: rule.id)
def test_they_say_how_often_and_are_no_hazards(rule):
    assert rule.severity == "notice"
    assert "times as often" in rule.why
    check_words(rule)
