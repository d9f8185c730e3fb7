"""What a check of `sidecar doctor` comes to, and how a program is asked who it is."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from sidecar.cli.output import paint

Mark = Literal["ok", "warn", "fail"]

_COLORS: Final = {"ok": "green", "warn": "yellow", "fail": "red"}
_PROGRAM_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: `text` says how it stands, `mend` what to do about it (empty when it is well)."""

    name: str
    mark: Mark
    text: str
    mend: str = ""

    def line(self) -> str:
        """The finding for a terminal; its mend stands below it."""
        head = f"{paint(f'{self.mark:<4}', _COLORS[self.mark])}  {self.name:<9}  {self.text}"
        return f"{head}\n{'':<17}{paint('→ ' + self.mend, 'dim')}" if self.mend and self.mark != "ok" else head


def first_line(command: Sequence[str]) -> str:
    """The first line that a program prints; empty when it cannot be run."""
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=_PROGRAM_SECONDS, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = done.stdout.decode("utf-8", "replace").strip().splitlines()
    return lines[0] if lines and done.returncode == 0 else ""
