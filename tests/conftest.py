"""For every test: an environment that holds nothing of the developer's own, and the rig where it is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("explore", max_examples=1_000, deadline=None)
settings.load_profile("same")  # what passed passes again, on machines of any speed; `make explore` tries other cases

ROOT = Path(__file__).resolve().parents[1]

OWN_NAMES = (
    "SIDECAR_", "DATABRICKS_", "ANTHROPIC_", "AZURE_ANTHROPIC_", "OPENAI_", "CLAUDE", "POLICY_", "PROMPT_CACHE_",
    "MCP_", "WEB_SEARCH_", "WEB_FETCH_", "WORKSPACE_", "MODEL_", "OTEL_", "GIT_", "VSCODE_", "XDG_", "RIG_",
)  # fmt: skip
"""Beginnings of the names that would change what the product, git, the CLI or the editor does."""

OWN_EXACTLY = frozenset(
    {"PROVIDER", "PORT", "NO_COLOR", "FORCE_COLOR", "EDITOR", "PAGER", "http_proxy", "https_proxy", "all_proxy"}
)


def cleaned(environment: Mapping[str, str], home: Path) -> dict[str, str]:
    """The environment without what would change an outcome; the user's folders lie under `home`, git knows a name."""
    kept = {
        name: value
        for name, value in environment.items()
        if name.lower() not in {one.lower() for one in OWN_EXACTLY} and not name.startswith(OWN_NAMES)
    }
    settings = home / "gitconfig"
    if not settings.exists():
        home.mkdir(parents=True, exist_ok=True)
        settings.write_text(
            "[user]\n\tname = Test Person\n\temail = person@example.org\n[init]\n\tdefaultBranch = main\n"
            "[commit]\n\tgpgSign = false\n[core]\n\tautocrlf = false\n",
            encoding="utf-8",
        )
    return kept | {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "APPDATA": str(home / "appdata"),
        "LOCALAPPDATA": str(home / "localappdata"),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "GIT_CONFIG_GLOBAL": str(settings),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }


@dataclass(frozen=True)
class Rig:
    """What `tests/rig/install.sh` installed: its variables, with PATH as `rig.env` leaves it."""

    home: Path
    environment: Mapping[str, str]

    @property
    def node(self) -> str:
        return self.environment["RIG_NODE_BIN"]

    @property
    def claude(self) -> str:
        return self.environment["RIG_CLAUDE_BIN"]

    @property
    def old_claude(self) -> str:
        return self.environment["RIG_CLAUDE_OLD_BIN"]


def _find_rig(own: Mapping[str, str]) -> Rig | str:
    """The rig, or the sentence that says what to do; its place depends on the developer's own environment."""
    if sys.platform == "win32":
        return "the rig needs bash: journeys run on Linux and macOS"
    script = ROOT / "tests" / "rig" / "install.sh"
    environment = {"RIG_PYTHON": sys.executable, **own}
    bash = shutil.which("bash") or "bash"
    where = subprocess.run([bash, script, "--path"], env=environment, capture_output=True, text=True, check=False)
    home = Path(where.stdout.strip() or os.devnull)
    if not (home / "rig.env").is_file():
        return "the rig is not installed; run: bash tests/rig/install.sh (or `make test`, which does)"
    lines = subprocess.run(
        [bash, "-c", '. "$1" && env -0', "bash", home / "rig.env"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    pairs = (line.split("=", 1) for line in lines.split("\0") if "=" in line)
    return Rig(home, {name: value for name, value in pairs if name.startswith("RIG_") or name == "PATH"})


_OWN = pytest.StashKey[Mapping[str, str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Keep the developer's own environment: the rig is found by it."""
    config.stash[_OWN] = dict(os.environ)


@pytest.fixture(scope="session", autouse=True)
def clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """Nothing of the developer's own set-up reaches a test, nor the other way round."""
    before = dict(os.environ)
    clean = cleaned(before, tmp_path_factory.mktemp("home"))
    os.environ.clear()
    os.environ.update(clean)
    yield clean
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def rig(pytestconfig: pytest.Config) -> Rig:
    """The rig; a test that needs it fails where it could be installed and is not."""
    found = _find_rig(pytestconfig.stash[_OWN])
    if isinstance(found, str):
        if sys.platform == "win32":
            pytest.skip(found)
        pytest.fail(found, pytrace=False)
    return found
