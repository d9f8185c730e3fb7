"""How a workspace's sources are put together: order, trust, limits, and keys that stay with us."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar.languages.opening import open_symbols, without_keys
from sidecar.languages.servers import Servers
from sidecar.settings import Settings
from sidecar.settings.sources import load
from tests.languages.test_chain import source

ENV = {
    "PATH": "/bin", "HOME": "/h", "DATABRICKS_TOKEN": "s3cret", "ANTHROPIC_API_KEY": "s3cret", "OTHER": "s3cret",
    "AWS_SECRET_ACCESS_KEY": "x", "GH_TOKEN": "x", "MY_PASSWORD": "x", "LANG": "C",
}  # fmt: skip


def settings(tmp_path: Path, **env: str) -> Settings:
    return load({"server.workspace": tmp_path}, {"SIDECAR_STATE_DIR": str(tmp_path / "state"), **env}, None)


def test_other_peoples_programs_get_no_key(tmp_path: Path) -> None:
    mild = without_keys(ENV, settings(tmp_path, DATABRICKS_TOKEN="s3cret"))
    assert mild == {"PATH": "/bin", "HOME": "/h", "LANG": "C"}


@pytest.mark.parametrize(
    ("value", "trusted", "allowed"),
    [("", False, False), ("", True, True), ("on", False, True), ("off", True, False)],
)
def test_the_setting_goes_before_trust(tmp_path: Path, value: str, trusted: bool, allowed: bool) -> None:
    more = {"SIDECAR_LANGUAGE_SERVERS": value} if value else {}
    chain = open_symbols(settings(tmp_path, **more), {}, trusted=trusted)
    servers = next(s for s in chain._sources if isinstance(s, Servers) and s.name == "server")
    assert servers._trusted is allowed


def test_a_workspace_may_only_narrow(tmp_path: Path) -> None:
    (tmp_path / ".sidecar.toml").write_text("[languages]\nservers = true\ncount = 9\nmemory_mb = 100\n")
    narrowed = settings(tmp_path)
    assert (narrowed.languages.servers, narrowed.languages.count, narrowed.languages.memory_mb) == (None, 3, 100)
    (tmp_path / ".sidecar.toml").write_text("[languages]\nservers = false\n")
    assert settings(tmp_path, SIDECAR_LANGUAGE_SERVERS="on").languages.servers is False


def test_the_index_is_the_last_resort(tmp_path: Path) -> None:
    index = source("index", "ready")
    chain = open_symbols(settings(tmp_path), {}, trusted=False, index=index)
    assert [s.name for s in chain._sources] == ["jedi", "server", "index"]
