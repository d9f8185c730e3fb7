"""Call one of the assistant's tools from the command line, with the workspace's own database."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import aclosing
from typing import Any

from sidecar import signals
from sidecar.core.errors import BadInput, SetupError, StoreError
from sidecar.core.tool import Caller, ToolResult
from sidecar.settings import Settings
from sidecar.store.database import DATABASE, Database
from sidecar.store.runtime import open_folder
from sidecar.tools.opening import bench_of, open_box


def call_tool(
    settings: Settings, name: str, given: Mapping[str, Any], hear: Callable[[str], None] = lambda _: None
) -> ToolResult:
    """What the tool brings; `hear` gets its progress. Raises BadInput with its sentence where it failed or was refused.

    A task is never noted where it could not be kept: that raises StoreError.
    """
    if settings.state is None:
        raise SetupError("There is no state folder, so nothing could be kept; set SIDECAR_STATE_DIR.")
    path = open_folder(settings.state) / DATABASE

    async def run() -> ToolResult:
        async with aclosing(await Database.open(path)) as database:
            if database.forgetful and name.startswith("tasks_"):  # gone with this process: that is no answer
                raise StoreError(database.forgetful)

            async def opened() -> Database:
                return database

            box = open_box(settings, bench_of(settings, opened), [name.partition("_")[0]])
            caller = Caller(road="command", progress=lambda _done, _total, line: hear(line))
            return await box.call(name, {key: value for key, value in given.items() if value is not None}, caller)

    result = signals.run(run())
    if result.error:
        raise BadInput(result.text)
    return result
