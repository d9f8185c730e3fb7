"""Which threads a change has, after another look: kept, moved, closed, opened. Pure.

The rules, in short: silence below the floor; a few comments a change, one for a place; an edit moves or closes a
comment and never repeats it; what was resolved stays resolved; what the user wrote is never thrown away. A plain
hazard is told before all risks, and takes the place of the least of them where there is no room.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sidecar.core.diff import Hunk
from sidecar.core.review import Anchor, Comment, Dismissal, RiskReport, Suggestion, Thread
from sidecar.review import words
from sidecar.review.anchor import edited, find, make
from sidecar.review.places import BANDS, MANNERS, Candidate, Manners, near, nearest, reaches, rules, tag, worth_saying
from sidecar.review.silence import kind_of, renamed, silenced
from sidecar.risk.hazards.rules import mended

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


@dataclass(frozen=True, slots=True)
class Look:
    """What a look at the change found.

    `texts` holds the new lines of every file that was looked at (None: gone or unreadable). `edits` leads,
    by path, from the text of the last look to this one, where that is known. `renames` leads from old paths to new.
    `seen` are the texts that the edits begin with: an anchor that does not stand there is looked for by its content.
    `dismissals` stand where their lines are now. `hunks` are those of the change, by path, as far as they are told.
    """

    report: RiskReport | None
    texts: Mapping[str, Sequence[str] | None]
    now: float
    edits: Mapping[str, Sequence[Hunk]] = field(default_factory=dict)
    renames: Mapping[str, str] = field(default_factory=dict)
    seen: Mapping[str, Sequence[str]] = field(default_factory=dict)
    dismissals: Sequence[Dismissal] = ()
    hunks: Mapping[str, Sequence[Hunk]] = field(default_factory=dict)


def reconcile(
    threads: Sequence[Thread], look: Look, new_id: Callable[[], str], *, manners: Manners = MANNERS
) -> tuple[Thread, ...]:
    """The threads that there are now; those that are not among them are closed for good.

    An unchanged thread is the same object as before. `new_id` names new threads and comments.
    """
    found = _wanted(look, manners)
    placed = [_Placed(old, *_placed(old.anchor, look)) for old in threads]
    taken_by = _claims(placed, found)
    kept = [thread for one in placed if (thread := _again(one, look, _for(one, found, taken_by), manners)) is not None]
    for _ in range(-_room(kept, manners)):
        _drop(kept)
    for candidate in found:
        lines = look.texts.get(candidate.file)
        taken = [thread.anchor.place for thread in _awake(kept)]
        if look.report is None or not lines or any(near(candidate.place, other) for other in taken):
            continue
        if _room(kept, manners) > 0 or (candidate.hazard and manners.budget and _drop(kept)):
            kept.append(_opened(candidate, look.report, look, new_id))
    return _bounded(kept, look.now)


def losing(threads: Iterable[Thread], found: Iterable[Thread]) -> set[str]:
    """The files in which a look would close threads, put them to sleep, or miss their text."""
    after = {thread.id: _held(thread) for thread in found}
    return {thread.anchor.path for thread in threads if after.get(thread.id, -1) < _held(thread)}


def _held(thread: Thread) -> int:
    return 1 if ASLEEP in thread.tags or LOST in thread.tags else 2


@dataclass(frozen=True, slots=True)
class _Placed:
    """A thread of the last look, where its lines stand now, and whether these were edited."""

    thread: Thread
    anchor: Anchor
    altered: bool

    @property
    def place(self) -> tuple[str, int, int]:
        return self.anchor.place


def _claims(placed: Sequence[_Placed], found: Sequence[Candidate]) -> dict[int, str]:
    """For each place of a finding (by its index) the thread that tells of it: the nearest, so that none is told twice."""
    awake = (one for one in placed if ASLEEP not in one.thread.tags)
    own = [one for one in awake if one.thread.origin == "risk" and not one.anchor.outdated]
    claims: dict[int, str] = {}
    for at, candidate in enumerate(found):
        which = nearest(candidate.place, [one.place for one in own]) if candidate.found else None
        if which is not None:
            claims[at] = own[which].thread.id
    return claims


def _for(one: _Placed, found: Sequence[Candidate], taken_by: Mapping[int, str]) -> list[Candidate]:
    """The places that a thread may tell of, its own findings before all."""
    mine = [candidate for at, candidate in enumerate(found) if taken_by.get(at) == one.thread.id]
    return [*mine, *(candidate for at, candidate in enumerate(found) if at not in taken_by)]


def _room(threads: Sequence[Thread], manners: Manners) -> int:
    """How many comments more there may be; below 0 when the user wants fewer than there are."""
    return manners.budget - sum(thread.origin == "risk" and not thread.anchor.outdated for thread in _awake(threads))


def _drop(threads: list[Thread]) -> bool:
    """Take back the comment that is needed least: of no hazard, without a word of the user's; whether there was one."""
    spare = [one for one in _awake(threads) if one.origin == "risk" and not talked(one) and not _hazards(one.tags)]
    if not spare:
        return False
    threads.remove(min(spare, key=lambda one: (one.state == "open", one.score, -one.created)))
    return True


def _awake(threads: Iterable[Thread]) -> list[Thread]:
    return [thread for thread in threads if ASLEEP not in thread.tags]


def _hazards(tags: Iterable[str]) -> set[str]:
    return {tag for tag in tags if tag.startswith("hazard:")}


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


def _wanted(look: Look, manners: Manners) -> list[Candidate]:
    """The places worth a comment, without what was dismissed there: the risk, or what a rule found."""
    report = look.report
    if report is not None and look.dismissals:
        heard = (f for f in report.findings if not silenced(tag(f), (f.file, f.start, f.end), look.dismissals))
        report = replace(report, findings=tuple(heard))
    found = worth_saying(report, manners)
    return [one for one in found if one.found or not silenced("risk", one.place, look.dismissals)]


def _again(one: _Placed, look: Look, found: Sequence[Candidate], manners: Manners) -> Thread | None:
    """A thread of the last look as it stands now, or None when it is closed."""
    old, anchor = one.thread, one.anchor
    if one.altered and old.origin == "review":
        anchor = replace(old.anchor, outdated=True)  # what was said of a text says nothing of another
    thread = old if anchor == old.anchor else old.moved(anchor)
    if ASLEEP in old.tags:
        return _woken(thread, look, altered=one.altered)
    if anchor.outdated:
        return _lost(thread, look.now) if talked(thread) else _rest(old)
    if LOST in thread.tags:
        thread = replace(_without(thread, LOST), state="open")
    return _judged(thread, one, look, found, manners)


def _judged(thread: Thread, one: _Placed, look: Look, found: Sequence[Candidate], manners: Manners) -> Thread | None:
    """A thread at its place, by what the change risks there now."""
    if not talked(thread) and silenced(kind_of(thread), one.place, look.dismissals):
        return None
    if thread.origin != "risk":
        return thread
    report = look.report
    match = next((candidate for candidate in found if near(one.place, candidate.place)), None)
    if report is not None and match is not None:
        lines = look.texts.get(match.file)
        if match.found and lines and one.place != match.place:
            # What is said of a line stands on that line, even where a risk beside it had the comment before.
            thread = thread.moved(make(match.file, lines, match.start, match.end))
        return _rescored(thread, match, report, look, altered=one.altered)
    # A hunk that no longer stands out keeps the comment that it has: comments that come and go are worse than none.
    risky = report is not None and reaches(report.band, manners.floor) and reaches(thread.band, manners.floor)
    risky = risky and any(near(one.place, (h.file, h.start, h.end)) for h in (report.hunks if report else ()))
    if (risky and not rules(thread.tags)) or talked(thread):
        return thread
    # lines that were put back (by a stash, say) are not those that the thread was about
    return _rest(one.thread.moved(replace(one.thread.anchor, outdated=True)) if one.altered else thread)


def _rest(thread: Thread) -> Thread | None:
    """A thread that is not to be shown any more: what the user resolved sleeps, the rest is closed."""
    return replace(thread, tags=(*thread.tags, ASLEEP)) if thread.state == "resolved" else None


def _woken(thread: Thread, look: Look, *, altered: bool) -> Thread | None:
    """A sleeping thread, awake if the change has its lines as they were; forgotten if they were edited meanwhile."""
    if altered:
        return None
    anchor = thread.anchor
    report = look.report
    places = [(h.file, h.start, h.end) for h in report.hunks] if report else []
    places += [(f.file, f.start, f.end) for f in report.findings] if report else []
    inside = any(path == anchor.path and start <= anchor.start and anchor.end <= end for path, start, end in places)
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


def _rescored(thread: Thread, match: Candidate, report: RiskReport, look: Look, *, altered: bool) -> Thread:
    """The thread with today's score. What was resolved is opened again by an edit that made it worse, and by a new hazard."""
    worse = altered and BANDS.index(match.band) > BANDS.index(thread.band)
    if thread.state == "resolved" and not worse and not _hazards(match.tags) - _hazards(thread.tags):
        return thread
    comments = thread.comments
    if comments and comments[0].author == "sidecar":
        comments = (_said(comments[0], match, report, look), *comments[1:])
    same = match.band == thread.band and abs(match.score - thread.score) < _MOVED and match.tags == rules(thread.tags)
    if same and thread.state == "open" and comments == thread.comments:
        return thread
    return replace(
        thread,
        state="open",
        score=match.score,
        band=match.band,
        title=_title(match),
        comments=comments,
        updated=look.now,
        tags=match.tags,
    )


def _opened(candidate: Candidate, report: RiskReport, look: Look, new_id: Callable[[], str]) -> Thread:
    return Thread(
        id=new_id(),
        anchor=make(candidate.file, look.texts.get(candidate.file) or (), candidate.start, candidate.end),
        state="open",
        score=candidate.score,
        band=candidate.band,
        comments=(_said(Comment(new_id(), "sidecar", "", look.now), candidate, report, look),),
        created=look.now,
        updated=look.now,
        title=_title(candidate),
        tags=candidate.tags,
    )


def _title(candidate: Candidate) -> str:
    return words.head(candidate.findings[0]) if candidate.found else words.title(candidate.band)


def _said(first: Comment, candidate: Candidate, report: RiskReport, look: Look) -> Comment:
    """A place's first comment, with what it rests on and how its finding would be mended."""
    evidence = words.evidence(candidate.hunk, report) if candidate.hunk else ()
    lines, hunks = look.texts.get(candidate.file) or (), look.hunks.get(candidate.file, ())
    mend = mended(candidate.findings[0], lines, hunks) if candidate.found else None
    return replace(first, body=_body(candidate, report, mend), evidence=evidence, suggestion=mend)


def _body(candidate: Candidate, report: RiskReport, mend: Suggestion | None) -> str:
    hunk = candidate.hunk
    if candidate.found or hunk is None:
        return words.found(candidate.findings, words.placed(hunk, report) if hunk else "", mend)
    return "\n\n".join([words.comment(hunk, report, candidate.band), *words.beside(candidate.findings)])
