"""The wire without a process: messages in, frames out, and a table that forgets."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcInternalError, JsonRpcInvalidParams

from sidecar.core import errors
from sidecar.editor.server import EditorServer
from sidecar.editor.wire import error_for_editor, quiet_pygls


class Wire:
    """A server whose frames are kept, greeted, with handlers that a test adds."""

    def __init__(self) -> None:
        self.server = EditorServer("1")
        self.protocol = self.server.protocol
        self.protocol.set_writer(self)
        self.frames: list[dict[str, Any]] = []
        self.hold = asyncio.Event()
        for name in ("test/hold", "textDocument/didSave", "workspace/didChangeConfiguration"):
            self.server.feature(name)(self._held())

    def write(self, data: bytes) -> None:
        self.frames.append(json.loads(data.partition(b"\r\n\r\n")[2]))

    def close(self) -> None: ...

    def _held(self) -> Any:
        async def handle(params: Any) -> Any:
            await self.hold.wait()
            return params

        return handle

    def say(self, **message: Any) -> None:
        text = json.dumps({"jsonrpc": "2.0", **message})
        self.protocol.handle_message(json.loads(text, object_hook=self.protocol.structure_message))

    def greet(self) -> None:
        self.say(id=0, method="initialize", params={"processId": None, "rootUri": None, "capabilities": {}})
        self.frames.clear()

    async def until(self, count: int) -> list[dict[str, Any]]:
        async with asyncio.timeout(10):
            while len(self.frames) < count:
                await asyncio.sleep(0)
        return self.frames


@pytest.fixture
async def wire() -> Wire:
    wire = Wire()
    wire.greet()
    return wire


@pytest.fixture(autouse=True)
def _levels() -> Iterator[None]:
    names = ("pygls", "pygls.protocol.json_rpc", "pygls.io_", "pygls.server")
    before = {name: logging.getLogger(name).level for name in names}
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


PARAMS = [
    {"_c": 1, "class": 2, "type_name": "t", "jsonrpc": "2.0", "id": 3},
    {"deep": [{"jsonrpc": "2.0", "method": "initialize", "id": 9, "params": {"jsonrpc": "1.0"}}]},
    [1, None, "x"],
    None,
    {},
]


@pytest.mark.parametrize("params", PARAMS)
async def test_params_and_results_are_left_alone(wire: Wire, params: Any) -> None:
    wire.hold.set()
    wire.say(id=1, method="test/hold", params=params)
    assert await wire.until(1) == [{"jsonrpc": "2.0", "id": 1, "result": params}]
    asked = wire.protocol.send_request_async("test/ask", params)
    request = wire.frames[1]
    assert request.get("params") == params
    wire.say(id=request["id"], result=params)
    assert await asked == params


async def test_the_table_is_flat_after_anything(wire: Wire) -> None:
    save = {"textDocument": {"uri": "file:///a"}}
    for number in range(1000):
        wire.say(method="textDocument/didSave", params=save)
        wire.say(method="workspace/didChangeConfiguration", params={"settings": {}})
        wire.say(
            method="textDocument/didChange",
            params={"textDocument": {"uri": "u", "version": number}, "contentChanges": []},
        )
        wire.say(id=number + 10, method="test/hold", params={})
        wire.say(method="no/such", params={})
    assert wire.protocol.pending == 3000
    wire.hold.set()
    await wire.until(1000)
    while wire.protocol.pending:
        await asyncio.sleep(0)


async def test_a_question_ends_at_its_deadline(wire: Wire) -> None:
    wire.protocol.deadline = 0.01
    with pytest.raises(TimeoutError, match="did not answer `workspace/configuration`"):
        await wire.protocol.send_request_async("workspace/configuration", types.ConfigurationParams([]))
    asked, cancel = wire.frames
    assert cancel == {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": asked["id"]}}
    assert wire.protocol.pending == 0
    wire.say(id=asked["id"], result=[])
    assert len(wire.frames) == 2


async def test_a_refused_question_is_an_error_and_forgotten(wire: Wire) -> None:
    asked = wire.protocol.send_request_async("workspace/configuration", types.ConfigurationParams([]))
    wire.say(id=wire.frames[0]["id"], error={"code": -32601, "message": "no"})
    with pytest.raises(Exception, match="no"):
        await asked
    assert wire.protocol.pending == 0
    assert not wire.protocol._result_types


async def test_an_answer_of_the_wrong_form_is_an_error(wire: Wire) -> None:
    asked = wire.protocol.send_request_async("window/showDocument", types.ShowDocumentParams("file:///a"))
    wire.say(id=wire.frames[0]["id"], result="what?")
    with pytest.raises(Exception, match="unreadable"):
        await asked
    assert wire.protocol.pending == 0


async def test_an_editor_cannot_answer_its_own_request(wire: Wire) -> None:
    wire.say(id=1, method="test/hold", params={"mine": 1})
    wire.say(id=1, result="forged")
    wire.say(id=1, error={"code": 1, "message": "forged"})
    wire.hold.set()
    assert (await wire.until(1))[0]["result"] == {"mine": 1}


async def test_an_editor_cannot_cancel_our_question(wire: Wire) -> None:
    asked = wire.protocol.send_request_async("test/ask", {})
    wire.say(method="$/cancelRequest", params={"id": wire.frames[0]["id"]})
    wire.say(id=wire.frames[0]["id"], result=5)
    assert await asked == 5


async def test_shutdown_cancels_all_that_runs_and_answers(wire: Wire) -> None:
    for number in range(20):
        wire.say(id=number + 10, method="test/hold", params={})
        wire.say(method="textDocument/didSave", params={"textDocument": {"uri": "file:///a"}})
    asked = wire.protocol.send_request_async("test/ask", {})
    wire.frames.clear()
    wire.say(id=99, method="shutdown")
    await asyncio.wait({asked})
    assert asked.cancelled()
    answers = {frame["id"]: frame for frame in await wire.until(22) if "id" in frame}
    assert answers.pop(99) == {"jsonrpc": "2.0", "id": 99, "result": None}
    assert {frame["error"]["code"] for frame in answers.values()} == {-32800}
    ends: list[int] = []
    wire.protocol.on_exit = ends.append
    wire.say(method="exit")
    assert ends == [0]


async def test_a_failing_handler_is_logged_and_never_pops_up(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    async def fail(_params: Any) -> None:
        raise RuntimeError("inner workings")

    wire.server.feature("test/fail")(fail)
    wire.server.feature("test/told")(fail)
    wire.say(method="test/told", params={})
    wire.say(id=1, method="test/fail", params={})
    frame = (await wire.until(1))[0]
    assert frame["error"] == {"code": -32603, "message": "Sidecar could not do this (RuntimeError); its log says more."}
    assert len(wire.frames) == 1
    assert sum("inner workings" in record.exc_text for record in caplog.records if record.exc_text) == 2


@pytest.mark.parametrize(
    ("error", "code", "message", "data"),
    [
        (errors.BadInput("No."), -32602, "No.", {"kind": "invalid_request_error", "again": False}),
        (errors.NotFound("Gone."), -32602, "Gone.", {"kind": "not_found_error", "again": False}),
        (errors.Conflict("Moved."), -32801, "Moved.", {"kind": "invalid_request_error", "again": False}),
        (errors.GitTimeout("Slow."), -32803, "Slow.", {"kind": "api_error", "again": True}),
        (errors.UpstreamError("Busy.", status=429), -32803, "Busy.", {"kind": "api_error", "again": True}),
        (JsonRpcInvalidParams("Bad."), -32602, "Bad.", None),
    ],
)
def test_core_errors_are_sentences(error: Exception, code: int, message: str, data: dict[str, Any] | None) -> None:
    told = error_for_editor(error)
    assert (told.code, told.message, told.data) == (code, message, data)


def test_faults_of_pygls_carry_no_traceback() -> None:
    told = error_for_editor(JsonRpcInternalError("inner workings", data={"traceback": ["line 1"]}))
    assert "inner workings" not in told.message
    assert told.data is None


async def test_no_body_reaches_the_log(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    quiet_pygls()
    caplog.set_level(logging.DEBUG)
    for name in ("sidecar.editor", "asyncio"):
        caplog.set_level(logging.DEBUG, name)
    caplog.clear()
    wire.hold.set()
    wire.say(id=1, method="test/hold", params={"body": "s3cret"})
    wire.say(id=2, method="textDocument/hover", params={"textDocument": "s3cret"})
    wire.say(method="textDocument/didSave", params="s3cret")
    wire.say(id=3, method="no/such", params="s3cret")
    await wire.until(3)
    assert "s3cret" not in caplog.text
