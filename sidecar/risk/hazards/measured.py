"""What the rules share that are kept for what they foretell: which files they look at, and how they say it.

The figures come from `tests/bench/risk/signals.py`; docs/risk-findings.md has the table, with all that was tried.
"""

from __future__ import annotations

from sidecar.risk.hazards.seen import Seen
from sidecar.risk.paths import language


def counts(file: Seen) -> bool:
    """Whether it is production code in a language that the figures are of."""
    return file.kind == "production" and language(file.path) is not None


def why(times: float) -> str:
    """The reason of such a rule, as a frequency."""
    return f"Such lines were repaired later {times:.1f} times as often as the other new lines of the same changes."
