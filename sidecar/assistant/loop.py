"""The loop: our tools are offered to the model and run here, until it answers or calls the client's.

Ask the provider. Hand on what comes. If the answer calls tools of ours, run them and ask again with the results. If it
calls the client's, or none, stop. If it calls both, run ours first and let the client carry the results.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, Literal, cast

from sidecar.assistant.carried import carries_ours, restored, tool_result
from sidecar.assistant.relay import OurCall, Relay
from sidecar.assistant.turn import Ask
from sidecar.core.errors import UpstreamError, refuses_tools
from sidecar.core.events import Event
from sidecar.core.messages import Json, MessagesRequest
from sidecar.core.reply import Reply
from sidecar.core.tool import Caller, ToolBox, ToolResult, ToolSpec
from sidecar.core.turn import Turn
from sidecar.trace import get_logger

log = get_logger("assistant")

Offer = Literal["auto", "always", "never"]
_AT_ONCE: Final = 4
"""Calls of one answer that run at the same time, where all of them only look."""
_CARRIED: Final = b"server_tool_use"
_BRINGING: Final = ("tools", "mcp_servers", "container")
"""Fields by which a client brings tools."""
_UNTRUSTED: Final = (
    "Only tools that look are run here, since the workspace is not trusted; the user can trust it with "
    "SIDECAR_TRUSTED_FOLDERS."
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one turn may take: questions to the model, runs of our tools, seconds."""

    steps: int = 8
    calls: int = 12
    seconds: float = 300.0


class ToolLoop:
    """A step of a turn, for a place inside of the prompt cache: an answer for which no tool ran may be given again.

    `open_box` makes the toolbox, with the first request that needs it; `only_reads` offers but the tools that look.
    """

    def __init__(
        self, open_box: Callable[[], Awaitable[ToolBox]], limits: Limits, offer: Offer, *, only_reads: bool
    ) -> None:
        self._open_box = open_box
        self._limits = limits
        self._offer = offer
        self._only_reads = only_reads
        self._refused: set[str] = set()

    async def __call__(self, request: MessagesRequest, turn: Turn, ask: Ask) -> Reply:
        """Answer with our tools at hand, where they are to be offered; else as if this step were not there."""
        offered = self._wanted(request, turn)
        # `rfind` knows ten times sooner than `in` that there is none, as there mostly is.
        if not offered and not (request.raw.rfind(_CARRIED) >= 0 and carries_ours(request.messages, bool)):
            return await ask(request, turn)
        box = await self._open_box()
        theirs = {str(tool.get("name")) for tool in request.tools}
        specs = [spec for spec in self._specs(box) if spec.name not in theirs] if offered else []

        def carried(name: str) -> bool:
            return name not in theirs and box.find(name) is not None

        def ours(name: str) -> bool:
            # A client with tools may have more than it lists (the CLI keeps some back); one without has none: what
            # nobody offered is answered here, too, with the sentence that there is no such tool.
            return bool(specs) and (carried(name) if theirs else True)

        if not specs and not carries_ours(request.messages, carried):
            return await ask(request, turn)
        play = _Play(box, self._limits, ask, turn, Relay(ours, carry=bool(theirs)))
        play.permitted = self._permits
        prepared = _prepared(request, specs, carried)
        changed = prepared.changes_from(request)
        try:
            return await play.reply(prepared, changed)
        except UpstreamError as error:
            if theirs or play.used or not refuses_tools(error):
                error.handling = error.handling.also(changed)
                raise
            log.info("tools_not_taken", reason=error.sentence)
            self._refused.add(request.model)  # a model that takes no tools still answers as before
            return await ask(request, turn)

    def _wanted(self, request: MessagesRequest, turn: Turn) -> bool:
        if (
            self._offer == "never"
            or request.model in self._refused
            or (request.outline.get("tool_choice") or {}).get("type") == "none"
        ):
            return False
        if self._offer == "always":  # what Claude Code asks beside the conversation brings no tools and wants none
            return bool(request.outline.get("tools")) or not turn.is_claude_code
        return not any(request.outline.get(name) for name in _BRINGING) and not turn.is_claude_code

    def _specs(self, box: ToolBox) -> Sequence[ToolSpec]:
        return [spec for spec in box.specs() if self._permits(spec)]

    def _permits(self, spec: ToolSpec) -> bool:
        return spec.effect == "read" or not self._only_reads


class _Play:
    """One turn with our tools."""

    def __init__(self, box: ToolBox, limits: Limits, ask: Ask, turn: Turn, relay: Relay) -> None:
        self._box = box
        self._limits = limits
        self._ask = ask
        self._turn = turn
        self._relay = relay
        self._until = asyncio.get_running_loop().time() + limits.seconds
        self.used = 0
        self._ran: list[str] = []
        self.permitted: Callable[[ToolSpec], bool] = lambda _: True

    async def reply(self, request: MessagesRequest, changed: Iterable[str]) -> Reply:
        """The answer, which names what was `changed`. Raises what the first question raises; later faults end the stream."""
        first = await self._ask(request, self._turn)
        handling = first.handling.also(changed)
        self._ran = handling.ran
        events = self._events(first, request)
        whole = Reply(events=events, headers=first.headers, close=first.aclose, handling=handling)
        if request.stream:
            return whole
        async with whole:
            return Reply(message=await whole.message(), headers=first.headers, handling=handling)

    async def _events(self, reply: Reply, request: MessagesRequest) -> AsyncIterator[Event]:
        relay = self._relay
        calls: Sequence[OurCall] = ()
        for step in range(1, self._limits.steps + 1):
            async with reply, aclosing(cast("AsyncGenerator[Event]", reply.events())) as events:
                async for event in events:
                    for shown in relay.take(event):
                        yield shown
            calls = relay.calls
            if relay.failed:
                return
            if not calls:
                break
            results, sentence = await self._results(calls, step)
            for event in relay.results(results):
                yield event
            if relay.theirs or sentence:
                for event in relay.say(sentence) if not relay.theirs else ():
                    yield event
                break
            request = _continued(request, relay.content, results)
            relay.again()
            reply = await self._ask(request, self._turn)
        for event in relay.end("end_turn" if calls and not relay.theirs else None):
            yield event

    async def _results(self, calls: Sequence[OurCall], step: int) -> tuple[Sequence[tuple[OurCall, ToolResult]], str]:
        """What the calls bring, and the sentence that ends the turn where a limit is reached."""
        sentence = self._limit(len(calls), step)
        # the client's own calls end the turn anyway; then only the number of runs counts
        if sentence and (not self._relay.theirs or self.used + len(calls) > self._limits.calls):
            return [(call, ToolResult(text=f"Not run. {sentence}", error=True)) for call in calls], sentence
        self.used += len(calls)
        try:
            async with asyncio.timeout_at(self._until):
                return [*zip(calls, await self._run_all(calls), strict=True)], ""
        except TimeoutError:
            sentence = self._stopped(
                f"our tools took longer than {self._limits.seconds:g} seconds", "POLICY_MAX_SECONDS"
            )
            return [(call, ToolResult(text=f"Not finished. {sentence}", error=True)) for call in calls], sentence

    async def _run_all(self, calls: Sequence[OurCall]) -> list[ToolResult]:
        found = [self._box.find(call.name) for call in calls]
        if not all(spec is not None and spec.effect == "read" for spec in found):
            return [await self._run(call) for call in calls]
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(call: OurCall) -> ToolResult:
            async with gate:
                return await self._run(call)

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(call)) for call in calls]
        return [task.result() for task in tasks]

    async def _run(self, call: OurCall) -> ToolResult:
        spec = self._box.find(call.name)
        self._ran.append(spec.name if spec is not None else call.name)
        if spec is not None and not self.permitted(spec):
            return ToolResult(text=_UNTRUSTED, error=True)
        return await self._box.call(call.name, call.input, Caller(session=self._turn.session, road="loop"))

    def _limit(self, more: int, step: int) -> str:
        if step >= self._limits.steps:
            return self._stopped(f"the model was asked {step} times", "POLICY_MAX_STEPS")
        if self.used + more > self._limits.calls:
            return self._stopped(
                f"it would take more than {self._limits.calls} calls of tools", "POLICY_MAX_TOOL_CALLS"
            )
        return ""

    def _stopped(self, why: str, variable: str) -> str:
        log.info("loop_stopped", limit=variable)
        return f"I stopped here: {why} in this turn ({variable}). Ask me to go on."


def _prepared(request: MessagesRequest, specs: Sequence[ToolSpec], ours: Callable[[str], bool]) -> MessagesRequest:
    """The client's request with our tools behind its own, and with what it carried as calls again."""
    changes: dict[str, object] = {}
    if specs:
        offered = [
            {"name": spec.name, "description": spec.description, "input_schema": dict(spec.input_schema)}
            for spec in specs
        ]
        changes["tools"] = [*request.tools, *offered]
    if carries_ours(request.messages, ours):
        changes["messages"] = restored(request.messages, ours)
    return request.replaced(**changes)


def _continued(
    request: MessagesRequest, content: Sequence[Json], results: Sequence[tuple[OurCall, ToolResult]]
) -> MessagesRequest:
    """The request with the model's answer and what our tools brought, to be asked next."""
    told = [tool_result(call.id, result) for call, result in results]
    more = [{"role": "assistant", "content": list(content)}, {"role": "user", "content": told}]
    changes: dict[str, object] = {"messages": [*request.messages, *more]}
    if (request.body.get("tool_choice") or {}).get("type") in {"any", "tool"}:
        changes["tool_choice"] = {"type": "auto"}  # a forced call was made; forced again, it would never end
    return request.replaced(**changes)
