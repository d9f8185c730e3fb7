"""What we know about one request beside its body: ids, workspace, deadline. The body is never annotated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

TraceLevel = Literal["off", "headers", "full"]
"""How much of a turn is written into a trace."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One request on its way through the house.

    `id` is ours and stands in every log line and in the `request-id` header; `session` and `agent` are the
    client's (`x-claude-code-session-id`, `x-claude-code-agent-id`), empty when it sent none. `trace` is what the
    client asked to have traced of this one request; None where it did not ask. `cache` is what it asked of the
    prompt cache (`x-sidecar-cache`, word for word), empty when nothing. `unsaid` names what the door could not say in
    the house's language, for a client that speaks another. `client` is what it calls itself (`user-agent`), `library`
    what its SDK says of itself (`x-stainless-…`).
    """

    id: str
    session: str = ""
    agent: str = ""
    workspace: str = ""
    trace: TraceLevel | None = None
    cache: str = ""
    unsaid: tuple[str, ...] = ()
    client: str = ""
    library: tuple[tuple[str, str], ...] = ()

    @property
    def is_claude_code(self) -> bool:
        """Whether the client is the Claude Code CLI: it has a session, or says so."""
        return bool(self.session) or self.client.lower().startswith(("claude-cli/", "claude-code/"))


@dataclass(frozen=True, slots=True)
class Handling:
    """What was done to a request on its way, told in the answer's headers and in the turn's record.

    `model` is the provider's name for the model; `changes` names each field that the provider did not get as the
    client sent it (added, changed or dropped); `retries` are further tries at the provider; `cache` is what the
    prompt cache made of it (`hit`, `joined`, `miss: why`, `bypass: why`; empty where there is none). Where the answer
    is another request's, `usage` is what the provider told of that one; it fills while a shared stream goes by. `ran`
    are our own tools that ran for it; it fills, too.
    """

    model: str = ""
    changes: tuple[str, ...] = ()
    retries: int = 0
    cache: str = ""
    usage: Mapping[str, Any] = field(default_factory=dict, compare=False)
    ran: list[str] = field(default_factory=list, compare=False)

    @property
    def spared(self) -> bool:
        """Whether the provider was not asked: the answer was kept, or is shared with the same question."""
        return self.cache in {"hit", "joined"}

    def also(self, names: Iterable[str]) -> Self:
        """The same with more fields named, each once."""
        return replace(self, changes=tuple(dict.fromkeys((*self.changes, *names))))
