"""`sidecar config` shows what holds and why, and never a key."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from sidecar.cli import run
from sidecar.settings.whole import paths


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_shows_every_setting_once(capsys, here):
    assert run(["config", "show"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert sorted(names) == sorted(paths())


def test_tells_origins_and_masks_keys(capsys, here, monkeypatch):
    monkeypatch.setenv("DATABRICKS_TOKEN", "hunter2hunter2")
    monkeypatch.setenv("DATABRICKS_HOST", "https://a.example.com")
    assert run(["config", "show", "--origin"]) == 0
    shown = capsys.readouterr().out
    assert "hunter2" not in shown
    lines = {line.split()[0]: line for line in shown.splitlines()}
    assert lines["databricks.api_key"].endswith('"**********"  (DATABRICKS_TOKEN)')
    assert lines["provider.name"].endswith('"databricks"  (chosen because of DATABRICKS_HOST and DATABRICKS_TOKEN)')
    assert lines["server.port"].endswith("8080  (default)")


def test_json(capsys, here, monkeypatch):
    monkeypatch.setenv("POLICY_DISALLOWED_TOOLS", "a,b")
    assert run(["config", "show", "--json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain["policy.disallowed_tools"] == ["a", "b"]
    assert plain["server.workspace"] == str(here.resolve())
    assert run(["config", "show", "--json", "--origin"]) == 0
    assert json.loads(capsys.readouterr().out)["policy.disallowed_tools"]["origin"] == "POLICY_DISALLOWED_TOOLS"


def test_a_wrong_setting_is_told(capsys, here, monkeypatch):
    monkeypatch.setenv("PORT", "x")
    assert run(["config", "show"]) == 2
    assert 'PORT is "x"' in capsys.readouterr().err


@pytest.mark.skipif("sys.platform != 'linux'", reason="XDG_CONFIG_HOME is Linux's")
def test_path_and_file_belong_together(capsys, here):
    assert run(["config", "path"]) == 0
    file = Path(capsys.readouterr().out.strip())
    assert file == here / "config" / "sidecar" / "config.toml"
    assert run(["config", "path", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"path": str(file), "exists": False}
    file.parent.mkdir(parents=True)
    file.write_text("[server]\nport = 9\nprt = 1\n")
    assert run(["config", "show", "--origin"]) == 0
    shown = capsys.readouterr()
    assert f"9  ({file})" in shown.out
    assert "did you mean server.port?" in shown.err


def test_schema_fits_the_documented_example(capsys, here):
    assert run(["config", "schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    text = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
    example = text.split("```toml")[1].split("```")[0]
    jsonschema.validate(tomllib.loads(example), schema)
