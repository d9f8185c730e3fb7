"""A model's comments as threads of the working tree, beside those that stand already. Pure.

A thread is opened only where the text that was reviewed stands in the file now; what was said once at a place is not said
there again, however it was settled. The same comment gets the same id, whoever makes a thread of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from sidecar.core.critique import Remark
from sidecar.core.review import Anchor, Comment, RiskReport, Thread
from sidecar.critique.material import Texts
from sidecar.review.anchor import find, make
from sidecar.review.words import escape, suggested
from sidecar.risk.hazards.secret import STARS

ORIGIN = "review"


def opened(
    remarks: Sequence[Remark], *, seen: Texts, now_there: Texts, report: RiskReport, name: str, now: float
) -> list[Thread]:
    """Threads of all comments. `seen` are the texts that were reviewed, `now_there` the files as they are; `name` speaks."""
    places: dict[tuple[str, int, int], list[Remark]] = {}
    for remark in remarks:
        places.setdefault((remark.file, remark.start, remark.end), []).append(remark)
    threads: dict[str, Thread] = {}
    for (path, start, end), said in places.items():
        then, lines = seen.get(path), now_there.get(path)
        if not then or not lines or start > len(then):
            continue
        anchor = find(make(path, then, start, end), lines) if then != lines else make(path, lines, start, end)
        if not anchor.outdated:
            thread = _thread(anchor, [_fitting(remark, anchor) for remark in said], report, name, now)
            while thread.id in threads:  # the same words about the same text elsewhere in the file
                thread = replace(thread, id=_named(thread.id))
            threads[thread.id] = thread
    return list(threads.values())


def unsaid(threads: Sequence[Thread], standing: Sequence[Thread]) -> list[Thread]:
    """Those of the threads that stand where none of the model's stands yet."""
    taken = [thread.anchor for thread in standing if thread.origin == ORIGIN and not thread.anchor.outdated]
    return [thread for thread in threads if not any(_overlap(thread.anchor, other) for other in taken)]


def _thread(anchor: Anchor, said: Sequence[Remark], report: RiskReport, name: str, now: float) -> Thread:
    first = said[0]
    touched = [
        h.score for h in report.hunks if h.file == anchor.path and h.start <= anchor.end and anchor.start <= h.end
    ]
    bodies = [_body(remark) for remark in said]
    told = "\0".join([ORIGIN, anchor.path, *anchor.text, *bodies])
    ident = _named(told)
    comments = tuple(
        Comment(f"{ident[:28]}{number:04x}", "model", body, now, name, suggestion=remark.suggestion)
        for number, (remark, body) in enumerate(zip(said, bodies, strict=True))
    )
    return Thread(
        id=ident,
        anchor=anchor,
        state="open",
        score=max(touched, default=0.0),
        band=first.severity,
        comments=comments,
        created=now,
        updated=now,
        title=first.title or "Review by the model",
        origin="review",
    )


def _fitting(remark: Remark, anchor: Anchor) -> Remark:
    """The comment without a suggestion for other text than stands there: the model may have seen a line shortened or masked."""
    mend = remark.suggestion
    fits = mend is None or (mend.was == anchor.text and not any(STARS in line for line in mend.was))
    return remark if fits else replace(remark, suggestion=None)


def _named(told: str) -> str:
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _body(remark: Remark) -> str:
    head = f"**{remark.severity.capitalize()}.** {escape(remark.title)}".rstrip(" .")
    return f"{head}.\n\n{with_suggestion(remark)}"


def with_suggestion(remark: Remark) -> str:
    """What the comment says, with the lines that it would put in, unless these stand in it."""
    mend = remark.suggestion
    if mend is None or "\n{}\n".format("\n".join(mend.now)) in remark.body:
        return remark.body
    return f"{remark.body}\n\n{suggested(mend, remark.file)}"


def _overlap(one: Anchor, other: Anchor) -> bool:
    return one.path == other.path and one.start <= other.end and other.start <= one.end
