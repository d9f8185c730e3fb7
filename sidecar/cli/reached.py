"""The sidecar of a workspace that runs already: where it answers, and the token that it wants."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sidecar.core.secret import SecretStr
from sidecar.settings import Settings
from sidecar.store import runtime

TOOLS_VARIABLE: Final = "CLAUDE_SIDECAR_TOKEN"
"""The token under a name that the CLI fills into MCP headers: its own credentials it keeps out of them."""


@dataclass(frozen=True)
class Reached:
    """A sidecar that answers, and the token that it wants."""

    base_url: str
    token: SecretStr

    def variables(self) -> dict[str, str]:
        """What the Claude Code CLI is told."""
        token = self.token.get_secret_value()
        return {"ANTHROPIC_BASE_URL": self.base_url, "ANTHROPIC_AUTH_TOKEN": token, TOOLS_VARIABLE: token}


def running(settings: Settings) -> Reached | None:
    """The workspace's running sidecar, or None."""
    note = runtime.find_running(settings.state)
    if note is None:
        return None
    token = runtime.read_token(Path(note.token_file).parent) or settings.server.token
    return Reached(note.base_url, token) if token is not None else None
