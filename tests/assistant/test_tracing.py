"""A trace holds what was asked, sent and answered; no credential; and paths and hashes as they were."""

from __future__ import annotations

import contextlib
from pathlib import Path

import orjson
import pytest

from sidecar.assistant.tracing import Tracer, redacted
from sidecar.assistant.turn import AnswerTurn
from sidecar.core.errors import UpstreamError
from sidecar.core.messages import MessagesRequest
from sidecar.core.turn import TraceLevel, Turn
from sidecar.providers.models import ModelMap
from sidecar.providers.transport import Transport
from sidecar.store.traces import TraceFolder
from tests.fakes.provider import Answer, FakeProvider, delta, fails, opening, streams
from tests.fakes.upstream import Upstream, answer
from tests.providers.asking import KEY, QUICK, provider

PATH = "/srv/projects/aVeryLongFolderName0123456789/src/components/abcdefghijklmnopqrstuvwxyz0123456789.py"
SHA = "9fceb02d0ae598e95dc970b74767f19372d61af8"
TOKEN = "ghp_0123456789abcdefghijABCDEFGHIJ456789"


def request(text: str = "hello", **fields: object) -> MessagesRequest:
    body = {"model": "claude-x", "messages": [{"role": "user", "content": text}], "stream": True, **fields}
    return MessagesRequest.parse(orjson.dumps(body), {"anthropic-beta": "b"})


class Traced:
    def __init__(self, folder: Path, level: TraceLevel, *answers: Answer, secrets: tuple[str, ...] = ()) -> None:
        self.folder = TraceFolder(folder)
        self.tracer = Tracer(self.folder, level, secrets)
        self.turn = AnswerTurn(FakeProvider(*answers), [self.tracer])

    async def ask(self, asked: MessagesRequest, trace: TraceLevel | None = None) -> None:
        async with await self.turn.answer(asked, Turn(id="req_1", session="s", trace=trace)) as reply:
            async for _ in reply.events():
                pass

    async def lines(self) -> dict[str, dict]:
        await self.tracer.aclose()
        return {line["kind"]: line for line in self.folder.read("req_1")}


async def test_off_writes_nothing(tmp_path: Path):
    traced = Traced(tmp_path, "off", streams("a"))
    await traced.ask(request())
    await traced.tracer.aclose()
    assert traced.folder.all() == []


@pytest.mark.parametrize(("set_to", "asked"), [("headers", None), ("off", "headers"), ("full", "headers")])
async def test_headers_hold_no_word_of_the_conversation(tmp_path: Path, set_to: TraceLevel, asked: TraceLevel | None):
    traced = Traced(tmp_path, set_to, streams("the ", "answer", headers={"request-id": "up"}))
    await traced.ask(request("the question"), asked)
    lines = await traced.lines()
    text = orjson.dumps(lines).decode()
    assert "question" not in text
    assert "answer" not in text.replace('"answer":', "").replace('"kind":"answer"', "")
    assert lines["turn"]["session"] == "s"
    assert lines["request"]["headers"] == {"anthropic-beta": "b"}
    assert lines["answer"]["headers"] == {"request-id": "up"}
    assert lines["answer"]["events"][0][1] == "message_start"
    assert lines["end"]["outcome"] == "done"


async def test_the_client_can_switch_off_what_the_setting_switched_on(tmp_path: Path):
    traced = Traced(tmp_path, "full", streams("a"))
    await traced.ask(request(), "off")
    await traced.tracer.aclose()
    assert traced.folder.all() == []


async def test_full_holds_the_conversation_without_its_credentials(tmp_path: Path):
    pieces = ["see ", PATH, " at ", SHA, " with ", TOKEN[:9], TOKEN[9:20], TOKEN[20:], " and my-own-secret-value"]
    traced = Traced(tmp_path, "full", streams(*pieces), secrets=("my-own-secret-value",))
    tools = [{"name": "t", "input_schema": {}, "api_key": "abcd1234efgh"}]
    await traced.ask(request(f"{PATH} {SHA} {TOKEN}", tools=tools))
    lines = await traced.lines()
    assert lines["request"]["body"]["messages"][0]["content"] == f"{PATH} {SHA} [redacted]"
    assert lines["request"]["body"]["tools"][0]["api_key"] == "[redacted]"
    told = lines["answer"]["message"]["content"][0]["text"]
    assert told == f"see {PATH} at {SHA} with [redacted] and [redacted]"
    raw = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert TOKEN.encode() not in raw
    assert TOKEN[9:20].encode() not in raw


async def test_what_goes_to_the_provider_is_seen_without_its_key(tmp_path: Path):
    folder = TraceFolder(tmp_path)
    tracer = Tracer(folder, "full")
    transport = Transport(limits=QUICK)
    async with Upstream([answer("hi")]) as upstream:
        turn = AnswerTurn(provider("databricks", upstream.url, transport, ModelMap(prefix="databricks-")), [tracer])
        async with await turn.answer(request(thinking={"type": "disabled"}), Turn(id="req_1")) as reply:
            await reply.message()
        await tracer.aclose()
    await transport.aclose()
    lines = {line["kind"]: line for line in folder.read("req_1")}
    sent = lines["upstream_request"]
    assert sent["url"].endswith("/serving-endpoints/anthropic/v1/messages")
    assert sent["headers"]["authorization"] == "[redacted]"
    assert sent["body"]["model"] == "databricks-claude-x"
    assert lines["upstream_response"]["status"] == 200
    assert lines["upstream_response"]["headers"]["request-id"] == "req_scripted"
    assert "model" in lines["answer"]["changed"]
    assert KEY not in (folder.all()[0].path.read_text())


@pytest.mark.parametrize(
    ("played", "outcome"),
    [(fails(UpstreamError("no", status=429, kind="rate_limit_error")), "error"), (Answer(acts=[*opening(), delta("half")]), "left")],
)  # fmt: skip
async def test_what_went_wrong_is_there(tmp_path: Path, played: Answer, outcome: str):
    traced = Traced(tmp_path, "full", played)
    with contextlib.suppress(UpstreamError):
        await traced.ask(request())
    lines = await traced.lines()
    assert lines["end"]["outcome"] == outcome
    if outcome == "error":
        assert (lines["error"]["type"], lines["error"]["status"]) == ("rate_limit_error", 429)
    else:
        assert lines["answer"]["message"]["content"][0]["text"] == "half"


async def test_a_trace_that_cannot_be_written_costs_nobody_an_answer(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    traced = Traced(tmp_path / "file", "full", streams("a"))
    await traced.ask(request())
    await traced.tracer.aclose()


def test_long_texts_are_redacted_in_pieces_that_cut_no_key():
    key = "-----BEGIN RSA PRIVATE KEY-----\n" + "MIIEowIBAAKCAQEA7\n" * 6000 + "-----END RSA PRIVATE KEY-----\n"
    filler = f"{PATH} {SHA} some words\n" * 1200
    told = redacted({"text": filler + key + filler + TOKEN + "\n"}, ())["text"]
    assert "MIIEow" not in told
    assert TOKEN not in told
    assert told == f"{filler}[redacted]\n{filler}[redacted]\n"
    assert redacted({"data": "A" * 100_000}, ())["data"] == "[100000 characters]"
    assert redacted([1, None, True, {"n": 1.5}], ()) == [1, None, True, {"n": 1.5}]


@pytest.mark.parametrize(
    ("answer", "kind"), [(streams("a"), "answer"), (fails(UpstreamError("no", status=400)), "error")]
)
async def test_what_the_door_could_not_say_is_traced(tmp_path: Path, answer: Answer, kind: str):
    traced = Traced(tmp_path, "headers", answer)
    turn = Turn(id="req_1", unsaid=("seed", "user"))
    with contextlib.suppress(UpstreamError):
        async with await traced.turn.answer(request(), turn) as reply:
            async for _ in reply.events():
                pass
    assert (await traced.lines())[kind]["changed"] == ["seed", "user"]
