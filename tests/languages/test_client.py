"""The small LSP client against servers of a few lines, which do what real ones do on a bad day."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from sidecar.languages.client import LspClient, ServerGone, ServerRefused
from sidecar.languages.process import Child

FRAME = """
import json, sys, time
def say(**m):
    b = json.dumps({"jsonrpc": "2.0", **m}).encode()
    sys.stdout.buffer.write(b"Content-Length: %d\\r\\n\\r\\n%s" % (len(b), b)); sys.stdout.buffer.flush()
def hear():
    n = int(sys.stdin.buffer.readline().split(b":")[1]); sys.stdin.buffer.readline()
    return json.loads(sys.stdin.buffer.read(n))
"""
Talk = Callable[..., Awaitable[LspClient]]


class Heard:
    def __init__(self) -> None:
        self.all: list[tuple[str, Any]] = []
        self.some = asyncio.Event()

    def __call__(self, method: str, params: Any) -> None:
        self.all.append((method, params))
        self.some.set()


@pytest.fixture
async def talk(tmp_path: Path) -> AsyncIterator[Talk]:
    async with AsyncExitStack() as stack:

        async def start(code: str, heard: Heard | None = None, **more: Any) -> LspClient:
            child = await Child.start([sys.executable, "-c", FRAME + code], cwd=tmp_path)
            client = LspClient(child, heard or Heard(), lambda method, params: {"asked": method}, **more)
            stack.push_async_callback(client.aclose)
            return client

        yield start


async def test_a_question_an_answer_and_what_comes_between(talk: Talk) -> None:
    heard = Heard()
    client = await talk(
        'q = hear(); say(method="note", params=1); say(id="s1", method="ask"); say(id=q["id"], result=[q["method"], hear()["result"]])',
        heard,
    )
    assert await client.request("m", {}, 10) == ["m", {"asked": "ask"}]
    assert heard.all == [("note", 1)]


async def test_a_refusal(talk: Talk) -> None:
    client = await talk('q = hear(); say(id=q["id"], error={"code": -32601, "message": "no"}); hear()')
    with pytest.raises(ServerRefused) as caught:
        await client.request("m", {}, 10)
    assert (caught.value.code, str(caught.value)) == (-32601, "no")


async def test_silence_ends_at_the_deadline_and_is_told(talk: Talk) -> None:
    heard = Heard()
    client = await talk('q = hear(); c = hear(); say(method="got", params=c); say(id=q["id"], result=1); hear()', heard)
    with pytest.raises(TimeoutError):
        await client.request("m", {}, 0.1)
    await heard.some.wait()
    assert heard.all[0][1]["method"] == "$/cancelRequest"
    assert client.gone == ""  # and the late answer did no harm
    client.give_up(0.0)
    assert client.gone == ""


async def test_long_silence_with_an_open_question_is_a_hang(talk: Talk) -> None:
    client = await talk("hear(); hear(); hear()")
    client.give_up(0.0)
    assert client.gone == ""
    with pytest.raises(TimeoutError):
        await client.request("m", {}, 0.1)
    client.give_up(0.05)
    assert client.gone == "it said nothing for 0.05 s"
    with pytest.raises(ServerGone):
        await client.request("m", {}, 1)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("hear(); sys.exit('out of memory')", "it ended: out of memory"),
        ("hear(); print('Segmentation fault\\n' * 9000, flush=True); time.sleep(60)", "what it sends is no LSP"),
        ("hear(); sys.stdout.write('Content-Length: 5\\r\\n\\r\\nxxxxx'); sys.stdout.flush(); hear()", "what it sends is no LSP"),
        ("hear(); sys.stdout.write('Content-Length: many\\r\\n\\r\\n'); sys.stdout.flush(); hear()", "what it sends is no LSP"),
        ("hear(); sys.stdout.write('Content-Length: -1\\r\\n\\r\\n'); sys.stdout.flush(); hear()", "what it sends is no LSP"),
        ("hear(); sys.stdout.write('Content-Length: 2\\r\\n\\r\\n[]'); sys.stdout.flush(); hear()", "what it sends is no LSP"),
        ("hear()\nwhile True: say(method='log', params='x' * 100_000)", "more than 1 MB in a minute"),
        ("hear(); sys.stdout.write('Content-Length: 999999999\\r\\n\\r\\n'); sys.stdout.flush(); hear()", "more than 1 MB"),
    ],
    ids=["crash", "junk", "no json", "no number", "negative", "no object", "flood", "huge"],
)  # fmt: skip
async def test_what_breaks_the_protocol_ends_the_conversation(talk: Talk, code: str, why: str) -> None:
    client = await talk(code, limit=1 << 20)
    with pytest.raises(ServerGone) as caught:
        await client.request("m", {}, 20)
    assert why in str(caught.value)
    assert why in client.gone


async def test_a_server_that_does_not_read_is_given_up(talk: Talk) -> None:
    client = await talk("time.sleep(60)")
    for _ in range(40):
        client.notify("didChange", "x" * (1 << 20))
    assert client.gone == "it does not read what it is sent"


async def test_an_ended_conversation_ends_its_questions(talk: Talk) -> None:
    client = await talk("hear(); hear()")
    question = asyncio.get_running_loop().create_task(client.request("m", {}, 60))
    await asyncio.sleep(0)
    await client.aclose()
    with pytest.raises(ServerGone):
        await question
