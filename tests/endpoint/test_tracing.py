"""Who may have a request traced: whoever brings the token, and nobody else; and what an answer tells of its way."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from sidecar.assistant.prices import PriceTable
from sidecar.assistant.recording import Recorder
from sidecar.core.errors import UpstreamError
from sidecar.core.turn import Handling
from sidecar.endpoint.server import Access
from sidecar.store.turns import Draft
from tests.endpoint.conftest import BODY, TOKEN, Serve
from tests.fakes.provider import fails, says, streams

HANDLING = Handling("provider-model", ("model", "max_tokens", "anthropic-beta", "not a\r\nheader: value"))


@pytest.mark.parametrize(
    ("sent", "credential", "wanted"),
    [
        ("full", TOKEN, "full"),
        (" Headers ", TOKEN, "headers"),
        ("off", TOKEN, "off"),
        ("everything", TOKEN, None),
        (None, TOKEN, None),
        ("full", "another-key-that-was-let-in", None),
    ],
)
async def test_a_trace_is_asked_for_with_the_token(serve: Serve, sent: str | None, credential: str, wanted: str | None):
    served = await serve(access=Access("none", TOKEN))
    headers = {"authorization": f"Bearer {credential}"} | ({"x-sidecar-trace": sent} if sent else {})
    async with served.post(headers=headers) as answer:
        assert answer.status == 200
    assert served.provider.exchanges[0].turn.trace == wanted


async def _handled(request, turn, ask):
    try:
        reply = await ask(request, turn)
    except UpstreamError as error:
        error.handling = HANDLING
        raise
    reply.handling = HANDLING
    return reply


@pytest.mark.parametrize("stream", [True, False])
async def test_what_was_done_to_a_request_is_told_in_its_answer(serve: Serve, stream: bool):
    served = await serve(streams("hi") if stream else says("hi"), steps=(_handled,))
    async with served.post({**BODY, "stream": stream}) as answer:
        await answer.read()
        assert answer.headers["x-sidecar-model"] == "provider-model"
        assert answer.headers["x-sidecar-changed"] == "model,max_tokens,anthropic-beta"


async def test_also_in_a_failure(serve: Serve):
    served = await serve(fails(UpstreamError("no", status=400, kind="invalid_request_error")), steps=(_handled,))
    async with served.post() as answer:
        assert answer.status == 400
        assert answer.headers["x-sidecar-changed"].startswith("model,")


async def test_where_nothing_was_changed_nothing_is_told(serve: Serve):
    served = await serve()
    async with served.post() as answer:
        assert not [name for name in answer.headers if name.lower().startswith("x-sidecar")]


async def test_a_client_that_hangs_up_is_noted_as_one_that_left(serve: Serve):
    """Through the real door: the note is made when the connection goes, with what was counted until then."""
    noted = asyncio.Event()
    drafts: list[Draft] = []

    def add(draft: Draft) -> None:
        drafts.append(draft)
        noted.set()

    served = await serve(streams("a", asyncio.Event(), "b"), steps=(Recorder("fake", add, PriceTable()),))
    reader, writer = await served.connect()
    body = orjson.dumps({**BODY, "stream": True})
    lines = served.head("POST", "/v1/messages", f"Authorization: Bearer {TOKEN}", "Content-Type: application/json")
    writer.write("\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body)
    await reader.readuntil(b"message_start")
    writer.close()
    async with asyncio.timeout(5):
        await noted.wait()
    (record,) = [draft() for draft in drafts]
    assert (record.outcome, record.input, record.error) == ("left", 5, "")
