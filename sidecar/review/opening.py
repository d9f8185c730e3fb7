"""Open the review of one repository, with whoever answers in its threads; only an editor pays for these imports."""

from __future__ import annotations

from pathlib import Path

from sidecar.core.ports import Provider
from sidecar.review.desk import ReviewDesk
from sidecar.review.reply import Answering, FactsWriter, ReplyWriter
from sidecar.review.scorer import RiskScorer
from sidecar.store.database import Database
from sidecar.store.threads import ThreadStore
from sidecar.vcs.runner import Git

__all__ = ["Git", "open_desk", "writer_for"]


def open_desk(git: Git, database: Database, writer: Answering) -> ReviewDesk:
    """The review of a repository's working tree, its threads kept in the database."""
    return ReviewDesk(git, ThreadStore(database), RiskScorer(git), writer)


def writer_for(provider: Provider, model: str | None) -> Answering:
    """Who answers in threads: the provider's model, or our own facts where there is none."""
    if provider.name == "offline":
        return FactsWriter()
    return ReplyWriter(provider, model) if model else ReplyWriter(provider)


async def open_repository(folder: Path) -> Git:
    """The folder's repository. Raises NotARepository, GitError."""
    return await Git.open(folder)
