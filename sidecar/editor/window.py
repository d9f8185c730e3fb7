"""The editor's window, lent to the assistant's client: proposals wait here for the user's decision."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from sidecar.core.errors import NotFound
from sidecar.core.ports import Companion, Decision, Proposal, Selection
from sidecar.editor import protocol
from sidecar.editor.places import Places
from sidecar.editor.review import thread_item
from sidecar.languages.uris import path_from_uri, uri_from_path

Tell = Callable[[str, dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class _Question:
    proposal: Proposal
    answer: asyncio.Future[Decision]


class EditorWindow:
    """Implements `core.ports.Window` with an editor that is told of a proposal and pulls it when it wants to show it."""

    def __init__(self, tell: Tell, places: Callable[[], Places | None]) -> None:
        self._tell = tell
        self._places = places
        self._numbers = itertools.count(1)
        self._open: dict[str, _Question] = {}

    # ── core.ports.Window ───────────────────────────────────────────────────────────────────────────
    async def decide(self, proposal: Proposal) -> Decision:
        """Show a proposal and wait for the user. Cancelling it takes the question back."""
        number = str(next(self._numbers))
        question = _Question(proposal, asyncio.get_running_loop().create_future())
        self._open[number] = question
        self._say(protocol.PROPOSAL_OPENED, protocol.ProposalName(id=number))
        try:
            return await question.answer
        finally:
            del self._open[number]
            self._say(protocol.PROPOSAL_CLOSED, protocol.ProposalName(id=number))

    async def show(self, path: str, first: int = 0, last: int = 0) -> None:
        """Open a file. Raises NotFound when there is none."""
        if not await asyncio.to_thread(Path(path).is_file):
            raise NotFound(f"There is no file {path}.")
        start, end = max(0, first - 1), max(0, last - 1, first - 1)
        self._say(protocol.SHOW, protocol.ShowParams(uri=uri_from_path(Path(path)), start_line=start, end_line=end))

    # ── what the editor says ────────────────────────────────────────────────────────────────────────
    def proposal(self, params: protocol.ProposalName) -> protocol.ProposalItem:
        """What is proposed. Raises NotFound when the question is settled."""
        if (question := self._open.get(params.id)) is None:
            raise NotFound("This proposal is settled; the terminal was quicker.")
        proposal, places = question.proposal, self._places()
        return protocol.ProposalItem(
            id=params.id,
            uri=uri_from_path(Path(proposal.path)),
            title=proposal.tab,
            text=proposal.text,
            threads=[thread_item(thread, places) for thread in proposal.threads] if places else [],
        )

    def decided(self, params: protocol.DecideParams) -> protocol.Heard:
        """The user's decision; not heard when the question was settled before."""
        question = self._open.get(params.id)
        if question is None or question.answer.done():
            return protocol.Heard(heard=False)
        question.answer.set_result(Decision(params.accepted, params.text))
        return protocol.Heard(heard=True)

    def _say(self, method: str, params: BaseModel) -> None:
        self._tell(method, params.model_dump(by_alias=True))


def select(companion: Companion | None, params: protocol.SelectionParams) -> protocol.Heard:
    """Tell the assistant's client what is selected."""
    path = path_from_uri(params.uri)
    if companion is None or path is None:
        return protocol.Heard(heard=False)
    start, end = (params.start_line, params.start_character), (params.end_line, params.end_character)
    return protocol.Heard(heard=companion.selected(Selection(str(path), params.text, start, end)))


def mention(companion: Companion | None, params: protocol.MentionParams) -> protocol.Heard:
    """Put lines into the assistant's prompt."""
    path = path_from_uri(params.uri)
    heard = (
        companion is not None and path is not None and companion.mention(str(path), params.start_line, params.end_line)
    )
    return protocol.Heard(heard=heard)
