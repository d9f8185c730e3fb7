"""The step that gives an answer a second time where the same was asked before, and asks once what many ask at once.

Only questions whose answer is words alone: nothing is kept, shared or looked up where the model may call tools.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import replace
from functools import partial
from typing import Any, Final

from sidecar.assistant.flight import Flight, Seat
from sidecar.assistant.replay import Kept, Saving, kept_message, kept_stream, spared_tokens
from sidecar.assistant.signature import signature
from sidecar.assistant.turn import Ask
from sidecar.core.errors import BadInput
from sidecar.core.events import Event
from sidecar.core.messages import Json, Message, MessagesRequest
from sidecar.core.reply import Reply
from sidecar.core.turn import Handling, Turn
from sidecar.store.answers import AnswerStore, CacheStats, Counts
from sidecar.trace import get_logger

log = get_logger("assistant")

LARGEST: Final = 4 * 1024 * 1024
"""Bytes of a request past which no signature is made: that would hold up everybody else for too long."""

_WISHES: Final = ("bypass", "refresh", "off", "on")
_SESSIONS: Final = 1000  # sessions that are remembered to have switched the cache off
_AT_ONCE: Final = 256 * 1024  # bytes of an answer that are made ready to be kept on the event loop
_VERDICT: Final = b"block>"  # the end of the tag that the CLI's safety check wants its verdict in
_TOOL_FIELDS: Final = ("tools", "mcp_servers", "container")


class PromptCache:
    """A step of a turn. `origin` tells who answers (see `signature`); what was asked while it runs is in flight.

    `everywhere`: an answer counts for every workspace, since a team's paths differ from one machine to the next.
    """

    def __init__(self, store: AnswerStore, origin: str, *, everywhere: bool = False) -> None:
        self._store = store
        self._origin = origin
        self._everywhere = everywhere
        self._flights: dict[str, Flight] = {}
        self._flying: set[Flight] = set()
        self._off: OrderedDict[str, None] = OrderedDict()

    async def __call__(self, request: MessagesRequest, turn: Turn, ask: Ask) -> Reply:
        """Answer from what is kept, join who asks the same, or ask and keep the answer."""
        wish = self._wish(turn)
        key = None
        reason = "tools" if may_call_tools(request) else wish if wish in {"bypass", "session"} else ""
        if not reason and _VERDICT in request.raw:
            # A verdict on an action is given for that moment. One that cannot be read is asked for again as it was:
            # the same answer once more would leave the CLI stuck.
            reason = "verdict"
        if not reason:
            workspace = "" if self._everywhere else turn.workspace
            key = signature(request, self._origin, workspace) if len(request.raw) <= LARGEST else None
        if key is None:
            return await _past(request, turn, ask, reason or "size")
        if wish == "refresh":
            return await self._lead(key, request, turn, ask, "refresh")
        stored = await self._store.get(key)
        if stored is not None:
            log.info("cache", outcome="hit", key=key[:12])
            kept = Kept.decoded(stored)
            self._store.credit(_spared(kept.usage))
            return _told_again(kept, streamed=request.stream)
        flight = self._flights.get(key)
        if flight is not None and flight.joinable and (flight.streamed or not request.stream):
            return await self._join(key, flight, request, turn, ask)
        return await self._lead(key, request, turn, ask, self._store.why(key))

    async def stats(self) -> CacheStats:
        """What is kept."""
        return await self._store.stats()

    async def clear(self) -> int:
        """Forget everything; how many answers that were."""
        return await self._store.clear()

    async def aclose(self) -> None:
        """End what is still being asked and let go of the store."""
        for flight in tuple(self._flying):
            await flight.finish()
        await self._store.aclose()

    def _wish(self, turn: Turn) -> str:
        """What the client wants of the cache: "", `bypass`, `refresh`, or `session` where its session has it off."""
        wish = turn.cache
        if not wish and not self._off:
            return ""
        if wish and wish not in _WISHES:
            raise BadInput(f"x-sidecar-cache is {wish[:40]!r}; it can be {', '.join(_WISHES)}.")
        if wish == "on":
            self._off.pop(turn.session, None)
        elif wish == "off" and turn.session:
            self._off[turn.session] = None
            if len(self._off) > _SESSIONS:
                self._off.popitem(last=False)
        if wish == "off" or (turn.session in self._off and wish != "bypass"):
            return "session"
        return "" if wish == "on" else wish

    async def _join(self, key: str, flight: Flight, request: MessagesRequest, turn: Turn, ask: Ask) -> Reply:
        seat = flight.enter()
        try:
            if await seat.promising():
                log.info("cache", outcome="joined", key=key[:12])
                return self._shared(flight, seat)
        except BaseException:
            await seat.leave()
            raise
        # What went wrong for the first may have been its own: too early, or just bad luck.
        await seat.leave()
        return await self._lead(key, request, turn, ask, self._store.why(key), shared=False)

    def _shared(self, flight: Flight, seat: Seat) -> Reply:
        saving = Saving()
        handling = replace(flight.handling, cache="joined", usage=saving.known)
        if flight.message is not None:
            kept = flight.message.body | {"usage": saving.of(flight.message.body.get("usage"))}
            self._store.credit(_spared(saving.known, joined=True))
            return Reply(message=Message.of(kept), close=seat.leave, handling=handling)

        async def close() -> None:
            self._store.credit(_spared(saving.known, joined=True))
            await seat.leave()

        return Reply(events=_saved(seat, saving), close=close, handling=handling)

    async def _lead(
        self, key: str, request: MessagesRequest, turn: Turn, ask: Ask, reason: str, *, shared: bool = True
    ) -> Reply:
        flight = Flight(streamed=request.stream)
        seat = flight.enter()
        self._flying.add(flight)
        if shared:
            self._flights[key] = flight

        def ended() -> None:
            self._flying.discard(flight)
            if self._flights.get(key) is flight:
                del self._flights[key]

        log.info("cache", outcome="miss", reason=reason, key=key[:12])
        flight.start(partial(ask, request, turn), partial(self._keep, key, flight), ended)
        try:
            await seat.opened()
        except BaseException:
            await seat.leave()
            raise
        handling = replace(flight.handling, cache=f"miss: {reason}")
        if flight.message is not None:
            return Reply(message=flight.message, headers=flight.headers, close=seat.leave, handling=handling)
        return Reply(events=seat.events(), headers=flight.headers, close=seat.leave, handling=handling)

    async def _keep(self, key: str, flight: Flight) -> None:
        if flight.handling.ran:  # what our tools saw will be another thing next time
            kept, reason = None, "tools"
        elif flight.overgrown:
            kept, reason = None, "size"
        elif flight.message is not None:
            kept, reason = await _aside(len(flight.message.raw), kept_message, flight.message)
        else:
            size = sum(len(event.raw) for event in flight.events)
            kept, reason = await _aside(size, kept_stream, flight.events)
        if kept is None:
            log.info("cache_not_kept", reason=reason, key=key[:12])
        else:
            await self._store.put(key, replace(kept, model=flight.handling.model).encoded())


def may_call_tools(request: MessagesRequest) -> bool:
    """Whether the model may call a tool: the client's, one that runs at the provider, or one of an MCP server there."""
    told = request.outline
    if not any(told.get(name) for name in _TOOL_FIELDS):
        return False
    choice = told.get("tool_choice")
    return not (isinstance(choice, dict) and choice.get("type") == "none")


async def _past(request: MessagesRequest, turn: Turn, ask: Ask, reason: str) -> Reply:
    log.debug("cache", outcome="bypass", reason=reason)
    reply = await ask(request, turn)
    reply.handling = replace(reply.handling, cache=f"bypass: {reason}")
    return reply


async def _aside(size: int, make: Any, given: Any) -> tuple[Kept | None, str]:
    """What `make` returns; on another thread where there is much to do."""
    made: tuple[Kept | None, str] = make(given) if size < _AT_ONCE else await asyncio.to_thread(make, given)
    return made


def _told_again(kept: Kept, *, streamed: bool) -> Reply:
    handling = Handling(kept.model, cache="hit", usage=kept.usage)
    if streamed and kept.frames:
        return Reply(events=_each(kept.events()), handling=handling)
    return Reply(message=Message(kept.message), handling=handling)


def _spared(usage: Json, *, joined: bool = False) -> Counts:
    """What a request that was spared adds to the numbers; one that joined was looked up in vain before."""
    tokens = spared_tokens(usage)
    return Counts(joins=1, misses=-1, tokens=tokens) if joined else Counts(tokens=tokens)


async def _saved(seat: Seat, saving: Saving) -> Any:
    async for event in seat.events():
        yield saving.event(event)


async def _each(events: list[Event]) -> Any:
    for event in events:
        yield event
