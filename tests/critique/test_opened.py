"""Comments as threads: where the text stands, once, with the same id whoever makes them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sidecar.core.critique import Remark
from sidecar.core.review import Suggestion
from sidecar.core.suggestion import suggestion_of
from sidecar.critique.opened import opened, unsaid
from sidecar.risk.hazards.secret import STARS
from tests.critique.making import scored

LINES = [f"line {n}" for n in range(1, 41)]
SEEN = {"a.py": LINES}


def remark(line=10, title="Unchecked", **more) -> Remark:
    return Remark(more.pop("file", "a.py"), line, more.pop("end", line), "high", title, "Check it.", **more)


def made(*remarks, standing=(), there=None, seen=None):
    threads = opened(
        remarks, seen=seen or SEEN, now_there={"a.py": LINES} if there is None else there,
        report=scored(("a.py", 9, 12, 0.4)), name="databricks", now=5.0,
    )  # fmt: skip
    return unsaid(threads, standing)


def test_a_thread_says_who_how_grave_and_what():
    (thread,) = made(remark(end=11))
    assert (thread.anchor.start, thread.anchor.end, thread.anchor.text) == (10, 11, ("line 10", "line 11"))
    assert (thread.origin, thread.band, thread.score, thread.title) == ("review", "high", 0.4, "Unchecked")
    (comment,) = thread.comments
    assert (comment.author, comment.name) == ("model", "databricks")
    assert comment.body == "**High.** Unchecked.\n\nCheck it."


def test_two_comments_on_the_same_lines_are_one_thread():
    (thread,) = made(remark(), remark(title="And more"))
    assert [comment.body.split("\n")[0] for comment in thread.comments] == [
        "**High.** Unchecked.",
        "**High.** And more.",
    ]
    assert len({comment.id for comment in thread.comments}) == 2


def test_the_same_review_again_brings_the_same_ids_and_no_thread():
    first = made(remark(), remark(20))
    assert [thread.id for thread in made(remark(), remark(20))] == [thread.id for thread in first]
    assert made(remark(), remark(20), standing=first) == []
    settled = [replace(thread, state="resolved") for thread in first]
    assert made(remark(), remark(title="Said otherwise"), standing=settled) == []
    gone = [replace(thread, anchor=replace(thread.anchor, outdated=True)) for thread in first]
    assert len(made(remark(), standing=gone)) == 1
    of_risk = [replace(thread, origin="risk") for thread in first]
    assert len(made(remark(), standing=of_risk)) == 1


def test_a_thread_stands_where_the_text_is_now_or_not_at_all():
    (moved,) = made(remark(), there={"a.py": ["new", "new", *LINES]})
    assert moved.anchor.start == 12
    assert made(remark(), there={"a.py": ["other"] * 40}) == []
    assert made(remark(), there={"a.py": None}) == []
    assert made(remark(file="b.py")) == []
    assert made(remark(line=99)) == []


def test_lines_without_a_score_have_none():
    (thread,) = made(remark(30))
    assert thread.score == 0.0


def test_the_same_words_about_the_same_text_at_two_places_are_two_threads():
    text = {"a.py": ["a", "same", "b", "same"]}
    threads = made(remark(2), remark(4), seen=text, there=text)
    assert [thread.anchor.start for thread in threads] == [2, 4]
    assert len({thread.id for thread in threads}) == 2
    assert [thread.id for thread in made(remark(2), remark(4), seen=text, there=text)] == [t.id for t in threads]


def test_a_suggestion_comes_with_its_comment_and_can_be_seen():
    mend = Suggestion(("line 10",), ("ten", "eleven"))
    (thread,) = made(remark(suggestion=mend), remark(title="And more"), there={"a.py": ["new", *LINES]})
    first, second = thread.comments
    assert (first.suggestion, second.suggestion) == (mend, None)
    assert first.body.endswith("Check it.\n\nSuggested in its place:\n\n```py\nten\neleven\n```")
    assert "Suggested" not in second.body
    assert suggestion_of(thread, first) == mend


@pytest.mark.parametrize("was", [("line 10 …",), ("line 10", "line 11"), (f"key = {STARS}",)])
def test_a_suggestion_for_other_text_than_stands_there_is_left_out(was):
    text = {"a.py": [*LINES[:9], was[0], *LINES[10:]] if STARS in was[0] else LINES}
    (thread,) = made(remark(suggestion=Suggestion(was, ("ten",))), seen=text, there=text)
    (comment,) = thread.comments
    assert comment.suggestion is None
    assert comment.body == "**High.** Unchecked.\n\nCheck it."
