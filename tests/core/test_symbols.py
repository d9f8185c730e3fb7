"""Symbols, questions and answers are values."""

import dataclasses

import pytest

from sidecar.core.symbols import Answer, Position, Query, Span, Symbol

SPAN = Span("a.py", Position(3, 5), Position(3, 9))


@pytest.mark.parametrize(
    ("container", "path"), [("", "area"), ("Shape", "Shape.area"), ("Shape.Inner", "Shape.Inner.area")]
)
def test_a_symbol_is_asked_for_by_its_name_path(container, path):
    assert Symbol("area", "method", container, SPAN, SPAN).path == path


def test_questions_about_the_same_place_are_the_same():
    assert Query("hover", "a.py", Position(1, 1)) == Query("hover", "a.py", Position(1, 1))
    assert len({Query("hover", "a.py", Position(1, 1)), Query("hover", "a.py", Position(1, 2))}) == 2


def test_values_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Answer("ready", "index").status = "partial"
