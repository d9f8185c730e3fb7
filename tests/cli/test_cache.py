"""`sidecar cache`: what is kept for a workspace, with or without a sidecar that runs there."""

from __future__ import annotations

import asyncio
import json

import pytest

from sidecar.cli import run
from sidecar.settings import Settings, from_machine
from sidecar.store.answers import FOLDER, Answers, CacheLimits, Counts
from sidecar.store.shared import shared_answers
from tests.fakes.redis_server import RedisServer


@pytest.fixture
def settings(tmp_path, monkeypatch) -> Settings:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SIDECAR_STATE_DIR", str(tmp_path / "state"))
    for name in ("PROMPT_CACHE_ENABLED", "PROMPT_CACHE_TTL_MS", "PROMPT_CACHE_MAX_ENTRIES", "PROMPT_CACHE_MAX_BYTES"):
        monkeypatch.delenv(name, raising=False)
    workspace = tmp_path / "project"
    workspace.mkdir()
    monkeypatch.chdir(workspace)
    return from_machine({}, workspace)


def fill(settings: Settings, *keys: str) -> None:
    async def go() -> None:
        assert settings.state is not None
        answers = Answers(settings.state / FOLDER, CacheLimits())
        for key in keys:
            await answers.put(key, b"answer")
            await answers.get(key)
        await answers.get("unknown")
        await answers.get("shared")
        answers.credit(Counts(misses=-1, joins=1, tokens=1234))
        await answers.aclose()

    assert settings.state is not None
    settings.state.mkdir(parents=True, mode=0o700, exist_ok=True)
    asyncio.run(go())


def told(capsys, *arguments: str) -> dict:
    assert run(["cache", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_stats_tell_numbers_and_limits(capsys, settings):
    fill(settings, "a", "b", "c")
    stats = told(capsys, "stats")
    assert stats.pop("bytes") > 18
    assert stats == {
        "entries": 3,
        "hits": 3,
        "joins": 1,
        "misses": 1,
        "tokens_saved": 1234,
        "hit_rate": 0.8,
        "folder": str(settings.state / FOLDER),
        "limits": {"entries": 64, "bytes": 67108864, "ttl_ms": 300000},
        "enabled": True,
    }
    assert run(["cache", "stats"]) == 0
    shown = capsys.readouterr().out
    assert "answers  3 of at most 64" in shown
    assert "asked    5: 3 hits, 1 joined, 1 misses (80% spared)" in shown
    assert "saved    1,234 tokens" in shown


def test_clear_forgets_and_says_how_much(capsys, settings):
    fill(settings, "a")
    assert run(["cache", "clear"]) == 0
    assert capsys.readouterr().err == "Forgot 1 answer.\n"
    assert told(capsys, "clear") == {"cleared": 0}
    stats = told(capsys, "stats")
    assert (stats["entries"], stats["hits"], stats["misses"], stats["hit_rate"]) == (0, 0, 0, None)
    assert run(["cache", "clear", "-q"]) == 0
    assert capsys.readouterr() == ("", "")


def test_where_nothing_was_ever_kept_nothing_is_made(capsys, settings, tmp_path):
    assert told(capsys, "stats")["entries"] == 0
    assert told(capsys, "clear") == {"cleared": 0}
    assert run(["cache", "stats"]) == 0
    assert "nothing yet" in capsys.readouterr().out
    assert not (tmp_path / "state").exists()


def test_another_workspace_has_a_cache_of_its_own(capsys, settings, tmp_path):
    fill(settings, "a")
    (tmp_path / "other").mkdir()
    assert told(capsys, "stats", "--workspace", str(tmp_path / "other"))["entries"] == 0
    assert told(capsys, "stats", "--workspace", str(tmp_path / "project"))["entries"] == 1


def test_it_says_when_it_is_switched_off(capsys, settings, monkeypatch):
    monkeypatch.setenv("PROMPT_CACHE_ENABLED", "false")
    assert run(["cache", "stats"]) == 0
    assert "PROMPT_CACHE_ENABLED" in capsys.readouterr().err


def test_a_family_without_a_command_shows_its_commands(capsys, settings):
    assert run(["cache"]) == 2
    shown = "".join(capsys.readouterr())
    assert "stats" in shown
    assert "clear" in shown


# ── shared in a team ────────────────────────────────────────────────────────────────────────────────
@pytest.fixture
def shared(tmp_path, monkeypatch):
    with RedisServer(tmp_path, password="of-the-server") as server:
        monkeypatch.setenv("SIDECAR_CACHE_URL", server.url)
        monkeypatch.setenv("SIDECAR_CACHE_SECRET", "0123456789abcdef0123456789abcdef")
        yield server


def test_what_a_team_shares_is_counted_and_cleared(capsys, settings, shared):
    async def put() -> None:
        answers = shared_answers(Answers(None), from_machine({}).cache)
        await answers.stats()  # which waits for the server
        await answers.put("a" * 64, b"answer")
        await answers.aclose()

    asyncio.run(put())
    assert told(capsys, "stats")["shared"] == {
        "server": f"redis://127.0.0.1:{shared.port}/0",
        "entries": 1,
        "problem": "",
    }
    assert run(["cache", "stats"]) == 0
    assert f"shared   1 (redis://127.0.0.1:{shared.port}/0)" in capsys.readouterr().out
    assert told(capsys, "clear") == {"cleared": 1}
    assert told(capsys, "stats")["shared"]["entries"] == 0


def test_a_server_that_is_gone_is_told(capsys, settings, shared):
    shared.stop()
    assert run(["cache", "stats"]) == 0
    shown = capsys.readouterr().out
    assert "shared   not reached: " in shown
    assert "of-the-server" not in shown
    assert run(["cache", "clear"]) == 1
    assert "was not reached" in capsys.readouterr().err


def test_half_a_setting_is_named(capsys, settings, shared, monkeypatch):
    monkeypatch.delenv("SIDECAR_CACHE_SECRET")
    assert run(["cache", "stats"]) == 2
    assert "SIDECAR_CACHE_SECRET" in capsys.readouterr().err
