"""Run one thing with a workspace's parts (provider, records, review), without listening and without an index."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from sidecar import __version__, signals
from sidecar.app import Sidecar
from sidecar.app.doors import start_trace
from sidecar.settings import Settings, from_machine

T = TypeVar("T")


def settings_for(workspace: str | None, provider: str | None, *, verbose: bool = False) -> Settings:
    """The machine's settings for a command that asks a model; they are checked. Raises SetupError."""
    flags = {
        "server.workspace": workspace,
        "provider.name": provider,
        "index.enabled": False,
        "server.log_level": "debug" if verbose else "error",
    }
    settings = from_machine(flags)
    settings.check_provider()
    return settings


def within(settings: Settings, act: Callable[[Sidecar], Awaitable[T]]) -> T:
    """What `act` brings; Ctrl-C cancels it, and the provider's connection is closed."""

    async def run() -> T:
        async with Sidecar(settings, version=__version__, listening=False) as sidecar:
            return await act(sidecar)

    stop = start_trace(settings)
    try:
        return signals.run(run())
    finally:
        stop()
