"""Every setting, its default, its check and its origin.

A setting is a field in `groups.py` with its default and its sentence, and nothing more. `load` merges the sources into
one frozen `Settings`; `from_machine` does so with this process's environment, which is read here and nowhere else.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from sidecar.settings.sources import WORKSPACE_FILE, load, state_folder, user_file
from sidecar.settings.whole import Settings, schema

__all__ = ["WORKSPACE_FILE", "Settings", "environment", "from_machine", "load", "schema", "state_folder", "user_file"]


def environment() -> dict[str, str]:
    """A copy of this process's environment."""
    return dict(os.environ)


def from_machine(flags: Mapping[str, object], workspace: Path | None = None) -> Settings:
    """The settings that hold here and now: `load` with this process's environment and this user's file."""
    return load(flags, environment(), user_file(), workspace)
