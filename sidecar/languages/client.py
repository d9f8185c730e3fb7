"""A small client of the Language Server Protocol over a child's pipes: requests with an end, bounds on what is read."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable
from typing import Any, Final

import orjson

from sidecar.languages.process import Child
from sidecar.trace import get_logger

MOST_BYTES: Final = 64 << 20
"""A server that sends more in a minute is taken to have lost its senses."""

_HEAD: Final = 1 << 16
_UNREAD: Final = 32 << 20
_LARGE: Final = 1 << 18
_MINUTE: Final = 60.0

log = get_logger("languages")


class ServerGone(Exception):
    """The server ended, or broke the protocol; the text says how."""


class ServerRefused(Exception):
    """The server answered with an error; `code` is its JSON-RPC code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class LspClient:
    """One conversation. `heard` gets each notification, `asked` gives the answer to each request of the server's.

    When it is over, for whatever reason, every request fails with ServerGone, and `gone` says why.
    """

    def __init__(
        self, child: Child, heard: Callable[[str, Any], None], asked: Callable[[str, Any], Any], limit: int = MOST_BYTES
    ) -> None:
        self.gone = ""
        self._child = child
        self._heard = heard
        self._asked = asked
        self._limit = limit
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._minute, self._read_now = time.monotonic(), 0
        self._silent: float | None = None
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def request(self, method: str, params: Any, seconds: float) -> Any:
        """The result. Raises TimeoutError (the server is told to stop), ServerRefused, ServerGone."""
        if self.gone:
            raise ServerGone(self.gone)
        number = next(self._ids)
        future = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._silent = self._silent or time.monotonic()
        self._send({"id": number, "method": method, "params": params})
        try:
            async with asyncio.timeout(seconds):
                return await future
        finally:
            if self._waiting.pop(number, None) is not None and not self.gone:
                self.notify("$/cancelRequest", {"id": number})

    def give_up(self, patience: float) -> None:
        """End the conversation if the server has said nothing for so many seconds although it was asked something."""
        if self._silent is not None and time.monotonic() - self._silent > patience:
            self._fail(f"it said nothing for {patience:g} s")

    def notify(self, method: str, params: Any) -> None:
        """Tell the server something; nothing where it is gone."""
        if not self.gone:
            self._send({"method": method, "params": params})

    async def aclose(self) -> None:
        """End the conversation and the process."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        self._fail("it was ended")
        await self._child.end()

    def _send(self, message: dict[str, Any]) -> None:
        body = orjson.dumps({"jsonrpc": "2.0", **message})
        writer = self._child.writer
        if writer is None or writer.is_closing():
            return
        if writer.transport.get_write_buffer_size() > _UNREAD:
            self._fail("it does not read what it is sent")
            return
        writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    async def _run(self) -> None:
        try:
            while True:
                body = await self._frame()
                message = await asyncio.to_thread(orjson.loads, body) if len(body) > _LARGE else orjson.loads(body)
                self._silent = None
                self._take(message)
        except (asyncio.IncompleteReadError, ConnectionError):
            words = self._child.last_words
            self._fail(f"it ended{': ' + words if words else ''}")
        except (asyncio.LimitOverrunError, ValueError, KeyError, TypeError, AttributeError) as error:
            self._fail(f"what it sends is no LSP ({error})")

    async def _frame(self) -> bytes:
        reader = self._child.reader
        if reader is None:
            raise ConnectionError
        head = await reader.readuntil(b"\r\n\r\n")
        fields = dict(line.lower().split(b":", 1) for line in head.strip().split(b"\r\n"))
        length = int(fields[b"content-length"])
        now = time.monotonic()
        if now - self._minute > _MINUTE:
            self._minute, self._read_now = now, 0
        self._read_now += length
        if not length >= 0 or self._read_now > self._limit:
            raise ValueError(f"more than {self._limit >> 20} MB in a minute")
        return await reader.readexactly(length)

    def _take(self, message: dict[str, Any]) -> None:
        method = message.get("method")
        if method is None:
            future = self._waiting.pop(message["id"], None)
            if future is None or future.done():
                return  # late
            if (error := message.get("error")) is not None:
                future.set_exception(ServerRefused(str(error.get("message", ""))[:300], int(error.get("code", 0))))
            else:
                future.set_result(message.get("result"))
        elif "id" in message:
            self._send({"id": message["id"], "result": self._asked(method, message.get("params"))})
        else:
            self._heard(method, message.get("params"))

    def _fail(self, why: str) -> None:
        if not self.gone:
            self.gone = why
            log.info("language server gone", reason=why)
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ServerGone(self.gone))
        self._waiting.clear()
