"""What the Claude Code CLI is told of a sidecar that runs; finding one is tested with `sidecar claude`."""

from __future__ import annotations

import contextlib
import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.cli.reached import Reached, greeting, holder, noted, running
from sidecar.core.secret import SecretStr
from sidecar.settings import WORKSPACE_FILE, Settings, load
from sidecar.store import runtime


def settings_of(folder: Path, state: Path, **env: str) -> Settings:
    folder.mkdir(parents=True, exist_ok=True)
    return load({"server.workspace": str(folder)}, {"SIDECAR_STATE_DIR": str(state), **env}, None)


def announced(folder: Path, state: Path, port: int = 1) -> runtime.Running:
    """This process, noted as the folder's sidecar."""
    kept = settings_of(folder, state).state
    assert kept is not None
    runtime.keep_token(runtime.open_folder(kept), SecretStr("t" * 20))
    url = f"http://127.0.0.1:{port}"
    return runtime.announce(kept, base_url=url, port=port, provider="offline", workspace=folder.resolve())


@contextlib.contextmanager
def saying(body: bytes) -> Iterator[int]:
    """Something on a port that answers every GET with this."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert "authorization" not in self.headers
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_the_variables_carry_address_and_token() -> None:
    told = Reached("http://127.0.0.1:1", SecretStr("t")).variables()
    assert told["ANTHROPIC_BASE_URL"] == "http://127.0.0.1:1"
    assert {told["ANTHROPIC_AUTH_TOKEN"], told["CLAUDE_SIDECAR_TOKEN"]} == {"t"}


def test_none_runs_where_there_is_no_state(tmp_path) -> None:
    assert (
        running(load({"server.workspace": str(tmp_path)}, {"SIDECAR_STATE_DIR": str(tmp_path / "state")}, None)) is None
    )


@pytest.mark.parametrize("git", ["folder", "file"])
def test_a_folder_of_a_repository_is_served_by_the_sidecar_above_it(tmp_path: Path, git: str) -> None:
    root, state = tmp_path / "repo", tmp_path / "state"
    note = announced(root, state)
    (root / ".git").mkdir() if git == "folder" else (root / ".git").write_text("gitdir: elsewhere")
    below = settings_of(root / "src" / "deep", state)
    assert noted(below) == note
    assert running(below) == Reached(note.base_url, SecretStr("t" * 20))
    nearer = announced(root / "src", state, 2)
    assert noted(below) == nearer


def test_no_sidecar_is_found_beyond_the_repository(tmp_path: Path) -> None:
    state = tmp_path / "state"
    announced(tmp_path / "above", state)
    below = settings_of(tmp_path / "above" / "repo" / "src", state)
    assert noted(below) is None, "outside of a repository a folder stands for itself"
    (tmp_path / "above" / "repo" / ".git").mkdir()
    assert noted(below) is None


def test_a_folder_with_settings_of_its_own_is_not_served_by_another(tmp_path: Path) -> None:
    root, state = tmp_path / "repo", tmp_path / "state"
    announced(root, state)
    (root / ".git").mkdir()
    below = settings_of(root / "part" / "src", state)
    (root / "part" / WORKSPACE_FILE).write_text("[policy]\ndisallowed_tools = ['web_fetch']\n")
    assert noted(below) is None
    mine = announced(root / "part", state, 2)
    assert noted(below) == mine


def test_the_holder_of_a_port_is_told_from_other_programs(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with saying(b'{"name": "claude-sidecar", "version": "0.0.7"}') as port:
        wanting = settings_of(tmp_path / "mine", state, PORT=str(port))
        assert holder(wanting) == "a sidecar, version 0.0.7, of another user or with another state folder"
        note = announced(tmp_path / "other", state, port)
        theirs = (tmp_path / "other").resolve()
        assert holder(wanting) == f"the sidecar of {theirs}, version 0.0.7, process {note.pid}"
        assert greeting(f"http://127.0.0.1:{port}") == {"name": "claude-sidecar", "version": "0.0.7"}


@pytest.mark.parametrize("body", [b'{"name": "another", "version": "1"}', b"<html>", b"[]", b""])
def test_another_program_is_none_of_ours(tmp_path: Path, body: bytes) -> None:
    with saying(body) as port:
        assert holder(settings_of(tmp_path / "mine", tmp_path / "state", PORT=str(port))) == ""


def test_a_noted_sidecar_that_does_not_answer_is_told_as_well(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        silent.close()
        note = announced(tmp_path / "mine", tmp_path / "state", port)
        wanting = settings_of(tmp_path / "mine", tmp_path / "state", PORT=str(port))
        told = f"the sidecar of this very workspace, which does not answer, process {note.pid}"
        assert holder(wanting) == told
