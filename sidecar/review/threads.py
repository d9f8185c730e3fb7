"""Which threads a change has, after another look: kept, moved, closed, opened. Pure.

The rules, in short: silence below the floor; a few comments a change, one for a place; an edit moves or closes a
comment and never repeats it; what was resolved stays resolved; what the user wrote is never thrown away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sidecar.core.diff import Hunk
from sidecar.core.review import Anchor, Band, Comment, Dismissal, HunkRisk, RiskReport, Thread
from sidecar.review import words
from sidecar.review.anchor import edited, find, make
from sidecar.review.silence import kind_of, near, renamed, silenced

BUDGET = 5
"""Comments that a change gets at most."""

LONGEST = 8
"""Lines that a comment points at, at most: the riskiest of a long stretch."""

_STANDS_OUT = 0.25
"""Share of the riskiest place's score from which another place is worth a comment."""

_MOVED = 0.05
"""Difference from which a comment's score is told anew."""

ASLEEP = "asleep"
"""Tag of a resolved thread that is not shown since its lines are not in the change; it wakes, resolved, when they are again."""

LOST = "lost"
"""Tag of a thread that was resolved only because its text was gone; it opens again when the text comes back."""

MOST_ASLEEP = 200
"""Sleeping threads that are remembered: the newest."""

LONG_ASLEEP = 30 * 86_400.0
"""Seconds after which a sleeping thread is forgotten."""

_BANDS: tuple[Band, ...] = ("low", "medium", "high", "critical")


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at the change found.

    `texts` holds the new lines of every file that was looked at (None: gone or unreadable). `edits` leads,
    by path, from the text of the last look to this one, where that is known. `renames` leads from old paths to new.
    `seen` are the texts that the edits begin with: an anchor that does not stand there is looked for by its content.
    `dismissals` stand where their lines are now.
    """

    report: RiskReport | None
    texts: Mapping[str, Sequence[str] | None]
    now: float
    edits: Mapping[str, Sequence[Hunk]] = field(default_factory=dict)
    renames: Mapping[str, str] = field(default_factory=dict)
    seen: Mapping[str, Sequence[str]] = field(default_factory=dict)
    dismissals: Sequence[Dismissal] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A place that would be worth a comment: the lines to point at, and the hunk that they belong to."""

    hunk: HunkRisk
    start: int
    end: int
    band: Band


def reconcile(
    threads: Sequence[Thread], look: Look, new_id: Callable[[], str], *, budget: int = BUDGET
) -> tuple[Thread, ...]:
    """The threads that there are now; those that are not among them are closed for good.

    An unchanged thread is the same object as before. `new_id` names new threads and comments.
    """
    found = [each for each in candidates(look.report) if not silenced("risk", _place(each), look.dismissals)]
    kept = [thread for old in threads if (thread := _again(old, look, found)) is not None]
    awake = [thread for thread in kept if ASLEEP not in thread.tags]
    taken = [(thread.anchor.path, thread.anchor.start, thread.anchor.end) for thread in awake]
    room = budget - sum(thread.origin == "risk" and not thread.anchor.outdated for thread in awake)
    for candidate in found:
        place = _place(candidate)
        lines = look.texts.get(candidate.hunk.file)
        if room <= 0 or look.report is None or not lines or any(near(place, other) for other in taken):
            continue
        kept.append(_opened(candidate, look.report, lines, look.now, new_id))
        taken.append(place)
        room -= 1
    return _bounded(kept, look.now)


def candidates(report: RiskReport | None) -> list[Candidate]:
    """Places worth a comment, the riskiest first; none in a change of low risk.

    A place with less than half of the change's score counts one band lower than the change; the riskiest never does.
    """
    if report is None or report.band == "low" or not report.hunks:
        return []
    ranked = sorted(report.hunks, key=lambda hunk: (-hunk.score, hunk.file, hunk.start))
    top = ranked[0].score
    found = []
    for hunk in ranked:
        band = report.band if hunk is ranked[0] or 2 * hunk.score >= report.score else _lower(report.band)
        if band != "low" and hunk.score >= _STANDS_OUT * top:
            found.append(Candidate(hunk, *_spot(hunk), band))
    return found


def talked(thread: Thread) -> bool:
    """Whether the user wrote something in it."""
    return thread.origin == "user" or any(comment.author == "user" for comment in thread.comments)


def followed(each: Dismissal, look: Look) -> Dismissal:
    """A dismissal where its lines stand at this look; the same object when nothing moved.

    Lines that were themselves edited are no longer those that were dismissed.
    """
    old = each.thread.anchor
    if each.scope != "lines":
        path = look.renames.get(old.path)
        return each if path is None or look.texts.get(old.path) is not None else renamed(each, path)
    anchor, altered = _placed(old, look)
    anchor = replace(old, outdated=True) if altered else anchor
    if anchor == old:
        return each
    moved = each if anchor.path == old.path else renamed(each, anchor.path)
    return replace(moved, thread=moved.thread.moved(anchor))


def _place(candidate: Candidate) -> tuple[str, int, int]:
    return candidate.hunk.file, candidate.start, candidate.end


def _again(old: Thread, look: Look, found: Sequence[Candidate]) -> Thread | None:
    """A thread of the last look as it stands now, or None when it is closed."""
    anchor, altered = _placed(old.anchor, look)
    thread = old if anchor == old.anchor else old.moved(anchor)
    if ASLEEP in old.tags:
        return _woken(thread, look, altered=altered)
    if anchor.outdated:
        return _lost(thread, look.now) if talked(thread) else _rest(old)
    if LOST in thread.tags:
        thread = replace(_without(thread, LOST), state="open")
    # lines that were put back (by a stash, say) are not those that the thread was about
    before = old.moved(replace(old.anchor, outdated=True)) if altered else thread
    return _judged(thread, look, found, before=before, altered=altered)


def _judged(thread: Thread, look: Look, found: Sequence[Candidate], *, before: Thread, altered: bool) -> Thread | None:
    """A thread at its place, by what the change risks there now; `before` is what sleeps where it is not to be shown."""
    anchor = thread.anchor
    place = (anchor.path, anchor.start, anchor.end)
    if not talked(thread) and silenced(kind_of(thread), place, look.dismissals):
        return None
    if thread.origin != "risk":
        return thread
    report = look.report
    match = next((c for c in found if near(place, _place(c))), None)
    if report is not None and match is not None:
        return _rescored(thread, match, report, look.now, altered=altered)
    # A hunk that no longer stands out keeps the comment that it has: comments that come and go are worse than none.
    changed = report is not None and report.band != "low"
    changed = changed and any(near(place, (h.file, h.start, h.end)) for h in (report.hunks if report else ()))
    return thread if changed or talked(thread) else _rest(before)


def _rest(thread: Thread) -> Thread | None:
    """A thread that is not to be shown any more: what the user resolved sleeps, the rest is closed."""
    return replace(thread, tags=(*thread.tags, ASLEEP)) if thread.state == "resolved" else None


def _woken(thread: Thread, look: Look, *, altered: bool) -> Thread | None:
    """A sleeping thread, awake if the change has its lines as they were; forgotten if they were edited meanwhile."""
    if altered:
        return None
    anchor = thread.anchor
    hunks = look.report.hunks if look.report else ()
    inside = any(h.file == anchor.path and h.start <= anchor.start and anchor.end <= h.end for h in hunks)
    return _without(thread, ASLEEP) if inside and not anchor.outdated else thread


def _bounded(threads: Sequence[Thread], now: float) -> tuple[Thread, ...]:
    """The threads without those that sleep too long, or are too many."""
    asleep = sorted((each for each in threads if ASLEEP in each.tags), key=lambda each: -each.updated)
    gone = {id(each) for each in asleep[MOST_ASLEEP:]}
    gone |= {id(each) for each in asleep if now - each.updated > LONG_ASLEEP}
    return tuple(thread for thread in threads if id(thread) not in gone)


def _without(thread: Thread, tag: str) -> Thread:
    return replace(thread, tags=tuple(each for each in thread.tags if each != tag))


def _placed(anchor: Anchor, look: Look) -> tuple[Anchor, bool]:
    """Where the anchor stands now, and whether its own lines were edited."""
    path = anchor.path
    if path not in look.texts:
        return anchor, False
    if look.texts[path] is None and look.texts.get(look.renames.get(path, "")) is not None:
        path = look.renames[path]
    lines = look.texts[path]
    if lines is None:
        return replace(anchor, outdated=True), False
    known = path == anchor.path and not anchor.outdated and _stood(anchor, look.seen.get(path))
    edits = look.edits.get(path) if known else None
    wanted = anchor if path == anchor.path else replace(anchor, path=path)
    place = find(wanted, lines, edits)
    if not place.outdated or anchor.outdated:
        return place, False
    other = edited(wanted, lines, edits)
    return (place, False) if other is None else (other, True)


def _stood(anchor: Anchor, seen: Sequence[str] | None) -> bool:
    """Whether the anchor stands just so in the text that the edits begin with; yes where that text is not told."""
    return seen is None or anchor == make(anchor.path, seen, anchor.start, anchor.end)


def _lost(thread: Thread, now: float) -> Thread:
    """A thread whose text is gone but whose words are kept."""
    if thread.state == "resolved":
        return thread
    return replace(thread, state="resolved", updated=now, tags=(*_without(thread, LOST).tags, LOST))


def _rescored(thread: Thread, match: Candidate, report: RiskReport, now: float, *, altered: bool) -> Thread:
    """The thread with today's score. What was resolved is opened again only by an edit that made it worse."""
    worse = _BANDS.index(match.band) > _BANDS.index(thread.band)
    if thread.state == "resolved" and not (altered and worse):
        return thread
    comments = thread.comments
    if comments and comments[0].author == "sidecar":
        told = words.evidence(match.hunk, report)
        first = replace(comments[0], body=words.comment(match.hunk, report, match.band), evidence=told)
        comments = (first, *comments[1:])
    same = match.band == thread.band and abs(match.hunk.score - thread.score) < _MOVED
    if same and thread.state == "open" and comments == thread.comments:
        return thread
    return replace(
        thread,
        state="open",
        score=match.hunk.score,
        band=match.band,
        title=words.title(match.band),
        comments=comments,
        updated=now,
    )


def _opened(
    candidate: Candidate, report: RiskReport, lines: Sequence[str], now: float, new_id: Callable[[], str]
) -> Thread:
    hunk, band = candidate.hunk, candidate.band
    body, told = words.comment(hunk, report, band), words.evidence(hunk, report)
    return Thread(
        id=new_id(),
        anchor=make(hunk.file, lines, candidate.start, candidate.end),
        state="open",
        score=hunk.score,
        band=band,
        comments=(Comment(id=new_id(), author="sidecar", body=body, created=now, evidence=told),),
        created=now,
        updated=now,
        title=words.title(band),
    )


def _spot(hunk: HunkRisk) -> tuple[int, int]:
    """The lines of a hunk to point at: all of a short one, else the stretch that holds the most risk."""
    if hunk.end - hunk.start < LONGEST:
        return hunk.start, hunk.end
    risk = {line.line: line.score for line in hunk.lines}
    if not risk:
        return hunk.start, hunk.start + LONGEST - 1
    starts = range(hunk.start, hunk.end - LONGEST + 2)
    best = max(starts, key=lambda start: (sum(risk.get(start + n, 0.0) for n in range(LONGEST)), -start))
    inside = [line for line in range(best, best + LONGEST) if line in risk]
    return inside[0], inside[-1]


def _lower(band: Band) -> Band:
    return _BANDS[max(0, _BANDS.index(band) - 1)]
