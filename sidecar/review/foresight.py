"""What a file would risk if it were written as proposed: comments for the lines that the proposal itself brings, and its score."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from uuid import uuid4

from sidecar.core.compare import compare
from sidecar.core.diff import Change, FileDiff
from sidecar.core.ports import Scorer
from sidecar.core.review import Dismissal, RiskReport, Thread
from sidecar.review.places import MANNERS, Manners
from sidecar.review.threads import Look, followed, reconcile
from sidecar.risk.hazards.secret import veiled
from sidecar.vcs.runner import Git
from sidecar.vcs.worktree import committed_lines_blocking, identity_blocking, read_lines_blocking


async def foresee(
    git: Git, scorer: Scorer, path: str, text: str, manners: Manners = MANNERS, dismissals: Collection[Dismissal] = ()
) -> tuple[Thread, ...]:
    """Comments for a proposed text of `path` (relative to the repository, with `/`).

    The score is that of the whole file against the last commit, as it will be once the proposal is written; comments
    stand only on lines that differ from the file as it is on the disk, and not where they were dismissed. Raises GitError.
    """
    proposed = text.splitlines()
    change, new = await asyncio.to_thread(_change, git, path, proposed)
    if not new:
        return ()
    report = await scorer.score(change)
    hunks = tuple(hunk for hunk in report.hunks if any(line in new for line in range(hunk.start, hunk.end + 1)))
    findings = tuple(one for one in report.findings if any(line in new for line in range(one.start, one.end + 1)))
    look = Look(replace(report, hunks=hunks, findings=findings), {path: veiled(proposed)}, time.time())
    look = replace(look, dismissals=tuple(followed(each, look) for each in dismissals))
    found = reconcile((), look, lambda: uuid4().hex, manners=manners)
    # What is proposed stands in no file yet, so nothing can be put into it.
    return tuple(
        replace(each, comments=tuple(replace(one, suggestion=None) for one in each.comments)) for each in found
    )


async def weigh(git: Git, scorer: Scorer, path: str, before: str | None, after: str) -> RiskReport:
    """The risk of an edit by itself: of what leads from `before` (None for a new file) to `after`, whatever else differs.

    `path` is relative to the repository, with `/`; it says what language this is and whose past counts. Raises GitError.
    """
    return await scorer.score(await asyncio.to_thread(_edit, git, path, before, after))


def _edit(git: Git, path: str, before: str | None, after: str) -> Change:
    base, _ = committed_lines_blocking(git, path)
    author, moment = identity_blocking(git)
    hunks = compare((before or "").splitlines(), after.splitlines())
    file = FileDiff(path, "modified" if before is not None else "added", hunks=hunks)
    return Change(files=(file,), base=base, author=author, time=moment, tree="")


def _change(git: Git, path: str, proposed: Sequence[str]) -> tuple[Change, Collection[int]]:
    """The file's change against the last commit, and the numbers of the lines that are not on the disk yet."""
    base, committed = committed_lines_blocking(git, path)
    before = read_lines_blocking(git.root, path) or []
    new = {
        line
        for hunk in compare(before, proposed)
        if hunk.added
        for line in range(hunk.new_range[0], hunk.new_range[1] + 1)
    }
    hunks = compare(committed or [], proposed)
    file = FileDiff(path, "modified" if committed is not None else "added", hunks=hunks)
    author, moment = identity_blocking(git)
    return Change(files=(file,), base=base, author=author, time=moment, tree=""), new
