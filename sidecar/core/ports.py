"""What a room needs from a higher or a sibling room, as small protocols; `app` hands in the real things."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sidecar.core.messages import Message, MessagesRequest
from sidecar.core.reply import Reply
from sidecar.core.turn import Turn


@dataclass(frozen=True, slots=True)
class Model:
    """A model that can be asked for; `id` begins with `claude-` where the client must accept it."""

    id: str
    display_name: str


class Provider(Protocol):
    """One upstream that answers Messages requests."""

    @property
    def name(self) -> str:
        """The provider's name as settings spell it (`databricks`, `offline`, …)."""

    async def send(self, request: MessagesRequest, turn: Turn) -> Reply:
        """Ask. Raises UpstreamError before the first byte; later faults are events or cut streams.

        Cancelling the caller, or closing the reply, closes the connection behind it.
        """

    async def count_tokens(self, request: MessagesRequest, turn: Turn) -> int | None:
        """Input tokens of the request by the provider's own count; None where it has none."""

    async def models(self) -> Sequence[Model]:
        """Models on offer; empty where the provider cannot tell."""

    async def aclose(self) -> None:
        """Close connections."""


class Analyst(Protocol):
    """What the offline provider asks of our own analysers. Every answer is Markdown for a person."""

    async def summarize_diff(self) -> str:
        """What the uncommitted change does, file by file, with its risk."""

    async def review_diff(self) -> str:
        """The uncommitted change's risky places with reasons."""

    async def find_symbol(self, name: str) -> str:
        """Where a symbol is defined."""

    async def status(self) -> str:
        """Branch, changed files, provider, workspace."""


class Secret(Protocol):
    """A credential that may have to be renewed; asked for at each request."""

    async def __call__(self) -> str:
        """The credential now."""


__all__ = ["Analyst", "Message", "Model", "Provider", "Secret"]
