"""Open comments on risks and findings as the diagnostics that the CLI asks for, so that what an edit of the model brings is read by the model.

The CLI asks for a file's diagnostics before it edits the file, and for all of them afterwards; it tells the model of those
that it had not heard before, comparing every field. So a comment that only moved, or whose score crept, is told in the
same words at the same place as before, until the CLI asks about its file again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from sidecar.core.review import Band, Thread

Json = dict[str, Any]

SOURCE: Final = "sidecar-risk"
CODE: Final = "RISK"
_SEVERITY: Final[dict[Band, str]] = {"low": "Hint", "medium": "Info", "high": "Warning", "critical": "Warning"}
_ORDER: Final[tuple[Band, ...]] = ("low", "medium", "high", "critical")
_MARK: Final = re.compile(r"\*\*|(?<!\\)`|^- ", re.MULTILINE)
_ESCAPED: Final = re.compile(r"\\(?=[^A-Za-z0-9\s])")


class Findings:
    """What one connected CLI was told of each thread."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[Band, Json]] = {}

    def of(self, threads: Iterable[Thread], *, anew: bool = False) -> list[Json]:
        """The threads as diagnostics; with `anew` as they stand now, else in the words in which they were told before.

        A thread that has become graver is told as it is: that is news. Resolved and outdated ones are none, nor are a
        model's comments: they came of a review that a person asked for, not of an edit, and rest on words of the diff.
        """
        found = []
        for thread in threads:
            if thread.state != "open" or thread.anchor.outdated or thread.origin == "review":
                continue
            known = self._told.get(thread.id)
            if anew or known is None or _ORDER.index(thread.band) > _ORDER.index(known[0]):
                known = self._told[thread.id] = thread.band, diagnostic(thread)
            found.append(known[1])
        return found

    def keep(self, threads: Iterable[Thread]) -> None:
        """Forget all but these threads."""
        ids = {thread.id for thread in threads}
        self._told = {id_: told for id_, told in self._told.items() if id_ in ids}


def diagnostic(thread: Thread) -> Json:
    """One thread as the CLI takes a diagnostic; lines count from 0, the end is the start of the line behind."""
    anchor = thread.anchor
    kind = next((tag.partition(":")[0] for tag in thread.tags if tag.startswith(("hazard:", "notice:"))), CODE.lower())
    return {
        "message": f"{kind}: {_plain(thread)}",
        "severity": _SEVERITY[thread.band],
        "range": {
            "start": {"line": max(0, anchor.start - 1), "character": 0},
            "end": {"line": max(0, anchor.end - 1), "character": len(anchor.text[-1]) if anchor.text else 0},
        },
        "source": SOURCE,
        "code": kind.upper(),
    }


def _plain(thread: Thread) -> str:
    """The thread's first comment in plain words on one line."""
    body = thread.comments[0].body if thread.comments else thread.title
    return " ".join(_ESCAPED.sub("", _MARK.sub("", body)).split())
