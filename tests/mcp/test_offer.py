"""What our MCP server answers, asked by the SDK's own client in this process, by the older and the newer protocol."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import mcp_types as types
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from sidecar.core.tool import ToolResult
from sidecar.mcp.offer import Offer
from tests.fakes.toolbox import PIXEL, FakeShelf, FakeToolBox, spec


@pytest.fixture
def box() -> FakeToolBox:
    return FakeToolBox()


@asynccontextmanager
async def asked(box: FakeToolBox, mode: str = "legacy", **options) -> AsyncIterator[Client]:
    offer = Offer(box, FakeShelf(), "1.2.3")
    try:
        async with Client(offer.server, mode=mode, **options) as client:
            yield client
    finally:
        offer.close()


MODES = pytest.mark.parametrize("mode", ["legacy", "auto"])


@MODES
async def test_tools_are_told_with_their_effects(box: FakeToolBox, mode: str) -> None:
    async with asked(box, mode) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert list(tools) == ["echo", "refuse", "picture", "count", "wait", "much"]
    assert tools["echo"].input_schema["required"] == ["word"]
    assert tools["echo"].annotations.read_only_hint is True
    assert tools["refuse"].annotations.read_only_hint is False
    assert tools["wait"].annotations.destructive_hint is True


@MODES
async def test_a_result_comes_as_text_and_as_a_structure(box: FakeToolBox, mode: str) -> None:
    async with asked(box, mode) as client:
        result = await client.call_tool("echo", {"word": "hello"})
    assert result.is_error is False
    assert result.content[0].text == "hello"
    assert result.structured_content == {"said": "hello"}
    _, _, caller = box.calls[0]
    assert caller.road == "mcp"


async def test_what_did_not_fit_is_told(box: FakeToolBox) -> None:
    async with asked(box) as client:
        result = await client.call_tool("much", {})
    assert result.structured_content == {"rows": [1, 2], "next": "2"}
    assert '"next":"2"' in result.content[0].text


@pytest.mark.parametrize(
    ("name", "arguments", "words"), [("refuse", {}, "policy says no"), ("echo", {}, "echo needs word")]
)
async def test_a_refusal_is_a_result_that_the_model_can_read(
    box: FakeToolBox, name: str, arguments, words: str
) -> None:
    async with asked(box) as client:
        result = await client.call_tool(name, arguments)
    assert result.is_error is True
    assert words in result.content[0].text
    assert result.structured_content is None


@MODES
async def test_an_unknown_tool_is_a_protocol_error(box: FakeToolBox, mode: str) -> None:
    async with asked(box, mode) as client:
        with pytest.raises(MCPError) as caught:
            await client.call_tool("nothing", {})
    assert caught.value.code == types.INVALID_PARAMS
    assert box.calls == []


async def test_pictures_come_as_pictures(box: FakeToolBox) -> None:
    async with asked(box) as client:
        result = await client.call_tool("picture", {})
    assert [type(one).__name__ for one in result.content] == ["ImageContent"]
    assert (result.content[0].mime_type, result.content[0].data) == ("image/png", PIXEL)


@MODES
async def test_progress_is_told_and_its_end_is_never_lost(box: FakeToolBox, mode: str) -> None:
    heard: list[tuple[float, float | None, str | None]] = []

    async def hear(done: float, total: float | None, said: str | None) -> None:
        heard.append((done, total, said))

    async with asked(box, mode) as client:
        result = await client.call_tool("count", {}, progress_callback=hear)
    assert result.content[0].text == "three"
    assert heard[-1] == (3, 3, "3 of 3")
    assert [one[0] for one in heard] == sorted(one[0] for one in heard)


@MODES
async def test_cancelling_a_call_ends_what_it_started(box: FakeToolBox, mode: str) -> None:
    async with asked(box, mode) as client, asyncio.timeout(10):
        call = asyncio.ensure_future(client.call_tool("wait", {}))
        await box.begun.wait()
        call.cancel()
        await box.left.wait()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert (await client.call_tool("echo", {"word": "still here"})).content[0].text == "still here"


async def _none(*_: object) -> ToolResult:
    return ToolResult(text="new")


async def test_a_session_hears_that_the_tools_have_changed(box: FakeToolBox) -> None:
    heard = asyncio.Event()

    async def hear(message: object) -> None:
        if isinstance(message, types.ToolListChangedNotification):
            heard.set()

    async with asked(box, message_handler=hear) as client, asyncio.timeout(10):
        assert client.server_capabilities.tools.list_changed is True
        await client.list_tools()
        box.add(spec("late"), _none)
        await heard.wait()
        assert "late" in [tool.name for tool in (await client.list_tools()).tools]


async def test_a_listener_of_the_newer_protocol_hears_it_too(box: FakeToolBox) -> None:
    async with asked(box, "auto") as client, asyncio.timeout(10):
        async with client.listen(tools_list_changed=True) as changes:
            box.add(spec("late"), _none)
            async for _ in changes:
                break
        assert "late" in [tool.name for tool in (await client.list_tools()).tools]


@MODES
async def test_documents_are_listed_and_read(box: FakeToolBox, mode: str) -> None:
    async with asked(box, mode) as client:
        listed = (await client.list_resources()).resources
        assert [str(one.uri) for one in listed] == ["test://static-text", "test://broken"]
        read = (await client.read_resource("test://static-text")).contents[0]
        assert (read.mime_type, read.text) == ("text/plain", "This is the content of the static text resource.")
        with pytest.raises(MCPError, match="There is no resource"):
            await client.read_resource("test://elsewhere")
        with pytest.raises(MCPError, match="make a change first"):
            await client.read_resource("test://broken")


@MODES
async def test_prompts_are_listed_and_rendered(box: FakeToolBox, mode: str) -> None:
    async with asked(box, mode) as client:
        prompts = {one.name: one for one in (await client.list_prompts()).prompts}
        assert [one.required for one in prompts["test_prompt_with_arguments"].arguments] == [True, True]
        told = await client.get_prompt("test_prompt_with_arguments", {"arg1": "a", "arg2": "b"})
        assert told.messages[0].content.text == "Prompt with arguments: arg1='a', arg2='b'"
        with pytest.raises(MCPError, match="needs arg1"):
            await client.get_prompt("test_prompt_with_arguments", {"arg2": "b"})
        with pytest.raises(MCPError, match="There is no prompt"):
            await client.get_prompt("nothing")
