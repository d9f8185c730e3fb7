"""Real `sidecar` processes for the tests of the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "sidecar")


def environment(state: Path, **more: str) -> dict[str, str]:
    """The tests' own environment with a state folder of its own."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "SIDECAR_STATE_DIR": str(state), **more}


def run(
    arguments: Sequence[str], env: Mapping[str, str], cwd: Path, *, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        env=dict(env),
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
