"""The tables that both directions share."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.chat import CHOICES, FINISHES, STOPS, UNREADABLE, arguments


def test_a_reason_that_goes_there_comes_back():
    for finish, stop in STOPS.items():
        if finish not in {"function_call", "refusal"}:  # older words for the same
            assert FINISHES[stop] == finish
    assert set(STOPS.values()) <= set(FINISHES)


def test_choices_have_one_word_each():
    assert len(set(CHOICES.values())) == len(CHOICES)


@pytest.mark.parametrize(
    ("written", "read"),
    [("", {}), (" ", {}), ('{"a":1}', {"a": 1}), ("[1]", {UNREADABLE: "[1]"}), ("{a", {UNREADABLE: "{a"})],
)
def test_arguments(written, read):
    assert arguments(written) == read


@given(st.text())
def test_any_arguments_are_an_object(written):
    assert isinstance(arguments(written), dict)
