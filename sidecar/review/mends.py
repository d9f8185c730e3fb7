"""What a thread's acts do to its file: take the hunk back, put a suggestion in. Both are edits of the text in the editor.

The text that counts is the editor's, saved or not. Where the thread's lines do not stand there any more, nothing is done.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from sidecar.core.compare import compare
from sidecar.core.diff import FileDiff
from sidecar.core.errors import Conflict, NotFound, NotSupported
from sidecar.core.review import Anchor, LineEdit, Staging, Thread
from sidecar.core.suggestion import suggestion_of
from sidecar.review.anchor import find, make
from sidecar.vcs.runner import Git
from sidecar.vcs.staging import committed_blocking, differences_blocking, stage_blocking
from sidecar.vcs.worktree import read_lines_blocking

_END = re.compile(r"\r\n|\r|\n")


def stage(git: Git, thread: Thread, file: FileDiff | None) -> Staging:
    """Stage the hunks that the thread stands on, as they are on the disk. For threads.

    A file that git does not know yet is one hunk, and is staged whole. Raises Conflict where the text moved on, NotSupported for files that are not staged by lines.
    """
    path = thread.anchor.path
    _refuse(file, path)
    lines = read_lines_blocking(git.root, path)
    at = _stands(thread.anchor, lines, lines)
    return stage_blocking(git, path, at.start, at.end)


def revert(git: Git, thread: Thread, file: FileDiff | None, text: str) -> tuple[LineEdit, ...]:
    """The edits that bring the hunks that the thread stands on back to what was committed; for threads.

    `text` is the file in the editor. Raises Conflict where the text moved on, NotSupported for files without such hunks.
    """
    path = thread.anchor.path
    _refuse(file, path)
    at = _stands(thread.anchor, read_lines_blocking(git.root, path), _END.split(text))
    committed = committed_blocking(git, (file.old_path if file else None) or path)
    if committed is None:
        raise NotSupported(f"{path} is new: there is nothing to go back to. Delete the file if it is not wanted.")
    try:
        old = _END.split(committed.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise NotSupported(f"{path} is not in UTF-8; take the hunk back in your editor's own diff.") from None
    new = _END.split(text)
    last = max(1, len(new) - (not new[-1]))  # the end of the last line is told as an empty line behind it
    hunks = [
        hunk
        for hunk in differences_blocking(git, old, new)
        if min(hunk.new_range[0], last) <= at.end and at.start <= hunk.new_range[1]
    ]
    if not hunks:
        raise Conflict(f"These lines of {path} are as they were committed; there is nothing to take back.")
    return tuple(LineEdit(hunk.new_start + (not hunk.added), len(hunk.added), hunk.removed) for hunk in hunks)


def suggested(git: Git, thread: Thread, comment_id: str, text: str) -> LineEdit:
    """The edit that a comment suggests, in the file as it is in the editor; for threads.

    Raises NotFound for a comment without one, Conflict where the lines that it replaces do not stand there any more.
    """
    comment = next((each for each in thread.comments if each.id == comment_id), None)
    suggestion = suggestion_of(thread, comment) if comment else None
    if suggestion is None:
        raise NotFound("There is no suggestion in this comment.")
    lines = _END.split(text)
    at = _stands(thread.anchor, read_lines_blocking(git.root, thread.anchor.path), lines)
    size = len(suggestion.was)
    places = [n for n in range(at.start, at.end + 2 - size) if tuple(lines[n - 1 : n - 1 + size]) == suggestion.was]
    if len(places) != 1:
        raise Conflict("The lines that the suggestion replaces were changed since it was made; ask for another one.")
    return LineEdit(places[0], size, suggestion.now)


def _stands(anchor: Anchor, disk: Sequence[str] | None, lines: Sequence[str] | None) -> Anchor:
    """The anchor in these lines (the editor's, which may not be saved). Raises Conflict where it is not to be found."""
    if lines is not None and not anchor.outdated:
        if lines[-1:] == [""]:
            lines = lines[:-1]  # what stands behind the last line's end
        known = disk is not None and anchor == make(anchor.path, disk, anchor.start, anchor.end)
        at = find(anchor, lines, compare(disk or (), lines) if known else None)
        if not at.outdated:
            return at
    raise Conflict(f"The lines of this thread are not in {anchor.path} any more as they were; save it and look again.")


def _refuse(file: FileDiff | None, path: str) -> None:
    if file is None:
        raise Conflict(f"{path} has no uncommitted change any more.")
    if file.status == "deleted":
        raise NotSupported(f"{path} is deleted; bring the whole file back, or stage its deletion.")
    if file.binary or not file.hunks:
        raise NotSupported(f"{path} has no lines to act on ({file.reason or 'binary'}); act on the whole file.")
