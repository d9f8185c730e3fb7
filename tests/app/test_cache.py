"""The prompt cache in its place: a whole sidecar before a provider on loopback, asked over HTTP, across restarts."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
import redis

from sidecar.app import Sidecar
from sidecar.core.errors import SetupError
from sidecar.core.sse import Decoder
from sidecar.settings import load
from sidecar.store.answers import FOLDER, Answers
from sidecar.store.database import DATABASE, Database
from sidecar.store.turns import TurnStore
from tests.fakes.redis_server import RedisServer
from tests.fakes.upstream import Upstream, answer, fault, text

QUESTION = {"model": "claude-test", "max_tokens": 9, "messages": [{"role": "user", "content": "Give it a title"}]}
TOOL = {"name": "Read", "input_schema": {"type": "object"}}


def words(stream: bytes) -> str:
    """The text of a stream."""
    deltas = (event.data["delta"] for event in Decoder().feed(stream) if event.type == "content_block_delta")
    return "".join(delta["text"] for delta in deltas)


class Door:
    """A running sidecar, and a client of it."""

    def __init__(self, sidecar: Sidecar, http: aiohttp.ClientSession) -> None:
        self.sidecar = sidecar
        self._http = http
        self.served: str | None = None

    async def post(self, body: dict[str, Any], **headers: str) -> tuple[int, str | None, bytes]:
        """Status, what the cache made of it, body."""
        url = f"{self.sidecar.status().base_url}/v1/messages"
        async with self._http.post(url, json=body, headers={"x-api-key": "x" * 20, **headers}) as response:
            self.served = response.headers.get("x-sidecar-model")
            return response.status, response.headers.get("x-sidecar-cache"), await response.read()


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream([answer(text(f"answer {number}")) for number in range(30)]) as running:
        yield running


@pytest.fixture
def opened(tmp_path: Path, upstream: Upstream):
    workspace = tmp_path / "project"
    workspace.mkdir()

    @contextlib.asynccontextmanager
    async def open_(**env: str) -> AsyncIterator[Door]:
        base = {
            "PROVIDER": "anthropic", "ANTHROPIC_API_KEY": "k" * 20, "ANTHROPIC_UPSTREAM_URL": upstream.url,
            "SIDECAR_STATE_DIR": str(tmp_path / "state"), "PORT": "0", "SIDECAR_AUTH": "none",
        }  # fmt: skip
        async with (
            Sidecar(load({}, base | env, None, workspace), version="1") as sidecar,
            aiohttp.ClientSession() as http,
        ):
            yield Door(sidecar, http)

    return open_


async def test_an_answer_is_given_again_across_restarts_streamed_or_whole(opened, upstream):
    async with opened() as door:
        status, told, first = await door.post(QUESTION | {"stream": True})
        assert (status, told) == (200, "miss;reason=new")
        _, told, again = await door.post(QUESTION | {"stream": True})
        assert told == "hit"
        assert words(first) == words(again) == "answer 0"
        assert again.count(b"event: ") == first.count(b"event: ") - first.count(b"event: ping")
    async with opened() as door:
        _, told, streamed = await door.post(QUESTION | {"stream": True, "metadata": {"user_id": "another"}})
        assert (told, streamed) == ("hit", again)
        _, told, whole = await door.post(QUESTION)
        assert told == "hit"
        assert b"answer 0" in whole
    assert len(upstream.requests) == 1


async def test_a_hit_tells_the_model_that_served_it_and_what_that_cost(opened, upstream, tmp_path):
    asked = QUESTION | {"model": "claude-sonnet-4-6"}
    env = {"MODEL_SONNET": "claude-opus-4-8"}
    for told in ("miss;reason=new", "hit"):
        async with opened(**env) as door:
            assert (await door.post(asked))[1] == told
            assert door.served == "claude-opus-4-8"
    (file,) = (tmp_path / "state").glob(f"**/{DATABASE}")
    database = await Database.open(file)
    first, again = await TurnStore(database).since(0)
    await database.aclose()
    assert (again.cache, again.served, again.cost) == ("hit", "claude-opus-4-8", 0)
    assert (again.input, again.output, again.cache_read) == (first.input, first.output, first.cache_read)
    assert again.saved == first.cost
    assert first.cost


async def test_what_may_call_tools_goes_past_and_wishes_are_heard(opened, upstream):
    session = {"x-claude-code-session-id": "s1"}
    async with opened() as door:
        assert (await door.post(QUESTION | {"tools": [TOOL]}))[1] == "bypass;reason=tools"
        assert (await door.post(QUESTION, **{"x-sidecar-cache": "bypass"}))[1] == "bypass;reason=bypass"
        assert (await door.post(QUESTION))[1] == "miss;reason=new"
        assert (await door.post(QUESTION, **session, **{"x-sidecar-cache": "off"}))[1] == "bypass;reason=session"
        assert (await door.post(QUESTION, **session))[1] == "bypass;reason=session"
        assert (await door.post(QUESTION))[1] == "hit"
        assert (await door.post(QUESTION, **{"x-sidecar-cache": "refresh"}))[1] == "miss;reason=refresh"
        status, _, body = await door.post(QUESTION, **{"x-sidecar-cache": "sometimes"})
        assert status == 400
        assert b"invalid_request_error" in body
    assert len(upstream.requests) == 6


async def test_a_running_sidecar_hears_of_a_clearing_from_outside(opened, tmp_path):
    async with opened() as door:
        await door.post(QUESTION)
        assert (await door.post(QUESTION))[1] == "hit"
        (folder,) = (tmp_path / "state").glob(f"**/{FOLDER}")
        outside = Answers(folder)
        while not (await outside.stats()).entries:
            await asyncio.sleep(0.01)  # it lies in memory at once, on the disk a little later
        assert await outside.clear() == 1
        await outside.aclose()
        assert (await door.post(QUESTION))[1] == "miss;reason=new"


@pytest.mark.parametrize(
    "env", [{"PROMPT_CACHE_ENABLED": "false"}, {"PROMPT_CACHE_TTL_MS": "0"}, {"PROMPT_CACHE_MAX_ENTRIES": "0"}]
)
async def test_it_can_be_switched_off(opened, upstream, env):
    async with opened(**env) as door:
        for _ in range(2):
            assert (await door.post(QUESTION))[1] is None
    assert len(upstream.requests) == 2


async def test_another_provider_or_model_name_answers_for_itself(opened, upstream):
    async with opened() as door:
        await door.post(QUESTION)
    async with opened(SIDECAR_MODEL_MAP="claude-test=claude-other") as door:
        assert (await door.post(QUESTION))[1] == "miss;reason=new"
    assert len(upstream.requests) == 2


async def test_the_offline_provider_is_never_remembered(opened, tmp_path):
    async with opened(PROVIDER="offline") as door:
        for _ in range(2):
            assert (await door.post(QUESTION))[1] is None
    assert not list((tmp_path / "state").glob(f"**/{FOLDER}"))


async def test_errors_are_never_remembered(opened, upstream):
    async with (
        Upstream([fault(400), fault(404), answer(text("at last"))]) as grumpy,
        opened(ANTHROPIC_UPSTREAM_URL=grumpy.url) as door,
    ):
        heard = [await door.post(QUESTION) for _ in range(4)]
    assert [(status, told) for status, told, _ in heard] == [
        (400, None),
        (404, None),
        (200, "miss;reason=new"),
        (200, "hit"),
    ]


async def test_many_who_ask_at_once_ask_the_provider_once(opened, upstream):
    async with opened() as door:
        heard = await asyncio.gather(*(door.post(QUESTION | {"stream": n % 2 == 0}) for n in range(10)))
    assert {status for status, _, _ in heard} == {200}
    assert len(upstream.requests) <= 2  # a stream is not kept waiting for a whole answer
    assert {words(body) for number, (_, _, body) in enumerate(heard) if number % 2 == 0} <= {"answer 0", "answer 1"}


@pytest.mark.parametrize(("env", "marked"), [({}, True), ({"PROMPT_CACHE_BREAKPOINTS": "off"}, False)])
async def test_prompts_are_marked_for_the_providers_cache_and_it_is_said(opened, upstream, env, marked):
    async with opened(**env) as door, aiohttp.ClientSession() as http:
        url = f"{door.sidecar.status().base_url}/v1/messages"
        async with http.post(url, json=QUESTION | {"system": "x" * 5000, "tools": [TOOL]}) as response:
            assert ("cache_control" in response.headers.get("x-sidecar-changed", "").split(",")) == marked
            assert response.status == 200
    assert (b"cache_control" in upstream.requests[0].raw) == marked


async def test_a_cache_that_cannot_be_kept_stops_nothing(opened, tmp_path, upstream):
    async with opened() as door:
        await door.post(QUESTION)
    (folder,) = (tmp_path / "state").glob(f"**/{FOLDER}")
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    folder.write_text("no folder")
    async with opened() as door:
        assert (await door.post(QUESTION))[:2] == (200, "miss;reason=new")
        assert (await door.post(QUESTION))[:2] == (200, "hit")


async def test_a_team_shares_answers_across_machines_and_paths(tmp_path, upstream, caplog):
    """Two sidecars with state folders, workspaces and keys of their own: the second is spared the question."""
    with RedisServer(tmp_path) as server:
        async with contextlib.AsyncExitStack() as stack:
            doors = []
            for name in ("ann", "bob"):
                (tmp_path / name).mkdir()
                env = {
                    "PROVIDER": "anthropic", "ANTHROPIC_API_KEY": name * 8, "ANTHROPIC_UPSTREAM_URL": upstream.url,
                    "SIDECAR_STATE_DIR": str(tmp_path / f"state-{name}"), "PORT": "0", "SIDECAR_AUTH": "none",
                    "SIDECAR_CACHE_URL": server.url, "SIDECAR_CACHE_SECRET": "0123456789abcdef" * 2,
                }  # fmt: skip
                sidecar = await stack.enter_async_context(Sidecar(load({}, env, None, tmp_path / name), version="1"))
                doors.append(Door(sidecar, await stack.enter_async_context(aiohttp.ClientSession())))
            ann, bob = doors
            with redis.Redis.from_url(server.url) as client:
                for door in doors:  # the connection is made beside: something else is asked until it is there
                    await _stored(door, client)
                _, told, first = await _stored(ann, client, QUESTION)
            assert told == "miss;reason=new"
            _, told, again = await bob.post(QUESTION | {"stream": True})
            assert told == "hit"
            assert words(again) == orjson.loads(first)["content"][0]["text"]
            asked = len(upstream.requests)
            server.stop()
            _, told, _ = await bob.post(QUESTION)
            assert (told, len(upstream.requests)) == ("hit", asked)
            _, told, _ = await bob.post({**QUESTION, "max_tokens": 10})
            assert told == "miss;reason=new"
            _, told, _ = await bob.post(QUESTION | {"tools": [TOOL]})
            assert told == "bypass;reason=tools"


async def _stored(door, client, question=None):
    """The answer to a question that then lies on the server; without one, to the first of some that does."""
    for number in range(8):
        before = client.dbsize()
        answered = await door.post(
            question or {**QUESTION, "messages": [{"role": "user", "content": f"{door} {number}"}]}
        )
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                while client.dbsize() == before:
                    await asyncio.sleep(0.01)  # between two looks at a state
                return answered
    raise AssertionError("nothing was stored")


async def test_half_a_setting_stops_the_start_but_not_the_editor(tmp_path):
    env = {"PROVIDER": "anthropic", "ANTHROPIC_API_KEY": "k" * 20, "PORT": "0", "SIDECAR_STATE_DIR": str(tmp_path / "s"),
           "SIDECAR_CACHE_URL": "redis://127.0.0.1:1"}  # fmt: skip
    settings = load({}, env, None, tmp_path)
    with pytest.raises(SetupError, match="SIDECAR_CACHE_SECRET"):
        async with Sidecar(settings, version="1"):
            pass
    async with Sidecar(settings, version="1", editor=True) as sidecar:
        assert "SIDECAR_CACHE_SECRET" in sidecar.status().message
