"""All rules in one list, and what they find in a change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from sidecar.core.diff import Change
from sidecar.core.review import Finding
from sidecar.risk.hazards import (
    condition,
    conflict,
    copying,
    credential,
    disabled_test,
    encoding,
    force,
    injection,
    leftover,
    migration,
    offset,
    pattern,
    secret,
    unverified,
)
from sidecar.risk.hazards.seen import Rule, see

RULES: Final[tuple[Rule, ...]] = (
    secret.RULE,
    credential.RULE,
    conflict.RULE,
    migration.RULE,
    unverified.RULE,
    injection.RULE,
    force.RULE,
    disabled_test.RULE,
    leftover.RULE,
    # From here on: kept for what they foretell.
    copying.RULE,
    pattern.RULE,
    condition.RULE,
    offset.RULE,
    encoding.RULE,
)
MOST: Final = 200
"""Findings of one change that are told."""

_GRAVITY: Final = ("danger", "warning", "notice")


def find(change: Change, before: Callable[[str], Sequence[str] | None] = lambda _: None) -> tuple[Finding, ...]:
    """What the rules find, the gravest first: plain hazards before what was only measured, then by file and line.

    `before` gives the old lines of a file where they are known.
    """
    found = [finding for file in see(change, before) for rule in RULES for finding in rule.on(file)]
    found.sort(key=lambda one: (not one.hazard, _GRAVITY.index(one.severity), one.file, one.start, one.rule))
    return tuple(found[:MOST])
