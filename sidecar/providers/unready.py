"""Stands in for a provider that cannot work for want of a setting: every question is answered with what is missing."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.core.errors import SetupError
from sidecar.core.messages import MessagesRequest
from sidecar.core.ports import Capabilities, Model
from sidecar.core.reply import Reply
from sidecar.core.turn import Turn


class UnreadyProvider:
    """Raises the given SetupError for each request, so that its sentence reaches whoever asks."""

    def __init__(self, name: str, error: SetupError) -> None:
        self._name = name
        self._error = error

    @property
    def name(self) -> str:
        """The provider's name as settings spell it."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """Nothing is known of a provider that cannot be asked."""
        return Capabilities()

    async def send(self, request: MessagesRequest, turn: Turn) -> Reply:
        """Raise what is missing."""
        raise SetupError(self._error.sentence, self._error.variable)

    async def count_tokens(self, request: MessagesRequest, turn: Turn) -> int | None:
        """None: there is nobody to count."""
        return None

    async def models(self) -> Sequence[Model]:
        """None to offer."""
        return ()

    async def aclose(self) -> None:
        """Nothing is open."""
