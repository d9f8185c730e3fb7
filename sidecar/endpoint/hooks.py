"""The route that Claude Code's hooks ask before a tool of its own runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from aiohttp import web

from sidecar.core.messages import AT_ONCE, decode_object, encode
from sidecar.core.ports import HookJudge
from sidecar.endpoint.body import read_body
from sidecar.endpoint.call import Call, Route
from sidecar.endpoint.errors import json_response
from sidecar.endpoint.limits import Limits


class Hooks:
    """The handler around whoever judges."""

    def __init__(self, judge: HookJudge, limits: Limits | None = None) -> None:
        self._judge = judge
        self._limits = limits or Limits()

    def routes(self) -> Iterator[Route]:
        """What this file adds to the table."""
        yield Route("POST", "/hooks/claude", self.claude)

    async def claude(self, call: Call) -> web.StreamResponse:
        """Answer a hook's payload in the form that the CLI expects; an empty object where nothing is against it."""
        raw = await read_body(call.request, self._limits)
        payload = decode_object(raw) if len(raw) <= AT_ONCE else await asyncio.to_thread(decode_object, raw)
        answer = await self._judge.judge(payload)
        call.note["denied"] = bool(answer)
        return json_response(encode(answer), {"request-id": call.turn.id})
