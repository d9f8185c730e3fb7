"""Which Claude a model's name speaks of, whatever a provider puts before or behind it. Pure."""

from __future__ import annotations

import re
from typing import Final

_VERSION: Final = re.compile(r"claude-(?:[a-z]+-)?(?P<major>\d{1,2})(?:[.-](?P<minor>\d{1,2}))?(?!\d)")

Version = tuple[int, int]
"""Major and minor number; 0 where a name has no minor one (`claude-sonnet-4`)."""


def version_of(name: str) -> Version | None:
    """The version in a name (`databricks-claude-sonnet-4-5` → (4, 5)); None where none of Claude's is in it."""
    found = _VERSION.search(name)
    return (int(found["major"]), int(found["minor"] or 0)) if found is not None else None
