"""What is known of a request stands beside its body, and cannot be changed on the way."""

import dataclasses

import pytest

from sidecar.core.turn import Handling, Turn


def test_a_turn_is_a_frozen_value() -> None:
    turn = Turn("req_1", session="s")
    assert (turn.id, turn.session, turn.agent, turn.workspace) == ("req_1", "s", "", "")
    assert turn == Turn("req_1", "s")
    with pytest.raises(dataclasses.FrozenInstanceError):
        turn.id = "other"  # type: ignore[misc]


def test_more_changes_are_named_once_and_the_first_stays() -> None:
    handling = Handling("m", ("model",), retries=1)
    more = handling.also(("thinking", "model", "tags"))
    assert more.changes == ("model", "thinking", "tags")
    assert (more.model, more.retries, handling.changes) == ("m", 1, ("model",))


@pytest.mark.parametrize(("cache", "spared"), [("hit", True), ("joined", True), ("miss: new", False), ("", False)])
def test_who_was_spared(cache: str, spared: bool) -> None:
    assert Handling(cache=cache).spared is spared
