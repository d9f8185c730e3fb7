"""The serving endpoints of a Databricks workspace: which models can be asked there, as the workspace itself tells.

Source: Databricks' REST reference, `GET /api/2.0/serving-endpoints`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

import orjson

from sidecar.core.errors import SidecarError, UpstreamError
from sidecar.core.ports import Secret
from sidecar.providers import faults
from sidecar.providers.native import credential
from sidecar.providers.transport import Transport
from sidecar.trace import get_logger

log = get_logger("providers")

PATH: Final = "/api/2.0/serving-endpoints"

_CHAT: Final = "llm/v1/chat"
_FRESH: Final = 300.0
_PATIENCE: Final = 5.0


@dataclass(frozen=True, slots=True)
class ServingEndpoint:
    """One endpoint: its name, its task (`llm/v1/chat`; "" where none is told) and whether it is ready to answer."""

    name: str
    task: str = ""
    ready: bool = True

    @property
    def chats(self) -> bool:
        """Whether a conversation can be held with it."""
        return self.task in {"", _CHAT}


def endpoints_of(listed: Any) -> tuple[ServingEndpoint, ...]:
    """The endpoints in the workspace's answer; what has no name is passed over."""
    found = listed.get("endpoints") if isinstance(listed, dict) else None
    return tuple(_endpoint(one) for one in found or [] if isinstance(one, dict) and isinstance(one.get("name"), str))


class EndpointList:
    """The workspace's endpoints, asked at most every five minutes. `url` is the whole address of the list."""

    def __init__(
        self, url: str, secret: Secret, transport: Transport, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._secret = secret
        self._transport = transport
        self._clock = clock
        self._lock = asyncio.Lock()
        self._known: tuple[ServingEndpoint, ...] = ()
        self._until = float("-inf")

    async def known(self) -> tuple[ServingEndpoint, ...]:
        """The endpoints as last told; () where the workspace cannot tell, or not within five seconds."""
        async with self._lock:
            if self._clock() < self._until:
                return self._known
            try:
                self._known = await self.ask()
            except SidecarError as error:
                log.info("endpoints.unknown", error=type(error).__name__, sentence=error.sentence)
            self._until = self._clock() + _FRESH
            return self._known

    async def ask(self) -> tuple[ServingEndpoint, ...]:
        """The endpoints now. Raises UpstreamError, or SetupError for a credential that cannot be used."""
        headers = {"accept": "application/json", "authorization": f"Bearer {await credential(self._secret)}"}
        try:
            async with asyncio.timeout(_PATIENCE):
                async with aclosing(await self._transport.get(self._url, headers)) as answer:
                    return endpoints_of(orjson.loads(await answer.read()))
        except TimeoutError:
            raise UpstreamError("The workspace did not list its endpoints in time.", status=504) from None
        except orjson.JSONDecodeError:
            raise faults.garbage("no list of endpoints") from None


def _endpoint(one: dict[str, Any]) -> ServingEndpoint:
    state = one.get("state")
    ready = state.get("ready") if isinstance(state, dict) else None
    return ServingEndpoint(one["name"], str(one.get("task") or ""), ready in {None, "READY"})
