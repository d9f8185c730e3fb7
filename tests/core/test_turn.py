"""What is known of a request stands beside its body, and cannot be changed on the way."""

import dataclasses

import pytest

from sidecar.core.turn import Turn


def test_a_turn_is_a_frozen_value() -> None:
    turn = Turn("req_1", session="s")
    assert (turn.id, turn.session, turn.agent, turn.workspace) == ("req_1", "s", "", "")
    assert turn == Turn("req_1", "s")
    with pytest.raises(dataclasses.FrozenInstanceError):
        turn.id = "other"  # type: ignore[misc]
