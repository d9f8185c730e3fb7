"""The Messages API's routes: answer a request, streamed or whole, and count its tokens."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from aiohttp import web

from sidecar.assistant.turn import AnswerTurn
from sidecar.core.messages import AT_ONCE, MessagesRequest, encode
from sidecar.endpoint.body import read_json
from sidecar.endpoint.call import Call, Route
from sidecar.endpoint.errors import json_response, noted, shown
from sidecar.endpoint.limits import Limits
from sidecar.endpoint.stream import stream

_API_HEADERS = ("anthropic-version", "anthropic-beta")


class Messages:
    """Handlers around the one use case that they need."""

    def __init__(self, answer: AnswerTurn, limits: Limits) -> None:
        self._answer = answer
        self._limits = limits

    def routes(self) -> Iterator[Route]:
        """What this file adds to the table."""
        yield Route("POST", "/v1/messages", self.create)
        yield Route("POST", "/v1/messages/count_tokens", self.count)

    async def create(self, call: Call) -> web.StreamResponse:
        """Answer a request in the way it asks for."""
        request = await self._read(call)
        call.note.update(model=request.model, stream=request.stream)
        if request.stream:
            streaming = stream(call, self._answer.answer, request, self._limits)
            del request  # a stream lasts for minutes, and needs nothing of what was asked
            return await streaming
        async with await self._answer.answer(request, call.turn) as reply:
            message = await reply.message()
            headers = {"request-id": call.turn.id, **shown(reply.headers, reply.handling)}
            call.note.update(noted(reply.headers, reply.handling))
        return json_response(message.raw, headers)

    async def count(self, call: Call) -> web.StreamResponse:
        """How many input tokens a request has."""
        request = await self._read(call)
        count = await self._answer.count(request, call.turn)
        source = f"estimate;pairs={count.pairs}" if count.estimated else "provider"
        headers = {"request-id": call.turn.id, "x-sidecar-count": source}
        return json_response(encode({"input_tokens": count.tokens}), headers)

    async def _read(self, call: Call) -> MessagesRequest:
        raw = await read_json(call.request, self._limits)
        headers = api_headers(call)
        call.note["bytes"] = len(raw)
        if len(raw) > AT_ONCE:
            return await asyncio.to_thread(MessagesRequest.parse, raw, headers)
        return MessagesRequest.parse(raw, headers)


def api_headers(call: Call) -> dict[str, str]:
    """Those of the request's headers that belong to the API."""
    given = call.request.headers
    return {name: ",".join(given.getall(name)) for name in _API_HEADERS if name in given}
