"""Open who reviews a workspace's changes in words: the way to the model, what is kept, and where its comments go."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from sidecar.core.ports import Asker, Desk
from sidecar.critique.critic import Critic
from sidecar.critique.reviewer import ChangeReviewer
from sidecar.settings import Settings
from sidecar.store.answers import AnswerStore
from sidecar.vcs.runner import Git


def open_reviewer(
    folder: Path,
    asker: Asker | None,
    settings: Settings,
    *,
    who: str,
    kept: AnswerStore,
    desk: Callable[[], Awaitable[Desk]],
) -> ChangeReviewer:
    """The reviewer of a folder's repository, which is opened with the first review; without an asker it tells facts."""
    opened: list[Git] = []

    async def git() -> Git:
        if not opened:
            opened.append(await Git.open(folder))
        return opened[0]

    critic = None
    if asker is not None:
        model = settings.provider.model_default or ""
        secrets = settings.secrets()
        critic = Critic(asker, model=model, who=who, workspace=str(folder), kept=kept, secrets=secrets)
    return ChangeReviewer(git, critic, desk=desk, state=settings.state)
