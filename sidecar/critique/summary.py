"""The uncommitted change, or the last commit where there is none, as Markdown: what changed, and what of it is risky."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.core.diff import Change, FileDiff
from sidecar.core.ports import Scorer
from sidecar.core.review import HunkRisk, RiskReport
from sidecar.review import words
from sidecar.review.places import candidates
from sidecar.vcs.runner import Git
from sidecar.vcs.worktree import Doing, Status, commit, status, working_tree

MOST_FILES = 50
MOST_PLACES = 10

NO_REPOSITORY = "This folder is not in a git repository, so there is no diff to look at. Run `git init` to begin one."
BARE = "This is a bare repository: it has no working tree, so there is no uncommitted change."

_VERBS = {
    "added": "added",
    "deleted": "deleted",
    "modified": "changed",
    "renamed": "renamed",
    "copied": "copied",
    "type-changed": "changed in kind",
}


async def summarize(git: Git | None, scorer: Scorer) -> str:
    """What the uncommitted change does, file by file, with its risk; the last commit where the working tree is clean.

    Without a repository or a change it says so.
    """
    found = await _change(git)
    if isinstance(found, str):
        return found
    now, change = found
    report = await scorer.score(change)
    head = [_head(now, change), "", *_files(change, report), ""]
    return "\n".join([*head, *_found(report), *_risk(report), *_places(report)])


def describe(change: Change, report: RiskReport) -> str:
    """Any change with its risk, file by file, its riskiest places, and what was not scored."""
    parts = [_files(change, report), [""], _found(report), _risk(report), _places(report), _skipped(report)]
    return "\n".join(line for part in parts for line in part)


async def review_text(git: Git | None, scorer: Scorer) -> str:
    """The risky places of the same change with reasons; when none stands out it says so."""
    found = await _change(git)
    if isinstance(found, str):
        return found
    now, change = found
    report = await scorer.score(change)
    places = _places(report)
    hits = _found(report)
    quiet = [] if places or hits else ["", "No place stands out: nothing here is worth a comment of its own."]
    return "\n".join([_head(now, change), "", *hits, *_risk(report), *places, *quiet, *_skipped(report)])


async def _change(git: Git | None) -> tuple[Status, Change] | str:
    if git is None:
        return NO_REPOSITORY
    if git.bare:
        return BARE
    now, change = await status(git), await working_tree(git)
    if change.files:
        return now, change
    where = _where(now)
    if now.head is None:
        return f"There is no change yet: {where} has no commit, and no file to commit."
    last = await commit(git, now.head)
    if last.files:
        return now, last
    return f"There is no uncommitted change: the working tree is the same as the last commit ({where})."


def _head(now: Status, change: Change) -> str:
    count = len(change.files)
    added = sum(file.added_lines for file in change.files)
    removed = sum(file.removed_lines for file in change.files)
    size = f"{_many(count, 'file')}, +{added} -{removed} lines"
    if change.commit is not None:
        subject = change.message.partition("\n")[0].strip()
        told = f" ({words.escape(subject)})" if subject else ""
        return f"Nothing is uncommitted, so this is the **last commit**, {change.commit[:10]}{told}, on {_where(now)}: {size}."
    against = "" if now.head else ", all of it new: there is no commit yet"
    sentence = f"**Uncommitted change** on {_where(now)}: {size}{against}."
    if now.conflicted:
        sentence += f" {_many(len(now.conflicted), 'file')} with conflicts."
    return sentence


def _where(now: Status) -> str:
    doing: Doing = now.doing
    name = f"branch {words.code(now.branch)}" if now.branch else f"a detached HEAD ({(now.head or '')[:10]})"
    return f"{name}, in the middle of a {doing}" if doing else name


def _files(change: Change, report: RiskReport) -> list[str]:
    score = {file.file: file.score for file in report.files}
    ranked = sorted(change.files, key=lambda file: (-score.get(file.path, -1.0), file.path))
    lines = [f"- {_file(file)}" for file in ranked[:MOST_FILES]]
    more = len(ranked) - MOST_FILES
    return [*lines, f"- and {_many(more, 'more file')}"] if more > 0 else lines


def _file(file: FileDiff) -> str:
    name = words.code(file.path)
    if file.old_path:
        name = f"{words.code(file.old_path)} → {name}"
    text = f"{name} {_VERBS[file.status]}"
    if file.hunks:
        return f"{text}, +{file.added_lines} -{file.removed_lines} in {_many(len(file.hunks), 'place')}"
    return f"{text} ({words.escape(file.reason)})" if file.reason else text


def _found(report: RiskReport) -> list[str]:
    """What rules found: plain hazards, and what else they know where the change is more than ordinary."""
    told = [one for one in report.findings if one.hazard or report.band != "low"]
    lines = [
        f"- {words.code(one.file)}, {_lines(one.start, one.end)}: {words.whole(one)}" for one in told[:MOST_PLACES]
    ]
    more = len(told) - MOST_PLACES
    return [*lines, *([f"- and {_many(more, 'more finding')}"] if more > 0 else []), ""] if lines else []


def _risk(report: RiskReport) -> list[str]:
    if not report.files:
        return ["**Risk: none to tell.** The change adds no production code that could be scored."]
    said = words.reasons(words.raising(report.reasons))
    return [f"**{words.title(report.band)}.** {words.likelihood(report)}", *said]


def _places(report: RiskReport) -> list[str]:
    places = [candidate.hunk for candidate in candidates(report) if candidate.hunk][:MOST_PLACES]
    if not places:
        return []
    return ["", "**Look here first:**", "", *(line for place in places for line in _place(place))]


def _place(hunk: HunkRisk) -> Sequence[str]:
    reasons = words.reasons(words.raising(hunk.reasons))
    return [f"- {words.code(hunk.file)}, {_lines(hunk.start, hunk.end)}", *(f"  {reason}" for reason in reasons)]


def _lines(start: int, end: int) -> str:
    return f"line {start}" if start == end else f"lines {start} to {end}"


def _skipped(report: RiskReport) -> list[str]:
    if not report.skipped:
        return []
    names = ", ".join(f"{words.code(item.file)} ({words.escape(item.why)})" for item in report.skipped[:MOST_PLACES])
    more = len(report.skipped) - MOST_PLACES
    return ["", f"Not scored: {names}{f' and {more} more' if more > 0 else ''}."]


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
