"""The bands, by themselves and as reviews and settings have them."""

from __future__ import annotations

from typing import get_args

from sidecar.core import review
from sidecar.core.bands import Band
from sidecar.settings.groups import GateLevel


def test_reviews_and_settings_mean_the_same_bands():
    assert get_args(review.Band) == get_args(Band) == ("low", "medium", "high", "critical")
    assert set(get_args(GateLevel)) - {"off"} < set(get_args(Band))
