"""What a provider refused is left out, asked again once, and remembered for that endpoint and model."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from sidecar.core.errors import BadInput, UpstreamError
from sidecar.providers.learning import Learned
from tests.fakes.upstream import Turn as Scripted
from tests.fakes.upstream import Upstream, answer, fault
from tests.providers.asking import CHAT, NATIVE, TURN, Make, ask

native = pytest.mark.parametrize("name", NATIVE)
MANAGED = {"context_management": {"edits": []}, "output_config": {"effort": "high"}}
BETAS = {"anthropic-beta": "effort-2025-11-24,claude-code-20250219"}


def declined(message: str, status: int = 400) -> Scripted:
    return fault(status, {"type": "error", "error": {"type": "invalid_request_error", "message": message}})


async def said(provider: Any, **changes: Any) -> Any:
    async with await provider.send(ask(**changes), TURN) as reply:
        await reply.message()
        return reply


@native
@pytest.mark.parametrize("stream", [True, False])
async def test_a_field_that_is_refused_is_dropped_told_and_remembered(make: Make, name: str, stream: bool) -> None:
    refusal = declined("context_management: Extra inputs are not permitted")
    async with Upstream([refusal, answer("a"), answer("b")]) as upstream:
        provider = make(name, upstream.url)
        first = await said(provider, stream=stream, **MANAGED)
        again = await said(provider, stream=stream, **MANAGED)
        sent = ["context_management" in seen.body for seen in upstream.requests]
        kept = [seen.body["output_config"] for seen in upstream.requests]
    assert sent == [True, False, False]
    assert kept == [MANAGED["output_config"]] * 3
    assert "context_management" in first.handling.changes
    assert "context_management" in again.handling.changes
    assert (first.handling.retries, again.handling.retries) == (1, 0)


@native
async def test_a_beta_that_is_refused_goes_with_what_it_allowed(make: Make, name: str) -> None:
    refusal = declined("Unexpected value(s) `effort-2025-11-24` for the `anthropic-beta` header.")
    async with Upstream([refusal, answer("a")]) as upstream:
        reply = await said(make(name, upstream.url), headers=BETAS, **MANAGED)
        last = upstream.last
    assert last.headers["anthropic-beta"] == "claude-code-20250219"
    assert "output_config" not in last.body
    assert "context_management" in last.body
    assert {"anthropic-beta", "output_config"} <= set(reply.handling.changes)


@native
@pytest.mark.parametrize(
    ("message", "requests"),
    [
        ("prompt is too long: 210000 tokens > 200000 maximum", 1),
        ("messages: Extra inputs are not permitted", 1),
        ("not_sent: Extra inputs are not permitted", 1),
        ("context_management: Extra inputs are not permitted", 2),
    ],
)
async def test_it_is_asked_again_once_at_most_and_the_400_relayed_word_for_word(
    make: Make, name: str, message: str, requests: int
) -> None:
    async with Upstream([declined(message)] * 4) as upstream:
        with pytest.raises(UpstreamError) as caught:
            await said(make(name, upstream.url), **MANAGED)
        assert len(upstream.requests) == requests
    assert caught.value.status == 400
    assert caught.value.relay is not None
    assert message.encode() in caught.value.relay


async def test_requests_that_are_refused_at_the_same_time_are_all_repeated(make: Make) -> None:
    refusal = Scripted(**{**vars(declined("context_management: Extra inputs are not permitted")), "before": 0.1})
    async with Upstream([refusal] * 3 + [answer("ok")] * 3) as upstream:
        provider = make("anthropic", upstream.url)
        replies = await asyncio.gather(*(said(provider, **MANAGED) for _ in range(3)))
        assert len(upstream.requests) == 6
    assert all(reply.handling.retries == 1 for reply in replies)


async def test_what_one_model_refuses_another_is_still_sent(make: Make) -> None:
    refusal = declined("context_management: Extra inputs are not permitted")
    async with Upstream([refusal, answer("a"), answer("b")]) as upstream:
        provider = make("anthropic", upstream.url)
        await said(provider, **MANAGED)
        await said(provider, model="claude-opus-5-5", **MANAGED)
        assert "context_management" in upstream.last.body


async def test_a_count_learns_for_itself(make: Make) -> None:
    betas = {"anthropic-beta": "web-search-2025-03-05"}
    refusal = declined("Unexpected value(s) `web-search-2025-03-05` for the `anthropic-beta` header.")
    async with Upstream([refusal, Scripted(body=b'{"input_tokens": 7}'), answer("ok")]) as upstream:
        provider = make("anthropic", upstream.url)
        assert await provider.count_tokens(ask(headers=betas), TURN) == 7
        assert "anthropic-beta" not in upstream.last.headers
        await said(provider, headers=betas)
        assert upstream.last.headers["anthropic-beta"] == "web-search-2025-03-05"


NEWER = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."


@pytest.mark.parametrize("name", CHAT)
@pytest.mark.parametrize("status", [400, 422])
async def test_chat_completions_that_want_another_name_get_it(make: Make, name: str, status: int) -> None:
    refusal = fault(status, {"error": {"message": NEWER, "param": "max_tokens", "code": "unsupported_parameter"}})
    async with Upstream([refusal, answer("a"), answer("b")]) as upstream:
        provider = make(name, upstream.url)
        first = await said(provider)
        await said(provider)
        sent = [(seen.body.get("max_tokens"), seen.body.get("max_completion_tokens")) for seen in upstream.requests]
    assert sent == [(64, None), (None, 64), (None, 64)]
    assert "max_tokens" in first.handling.changes
    assert first.handling.retries == 1


async def test_chat_completions_without_a_parameter_do_without_it(make: Make) -> None:
    refusal = fault(400, {"error": {"message": "Unrecognized request argument supplied: stream_options"}})
    async with Upstream([refusal, answer("a")]) as upstream:
        await said(make("openai", upstream.url))
        assert ["stream_options" in seen.body for seen in upstream.requests] == [True, False]


@pytest.mark.parametrize("name", ["databricks", *CHAT])
async def test_safeguards_are_refused_by_name_before_anything_is_sent(make: Make, name: str) -> None:
    async with Upstream([answer("never")]) as upstream:
        with pytest.raises(BadInput, match="safeguards"):
            await said(make(name, upstream.url), safeguards={"a": 1})
        assert upstream.requests == []


async def test_safeguards_are_never_dropped_by_what_is_learned(make: Make) -> None:
    async with Upstream([declined("safeguards: Extra inputs are not permitted")] * 2) as upstream:
        with pytest.raises(UpstreamError, match="safeguards") as caught:
            await said(make("azure_anthropic", upstream.url), safeguards={"a": 1})
        assert len(upstream.requests) == 1
    assert caught.value.status == 400


async def test_tags_do_not_reach_a_provider_that_is_known_to_refuse_them(make: Make) -> None:
    async with Upstream([answer("a"), answer("b")]) as upstream:
        asked = {"tags": ["x"], "headers": {"anthropic-beta": "request-tags-2026-08-21,a-1"}}
        await said(make("databricks", upstream.url), **asked)
        await said(make("anthropic", upstream.url), **asked)
        first, second = upstream.requests
    assert ("tags" in first.body, first.headers["anthropic-beta"]) == (False, "a-1")
    assert ("tags" in second.body, second.headers["anthropic-beta"]) == (True, "request-tags-2026-08-21,a-1")


def test_what_was_learned_is_asked_again_after_a_day() -> None:
    now = [0.0]
    learned = Learned(clock=lambda: now[0])
    body = {"tags": [], "messages": []}
    assert learned.learn("u", "m", "tags: Extra inputs are not permitted", body, {}) == ("tags",)
    now[0] = 23 * 3600
    assert learned.of("u", "m") == {"tags"}
    assert learned.of("u", "other") == learned.of("other", "m") == frozenset()
    now[0] = 25 * 3600
    assert learned.of("u", "m") == frozenset()


class Page:
    """A notebook in memory."""

    def __init__(self, value: object = None) -> None:
        self.value = value

    def read(self) -> object:
        return self.value

    def write(self, value: object) -> None:
        self.value = json.loads(json.dumps(value))


@pytest.mark.parametrize("name", [*NATIVE, *CHAT])
async def test_what_was_learned_outlives_the_provider(make: Make, name: str) -> None:
    page = Page()
    field, value = ("temperature", 0.5) if name in CHAT else ("context_management", {"edits": []})
    refusal = declined(f"{field}: Extra inputs are not permitted")
    async with Upstream([refusal, answer("a"), answer("b")]) as upstream:
        for _ in range(2):
            provider: Any = make(name, upstream.url)
            provider.learned.keep_in(page)
            await said(provider, **{field: value})
        assert [field in seen.body for seen in upstream.requests] == [True, False, False]


def noted(**changes: Any) -> dict[str, Any]:
    row = {"url": "u", "model": "m", "refuses": "tags", "since": 1000.0, **changes}
    return {"form": 1, "refusals": [row]}


@pytest.mark.parametrize(
    ("value", "known"),
    [
        (noted(), {"tags"}),
        *((noted(refuses=one), {one}) for one in (
            "beta:*", "beta:effort-2025-11-24", "thinking:adaptive", "role:system", "block:tool_reference",
            "system.*.cache_control.scope", "max_tokens>max_completion_tokens", "tools.*.defer_loading",
        )),
        *((noted(refuses=one), set()) for one in (
            "messages", "system", "tools", "safeguards", "messages.*.content", "messages>x", "safeguards>x", "tools.*.name",
            "", "thinking:all", "a b", "x" * 3000,
        )),
        (noted(since=1000.0 - 25 * 3600), set()),
        (noted(since=2000.0), set()),
        (noted(since="now"), set()),
        (noted(url=3), set()),
        (noted() | {"form": 2}, set()),
        ({"form": 1, "refusals": {}}, set()),
        ({"form": 1, "refusals": [1, None, []]}, set()),
        (None, set()), ([], set()), ("x", set()),
    ],
)  # fmt: skip
def test_only_what_could_have_been_learned_lately_is_believed(value: object, known: set[str]) -> None:
    learned = Learned(clock=lambda: 1500.0)
    learned.keep_in(Page(value))
    assert learned.of("u", "m") == known


def test_what_is_noted_is_bounded_and_lets_go_of_what_is_old() -> None:
    now, page = [0.0], Page()
    learned = Learned(clock=lambda: now[0])
    learned.keep_in(page)
    for number in range(2000):
        learned.learn("u", f"m{number}", "tags: Extra inputs are not permitted", {"tags": []}, {})
    assert isinstance(page.value, dict)
    assert 0 < len(page.value["refusals"]) <= 512
    now[0] = 25 * 3600
    learned.learn("u", "new", "tags: Extra inputs are not permitted", {"tags": []}, {})
    assert [row["model"] for row in page.value["refusals"]] == ["new"]


def test_names_without_end_do_not_fill_the_memory() -> None:
    learned = Learned()
    for number in range(2000):
        learned.learn("u", f"m{number}", "tags: Extra inputs are not permitted", {"tags": []}, {})
    assert len(learned._known) <= 512
