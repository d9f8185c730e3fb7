"""How many cases a property test is given where one case is slow: a share of what the profile says, so `make explore` has more."""

from __future__ import annotations

from hypothesis import HealthCheck, settings


def share(percent: float) -> settings:
    """So much of the usual number of cases; one may take a while, and they may share a fixture."""
    most = max(1, round(settings().max_examples * percent / 100))
    odd = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    return settings(max_examples=most, deadline=None, suppress_health_check=odd)
