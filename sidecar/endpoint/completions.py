"""The chat-completions route: clients of OpenAI's SDK get the same answers through the same turn, in their own tongue.

The dialect itself (`chat_requests`, `chat_answers`) is loaded by the first of them: Claude Code never speaks it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, cast

from aiohttp import web

from sidecar.assistant.turn import AnswerTurn
from sidecar.core.errors import UpstreamError
from sidecar.core.events import Event
from sidecar.core.messages import AT_ONCE, Json, MessagesRequest, encode
from sidecar.core.reply import Reply
from sidecar.core.turn import Turn
from sidecar.endpoint.body import read_json
from sidecar.endpoint.call import Call, Route
from sidecar.endpoint.errors import Form, json_response, noted, shown
from sidecar.endpoint.limits import Limits
from sidecar.endpoint.messages import api_headers
from sidecar.endpoint.stream import stream

if TYPE_CHECKING:
    from sidecar.endpoint.chat_answers import Chunks
    from sidecar.endpoint.chat_requests import ChatRequest


def _error(kind: str, sentence: str, _request_id: str) -> Json:
    from sidecar.endpoint.chat_answers import error  # noqa: PLC0415 - see above

    return error(kind, sentence)


def _failed(kind: str, sentence: str, _request_id: str) -> bytes:
    from sidecar.endpoint.chat_answers import failed  # noqa: PLC0415 - see above

    return failed(kind, sentence)


CHAT: Final = Form(_error, _failed, b": ping\n\n", ids=("request-id", "x-request-id"))
"""OpenAI's form of errors; its SDK reads the request's id from a header of another name."""


class Completions:
    """The handler around the one use case that it needs."""

    def __init__(self, answer: AnswerTurn, limits: Limits) -> None:
        self._answer = answer
        self._limits = limits

    def routes(self) -> Iterator[Route]:
        """What this file adds to the table."""
        yield Route("POST", "/v1/chat/completions", self.create, form=CHAT)

    async def create(self, call: Call) -> web.StreamResponse:
        """Answer a request in the way it asks for."""
        asked = await self._read(call)
        from sidecar.endpoint.chat_answers import completion  # noqa: PLC0415 - see above

        request = asked.messages
        call.turn = replace(call.turn, unsaid=asked.unsaid)
        call.note.update(model=request.model, stream=request.stream, chat=True)
        ask = partial(self._ask, counted=asked.usage)
        del asked
        if request.stream:
            streaming = stream(call, ask, request, self._limits, CHAT)
            del request  # a stream lasts for minutes, and needs nothing of what was asked
            return await streaming
        async with await ask(request, call.turn) as reply:
            message = await reply.message()
            headers = {**CHAT.identified(call.turn.id), **shown(reply.headers, reply.handling)}
            call.note.update(noted(reply.headers, reply.handling))
        return json_response(encode(completion(message.body, int(time.time()))), headers)

    async def _ask(self, request: MessagesRequest, turn: Turn, *, counted: bool) -> Reply:
        """The reply, whose events carry chunks in place of their own bytes where the client wants a stream."""
        try:
            reply = await self._answer.answer(request, turn)
        except UpstreamError as error:
            error.handling = error.handling.also(turn.unsaid)
            raise
        from sidecar.endpoint.chat_answers import Chunks  # noqa: PLC0415 - see above

        told = reply.handling.also(turn.unsaid)
        if not request.stream:
            reply.handling = told
            return reply
        chunks = Chunks(int(time.time()), counted=counted)
        events = _spoken(cast("AsyncGenerator[Event]", reply.events()), chunks)
        return Reply(events=events, headers=reply.headers, close=reply.aclose, handling=told)

    async def _read(self, call: Call) -> ChatRequest:
        from sidecar.endpoint.chat_requests import chat_request  # noqa: PLC0415 - see above

        raw = await read_json(call.request, self._limits)
        headers = api_headers(call)
        call.note["bytes"] = len(raw)
        if len(raw) > AT_ONCE:
            return await asyncio.to_thread(chat_request, raw, headers)
        return chat_request(raw, headers)


async def _spoken(events: AsyncGenerator[Event], chunks: Chunks) -> AsyncIterator[Event]:
    """The same events in other bytes; those that one read brought are one, since some of them say nothing."""
    held = bytearray()
    async with aclosing(events):
        async for event in events:
            held += chunks.feed(event)
            last = event.type in {"message_stop", "error"}
            if held and (last or not event.more):
                yield Event(event.type, bytes(held), event.data if event.type == "error" else {})
                held.clear()
