"""Tools, calls and results are values."""

import dataclasses

import pytest

from sidecar.core.tool import Caller, ToolResult, ToolSpec


def test_progress_of_a_caller_who_does_not_care_goes_nowhere():
    assert Caller().progress(0.5, None, "half way") is None


def test_values_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        ToolResult().error = True
    with pytest.raises(dataclasses.FrozenInstanceError):
        ToolSpec("a", "", {"type": "object"}, "read").effect = "write"
