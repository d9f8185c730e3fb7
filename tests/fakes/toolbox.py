"""A small working toolbox and shelf: tools that do something, one that fails, one that is slow, one that can be added."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from sidecar.core.errors import BadInput, NotFound, SidecarError
from sidecar.core.shelf import Document, Parameter, Prompt
from sidecar.core.tool import Caller, ToolResult, ToolSpec

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

Run = Callable[[Mapping[str, Any], Caller], Awaitable[ToolResult]]


def spec(name: str, about: str = "A tool of the tests.", effect: str = "read", **properties: Any) -> ToolSpec:
    """A tool whose arguments are these strings, all required."""
    schema = {
        "type": "object",
        "properties": {key: {"type": kind} for key, kind in properties.items()},
        "required": sorted(properties),
    }
    return ToolSpec(name, about, schema, effect)


class FakeToolBox:
    """Implements `core.tool.ToolBox`. `calls` are those that came; `gate` lets `wait` go on; `left` says it was cancelled."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any], Caller]] = []
        self.gate = asyncio.Event()
        self.begun = asyncio.Event()
        self.left = asyncio.Event()
        self._listeners: list[Callable[[], None]] = []
        self._tools: dict[str, tuple[ToolSpec, Run]] = {}
        for one, run in (
            (spec("echo", "Say a word back.", word="string"), self._echo),
            (spec("refuse", "Always says no.", "write"), self._refuse),
            (spec("picture", "A picture of one pixel."), self._picture),
            (spec("count", "Counts to three, telling how far it is."), self._count),
            (spec("wait", "Waits for the gate.", "run"), self._wait),
            (spec("much", "More than fits."), self._much),
        ):
            self._tools[one.name] = one, run

    def specs(self) -> Sequence[ToolSpec]:
        return [one for one, _ in self._tools.values()]

    def find(self, name: str) -> ToolSpec | None:
        return self._tools[name][0] if name in self._tools else None

    async def call(self, name: str, arguments: Mapping[str, Any], caller: Caller) -> ToolResult:
        self.calls.append((name, dict(arguments), caller))
        one, run = self._tools[name]
        lacking = [key for key in one.input_schema["required"] if key not in arguments]
        if lacking:
            return ToolResult(text=f"{name} needs {lacking[0]}.", error=True)
        try:
            return await run(arguments, caller)
        except SidecarError as error:
            return ToolResult(text=error.sentence, error=True)

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def add(self, one: ToolSpec, run: Run) -> None:
        """One more tool; listeners hear of it."""
        self._tools[one.name] = one, run
        for listener in list(self._listeners):
            listener()

    def rename(self, old: str, new: str) -> None:
        """Offer a tool under another name."""
        one, run = self._tools.pop(old)
        self.add(ToolSpec(new, one.description, one.input_schema, one.effect), run)

    async def _echo(self, arguments: Mapping[str, Any], _: Caller) -> ToolResult:
        return ToolResult(value={"said": arguments["word"]}, text=str(arguments["word"]))

    async def _refuse(self, _: Mapping[str, Any], __: Caller) -> ToolResult:
        raise BadInput("The policy says no; allow it in your settings.")

    async def _picture(self, _: Mapping[str, Any], __: Caller) -> ToolResult:
        return ToolResult(images=(("image/png", PIXEL),))

    async def _count(self, _: Mapping[str, Any], caller: Caller) -> ToolResult:
        for number in (1, 2, 3):
            caller.progress(number, 3, f"{number} of 3")
            await asyncio.sleep(0)
        return ToolResult(text="three")

    async def _wait(self, _: Mapping[str, Any], __: Caller) -> ToolResult:
        self.begun.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.left.set()
            raise
        return ToolResult(text="done")

    async def _much(self, _: Mapping[str, Any], __: Caller) -> ToolResult:
        return ToolResult(value={"rows": [1, 2]}, next="2")


class FakeShelf:
    """Implements `core.shelf.Shelf`: one document, one that cannot be read, two prompts."""

    def documents(self) -> Sequence[Document]:
        return [
            Document("test://static-text", "static", "A text", "A text that stays the same.", self._text, "text/plain"),
            Document("test://broken", "broken", "Broken", "Cannot be read.", self._broken),
        ]

    def prompts(self) -> Sequence[Prompt]:
        return [
            Prompt("test_simple_prompt", "Simple", "Says hello.", self._simple),
            Prompt(
                "test_prompt_with_arguments",
                "With arguments",
                "Says what it is given.",
                self._given,
                (Parameter("arg1", "The first.", required=True), Parameter("arg2", "The second.", required=True)),
            ),
        ]

    async def _text(self) -> str:
        return "This is the content of the static text resource."

    async def _broken(self) -> str:
        raise NotFound("There is nothing to read; make a change first.")

    async def _simple(self, _: Mapping[str, str]) -> str:
        return "This is a simple prompt for testing."

    async def _given(self, arguments: Mapping[str, str]) -> str:
        if "arg1" not in arguments:
            raise BadInput("The prompt needs arg1.")
        return f"Prompt with arguments: arg1='{arguments['arg1']}', arg2='{arguments.get('arg2', '')}'"


def opening(box: FakeToolBox) -> Callable[[], Awaitable[tuple[FakeToolBox, FakeShelf]]]:
    """As the application opens its tools: when they are first asked for."""

    async def opened() -> tuple[FakeToolBox, FakeShelf]:
        return box, FakeShelf()

    return opened
