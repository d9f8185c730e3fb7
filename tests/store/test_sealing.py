"""What leaves the machine says nothing, and what comes back is ours and this one, or nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.store.sealing import OVERHEAD, Sealer

SECRET = "s" * 32
KEY = "a" * 64
NOW = 1_700_000_000.0


def test_what_is_sealed_comes_back_with_its_time():
    sealer = Sealer(SECRET)
    name = sealer.name(KEY)
    sealed = sealer.sealed(name, b"the answer", NOW)
    assert sealer.opened(name, sealed, NOW + 5, 300) == (b"the answer", NOW)
    assert len(sealed) == len(b"the answer") + OVERHEAD


def test_nothing_is_said():
    sealer = Sealer(SECRET)
    name = sealer.name(KEY)
    assert KEY not in name
    assert name.startswith(sealer.prefix)
    assert b"answer" not in sealer.sealed(name, b"the answer", NOW)
    assert sealer.sealed(name, b"the answer", NOW) != sealer.sealed(name, b"the answer", NOW)


def test_another_team_has_other_names_and_reads_nothing():
    ours, theirs = Sealer(SECRET), Sealer("t" * 32)
    assert ours.prefix != theirs.prefix
    assert ours.name(KEY) != theirs.name(KEY)
    assert theirs.opened(ours.name(KEY), ours.sealed(ours.name(KEY), b"x", NOW), NOW, 300) is None
    assert Sealer(SECRET).name(KEY) == ours.name(KEY)


@pytest.mark.parametrize(("age", "kept"), [(0, True), (299, True), (300, False), (-30, True), (-61, False)])
def test_age(age, kept):
    sealer = Sealer(SECRET)
    sealed = sealer.sealed("n", b"x", NOW)
    found = sealer.opened("n", sealed, NOW + age, 300)
    assert (found is not None) == kept
    if found is not None:
        assert found[1] <= NOW + age


def test_a_short_secret_is_none():
    with pytest.raises(ValueError, match="32"):
        Sealer("short")


@given(st.binary(max_size=200), st.integers(min_value=0), st.integers(1, 255))
def test_one_changed_byte_makes_it_nothing(answer, place, change):
    sealer = Sealer(SECRET)
    sealed = bytearray(sealer.sealed("n", answer, NOW))
    sealed[place % len(sealed)] ^= change
    assert sealer.opened("n", bytes(sealed), NOW, 300) is None


@given(st.binary(max_size=200))
def test_a_value_under_another_name_is_nothing(answer):
    sealer = Sealer(SECRET)
    assert sealer.opened("m", sealer.sealed("n", answer, NOW), NOW, 300) is None


@given(st.binary(max_size=100))
def test_what_others_wrote_is_nothing(value):
    assert Sealer(SECRET).opened("n", value, NOW, 300) is None
