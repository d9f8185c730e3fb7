"""What the assistant may do, as values: a tool's description, a call of it, its result; and who runs it.

A tool is *ours* (run here) or *the client's* (handed on). `ToolBox.find` says which, once, by name; aliases are resolved
there, before any policy looks at the name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Effect = Literal["read", "write", "run", "send"]
"""`read`: looks at the workspace or our own state. `write`: changes files, the repository or our own state. `run`: starts
a program of the workspace or of a server. `send`: something leaves this machine (push, web, a remote server)."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """What the model is told of a tool.

    `input_schema` is a JSON schema of type `object`; `output_schema` one of the structured result, where it has one.
    `effect` is the strongest thing that it does. `title` is for people.
    """

    name: str
    description: str
    input_schema: Mapping[str, Any]
    effect: Effect
    title: str = ""
    output_schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a call brought.

    `value` is JSON (an object, mostly); `text` is what a person or the model reads, made from `value` where it is empty.
    `error` tells that the call failed or was refused: then `text` is a sentence that says what to do. `next` is the
    continuation to ask with for what did not fit; empty when all is here.
    """

    value: Any = None
    text: str = ""
    error: bool = False
    next: str = ""
    images: tuple[tuple[str, str], ...] = ()
    """Pictures as (media type, base64), where a server brought some."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and how to tell them what goes on.

    `session` is the client's (empty where it has none), `road` how the call came (`loop`, `mcp`, `command`), `progress`
    takes (done, total or None, sentence) and returns at once.
    """

    session: str = ""
    road: Literal["loop", "mcp", "command"] = "loop"
    progress: Callable[[float, float | None, str], None] = field(default=lambda _done, _total, _said: None)


class Tool(Protocol):
    """One tool. Cancelling a call ends what it started."""

    @property
    def spec(self) -> ToolSpec:
        """What the model is told."""

    async def call(self, arguments: Mapping[str, Any], caller: Caller) -> ToolResult:
        """Run it. Raises SidecarError (BadInput for wrong arguments, Refused for a policy's no, …)."""


class ToolBox(Protocol):
    """All tools of ours, behind one policy."""

    def specs(self) -> Sequence[ToolSpec]:
        """Those on offer now, in a steady order."""

    def find(self, name: str) -> ToolSpec | None:
        """The tool of this name or alias; None where it is none of ours."""

    async def call(self, name: str, arguments: Mapping[str, Any], caller: Caller) -> ToolResult:
        """Resolve the alias, ask the policy, check the arguments, run.

        Never raises but for cancellation: whatever goes wrong is a result with `error`.
        """

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Hear on the event loop that `specs` has changed; the result ends it."""


Check = Callable[[ToolSpec, Mapping[str, Any], Caller], Awaitable[None]]
"""A policy: raises Refused with a sentence that the model and the user can act upon."""
