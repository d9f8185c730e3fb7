"""Text that JSON can hold."""

from __future__ import annotations

import orjson
import pytest

from sidecar.dashboard.values import plain


@pytest.mark.parametrize(
    ("text", "told"), [("ü<b>", "ü<b>"), ("a\udcff", "a�"), ("a\udcc3\udcbc", "aü"), ("\ud800", "�")]
)
def test_whatever_a_name_is_it_can_be_written(text: str, told: str):
    assert plain(text) == told
    assert orjson.dumps(plain(text))
