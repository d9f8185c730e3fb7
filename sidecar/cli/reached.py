"""The sidecar of a workspace that runs already: where it answers, and the token that it wants. Loaded at every hook, so kept light."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sidecar.core.errors import BadInput
from sidecar.core.messages import Json, decode_object
from sidecar.core.secret import SecretStr
from sidecar.settings import WORKSPACE_FILE, Settings, state_folder
from sidecar.store import runtime

TOOLS_VARIABLE: Final = "CLAUDE_SIDECAR_TOKEN"
"""The token under a name that the CLI fills into MCP headers: its own credentials it keeps out of them."""

_SECONDS: Final = 3.0
_STRANGERS_SECONDS: Final = 1.0
_LARGEST_GREETING: Final = 64 * 1024


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
    """The running sidecar as `noted` finds it, or None."""
    note = noted(settings)
    if note is None:
        return None
    token = runtime.read_token(Path(note.token_file).parent) or settings.server.token
    return Reached(note.base_url, token) if token is not None else None


def noted(settings: Settings) -> runtime.Running | None:
    """What is noted of the running sidecar of the workspace, or of the nearest folder above it in the same repository."""
    folders = _served(Path(settings.server.workspace))
    return next((note for one in folders if (note := runtime.find_running(state_folder(settings, one)))), None)


def _served(folder: Path) -> list[Path]:
    """The folders whose sidecar is in charge of this one; one that brings settings of its own has nobody above it."""
    passed: list[Path] = []
    for place in (folder, *folder.parents):
        passed.append(place)
        if (place / ".git").exists() or (place / WORKSPACE_FILE).exists():
            return passed
    return [folder]


def holder(settings: Settings) -> str:
    """The sidecar that holds the port which these settings want, in words; "" where it is none."""
    port, host = settings.server.port, settings.server.host
    note = runtime.listening(settings.state, port) if settings.state is not None else None
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1", "localhost": "127.0.0.1"}.get(host, host)  # noqa: S104 - read, not bound
    there = f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"
    told = greeting(note.base_url) if note else greeting(there, _STRANGERS_SECONDS)
    version = f"version {str(told['version'])[:50]}" if told.get("version") else "which does not answer"
    if note is None:
        whose = f"a sidecar, {version}, of another user or with another state folder"
        return whose if told.get("name") == "claude-sidecar" else ""
    mine = note.workspace == str(settings.server.workspace)
    whose = "the sidecar of this very workspace" if mine else f"the sidecar of {note.workspace}"
    return f"{whose}, {version}, process {note.pid}"


def greeting(base_url: str, patience: float = _SECONDS) -> Json:
    """What the sidecar at this address says of itself to everybody; nothing where none answers."""
    import http.client  # noqa: PLC0415 - hooks do without
    from urllib.parse import urlsplit  # noqa: PLC0415

    address = urlsplit(base_url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=patience)
    try:
        connection.request("GET", "/")
        return decode_object(connection.getresponse().read(_LARGEST_GREETING))
    except (OSError, http.client.HTTPException, BadInput):
        return {}
    finally:
        connection.close()
