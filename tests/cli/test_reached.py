"""What the Claude Code CLI is told of a sidecar that runs; finding one is tested with `sidecar claude`."""

from __future__ import annotations

from sidecar.cli.reached import Reached, running
from sidecar.core.secret import SecretStr
from sidecar.settings import load


def test_the_variables_carry_address_and_token() -> None:
    told = Reached("http://127.0.0.1:1", SecretStr("t")).variables()
    assert told["ANTHROPIC_BASE_URL"] == "http://127.0.0.1:1"
    assert {told["ANTHROPIC_AUTH_TOKEN"], told["CLAUDE_SIDECAR_TOKEN"]} == {"t"}


def test_none_runs_where_there_is_no_state(tmp_path) -> None:
    assert (
        running(load({"server.workspace": str(tmp_path)}, {"SIDECAR_STATE_DIR": str(tmp_path / "state")}, None)) is None
    )
