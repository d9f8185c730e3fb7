"""What a client may read or be prompted with beside tools: documents and prompts, as values."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Document:
    """A text under an address of its own (`sidecar://diff`). `read` gives it as it is now; raises SidecarError."""

    uri: str
    name: str
    title: str
    description: str
    read: Callable[[], Awaitable[str]]
    media: str = "text/markdown"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A word or more that a prompt or a skill is given; free text."""

    name: str
    description: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request for the model that a person picks from a menu. `render` gives its text; raises BadInput, SidecarError."""

    name: str
    title: str
    description: str
    render: Callable[[Mapping[str, str]], Awaitable[str]]
    parameters: tuple[Parameter, ...] = ()


class Shelf(Protocol):
    """All documents and prompts on offer now, in a steady order."""

    def documents(self) -> Sequence[Document]:
        """What can be read."""

    def prompts(self) -> Sequence[Prompt]:
        """What can be asked for by name."""
