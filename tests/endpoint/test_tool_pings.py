"""A long run of a tool of ours, as its client hears it."""

import asyncio

from sidecar.assistant.loop import Limits as LoopLimits
from sidecar.assistant.loop import ToolLoop
from sidecar.core.events import unfold
from sidecar.core.tool import Caller, ToolResult
from sidecar.endpoint.limits import Limits
from sidecar.tools.box import WorkspaceToolBox
from sidecar.tools.define import Nothing, define
from tests.fakes.provider import Answer, message, says


class Slow:
    """A tool that waits to be let go."""

    def __init__(self) -> None:
        self.done = asyncio.Event()

    async def run(self, given: Nothing, caller: Caller) -> ToolResult:
        """Wait to be let go."""
        await self.done.wait()
        return ToolResult(text="x")

    async def open_box(self) -> WorkspaceToolBox:
        box = WorkspaceToolBox()
        box.put("slow", [define("slow", "read", self.run)])
        return box


async def test_the_text_before_a_call_then_pings_then_the_answer(serve) -> None:
    slow = Slow()
    call = {"type": "tool_use", "id": "toolu_1", "name": "slow", "input": {}}
    first = message("", content=[{"type": "text", "text": "I wait."}, call], stop_reason="tool_use")
    loop = ToolLoop(slow.open_box, LoopLimits(), "auto", only_reads=True)
    limits = Limits(first_ping=0.02, ping=0.02)
    served = await serve(Answer(acts=list(unfold(first))), says("Done."), steps=(loop,), limits=limits)
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "x"}]}
    heard = b""
    async with served.post(body) as response:
        async for chunk in response.content.iter_any():
            heard += chunk
            if heard.count(b"event: ping") >= 2:
                slow.done.set()
    assert heard.index(b"I wait.") < heard.index(b"event: ping") < heard.index(b"Done.")
    assert heard.rstrip().endswith(b'{"type":"message_stop"}')
