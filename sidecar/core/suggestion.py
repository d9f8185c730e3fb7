"""Which mend a comment suggests: the one that it carries, or the block marked `suggestion` in its text."""

from __future__ import annotations

import re

from sidecar.core.review import Comment, Suggestion, Thread

_BLOCK = re.compile(r"^(`{3,}|~{3,})suggestion[^\n]*\n(.*?)^\1[`~]*[ \t]*$", re.DOTALL | re.MULTILINE)
"""A fenced block as code hosts have it for suggestions."""


def suggestion_of(thread: Thread, comment: Comment) -> Suggestion | None:
    """What a comment suggests; None where there is nothing that could be applied.

    A block in the text replaces all of the thread's lines; one that stands beside another is ambiguous and none.
    """
    told = comment.suggestion
    if told is None:
        blocks = _BLOCK.findall(comment.body)
        if len(blocks) != 1:
            return None
        now = tuple(blocks[0][1].removesuffix("\n").split("\n")) if blocks[0][1] else ()
        told = Suggestion(thread.anchor.text, tuple(line.removesuffix("\r") for line in now))
    return told if told.was and told.was != told.now else None
