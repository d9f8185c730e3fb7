"""Pauses grow, five failures in three minutes are enough, and success or a person's wish begins anew."""

from __future__ import annotations

from sidecar.mcp.patience import Patience


def test_pauses_grow_and_then_it_is_left_alone() -> None:
    now = 0.0
    patience = Patience(lambda: now)
    assert patience.left() == 0.0
    waited = []
    for _ in range(4):
        patience.failed()
        waited.append(patience.left())
    assert waited == [0.5, 1.0, 2.0, 4.0]
    assert not patience.broken
    patience.failed()
    assert patience.broken
    assert patience.left() == 180.0
    now = 180.0
    assert not patience.broken
    assert patience.left() == 0.0


def test_failures_long_apart_do_not_add_up() -> None:
    now = 0.0
    patience = Patience(lambda: now)
    for _ in range(10):
        patience.failed()
        now += 100.0
    assert not patience.broken
    assert patience.left() == 0.0


def test_success_forgets() -> None:
    patience = Patience(lambda: 0.0)
    for _ in range(5):
        patience.failed()
    patience.forget()
    assert (patience.broken, patience.left()) == (False, 0.0)
