"""`sidecar dashboard`: a link that the running sidecar takes, once."""

from __future__ import annotations

import json
import webbrowser
from pathlib import Path

import pytest

from sidecar.cli import run
from sidecar.dashboard.passes import Passes
from sidecar.settings import from_machine
from sidecar.store import runtime

TOKEN = "token-of-the-tests-0123456789"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIDECAR_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("SIDECAR_TOKEN", TOKEN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def noted(here: Path) -> None:
    """This very process as the running sidecar."""
    settings = from_machine({})
    assert settings.state is not None
    runtime.open_folder(settings.state)
    runtime.keep_token(settings.state, settings.server.token)
    runtime.announce(settings.state, base_url="http://127.0.0.1:8123", port=8123, provider="offline", workspace=here)


def key_of(link: str) -> str:
    address, _, code = link.partition("#code=")
    assert address == "http://127.0.0.1:8123/dashboard"
    assert TOKEN not in link
    return Passes(TOKEN).redeem(code)


def test_without_a_sidecar_it_says_how_to_start_one(here: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["dashboard"]) == 1
    assert "sidecar serve" in capsys.readouterr().err


@pytest.mark.usefixtures("noted")
def test_the_link_is_printed(capsys: pytest.CaptureFixture[str]):
    assert run(["dashboard"]) == 0
    assert key_of(capsys.readouterr().out.strip())
    assert run(["dashboard", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["seconds"] == 60
    assert key_of(told["url"])


@pytest.mark.usefixtures("noted")
@pytest.mark.parametrize("works", [True, False])
def test_a_browser_is_opened_or_the_link_is_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, works: bool):  # fmt: skip
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda link: opened.append(link) or works)
    assert run(["dashboard", "--open"]) == (0 if works else 1)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert (opened[0] in shown.err) is not works
    assert key_of(opened[0])
