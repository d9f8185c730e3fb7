"""What is done about a desk's threads: dismissing, handing over, staging, reverting, suggestions."""

from __future__ import annotations

import pytest

from sidecar.core.errors import Conflict, NotFound
from sidecar.core.review import Anchor, LineEdit, Staging, Suggestion, Thread
from sidecar.review.scorer import RiskScorer
from sidecar.vcs.runner import Git
from tests.fakes.provider import FakeProvider, says
from tests.review.desks import CHANGED, TEXT, places


async def test_a_dismissed_place_stays_silent_for_good(world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    first, second = (await desk.refresh()).threads
    made = await desk.dismiss(first.id, "known, and tested", "lines")
    assert (made.kind, made.reason, made.thread) == ("risk", "known, and tested", first)
    assert world.heard[-1].removed == (first.id,)
    world.write(a_py="new\n" + CHANGED)
    desk = await world.desk()  # a restart
    state = await desk.refresh()
    assert [thread.id for thread in state.threads] == [second.id]
    assert [each.id for each in await desk.dismissals()] == [made.id]
    with pytest.raises(NotFound):
        await desk.dismiss(first.id, "again", "lines")


async def test_a_dismissal_of_a_file_closes_what_nobody_spoke_in(world):
    desk = await world.desk()
    world.write(a_py=CHANGED, b_py="risky\n", c_txt="risky\n")
    threads = (await desk.refresh()).threads
    assert [thread.anchor.path for thread in threads] == ["a.py", "a.py", "b.py", "c.txt"]
    await desk.reply(threads[1].id, "why?")
    await desk.dismiss(threads[0].id, "ours to risk", "file")
    assert places(desk.state()) == [("a.py", 20, 20), ("b.py", 1, 1), ("c.txt", 1, 1)]
    world.write(a_py=CHANGED.replace("line 28\n", "risky 28\n"))
    assert places(await desk.refresh()) == [("a.py", 20, 20), ("b.py", 1, 1), ("c.txt", 1, 1)]
    await desk.dismiss(threads[2].id, "ours to risk", "folder")
    assert places(desk.state()) == [("a.py", 20, 20), ("c.txt", 1, 1)]


async def test_undoing_a_dismissal_brings_the_thread_back_with_its_words(world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    first = (await desk.refresh()).threads[0]
    talked = await desk.reply(first.id, "why?")
    made = await desk.dismiss(first.id, "no", "file")
    assert desk.state().threads == ()
    world.write(a_py="new\nnewer\n" + CHANGED)
    await desk.refresh()
    assert await desk.undismiss(made.id) == made
    state = desk.state()
    assert places(state) == [("a.py", 12, 12), ("a.py", 22, 22)]
    assert [comment.body for comment in state.threads[0].comments[1:]] == [c.body for c in talked.comments[1:]]
    assert await desk.dismissals() == ()
    with pytest.raises(NotFound, match="no dismissal"):
        await desk.undismiss(made.id)


async def test_a_proposal_is_not_spoken_of_where_that_was_dismissed(world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    first = (await desk.refresh()).threads[0]
    proposed = CHANGED.replace("line 25\n", "risky 25\n")
    assert len(await desk.foresee("a.py", proposed)) == 1
    await desk.dismiss(first.id, "no", "file")
    assert await desk.foresee("a.py", proposed) == ()


async def test_a_thread_is_handed_over_with_its_lines_as_they_are(world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    thread = (await desk.refresh()).threads[0]
    world.write(a_py=CHANGED.replace("line 11\n", "line eleven\n"))
    assert "   11  line eleven\n" in await desk.handover(thread.id)
    with pytest.raises(NotFound):
        await desk.handover("gone")


async def test_a_threads_hunk_is_staged_and_taken_back(world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    first, second = (await desk.refresh()).threads
    assert await desk.stage(first.id) == Staging(1)
    assert world.repository.git("cat-file", "blob", ":a.py") + "\n" == TEXT.replace("line 10\n", "risky 10\n")
    assert await desk.revert(second.id, "mine\n" + CHANGED) == (LineEdit(21, 1, ("line 20",)),)
    assert (await desk.refresh()).threads == (first, second), "nothing of it is done but what was asked for"
    with pytest.raises(Conflict, match="staged already"):
        await desk.stage(first.id)
    for act in (desk.stage("gone"), desk.revert("gone", ""), desk.suggested("gone", "c", "")):
        with pytest.raises(NotFound):
            await act


async def test_a_models_suggestion_is_kept_for_the_lines_that_it_saw(world):
    world.provider = FakeProvider(says("Rather:\n\n```suggestion\nsafe 10\n```"))
    desk = await world.desk()
    world.write(a_py=CHANGED)
    thread = (await desk.refresh()).threads[0]
    comment = (await desk.reply(thread.id, "mend it")).comments[-1]
    assert await desk.suggested(thread.id, comment.id, CHANGED) == LineEdit(10, 1, ("safe 10",))
    changed = CHANGED.replace("risky 10\n", "risky indeed 10\n")
    world.write(a_py=changed)
    assert places(await desk.refresh())[0] == ("a.py", 10, 10)
    with pytest.raises(Conflict, match="ask for another"):
        await desk.suggested(thread.id, comment.id, changed)


async def test_threads_of_others_are_kept_told_and_put_once(world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    standing = (await desk.refresh()).threads

    def make(threads):
        assert threads[:2] == standing
        return [Thread("t1", Anchor("a.py", 15, 15, ("line 15",)), "open", 0.0, "high", (), 1.0, 1.0, origin="review")]

    (added,) = await desk.suggest(make)
    assert added.revision == 2
    assert [thread.id for thread in world.heard[-1].threads] == ["t1"]
    count = len(world.heard)
    assert (await (await world.desk()).suggest(lambda threads: [t for t in threads if t.id == "t1"])) == ()
    assert len(world.heard) == count


async def test_the_mend_of_a_finding_is_an_edit_of_the_text_in_the_editor(world):
    desk = await world.desk()
    desk._scorer = RiskScorer(await Git.open(world.repository.root))
    text = "def f():\n    breakpoint()\n    return 1\n"
    world.write(b_py=text)
    (thread,) = (await desk.refresh()).threads
    named = thread.id, thread.comments[0].id
    assert await desk.suggested(*named, text) == LineEdit(2, 1, ())
    assert await desk.suggested(*named, f"import os\n{text}") == LineEdit(3, 1, ())
    with pytest.raises(Conflict):
        await desk.suggested(*named, text.replace("breakpoint()", "breakpoint(2)"))
    again = await world.desk()
    again._scorer = desk._scorer
    (kept,) = (await again.refresh()).threads
    assert (kept.id, kept.comments[0].suggestion) == (thread.id, Suggestion(("    breakpoint()",), ()))
    world.write(b_py=text.replace("    breakpoint()\n", ""))
    assert (await again.refresh()).threads == ()
