"""Which threads there are after another look, told as small stories: who says what, what is edited, what remains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.compare import compare
from sidecar.core.review import Anchor, Comment, Finding, HunkRisk, LineRisk, Reason, RiskReport, Suggestion, Thread
from sidecar.review.anchor import make
from sidecar.review.places import BUDGET, LONGEST, Manners, candidates
from sidecar.review.silence import dismissal
from sidecar.review.threads import Look, reconcile

TEXT = [f"line {n} of the file" for n in range(1, 41)]


def risk(start: int, end: int, score: float = 0.3, file: str = "a.py") -> HunkRisk:
    lines = tuple(LineRisk(n, score / 2) for n in range(start, end + 1))
    return HunkRisk(file, start, end, score, lines, (Reason("here", 1, 0.3, f"because of {start}"),))


def report(*hunks: HunkRisk, score: float = 0.4, band: str = "high") -> RiskReport:
    return RiskReport(score, band, -1.0, "m@1", hunks=hunks)


class Story:
    """One file (or more) looked at again and again."""

    def __init__(self) -> None:
        self.threads: tuple[Thread, ...] = ()
        self.texts: dict[str, Sequence[str] | None] = {}
        self.now = 100.0
        self._ids = (f"id{n}" for n in count())

    def look(self, found: RiskReport | None, lines=TEXT, *, known=True, renames=None, **others) -> tuple[Thread, ...]:
        texts = {"a.py": lines, **{name.replace("_", "."): text for name, text in others.items()}}
        edits = {
            path: compare(self.texts[path], text)
            for path, text in texts.items()
            if known and text is not None and self.texts.get(path) is not None
        }
        self.now += 1
        self.threads = reconcile(
            self.threads, Look(found, texts, self.now, edits, renames or {}), lambda: next(self._ids)
        )
        self.texts = texts
        return self.threads

    def only(self) -> Thread:
        (thread,) = self.threads
        return thread

    def change(self, **changes) -> None:
        self.threads = (replace(self.only(), **changes),)

    def say(self, text: str = "why?") -> None:
        self.change(comments=(*self.only().comments, Comment("u", "user", text, self.now)))


@pytest.fixture
def story() -> Story:
    return Story()


def place(thread: Thread) -> tuple[int, int]:
    return thread.anchor.start, thread.anchor.end


def test_a_risky_place_gets_a_thread(story):
    (thread,) = story.look(report(risk(5, 7)))
    assert thread.anchor == make("a.py", TEXT, 5, 7)
    assert (thread.state, thread.band, thread.score, thread.title) == ("open", "high", 0.3, "High risk")
    assert (thread.created, thread.updated, thread.origin) == (101.0, 101.0, "risk")
    (comment,) = thread.comments
    assert comment.author == "sidecar"
    assert "because of 5" in comment.body
    assert comment.id != thread.id


@pytest.mark.parametrize("found", [None, report(), report(risk(5, 7), band="low")])
def test_no_risk_no_word(found, story):
    assert story.look(found) == ()


def test_the_same_look_again_changes_nothing(story):
    before = story.look(report(risk(5, 7), risk(20, 22, 0.25)))
    after = story.look(report(risk(5, 7), risk(20, 22, 0.25)))
    assert all(one is other for one, other in zip(before, after, strict=True))


def test_a_thread_moves_with_its_lines(story):
    story.look(report(risk(5, 7)))
    story.look(report(risk(7, 9)), ["new", "new", *TEXT])
    assert place(story.only()) == (7, 9)
    assert len(story.only().comments) == 1


def test_an_edit_of_the_lines_keeps_the_thread_and_repeats_nothing(story):
    story.look(report(risk(5, 7)))
    first = story.only()
    edited = [*TEXT[:5], "something else", "and more", *TEXT[6:]]
    story.look(report(risk(5, 8)), edited)
    thread = story.only()
    assert (thread.id, place(thread), thread.comments) == (first.id, (5, 8), first.comments)
    assert thread.anchor.text == tuple(edited[4:8])


def test_lines_taken_away_close_their_thread(story):
    story.look(report(risk(5, 7)))
    assert story.look(report(risk(30, 30, 0.01), score=0.3), TEXT[:4] + TEXT[7:]) != ()
    assert all(thread.anchor.start == 30 for thread in story.threads)


def test_the_end_of_the_change_closes_threads(story):
    story.look(report(risk(5, 7)))
    assert story.look(None) == ()


def test_a_change_that_is_no_longer_risky_closes_threads(story):
    story.look(report(risk(5, 7)))
    assert story.look(report(risk(5, 7, 0.02), score=0.05, band="low")) == ()


def test_a_place_that_no_longer_stands_out_keeps_the_thread_that_it_has(story):
    story.look(report(risk(5, 7)))
    story.look(report(risk(5, 7, 0.02), risk(30, 31, 0.35)))
    assert sorted(place(thread) for thread in story.threads) == [(5, 7), (30, 31)]


def test_what_was_resolved_stays_resolved(story):
    story.look(report(risk(5, 7)))
    story.change(state="resolved")
    resolved = story.only()
    for _ in range(3):
        story.look(report(risk(5, 7, 0.39), band="critical"))
    assert story.only() is resolved
    story.look(report(risk(6, 8)), ["new", *TEXT])
    assert (story.only().state, place(story.only())) == ("resolved", (6, 8))


def test_an_edit_that_makes_it_worse_opens_it_again(story):
    story.look(report(risk(5, 7), band="medium", score=0.2))
    story.change(state="resolved")
    edited = [*TEXT[:5], "something else", *TEXT[6:]]
    story.look(report(risk(5, 7), band="medium", score=0.2), edited)
    assert story.only().state == "resolved", "not worse"
    again = [*TEXT[:5], "something worse", *TEXT[6:]]
    story.look(report(risk(5, 7), band="critical", score=0.7), again)
    assert (story.only().state, story.only().band, len(story.only().comments)) == ("open", "critical", 1)


def test_what_the_user_wrote_is_never_thrown_away(story):
    story.look(report(risk(5, 7)))
    story.say()
    said = story.only()
    story.look(report(risk(5, 7)), None)
    lost = story.only()
    assert (lost.state, lost.anchor.outdated, lost.comments) == ("resolved", True, said.comments)
    story.look(None, [])
    assert story.only().anchor.outdated
    story.look(None, TEXT)
    assert (story.only().anchor.outdated, place(story.only())) == (False, (5, 7)), "found again when the text is back"


def test_a_conversation_stays_when_its_lines_are_committed(story):
    story.look(report(risk(5, 7)))
    story.say()
    story.look(None)
    assert (story.only().state, story.only().anchor.outdated) == ("open", False)


def test_threads_of_users_and_reviews_are_not_judged_by_risk(story):
    mine = Thread("m", make("a.py", TEXT, 3, 3), "open", 0.0, "low", (), created=1, updated=1, origin="review")
    story.threads = (mine,)
    story.look(None)
    assert story.only() is mine
    story.look(report(risk(5, 7)))
    assert story.only() is mine, "one thread for one place"


def test_a_renamed_file_takes_its_threads_along(story):
    story.look(report(risk(5, 7)))
    first = story.only()
    story.look(report(risk(6, 8, file="b.py")), None, renames={"a.py": "b.py"}, b_py=["new", *TEXT])
    thread = story.only()
    assert (thread.id, thread.anchor.path, place(thread)) == (first.id, "b.py", (6, 8))


def test_a_file_that_was_not_looked_at_keeps_its_threads(story):
    story.look(report(risk(5, 7)))
    story.threads += (Thread("o", Anchor("other.py", 1, 1, ("x",)), "open", 0.3, "high", (), 1, 1, origin="review"),)
    assert "o" in {thread.id for thread in story.look(report(risk(5, 7)))}


def test_at_most_a_few_comments_the_riskiest_first(story):
    far = [risk(n * 5, n * 5, 0.2 + n / 100) for n in range(1, 9)]
    threads = story.look(report(*far))
    assert len(threads) == BUDGET
    assert [place(thread)[0] for thread in threads] == [40, 35, 30, 25, 20]
    story.look(report(*far))
    assert len(story.threads) == BUDGET, "looking again brings no more"


def test_neighbouring_places_share_a_comment(story):
    story.look(report(risk(5, 6), risk(8, 9, 0.25), risk(10, 10, 0.26), risk(20, 20, 0.2)))
    assert [place(thread) for thread in story.threads] == [(5, 6), (10, 10), (20, 20)]


def test_places_far_below_the_riskiest_get_no_comment():
    found = candidates(report(risk(5, 5, 0.4), risk(15, 15, 0.15), risk(25, 25, 0.05)))
    assert [(candidate.start, candidate.band) for candidate in found] == [(5, "high"), (15, "medium")]


def test_in_a_change_of_some_risk_only_what_carries_it():
    found = candidates(report(risk(5, 5, 0.08), risk(15, 15, 0.07), score=0.2, band="medium"))
    assert [candidate.start for candidate in found] == [5]


def test_a_long_hunk_is_pointed_at_where_the_risk_is():
    lines = tuple(LineRisk(n, 0.3 if n in {30, 32} else 0.01) for n in range(1, 41))
    (candidate,) = candidates(report(HunkRisk("a.py", 1, 40, 0.35, lines)))
    assert candidate.start <= 30
    assert candidate.end >= 32
    assert candidate.end - candidate.start < LONGEST


def test_a_new_score_is_told_in_the_same_comment(story):
    story.look(report(risk(5, 7)))
    first = story.only()
    story.look(report(risk(5, 7)))
    assert story.only() is first, "the same score is not told twice"
    story.look(report(risk(5, 7), score=0.44))
    assert "about 44 of 100" in story.only().comments[0].body, "all threads of a change tell the same score of it"
    story.look(report(risk(5, 7, 0.5), score=0.6, band="critical"))
    thread = story.only()
    assert (thread.id, thread.score, thread.band, thread.title) == (first.id, 0.5, "critical", "Very high risk")
    assert [comment.id for comment in thread.comments] == [comment.id for comment in first.comments]
    assert "about 60 of 100" in thread.comments[0].body


def test_a_risk_in_a_file_that_cannot_be_read_has_no_place(story):
    assert story.look(report(risk(5, 7)), None) == ()
    assert story.look(report(risk(5, 7)), []) == ()


STEP = st.tuples(
    st.lists(st.integers(0, 30), max_size=4),
    st.integers(0, 3),
    st.sampled_from(["low", "medium", "high", None]),
    st.booleans(),
)


@given(st.lists(STEP, max_size=8), st.booleans())
def test_whatever_happens_the_rules_hold(steps, known):
    story = Story()
    lines = list(TEXT[:20])
    for number, (starts, cut, band, talk) in enumerate(steps):
        del lines[number : number + cut]
        lines[number:number] = [f"new {number} {n}" for n in range(len(starts))]
        hunks = [risk(start, min(start + 1, len(lines))) for start in starts if 1 <= start <= len(lines)]
        before = {thread.id: thread for thread in story.threads}
        story.look(None if band is None else report(*hunks, band=band), list(lines), known=known)
        ids = [thread.id for thread in story.threads]
        assert len(ids) == len(set(ids))
        assert sum(not thread.anchor.outdated for thread in story.threads) <= BUDGET
        for id_, thread in before.items():
            if any(comment.author == "user" for comment in thread.comments):
                now = next(t for t in story.threads if t.id == id_)
                assert now.comments[1:] == thread.comments[1:]
        for thread in story.threads:
            if thread.anchor.outdated:
                assert thread.state == "resolved"
            else:
                assert tuple(lines[thread.anchor.start - 1 : thread.anchor.end]) == thread.anchor.text
        if talk and len(story.threads) == 1:
            story.say()


# ── findings ────────────────────────────────────────────────────────────────────────────────────────
def hazard(start: int, rule: str = "secret", file: str = "a.py") -> Finding:
    return Finding(rule, file, start, start, "danger", "a thing", f"This is {rule}.", "It matters.", "Do that.")


def notice(start: int) -> Finding:
    return replace(hazard(start, "copy"), severity="notice", hazard=False)


def with_findings(found: RiskReport, *findings: Finding) -> RiskReport:
    return replace(found, findings=findings)


def test_a_hazard_has_a_thread_with_its_own_words(story):
    (thread,) = story.look(with_findings(report(band="low"), hazard(5)))
    assert (thread.title, thread.band, thread.score) == ("Hazard: a thing", "critical", 0.0)
    assert thread.tags == ("hazard:secret",)
    assert thread.comments[0].body == "**Hazard: a thing.** This is secret.\n\nIt matters. Do that."


def test_the_same_hazard_again_changes_nothing_and_moves_with_its_line(story):
    story.look(with_findings(report(risk(20, 22)), hazard(5)))
    before = story.threads
    story.look(with_findings(report(risk(20, 22)), hazard(5)))
    assert all(one is other for one, other in zip(before, story.threads, strict=True))
    story.look(with_findings(report(risk(22, 24)), hazard(7)), ["new", "new", *TEXT])
    assert [(thread.id, place(thread)) for thread in story.threads] == [
        (before[0].id, (7, 7)),
        (before[1].id, (22, 24)),
    ]


def test_a_hazard_that_is_mended_closes_its_thread(story):
    story.look(with_findings(report(risk(20, 22)), hazard(5)))
    mended = [*TEXT[:4], "mended", *TEXT[5:]]
    (thread,) = story.look(report(risk(20, 22), risk(5, 5, 0.01)), mended)
    assert place(thread) == (20, 22)


def test_a_hazard_takes_over_the_thread_that_stands_there_and_gives_it_back(story):
    story.look(report(risk(5, 7)))
    first = story.only()
    story.look(with_findings(report(risk(5, 7)), hazard(6)))
    assert (story.only().id, story.only().title) == (first.id, "Hazard: a thing")
    assert place(story.only()) == (6, 6), "what is said of a line stands on it"
    assert "Changes like this one were repaired later" in story.only().comments[0].body
    story.look(report(risk(5, 7)))
    assert (story.only().id, story.only().title, story.only().tags) == (first.id, "High risk", ())


def test_a_hazard_between_two_threads_is_told_once(story):
    story.look(report(risk(5, 6), risk(12, 13, 0.29)))
    story.look(with_findings(report(risk(5, 6), risk(12, 13, 0.29)), hazard(9)))
    assert [thread.title for thread in story.threads].count("Hazard: a thing") == 1
    assert len(story.threads) == 2


def test_where_there_is_no_room_a_hazard_takes_the_place_of_the_least_risk(story):
    far = [risk(n * 5, n * 5, 0.3 + n / 100) for n in range(1, 6)]
    story.look(report(*far))
    story.look(with_findings(report(*far), hazard(38)))
    assert sorted(place(thread)[0] for thread in story.threads) == [10, 15, 20, 25, 38]
    story.look(with_findings(report(*far), hazard(38)))
    assert sorted(place(thread)[0] for thread in story.threads) == [10, 15, 20, 25, 38], "and nothing comes and goes"


def test_a_hazard_never_takes_the_place_of_words_or_of_another_hazard(story):
    manners = Manners(budget=1)
    looked = Look(with_findings(report(band="low"), hazard(5)), {"a.py": TEXT}, 1.0)
    first = reconcile((), looked, iter("abcd").__next__, manners=manners)
    both = replace(looked, report=with_findings(report(band="low"), hazard(5), hazard(30, "force")))
    assert reconcile(first, both, iter("efgh").__next__, manners=manners) == first


def test_a_resolved_hazard_stays_resolved_and_a_new_one_opens_the_thread(story):
    story.look(with_findings(report(risk(5, 7)), hazard(6)))
    story.change(state="resolved")
    story.look(with_findings(report(risk(5, 7)), hazard(6)))
    assert story.only().state == "resolved"
    story.look(with_findings(report(risk(5, 7)), hazard(6), hazard(7, "force")))
    assert (story.only().state, story.only().tags) == ("open", ("hazard:secret", "hazard:force"))


def test_a_smaller_budget_takes_the_least_needed_back(story):
    far = [risk(n * 5, n * 5, 0.3 + n / 100) for n in range(1, 6)]
    story.look(with_findings(report(*far), hazard(25)))
    looked = Look(with_findings(report(*far), hazard(25)), {"a.py": TEXT}, 9.0)
    left = reconcile(story.threads, looked, iter("xyz").__next__, manners=Manners(budget=2))
    assert sorted(place(thread)[0] for thread in left) == [20, 25]
    assert reconcile((), looked, iter("xyz").__next__, manners=Manners(budget=0)) == ()


def test_a_higher_floor_closes_what_is_below_it(story):
    story.look(report(risk(5, 7), band="medium", score=0.2))
    looked = Look(report(risk(5, 7), band="medium", score=0.2), {"a.py": TEXT}, 9.0)
    assert reconcile(story.threads, looked, iter("xyz").__next__, manners=Manners(floor="high")) == ()


def test_a_notice_is_told_after_the_risks(story):
    threads = story.look(with_findings(report(risk(20, 22)), notice(5)))
    assert [(place(thread), thread.title) for thread in threads] == [
        ((20, 22), "High risk"),
        ((5, 5), "Worth a look: a thing"),
    ]


def test_a_notice_on_risky_lines_is_a_line_more_in_their_comment(story):
    story.look(with_findings(report(risk(20, 22)), notice(21)))
    thread = story.only()
    assert (thread.title, thread.tags, place(thread)) == ("High risk", (), (20, 22))
    assert thread.comments[0].body.endswith("\n\nWorth a look: a thing. Do that.")
    story.look(report(risk(20, 22)))
    assert (story.only().id, "Worth a look" in story.only().comments[0].body) == (thread.id, False)


def test_a_hazard_in_a_file_that_is_not_scored(story):
    (thread,) = story.look(with_findings(report(), hazard(2, file="deploy.sh")), deploy_sh=["a", "b", "c"])
    assert thread.anchor.path == "deploy.sh"


@given(
    st.lists(
        st.tuples(st.lists(st.integers(1, 20), max_size=4), st.lists(st.integers(1, 20), max_size=3), st.booleans()),
        max_size=6,
    ),
    st.integers(0, 5),
)
def test_whatever_is_found_the_budget_holds_and_no_place_is_told_twice(steps, budget):
    threads: tuple[Thread, ...] = ()
    ids = (f"i{n}" for n in count())
    for risks, hazards, talk in steps:
        found = with_findings(report(*(risk(n, n) for n in sorted(set(risks)))), *(hazard(n) for n in hazards))
        threads = reconcile(
            threads, Look(found, {"a.py": TEXT}, 1.0), lambda: next(ids), manners=Manners(budget=budget)
        )
        assert len(threads) <= budget
        places = [place(thread) for thread in threads]
        assert len(set(places)) == len(places)
        told = {thread.anchor.start for thread in threads if thread.tags}
        assert told <= set(hazards)
        if hazards and budget:
            assert told
        if talk and threads:
            threads = (
                replace(threads[0], comments=(*threads[0].comments, Comment("u", "user", "?", 1.0))),
                *threads[1:],
            )
            break


def test_a_dismissed_risk_is_silent_with_the_notice_beside_it(story):
    (thread,) = story.look(with_findings(report(risk(20, 22)), notice(21)))
    made = dismissal(thread, "lines", "known", "d", 1.0)
    looked = Look(with_findings(report(risk(20, 22)), notice(21)), {"a.py": TEXT}, 2.0, dismissals=(made,))
    assert reconcile(story.threads, looked, iter("xyz").__next__) == ()


def test_a_comment_offers_the_mend_of_its_finding_as_long_as_there_is_one(story):
    lines = ["def f():", "    breakpoint()", "    return 1"]
    found = with_findings(report(), hazard(2, "debugger"))
    (thread,) = story.look(found, lines)
    assert thread.comments[0].suggestion == Suggestion(("    breakpoint()",), ())
    assert thread.comments[0].body.endswith("Suggested: take the line out.")
    story.look(found, [*lines[:2], "y = f()"])
    (alone,) = story.threads
    assert alone.id == thread.id
    assert alone.comments[0].suggestion is None
    assert "Suggested" not in alone.comments[0].body


def test_what_is_put_in_is_shown_as_it_is(story):
    lines = ['rm -rf "$OUT/`x`"']
    (thread,) = story.look(with_findings(report(), hazard(1, "force", "a.sh")), a_sh=lines)
    assert thread.comments[0].suggestion == Suggestion((lines[0],), ('rm -rf "${OUT:?}/`x`"',))
    assert thread.comments[0].body.endswith('Suggested in its place:\n\n```sh\nrm -rf "${OUT:?}/`x`"\n```')


def test_a_risk_with_a_finding_beside_it_offers_nothing(story):
    (thread,) = story.look(with_findings(report(risk(20, 22)), notice(21)))
    assert thread.comments[0].suggestion is None
