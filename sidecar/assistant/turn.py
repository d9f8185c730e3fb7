"""Answer one turn: the provider, and around it the steps that `app` lists."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from sidecar.core.errors import UpstreamError
from sidecar.core.messages import MessagesRequest
from sidecar.core.ports import Model, Provider
from sidecar.core.reply import Reply
from sidecar.core.turn import Turn
from sidecar.trace import get_logger

log = get_logger("assistant")

Ask = Callable[[MessagesRequest, Turn], Awaitable[Reply]]
"""Put a request to whatever comes next."""

Step = Callable[[MessagesRequest, Turn, Ask], Awaitable[Reply]]
"""One concern of a turn. It may change the request, ask or not, and look at the reply; it closes what it drops."""

_ABOUT_THE_REQUEST: Final = frozenset({400, 401, 403, 413})


_AT_ONCE: Final = 32 * 1024
"""Bytes of a request whose tokens are estimated on the event loop, in a few milliseconds."""


@dataclass(frozen=True, slots=True)
class Count:
    """Input tokens of a request; `estimated` tells that the provider did not count them.

    `pairs` is on how many requests of that model with their true counts the estimate rests, beside what was fitted.
    """

    tokens: int
    estimated: bool = False
    pairs: int = 0


Ratio = Callable[[str], tuple[float, int]]
"""How many tokens a model of this name makes of what the estimate takes for one, and on how many pairs that rests."""


def unlearned(_model: str) -> tuple[float, int]:
    """As the estimate has it."""
    return 1.0, 0


class AnswerTurn:
    """The use case behind the HTTP door.

    Steps run in the given order, the first one outermost. Nothing happens behind the user's back: without a step
    that says so, the provider gets the client's request as it came (the very same value) and the client gets the
    provider's answer; no prompt, tool or header is added, and no request is made that the client did not ask for.
    """

    def __init__(self, provider: Provider, steps: Sequence[Step] = (), ratio: Ratio = unlearned) -> None:
        self._provider = provider
        self._ratio = ratio
        ask: Ask = provider.send
        for step in reversed(steps):
            ask = partial(_run, step, ask)
        self._ask = ask

    @property
    def name(self) -> str:
        """The provider's name as settings spell it."""
        return self._provider.name

    async def answer(self, request: MessagesRequest, turn: Turn) -> Reply:
        """The answer, to be used as a context manager. Raises SidecarError before the first byte."""
        return await self._ask(request, turn)

    async def count(self, request: MessagesRequest, turn: Turn) -> Count:
        """Input tokens: the provider's count where it has one and can be reached, else our estimate."""
        try:
            counted = await self._provider.count_tokens(request, turn)
        except UpstreamError as error:
            if error.status in _ABOUT_THE_REQUEST:
                raise
            log.info("count_estimated", status=error.status)
            counted = None
        if counted is not None:
            return Count(counted)
        from sidecar.assistant.tokens import estimate  # noqa: PLC0415 - who is never asked for a count starts without

        at_once = len(request.raw) < _AT_ONCE
        told = estimate(request.body) if at_once else await asyncio.to_thread(estimate, request.body)
        ratio, pairs = self._ratio(request.model)
        return Count(told.scaled(ratio), estimated=True, pairs=pairs)

    async def models(self) -> Sequence[Model]:
        """The models that Claude Code accepts: those whose id begins with `claude-`."""
        return [model for model in await self._provider.models() if model.id.startswith("claude-")]


async def _run(step: Step, ask: Ask, request: MessagesRequest, turn: Turn) -> Reply:
    return await step(request, turn, ask)
