"""The bands of risk, by themselves: settings name them, and need no class of a review."""

from __future__ import annotations

from typing import Literal

Band = Literal["low", "medium", "high", "critical"]
"""How risky something is, the mildest first."""
