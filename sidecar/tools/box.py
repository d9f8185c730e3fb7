"""The toolbox: finds a tool by name or alias, asks the policies, runs it, and bounds what it says. It never raises."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import orjson

from sidecar.core.errors import BadInput, Refused, SidecarError
from sidecar.core.listeners import enlisted
from sidecar.core.policy import disallowed, without_keys
from sidecar.core.tool import Caller, Check, Tool, ToolResult, ToolSpec
from sidecar.tools.aliases import ALIASES
from sidecar.tools.define import Input, also, define
from sidecar.trace import get_logger

log = get_logger("tools")

MOST_TEXT: Final = 40_000
"""Characters of one result; what is longer comes in pieces, each asked for with the one before's continuation."""
_KEPT_RESULTS: Final = 16
_KEPT_CHARACTERS: Final = 8_000_000
MORE: Final = "more_of_result"


class More(Input):
    """The continuation."""

    next: str = also("next", about="The continuation that the last piece named.", max_length=100)


class WorkspaceToolBox:
    """Implements `core.tool.ToolBox`. Families are put in by name, so that one can be replaced while others stay."""

    def __init__(self, *, disallowed_tools: Sequence[str] = (), aliases: Mapping[str, str] = ALIASES) -> None:
        self._disallowed = [aliases.get(name.casefold(), name) for name in disallowed_tools]
        self._aliases = aliases
        self._families: dict[str, dict[str, Tool]] = {}
        self._checks: list[Check] = []
        self._listeners: list[Callable[[], None]] = []
        self._rest: OrderedDict[str, str] = OrderedDict()
        self.put("results", [define(MORE, "read", self._more)])

    def put(self, family: str, tools: Iterable[Tool]) -> None:
        """Offer these tools of a family in place of those that it had; listeners hear of it."""
        self._families[family] = {tool.spec.name: tool for tool in tools}
        for listener in tuple(self._listeners):
            listener()

    def guard(self, check: Check) -> Callable[[], None]:
        """Ask this policy, too, before each call; the result ends it."""
        return enlisted(self._checks, check)

    def specs(self) -> Sequence[ToolSpec]:
        """Those on offer, families in the order in which they came; without those that are switched off."""
        every = (tool.spec for family in self._families.values() for tool in family.values())
        return [spec for spec in every if not disallowed(spec.name, self._disallowed)]

    def find(self, name: str) -> ToolSpec | None:
        """The tool of this name or alias; None where it is none of ours."""
        tool = self._tool(name)
        return tool.spec if tool is not None else None

    async def call(self, name: str, arguments: Mapping[str, Any], caller: Caller) -> ToolResult:
        """Resolve the alias, ask the policies, check the arguments, run. Whatever goes wrong is a result with `error`."""
        tool = self._tool(name)
        if tool is None:
            return ToolResult(text=self._missing(name), error=True)
        spec = tool.spec
        try:
            if told := disallowed(spec.name, self._disallowed):
                raise Refused(told)  # noqa: TRY301 - told to the caller as every other refusal
            for check in tuple(self._checks):
                await check(spec, arguments, caller)
            result = await tool.call(arguments, caller)
        except SidecarError as error:
            log.info("tool", tool=spec.name, road=caller.road, outcome=error.kind)
            return ToolResult(text=error.sentence, error=True)
        except Exception as error:
            log.exception("tool_failed", tool=spec.name)
            return ToolResult(
                text=f"{spec.name} failed unexpectedly ({type(error).__name__}); see the log.", error=True
            )
        log.info("tool", tool=spec.name, road=caller.road, outcome="error" if result.error else "done")
        return self._bounded(result)

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Hear on the event loop that `specs` has changed; the result ends it."""
        return enlisted(self._listeners, listener)

    def _tool(self, name: str) -> Tool | None:
        """By its own name first, then by alias, both in any case."""
        for wanted in (name, name.casefold(), self._aliases.get(name.casefold(), "")):
            for family in self._families.values():
                if wanted in family:
                    return family[wanted]
        return None

    def _missing(self, name: str) -> str:
        meant = self._aliases.get(name.casefold())
        if meant is not None:
            return (
                f"{name} is {meant} here, and that is not set up or switched off; the user finds it in docs/tools.md."
            )
        return f"There is no tool {name[:80]!r}. There are: {', '.join(spec.name for spec in self.specs())}."

    def _bounded(self, result: ToolResult) -> ToolResult:
        """The result with text, no longer than allowed, without private keys; the rest is kept for who asks for it."""
        if result.next in self._rest:
            return result  # a piece already
        text = result.text or (_json(result.value) if result.value is not None else "Done.")
        text = without_keys(text)
        if result.value is not None and "PRIVATE KEY" in (told := _json(result.value)) and without_keys(told) != told:
            result = replace(result, value=None)
        if len(text) <= MOST_TEXT:
            return replace(result, text=text)
        piece = self._piece(text)
        return replace(result, value=None, text=piece.text, next=piece.next)

    def _piece(self, text: str) -> ToolResult:
        ticket = secrets.token_hex(6)
        self._rest[ticket] = text[MOST_TEXT : MOST_TEXT + _KEPT_CHARACTERS]
        while len(self._rest) > 1 and (
            len(self._rest) > _KEPT_RESULTS or sum(map(len, self._rest.values())) > _KEPT_CHARACTERS
        ):
            self._rest.popitem(last=False)
        told = f"\n\n[{len(text) - MOST_TEXT:,} more characters: call {MORE} with next={ticket!r}]"
        return ToolResult(text=text[:MOST_TEXT] + told, next=ticket)

    async def _more(self, given: More, caller: Caller) -> ToolResult:
        """The next piece of a result that was too long for one answer."""
        text = self._rest.pop(given.next, None)
        if text is None:
            raise BadInput("This continuation is not known (any more); call the tool itself again, for less at once.")
        return ToolResult(text=text) if len(text) <= MOST_TEXT else self._piece(text)


def _json(value: Any) -> str:
    return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
