"""Builds the sample repository: a small payments library with a history of repairs and a risky uncommitted change.

Used by `make editor` and by the journeys; deterministic down to the commit ids. The history is
`tests/workspaces/tally/history.mbox` (one patch a commit), the uncommitted change `change.patch` beside it.

    python tests/rig/sample.py FOLDER
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "workspaces" / "tally"
FRAGILE = "tally/settlement.py"
"""The production file that was repaired again and again, and that the uncommitted change touches."""

COMMITS = 48


def git(folder: Path, *arguments: str) -> str:
    """What git prints; without the user's own settings, so that every machine builds the same commits."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment = {
        **kept,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_COMMITTER_NAME": "Maren Holt",
        "GIT_COMMITTER_EMAIL": "maren@tally.example",
    }
    done = subprocess.run(
        ["git", "-c", "core.autocrlf=false", "-c", "commit.gpgSign=false", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"git {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def build(folder: Path, *, change: bool = True) -> Path:
    """Make the repository in `folder` (empty, or not there yet); without `change` its working tree is clean."""
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty: the sample repository is only built in an empty folder")
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "am", "--quiet", "--committer-date-is-author-date", str(SOURCE / "history.mbox"))
    if change:
        git(folder, "apply", str(SOURCE / "change.patch"))
    return folder


if __name__ == "__main__":
    if len(sys.argv) != 2:
        print("usage: sample.py FOLDER", file=sys.stderr)
        raise SystemExit(2)
    try:
        print(build(Path(sys.argv[1]).resolve()))
    except (ValueError, RuntimeError) as failed:
        print(f"sample: {failed}", file=sys.stderr)
        raise SystemExit(1) from None
