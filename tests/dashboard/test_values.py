"""What travels is documented, and text is such that JSON can hold it."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import orjson
import pytest

from sidecar.dashboard import values
from sidecar.dashboard.values import plain


@pytest.mark.parametrize(
    ("text", "told"), [("ü<b>", "ü<b>"), ("a\udcff", "a�"), ("a\udcc3\udcbc", "aü"), ("\ud800", "�")]
)
def test_whatever_a_name_is_it_can_be_written(text: str, told: str):
    assert plain(text) == told
    assert orjson.dumps(plain(text))


@pytest.mark.parametrize("kind", [one for one in vars(values).values() if dataclasses.is_dataclass(one)])
def test_every_field_is_in_the_docs(kind: type):
    text = (Path(__file__).parents[2] / "docs" / "dashboard.md").read_text(encoding="utf-8")
    words = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", text))))
    assert [field.name for field in dataclasses.fields(kind) if field.name not in words] == []
