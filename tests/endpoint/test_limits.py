"""The limits keep what is promised of them."""

from __future__ import annotations

from sidecar.endpoint.limits import Limits


def test_the_defaults_keep_their_promises():
    limits = Limits()
    assert 20 << 20 < limits.body_bytes < 120 << 20  # 20 MB are served, 120 MB are not
    assert max(limits.head, limits.body_stall) < 60  # what stalls is dropped within a minute
    assert limits.ping == 10
    assert limits.ping < limits.first_ping <= 15
    assert limits.stop == 5
