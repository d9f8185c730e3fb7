"""Nothing behind the user's back: what the client sent is what the provider gets, but for what is named."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.errors import BadInput, UpstreamError
from sidecar.core.messages import MessagesRequest
from sidecar.core.reply import Reply
from sidecar.providers.models import ModelMap
from sidecar.providers.native import named
from sidecar.providers.transport import Transport
from tests.explore import share
from tests.fakes.upstream import Turn as Scripted
from tests.fakes.upstream import Upstream, answer, events, fault
from tests.providers.asking import CHAT, NATIVE, QUICK, TURN, Make, ask, provider

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)
_KNOWN = {
    "system": st.one_of(_TEXT, st.just([{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}])),
    "max_tokens": st.integers(1, 64_000),
    "stream": st.booleans(),
    "temperature": st.floats(0, 1),
    "top_k": st.integers(0, 100),
    "metadata": st.dictionaries(_TEXT, _TEXT, max_size=2),
    "thinking": st.sampled_from(
        [{"type": "disabled"}, {"type": "adaptive"}, {"type": "enabled", "budget_tokens": 2048}]
    ),
    "context_management": st.just({"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}),
    "output_config": st.just({"effort": "high"}),
    "tags": st.just({"a": "b"}),
    "tools": st.lists(st.fixed_dictionaries({"name": _TEXT, "input_schema": st.just({}), "defer_loading": st.booleans()}), max_size=2),
}  # fmt: skip
_BODIES = st.builds(
    lambda model, words, known, unknown: {
        "model": model,
        "messages": [{"role": "user", "content": words}, {"role": "system", "content": words}],
        **{f"x_{name}": value for name, value in unknown.items()},
        **known,
    },
    st.sampled_from(["claude-sonnet-4-5", "claude-opus-5-5", "claude-haiku-4-5-20251001", "claude-2.1", "my-model"]),
    _TEXT,
    st.fixed_dictionaries({}, optional=_KNOWN),
    st.dictionaries(_TEXT, _VALUE, max_size=3),
)
_BETAS = st.sampled_from([{}, {"anthropic-beta": "a-2025-01-01,b"}, {"anthropic-version": "2023-06-01"}])


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with Upstream(rule=lambda _: answer("ok")) as running:
        yield running


def exchanged(
    name: str, upstream: Upstream, body: bytes, headers: dict[str, str]
) -> tuple[Reply, bytes, dict[str, str]]:
    """What came of a request: the reply, and the provider's view of it."""

    async def run() -> Reply:
        transport = Transport(limits=QUICK)
        try:
            request = MessagesRequest.parse(body, headers)
            async with await provider(name, upstream.url, transport).send(request, TURN) as reply:
                await reply.message()
                return reply
        finally:
            await transport.aclose()

    reply = asyncio.run(run())
    return reply, upstream.last.raw, upstream.last.headers


@pytest.mark.parametrize("name", NATIVE)
@share(40)
@given(body=_BODIES, headers=_BETAS)
def test_the_provider_gets_what_the_client_sent_but_for_the_named_fields(
    name: str, upstream: Upstream, body: dict[str, Any], headers: dict[str, str]
) -> None:
    raw = json.dumps(body).encode()
    reply, sent, carried = exchanged(name, upstream, raw, headers)
    changes = set(reply.handling.changes)
    got = json.loads(sent)
    differing = {
        field for field in {**body, **got} if field not in body or field not in got or body[field] != got[field]
    }
    assert differing == {field for field in changes if not field.startswith("anthropic-")}
    assert {
        h for h in ("anthropic-beta", "anthropic-version") if headers.get(h) != carried.get(h)
    } == changes - differing
    if not differing:
        assert sent == raw, "what is not changed is not even written again"
    elif differing == {"model"}:
        old, new = json.dumps(body["model"]).encode(), json.dumps(got["model"]).encode()
        assert sent == raw.replace(old, new, 1)
    assert reply.handling.model == got["model"]


BY_ITSELF = {"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "hi"}]}
FITTED = BY_ITSELF | {
    "tags": {"a": "b"}, "safeguards": {"x": 1}, "thinking": {"type": "adaptive"}, "unknown": 1,
    "context_management": {"edits": []},
}  # fmt: skip


@pytest.mark.parametrize("name", NATIVE)
@pytest.mark.parametrize("body", [BY_ITSELF, FITTED], ids=["without max_tokens", "with all that is refused"])
async def test_fitting_can_be_switched_off(make: Make, name: str, body: dict[str, Any]) -> None:
    """Then what goes out is what came in, to the byte, and what is refused for it is the client's to see."""
    words = "context_management: Extra inputs are not permitted"
    refusal = fault(400, {"type": "error", "error": {"type": "invalid_request_error", "message": words}})
    raw, betas = json.dumps(body).encode(), {"anthropic-beta": "request-tags-2026-08-21"}
    async with Upstream([answer("ok"), refusal, answer("ok")]) as upstream:
        asked = make(name, upstream.url, models=ModelMap(explicit={"*": "*"}, prefix="databricks-"))
        asked.learned.wanted = False
        request = MessagesRequest.parse(raw, betas)
        async with await asked.send(request, TURN) as reply:
            assert reply.handling.changes == ("anthropic-version",)
            await reply.message()
        with pytest.raises(UpstreamError) as refused:
            await asked.send(request, TURN)
        assert words.encode() in (refused.value.relay or b"")
        async with await asked.send(request, TURN):
            pass
    assert [seen.raw for seen in upstream.requests] == [raw] * 3
    assert [seen.headers["anthropic-beta"] for seen in upstream.requests] == [betas["anthropic-beta"]] * 3


@pytest.mark.parametrize("name", CHAT)
async def test_without_fitting_what_chat_completions_cannot_say_is_refused_by_name(make: Make, name: str) -> None:
    async with Upstream(
        [answer("ok"), fault(400, {"error": {"message": "Unsupported parameter: 'stop'"}})]
    ) as upstream:
        asked = make(name, upstream.url)
        asked.learned.wanted = False
        with pytest.raises(BadInput, match="context_management, anthropic-beta: cannot be said"):
            await asked.send(ask(context_management={"edits": []}, headers={"anthropic-beta": "a"}), TURN)
        assert upstream.requests == []
        async with await asked.send(ask(max_tokens=None, stream=False), TURN) as reply:
            await reply.message()
        assert not {"max_tokens", "max_completion_tokens"} & set(upstream.last.body)
        with pytest.raises(UpstreamError):
            await asked.send(ask(stop_sequences=["x"], stream=False), TURN)
        assert len(upstream.requests) == 2, "nothing is left out and asked again"


@pytest.mark.parametrize("name", NATIVE)
async def test_a_provider_sees_who_asks_as_without_us(make: Make, name: str) -> None:
    """Rule of the vendor's own gateway: the client's name and its SDK's headers go on, other headers do not."""
    library = (("x-stainless-lang", "js"), ("x-stainless-retry-count", "0"), ("x-stainless-odd", "a\r\nb: c"))
    turn = replace(TURN, client="claude-cli/2.1.330 (external, sdk-cli)", library=library)
    async with Upstream([answer("ok"), answer("ok")]) as upstream:
        for asker in (turn, TURN):
            async with await make(name, upstream.url).send(ask(), asker) as reply:
                await reply.message()
                assert not {"user-agent", "x-stainless-lang"} & set(reply.handling.changes)
    first, second = (seen.headers for seen in upstream.requests)
    assert first["user-agent"] == "claude-cli/2.1.330 (external, sdk-cli)"
    assert {k: v for k, v in first.items() if k.startswith("x-stainless")} == dict(library[:2])
    assert not any(k.startswith("x-stainless") for k in second)


@pytest.mark.parametrize("name", [*NATIVE, *CHAT])
@pytest.mark.parametrize("stream", [True, False])
async def test_the_answer_bears_the_name_that_was_asked_for_and_no_field_of_ours(
    make: Make, name: str, stream: bool
) -> None:
    """The provider's own name for the model is told in `handling`; the body stays the API's."""
    async with Upstream([answer("ok")]) as upstream:
        provider = make(name, upstream.url, models=ModelMap(explicit={"claude-sonnet-4-5": "their-name"}))
        async with await provider.send(ask(stream=stream), TURN) as reply:
            body = (await reply.message()).body
            assert reply.handling.model == "their-name"
            assert "model" in reply.handling.changes
    assert body["model"] == "claude-sonnet-4-5"
    known = {
        "id",
        "type",
        "role",
        "model",
        "content",
        "stop_reason",
        "stop_sequence",
        "usage",
        "stop_details",
        "container",
    }
    assert set(body) <= known


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (
            b'{"id":1, "model" : "a", "content":[{"model":"b"}]}',
            b'{"id":1, "model" : "new", "content":[{"model":"b"}]}',
        ),
        (b'{"content":[{"model":"b"}],"model":"a"}', b'{"content":[{"model":"b"}],"model":"a"}'),
        (b'{"id":"\\"model\\":\\"x\\"","model":"a"}', b'{"id":"\\"model\\":\\"x\\"","model":"new"}'),
        (b"{}", b"{}"),
    ],
)
def test_only_the_name_itself_is_exchanged(raw: bytes, expected: bytes) -> None:
    assert named(raw, "new") == expected


@pytest.mark.parametrize("name", CHAT)
async def test_chat_completions_name_what_they_cannot_say(make: Make, name: str) -> None:
    asked = ask(
        context_management={"edits": []},
        metadata={"user_id": "u"},
        x_future={},
        temperature=0.5,
        stop_sequences=["x"],
        system="s",
        headers={"anthropic-beta": "b"},
    )
    async with Upstream([answer("ok")]) as upstream:
        async with await make(name, upstream.url).send(asked, TURN) as reply:
            await reply.message()
        sent = upstream.last.body
    assert {"context_management", "metadata", "x_future", "anthropic-beta"} <= set(reply.handling.changes)
    assert not {"temperature", "stop_sequences", "system", "messages"} & set(reply.handling.changes)
    assert (sent["temperature"], sent["stop"]) == (0.5, ["x"])


@pytest.mark.parametrize("name", [*NATIVE, *CHAT])
async def test_retries_and_changes_are_told_of_successes_and_failures(make: Make, name: str) -> None:
    models = ModelMap(explicit={"claude-sonnet-4-5": "their-name"})
    async with Upstream([fault(529), answer("ok"), fault(529), fault(529), fault(529)]) as upstream:
        asked = make(name, upstream.url, models=models)
        async with await asked.send(ask(), TURN) as reply:
            await reply.message()
        assert reply.handling.retries == 1
        with pytest.raises(UpstreamError) as failed:
            await asked.send(ask(), TURN)
    assert (failed.value.handling.retries, failed.value.handling.model) == (2, "their-name")
    assert "model" in failed.value.handling.changes


@pytest.mark.parametrize("name", NATIVE)
async def test_paths_and_hashes_in_an_answer_are_as_they_came(make: Make, name: str) -> None:
    """Streamed or whole: an answer is nobody's to scrub."""
    words = (
        "See /srv/app/node_modules/.pnpm/aVeryLongPackageName@1.2.3/node_modules/x/dist/index.js at commit "
        "9fceb02d0ae598e95dc970b74767f19372d61af8; sha512-Qm9vIGFuZCBtb3JlIGJvbyBhbmQgbW9yZSBib28gYW5kIG1vcmUgYm9v=="
    )
    async with Upstream([answer(words), answer(words)]) as upstream:
        for stream in (True, False):
            async with await make(name, upstream.url).send(ask(stream=stream), TURN) as reply:
                assert (await reply.message()).body["content"][0]["text"] == words


@pytest.mark.parametrize("name", NATIVE)
async def test_a_rate_limit_is_an_error_and_never_an_answer(make: Make, name: str) -> None:
    frame = b'event: error\ndata: {"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}\n\n'
    limited = Scripted(status=429, body=b'{"type":"error","error":{"type":"rate_limit_error","message":"x"}}', headers={"retry-after": "60"})  # fmt: skip
    async with Upstream([limited, events(frame)]) as upstream:
        asked = make(name, upstream.url)
        with pytest.raises(UpstreamError) as refused:
            await asked.send(ask(), TURN)
        assert (refused.value.status, refused.value.kind) == (429, "rate_limit_error")
        async with await asked.send(ask(), TURN) as reply:
            with pytest.raises(UpstreamError) as told:
                await reply.message()
        assert (told.value.status, told.value.kind) == (429, "rate_limit_error")
