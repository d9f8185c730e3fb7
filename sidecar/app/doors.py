"""The programs that a workspace is opened for: `serve`, `lsp`, `mcp serve`; each runs until its end or a signal."""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from sidecar import certificates, trace
from sidecar.app.knowledge import Quiet
from sidecar.app.memory import keep_memory, spare_collector, take_short_turns
from sidecar.app.workspace import Sidecar
from sidecar.core.ports import EndpointStatus, Services
from sidecar.settings import Settings
from sidecar.signals import until_signalled

_SETTLED = 0.5
"""Seconds after the start by when whoever started it has had an answer; and without a question, after which nobody waits."""

_PATIENCE = 10.0
"""Seconds that certificates are not read for the sake of answers; the first encrypted connection reads them in any case."""


def run_serve(settings: Settings, *, version: str, on_ready: Callable[[EndpointStatus], None]) -> int:
    """Serve HTTP until a signal ends it; the exit code. Raises SetupError or Conflict when it cannot start."""
    take_short_turns()
    stop_trace = start_trace(settings)
    try:
        return asyncio.run(_serve(settings, version, on_ready))
    finally:
        stop_trace()


async def _serve(settings: Settings, version: str, on_ready: Callable[[EndpointStatus], None]) -> int:
    with until_signalled() as stopped:
        async with Sidecar(settings, version=version) as sidecar:
            spare_collector()
            on_ready(sidecar.status())
            async with _begun(sidecar.quiet):
                await stopped.wait()
    return 0


@asynccontextmanager
async def _begun(quiet: Quiet) -> AsyncIterator[None]:
    """When the first answers are out: keep memory; once nobody asks, read the certificates in a thread: it would hold answers up."""
    loop = asyncio.get_running_loop()
    loop.call_later(_SETTLED, keep_memory)
    reading = loop.create_task(_read_certificates(quiet), name="certificates")
    try:
        yield
    finally:
        reading.cancel()


async def _read_certificates(quiet: Quiet) -> None:
    await quiet(_SETTLED, _PATIENCE)
    await asyncio.to_thread(certificates.read)


def run_mcp(settings: Settings, *, version: str) -> int:
    """Serve MCP on standard input and output until its end or a signal; the exit code."""
    stop_trace = start_trace(settings)
    try:
        signalled = asyncio.run(_serve_mcp(settings, version))
    finally:
        stop_trace()
    if signalled:
        os._exit(0)  # a thread of the library still waits for input, and would be waited for
    return 0


async def _serve_mcp(settings: Settings, version: str) -> bool:
    """Whether a signal ended it."""
    serving = await asyncio.to_thread(importlib.import_module, "sidecar.mcp.serving")
    with until_signalled() as stopped:
        async with Sidecar(settings, version=version, listening=False) as sidecar:
            box, shelf = await sidecar.offered()
            loop = asyncio.get_running_loop()
            session = loop.create_task(serving.over_stdio(box, shelf, version=version), name="mcp")
            signalled = loop.create_task(stopped.wait(), name="signal")
            await asyncio.wait({session, signalled}, return_when=asyncio.FIRST_COMPLETED)
        if session.done():
            signalled.cancel()
            session.result()
    return not session.done()


def run_lsp(load: Callable[[Path | None], Settings], *, version: str) -> int:
    """Serve an editor on standard input and output, and HTTP beside it; ends the process with its exit code.

    `load` gives the settings for the editor's folder (None where it has none open).
    """
    take_short_turns()
    door = importlib.import_module("sidecar.editor.server")
    stops: list[Callable[[], None]] = []

    @asynccontextmanager
    async def services(folder: Path | None, *, restricted: bool) -> AsyncIterator[Services]:
        settings = load(folder)
        stops.append(start_trace(settings))
        sidecar = Sidecar(settings, version=version, editor=True, restricted=restricted)
        async with sidecar, _begun(sidecar.quiet):
            yield sidecar

    def stop_traces() -> None:
        for stop in stops:
            stop()

    door.run_editor(
        lambda workspace: services(workspace.folder, restricted=workspace.restricted),
        version=version,
        last_acts=(stop_traces,),
    )
    return 1  # not reached: the door ends the process


def start_trace(settings: Settings) -> Callable[[], None]:
    """Begin to log as the settings say; the result writes what is queued and ends it."""
    return trace.configure(settings.server.log_level, settings.log_file, secrets=settings.secrets())
