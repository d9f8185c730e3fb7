"""All rules in one list, what they find in a change, and what they would put in its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from sidecar.core.diff import Change, FileDiff, Hunk
from sidecar.core.review import Finding, Suggestion
from sidecar.risk.facts import Old
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
from sidecar.risk.hazards.mending import spot
from sidecar.risk.hazards.seen import LONGEST, Rule, see

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
_BY_ID: Final = {rule.id: rule for rule in RULES}


def find(change: Change, before: Callable[[str], Old | None] = lambda _: None) -> tuple[Finding, ...]:
    """What the rules find, the gravest first: plain hazards before what was only measured, then by file and line.

    `before` gives the old side of a file where it is known.
    """
    found = [finding for file in see(change, before) for rule in RULES for finding in rule.on(file)]
    found.sort(key=lambda one: (not one.hazard, _GRAVITY.index(one.severity), one.file, one.start, one.rule))
    return tuple(found[:MOST])


def mended(finding: Finding, lines: Sequence[str], hunks: Sequence[Hunk]) -> Suggestion | None:
    """What to put in the place of a finding, only where that is certainly what is meant; None else.

    `lines` are the file as it is now, its secrets veiled, `hunks` how the change made it. A line with a secret has no
    mend, nor has one in whose place the rule would find the same again.
    """
    rule = _BY_ID.get(finding.rule)
    if rule is None or finding.start != finding.end or not 1 <= finding.start <= len(lines):
        return None
    was = lines[finding.start - 1]
    now = rule.mend(spot(finding.file, lines, finding.start, hunks)) if len(was) <= LONGEST else None
    if now is None or now == (was,) or secret.STARS in was:
        return None
    put = Change((FileDiff(finding.file, "modified", (Hunk(finding.start, finding.start, (), now),)),))
    again = next((one for file in see(put) for one in rule.on(file)), None)
    return Suggestion((was,), now) if again is None else None
