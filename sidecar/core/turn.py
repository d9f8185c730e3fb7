"""What we know about one request beside its body: ids, workspace, deadline. The body is never annotated."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Turn:
    """One request on its way through the house.

    `id` is ours and stands in every log line and in the `request-id` header; `session` and `agent` are the
    client's (`x-claude-code-session-id`, `x-claude-code-agent-id`), empty when it sent none.
    """

    id: str
    session: str = ""
    agent: str = ""
    workspace: str = ""
