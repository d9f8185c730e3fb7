"""A server's process as a transport of the MCP library: lines in, lines out, bounded, on a leash, its junk survived."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import anyio
import mcp_types as types
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage

from sidecar import leash
from sidecar.core.errors import UpstreamUnreachable
from sidecar.mcp.sandbox import Launch
from sidecar.trace import get_logger

log = get_logger("mcp")

MOST_LINE: Final = 8 * 1024 * 1024
MOST_JUNK: Final = 200
"""Lines that are no message, after which a server is taken to be no MCP server."""
_LARGE: Final = 256 * 1024
_GOODBYE: Final = 1.0
_TOLD: Final = 20

Incoming = MemoryObjectReceiveStream[SessionMessage | Exception]
Outgoing = MemoryObjectSendStream[SessionMessage]


class Process:
    """One run of a server. `last_words` is what it said last on standard error, `why` says why we gave it up."""

    def __init__(self, name: str, launch: Launch) -> None:
        self._name = name
        self._launch = launch
        self._lifeline: int | None = None
        self._process: asyncio.subprocess.Process | None = None
        self.last_words = ""
        self.why = ""
        self.ended = asyncio.Event()

    @contextlib.asynccontextmanager
    async def speaking(self) -> AsyncIterator[tuple[Incoming, Outgoing]]:
        """Start it and speak with it; at the end it is asked to go by closing its input, then made to.

        Raises UpstreamUnreachable where it cannot be started.
        """
        process = await self._start()
        said, incoming = anyio.create_memory_object_stream[SessionMessage | Exception](0)
        outgoing, to_say = anyio.create_memory_object_stream[SessionMessage](0)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._listen(process, said)),
                group.create_task(self._speak(process, to_say)),
                group.create_task(self._overhear(process)),
            ]
            try:
                yield incoming, outgoing
            finally:
                incoming.close()
                outgoing.close()
                await asyncio.shield(self._end(process))
                for task in tasks:
                    task.cancel()

    async def _start(self) -> asyncio.subprocess.Process:
        options: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), asyncio.subprocess.PIPE)
        options |= {"cwd": self._launch.cwd, "env": dict(self._launch.env), "limit": MOST_LINE}
        command = self._launch.argv
        held: int | None = None
        if sys.platform != "win32":
            held, self._lifeline = os.pipe()
            command = (sys.executable, "-I", "-S", str(Path(leash.__file__)), str(held), *command)
            options |= {"pass_fds": (held,), "start_new_session": True}
        try:
            self._process = await asyncio.create_subprocess_exec(*command, **options)
        except OSError as error:
            self._let_go()
            raise UpstreamUnreachable(
                f"The MCP server {self._name} cannot be started: {error.strerror or error}; see its manifest."
            ) from None
        finally:
            if held is not None:
                os.close(held)
        log.info("server_started", server=self._name, pid=self._process.pid)
        return self._process

    async def _listen(
        self, process: asyncio.subprocess.Process, said: MemoryObjectSendStream[SessionMessage | Exception]
    ) -> None:
        junk = 0
        assert process.stdout is not None  # noqa: S101 - started with pipes
        async with said:
            while junk < MOST_JUNK:
                try:
                    line = await process.stdout.readline()
                except ValueError:
                    self.why = f"it wrote more than {MOST_LINE // 1024 // 1024} MB without a line's end"
                    break
                if not line:
                    break
                message = await _parsed(line)
                if message is not None:
                    with contextlib.suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
                        await said.send(message)
                elif line.strip():
                    junk += 1
                    if junk <= _TOLD:
                        log.info("server_junk", server=self._name, text=_shown(line))
                    await asyncio.sleep(0)  # a flood of it must not keep the loop
            else:
                self.why = f"it wrote {MOST_JUNK} lines that are no messages"
        if self.why:
            log.warning("server_given_up", server=self._name, reason=self.why)
            self._kill()
        self.ended.set()

    async def _speak(
        self, process: asyncio.subprocess.Process, to_say: MemoryObjectReceiveStream[SessionMessage]
    ) -> None:
        assert process.stdin is not None  # noqa: S101 - started with pipes
        async with to_say:
            async for session_message in to_say:
                text = session_message.message.model_dump_json(by_alias=True, exclude_unset=True)
                with contextlib.suppress(ConnectionError, RuntimeError):
                    process.stdin.write(text.encode() + b"\n")
                    await process.stdin.drain()

    async def _overhear(self, process: asyncio.subprocess.Process) -> None:
        """What it says on standard error goes to the log, the first lines of it."""
        assert process.stderr is not None  # noqa: S101 - started with pipes
        told = 0
        rest = b""
        while chunk := await process.stderr.read(65536):
            *lines, rest = (rest + chunk)[-65536:].split(b"\n")
            for line in filter(bytes.strip, lines):
                self.last_words = _shown(line)
                told += 1
                if told <= _TOLD:
                    log.info("server_said", server=self._name, text=self.last_words)
        if rest.strip():
            self.last_words = _shown(rest)

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(_GOODBYE):
                await process.wait()
        except TimeoutError:
            self._kill()
            await process.wait()
        self._let_go()
        self.ended.set()
        if self._launch.cleanup:
            with contextlib.suppress(OSError):
                tidy = await asyncio.create_subprocess_exec(
                    *self._launch.cleanup, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
                )
                await tidy.wait()
        log.info("server_ended", server=self._name, code=process.returncode)

    def _kill(self) -> None:
        self._let_go()
        if self._process is None or self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self._process.pid, signal.SIGKILL)

    def _let_go(self) -> None:
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None


async def _parsed(line: bytes) -> SessionMessage | None:
    parse = types.jsonrpc_message_adapter.validate_json
    try:
        message = await asyncio.to_thread(parse, line) if len(line) > _LARGE else parse(line)
    except ValueError:
        return None
    return SessionMessage(message)


def _shown(line: bytes) -> str:
    return line.decode("utf-8", "replace").strip()[:200]
