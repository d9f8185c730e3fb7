"""Codes and keys: once, within a minute, by who knows the token; nothing else opens."""

from __future__ import annotations

import pytest

from sidecar.core.errors import Unauthenticated
from sidecar.dashboard.passes import CODE_LIFE, KEY_LIFE, Passes, make_code

TOKEN = "the-token-of-the-tests"


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_code_gives_a_key_once(clock: Clock):
    passes = Passes(TOKEN, clock)
    code = make_code(TOKEN, clock.now)
    assert TOKEN not in code
    key = passes.redeem(code)
    assert passes.holds(key)
    assert key != passes.redeem(make_code(TOKEN, clock.now))
    with pytest.raises(Unauthenticated, match="used already"):
        passes.redeem(code)
    assert passes.holds(key), "a spent code takes nobody's key away"


def test_codes_and_keys_end(clock: Clock):
    passes = Passes(TOKEN, clock)
    late, key = make_code(TOKEN, clock.now), passes.redeem(make_code(TOKEN, clock.now))
    clock.now += CODE_LIFE + 1
    with pytest.raises(Unauthenticated):
        passes.redeem(late)
    clock.now += KEY_LIFE
    assert not passes.holds(key)


@pytest.mark.parametrize(
    "change",
    [
        lambda code: "",
        lambda code: code + "0",
        lambda code: code[:-1] + ("0" if code[-1] != "0" else "1"),
        lambda code: str(int(code.partition(".")[0]) + 1) + code[code.index(".") :],
        lambda code: code.upper(),
        lambda code: f"{code}\n",
        lambda code: code.replace(".", "\udcff", 1),
        lambda code: "9" * 5_000 + code,
    ],
)
def test_what_was_changed_opens_nothing(clock: Clock, change):
    passes = Passes(TOKEN, clock)
    with pytest.raises(Unauthenticated):
        passes.redeem(change(make_code(TOKEN, clock.now)))


def test_another_token_or_none_or_a_code_for_later_opens_nothing(clock: Clock):
    for passes, code in (
        (Passes(TOKEN, clock), make_code("another", clock.now)),
        (Passes(None, clock), make_code("", clock.now)),
        (Passes("", clock), make_code("", clock.now)),
        (Passes(TOKEN, clock), make_code(TOKEN, clock.now + 3_600)),
    ):
        with pytest.raises(Unauthenticated):
            passes.redeem(code)


def test_no_other_word_is_a_key(clock: Clock):
    passes = Passes(TOKEN, clock)
    passes.redeem(make_code(TOKEN, clock.now))
    assert not any(passes.holds(word) for word in ("", TOKEN, "key", "\udcff"))


def test_keys_are_bounded_and_the_oldest_goes(clock: Clock):
    passes = Passes(TOKEN, clock)
    keys = [passes.redeem(make_code(TOKEN, clock.now)) for _ in range(33)]
    assert [passes.holds(key) for key in (keys[0], keys[1], keys[-1])] == [False, True, True]
