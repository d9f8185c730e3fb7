"""JSON-RPC 2.0 as the CLI's IDE connection speaks it: one message a frame, requests answered in any order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import orjson

from sidecar.core.errors import SidecarError
from sidecar.trace import get_logger

Json = dict[str, Any]
Answer = Callable[[str, Json], Awaitable[Any]]
"""Answers a request by its method and parameters. Raises LookupError for a method that there is not."""

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
NO_METHOD: Final = -32601
INTERNAL: Final = -32603
_MOST: Final = 32
"""Requests of one connection that may be under way at once."""

log = get_logger("ide")


class Peer:
    """One connection. `send` writes one frame of text; `answer` answers requests; `hear` takes notifications.

    `answered` is told the method of each request when its result has been written.
    """

    def __init__(
        self,
        send: Callable[[str], Awaitable[None]],
        answer: Answer,
        hear: Callable[[str, Json], None],
        answered: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._send = send
        self._answer = answer
        self._hear = hear
        self._answered = answered
        self._running: dict[str, asyncio.Task[None]] = {}

    async def notify(self, method: str, params: Json) -> None:
        """Tell the other side something."""
        await self._send(_text({"jsonrpc": "2.0", "method": method, "params": params}))

    async def take(self, frame: str, group: asyncio.TaskGroup) -> None:
        """Take one frame. A request is answered by a task of the group, so that a question to the user holds up nothing."""
        try:
            message = orjson.loads(frame)
        except orjson.JSONDecodeError:
            await self._refuse(None, PARSE_ERROR, "This frame is not JSON.")
            return
        if not isinstance(message, dict) or not isinstance(message.get("method"), str):
            if not (isinstance(message, dict) and ("result" in message or "error" in message)):
                await self._refuse(None, INVALID_REQUEST, "This frame is no JSON-RPC message.")
            return
        method, params = message["method"], message.get("params")
        params = params if isinstance(params, dict) else {}
        number = message.get("id")
        if number is None:
            self._note(method, params)
        elif len(self._running) >= _MOST or _key(number) in self._running:
            await self._refuse(number, INVALID_REQUEST, "Too many requests at once, or an id that is still in use.")
        else:
            task = group.create_task(self._work(number, method, params), name=f"ide {method}")
            self._running[_key(number)] = task

    def give_up(self) -> None:
        """Cancel whatever is still under way: nobody waits for it any more."""
        for task in tuple(self._running.values()):
            task.cancel()

    def _note(self, method: str, params: Json) -> None:
        if method == "notifications/cancelled":
            task = self._running.get(_key(params.get("requestId")))
            if task is not None:
                task.cancel()
        else:
            self._hear(method, params)

    async def _work(self, number: Any, method: str, params: Json) -> None:
        try:
            result = await self._answer(method, params)
            await self._send(_text({"jsonrpc": "2.0", "id": number, "result": result}))
            self._answered(method)
        except LookupError:
            await self._refuse(number, NO_METHOD, f"There is no method {method!r} here.")
        except SidecarError as error:
            await self._refuse(number, INTERNAL, error.sentence)
        except ConnectionError:
            log.debug("ide_client_gone", method=method)
        finally:
            self._running.pop(_key(number), None)

    async def _refuse(self, number: Any, code: int, sentence: str) -> None:
        await self._send(_text({"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": sentence}}))


def _key(number: Any) -> str:
    return repr(number)


def _text(message: Json) -> str:
    return orjson.dumps(message).decode()
