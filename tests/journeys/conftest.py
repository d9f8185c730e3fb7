"""Fixtures of the journeys: the sample repository, a running sidecar, the Claude Code CLI, all in scratch folders."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Rig
from tests.journeys.processes import Running, Sidecar, free_port, settled
from tests.journeys.upstream import Upstream, playing
from tests.rig import sample

Serve = Callable[..., Awaitable[Sidecar]]
Start = Callable[..., Awaitable[Running]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever stands in this folder is a journey. Its steps give up by themselves and say what they waited for: all of them have time."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.journey)
            if not item.get_closest_marker("timeout"):
                item.add_marker(pytest.mark.timeout(900))


@pytest.fixture
def tally(tmp_path: Path) -> Path:
    """The sample repository with its uncommitted change."""
    return sample.build(tmp_path / "tally")


@pytest.fixture
def environment(clean_environment: Mapping[str, str], rig: Rig, tally: Path, tmp_path: Path) -> dict[str, str]:
    """What every program of a journey is started with."""
    return {
        **clean_environment,
        **rig.environment,
        **settled(tmp_path / "claude", tally),
        "SIDECAR_STATE_DIR": str(tmp_path / "state"),
    }


@pytest.fixture
async def start(environment: Mapping[str, str], tally: Path) -> AsyncIterator[Start]:
    """Starts a program in the sample repository; whatever still runs at the end is ended."""
    running: list[Running] = []

    async def run(*command: str | Path, **more: str) -> Running:
        program = await Running.start(*command, cwd=tally, environment={**environment, **more})
        running.append(program)
        return program

    yield run
    for program in running:
        await program.close()


@pytest.fixture
async def serve(environment: Mapping[str, str], tally: Path) -> AsyncIterator[Serve]:
    """Starts `sidecar serve` on the sample repository with these settings; ended after the test."""
    running: list[Sidecar] = []

    async def run(*arguments: str, port: int | None = None, **settings: str) -> Sidecar:
        wanted = free_port() if port is None else port
        started = await Sidecar.serve(*arguments, workspace=tally, environment={**environment, **settings}, port=wanted)
        running.append(started)
        return started

    yield run
    for one in running:
        await one.close()


@pytest.fixture(params=["claude", "old_claude"], ids=["new", "old"])
def claude(request: pytest.FixtureRequest, rig: Rig) -> str:
    """The Claude Code CLI, in each release that the product must get along with."""
    return str(getattr(rig, request.param))


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    """A provider that plays a script."""
    async with playing() as scripted:
        yield scripted


@dataclass(frozen=True)
class Way:
    """A way to a provider: the settings that choose it, and how the upstream must see the credential."""

    name: str
    path: str
    credential: tuple[str, str]
    settings: Mapping[str, str]

    @property
    def chat(self) -> bool:
        """Whether chat completions are spoken there."""
        return self.path.endswith("/invocations")

    def set_for(self, upstream: Upstream) -> dict[str, str]:
        """The settings, with the upstream's address in them."""
        return {name: value.format(base=upstream.base_url) for name, value in self.settings.items()}


NATIVE = Way(
    "databricks",
    "/serving-endpoints/anthropic/v1/messages",
    ("authorization", "Bearer key-of-the-journey"),
    {"DATABRICKS_API_BASE": "{base}", "DATABRICKS_API_KEY": "key-of-the-journey"},
)
CHAT = Way(
    "invocations",
    "/serving-endpoints/databricks-claude-sonnet-4-5/invocations",
    NATIVE.credential,
    {**NATIVE.settings, "DATABRICKS_ENDPOINT_PATH": "/serving-endpoints/databricks-claude-sonnet-4-5/invocations"},
)
AZURE = Way(
    "azure",
    "/anthropic/v1/messages",
    ("x-api-key", "key-of-the-journey"),
    {
        "PROVIDER": "azure_anthropic",
        "ANTHROPIC_ENDPOINT": "{base}/anthropic/v1/messages",
        "ANTHROPIC_API_KEY": "key-of-the-journey",
    },
)


@pytest.fixture(params=[NATIVE, CHAT, AZURE], ids=lambda way: way.name)
def way(request: pytest.FixtureRequest) -> Way:
    """Each way to a provider."""
    assert isinstance(request.param, Way)
    return request.param


@pytest.fixture
def ask(start: Start, rig: Rig) -> Start:
    """Starts `claude -p` with a prompt against a sidecar."""

    async def run(sidecar: Sidecar, prompt: str, *arguments: str, cli: str | None = None, **more: str) -> Running:
        credentials = {"ANTHROPIC_BASE_URL": sidecar.base_url, "ANTHROPIC_AUTH_TOKEN": "of-no-account"}
        return await start(cli or rig.claude, "-p", prompt, *arguments, **credentials | more)

    return run
