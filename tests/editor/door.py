"""A program for the tests: `serve_editor` over fake services, with a second door (loopback) to see and poke its inside.

The second door's port stands in `sidecar/status`. It takes one JSON object a line and answers with one:
`{"do": "ping"}` shows that the loop runs; see `Inside` for the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from sidecar import trace
from sidecar.core.errors import SetupError
from sidecar.core.symbols import Position, Query
from sidecar.editor.server import run_editor
from sidecar.editor.session import Workspace
from sidecar.editor.wire import WireProtocol
from tests.fakes.services import FakeServices, open_fake_services


class Inside:
    """What the second door can do."""

    def __init__(self, services: FakeServices) -> None:
        self.services = services

    async def ping(self) -> str:
        return "pong"

    async def pending(self) -> int:
        return _protocol().pending

    async def looks(self) -> list[Any]:
        return [None if look is None else sorted(look) for look in self.services.desk.looks]

    async def touch(self, times: int) -> int:
        desk = self.services.desk
        for number in range(times):
            for thread in desk.state().threads:
                desk.touch(thread.id)
            if number % 10 == 0:
                await asyncio.sleep(0)
        return desk.state().revision

    async def become(self, message: str) -> None:
        self.services.become(replace(self.services.status(), state="degraded", message=message))

    async def symbols(self, path: str, line: int, column: int, deadline: float = 5.0) -> list[Any]:
        """Where a name is defined, asked of all that the door attached."""
        query = Query("definition", path, Position(line, column), deadline=deadline)
        answer = await self.services.chain.ask(query)
        places = [f"{i.span.path}:{i.span.start.line}:{i.span.start.column}" for i in answer.items]
        return [answer.status, answer.source, places, answer.note]

    async def print(self) -> None:
        print("a stray print")
        await asyncio.to_thread(subprocess.run, [sys.executable, "-c", "print('a child speaks')"], check=True)

    async def child_input(self) -> str:
        program = "import sys; print(repr(sys.stdin.read()), file=sys.stderr)"
        done = await asyncio.to_thread(
            subprocess.run, [sys.executable, "-c", program], check=True, stderr=subprocess.PIPE, text=True
        )
        return done.stderr.strip()

    async def ask(self, deadline: float) -> str:
        """Ask the editor something; its answer, or the name of what went wrong."""
        protocol = _protocol()
        protocol.deadline = deadline
        try:
            return json.dumps(await protocol.send_request_async("editor/question", {"class": 1, "type_name": "x"}))
        except (TimeoutError, asyncio.CancelledError) as error:
            return type(error).__name__

    async def ask_and_drop(self) -> None:
        future = _protocol().send_request_async("editor/question", {})
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(future, 0.01)


def _protocol() -> WireProtocol:
    return next(thing for thing in gc.get_objects() if isinstance(thing, WireProtocol))


async def _inside(services: FakeServices, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    inside = Inside(services)
    while line := await reader.readline():
        words = json.loads(line)
        answer = await getattr(inside, words.pop("do"))(**words)
        writer.write(json.dumps(answer).encode() + b"\n")
    writer.close()


@asynccontextmanager
async def open_services(workspace: Workspace) -> AsyncIterator[FakeServices]:
    how = workspace.options
    if "fail" in how:
        raise SetupError(how["fail"])
    if "crash" in how:
        raise RuntimeError(how["crash"])
    if "hang" in how:
        await asyncio.Event().wait()
    async with contextlib.AsyncExitStack() as stack:
        services = await stack.enter_async_context(open_fake_services(workspace.folder, body="x" * how.get("body", 10)))
        server = await asyncio.start_server(lambda r, w: _inside(services, r, w), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        services.become(replace(services.status(), port=port))
        try:
            yield services
        finally:
            server.close()
            if "hang_at_close" in how:
                await asyncio.Event().wait()
            print("services closed", file=sys.stderr, flush=True)


if __name__ == "__main__":
    run_editor(open_services, version="1.2.3", last_acts=(trace.configure("debug"),))
