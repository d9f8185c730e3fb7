"""The desk over real repositories and a real store: looks, replies, listeners, restarts, failures."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sidecar.core.errors import (
    BadInput,
    Conflict,
    GitError,
    NotFound,
    NotSupported,
    StoreError,
    UpstreamUnreachable,
)
from sidecar.core.ports import Desk, ReviewState
from sidecar.core.review import Anchor, LineEdit, Scope, Staging, Suggestion, Thread
from sidecar.review.desk import MOST_COMMENT, ReviewDesk
from sidecar.review.dismissed import Dismissed
from sidecar.review.opening import open_desk
from sidecar.review.reply import ReplyWriter
from sidecar.review.scorer import RiskScorer
from sidecar.review.settled import Keeping
from sidecar.store.database import Database
from sidecar.store.dismissals import DismissalStore
from sidecar.store.threads import ThreadStore
from sidecar.vcs.runner import Git
from tests.fakes.provider import FakeProvider, fails, says, streams
from tests.fakes.repository import Repository
from tests.fakes.scorer import WordScorer

TEXT = "".join(f"line {n}\n" for n in range(1, 31))
CHANGED = TEXT.replace("line 10\n", "risky 10\n").replace("line 20\n", "risky 20\n")


class World:
    """A repository, a database file, and desks over both."""

    def __init__(self, repository: Repository, path: Path) -> None:
        self.repository = repository
        self.path = path
        self.scorer = WordScorer()
        self.provider = FakeProvider(says("Because."))
        self.heard: list[ReviewState] = []
        self.database: Database | None = None

    async def desk(self) -> ReviewDesk:
        """A new desk, as after a restart."""
        if self.database is not None:
            await self.database.aclose()
        self.database = await Database.open(self.path)
        git = await Git.open(self.repository.root)
        dismissed = Dismissed(DismissalStore(self.database), str(git.root), time.time)
        keeping = Keeping(ThreadStore(self.database), dismissed)
        desk = ReviewDesk(git, keeping, self.scorer, ReplyWriter(self.provider))
        desk.subscribe(self.heard.append)
        return desk

    def write(self, **files: str | bytes | None) -> None:
        self.repository.write({name.replace("_", "."): content for name, content in files.items()})


@pytest.fixture
async def world(tmp_path) -> AsyncIterator[World]:
    made = World(Repository.create(tmp_path / "repo", {"a.py": TEXT}), tmp_path / "state" / "sidecar.db")
    yield made
    if made.database is not None:
        await made.database.aclose()


def places(state: ReviewState) -> list[tuple[str, int, int]]:
    return [(thread.anchor.path, thread.anchor.start, thread.anchor.end) for thread in state.threads]


async def test_a_desk_is_what_the_editors_door_needs(world):
    desk: Desk = await world.desk()
    assert desk.root == str(world.repository.root.resolve())
    assert desk.state() == ReviewState(0, ())


async def test_a_risky_change_gets_threads_and_listeners_hear(world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    state = await desk.refresh()
    assert places(state) == [("a.py", 10, 10), ("a.py", 20, 20)]
    assert (state.revision, state.full) == (1, True)
    assert state.report is not None
    assert state.report.band == "high"
    (delta,) = world.heard
    assert (delta.revision, delta.full, delta.threads) == (1, False, state.threads)


async def test_looking_again_without_a_change_tells_nobody(world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    first = await desk.refresh()
    second = await desk.refresh({"a.py"})
    assert second.threads == first.threads
    assert second.revision == first.revision
    assert len(world.heard) == 1


async def test_no_change_no_report(world):
    desk = await world.desk()
    assert (await desk.refresh()) == ReviewState(0, ())
    assert world.heard == []
    assert world.scorer.scored == []


async def test_an_edit_moves_closes_and_opens(world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    before = await desk.refresh()
    edited = "new\n" + CHANGED.replace("risky 10\n", "line 10\n").replace("line 29\n", "risky 29\n")
    world.write(a_py=edited)
    after = await desk.refresh()
    assert places(after) == [("a.py", 21, 21), ("a.py", 30, 30)]
    moved, closed = before.threads[1].id, before.threads[0].id
    assert after.threads[0].id == moved
    delta = world.heard[-1]
    assert delta.removed == (closed,)
    assert {thread.id for thread in delta.threads} == {thread.id for thread in after.threads}
    assert all(thread.revision == after.revision for thread in delta.threads)


async def test_committing_ends_the_review(world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    await desk.refresh()
    world.repository.commit("Do it")
    state = await desk.refresh()
    assert (state.threads, state.report) == ((), None)
    assert len(world.heard[-1].removed) == 2


async def test_what_changed_since_a_revision(world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    first = await desk.refresh()
    world.write(a_py=CHANGED.replace("risky 10\n", "line 10\n"))
    second = await desk.refresh()
    delta = desk.state(first.revision)
    assert (delta.full, delta.removed) == (False, (first.threads[0].id,))
    assert delta.threads == ()
    assert desk.state(second.revision) == ReviewState(second.revision, (), (), full=False, report=second.report)
    for odd in (0, -1, second.revision + 1):
        assert desk.state(odd).full


async def test_a_reply_is_shown_before_it_is_answered(world):
    answer = says("Because.")
    answer.before = asyncio.Event()
    world.provider = FakeProvider(answer)
    desk = await world.desk()
    world.write(a_py=CHANGED)
    thread = (await desk.refresh()).threads[0]
    task = asyncio.get_running_loop().create_task(desk.reply(thread.id, "  why?  "))
    exchange = await world.provider.next_exchange()
    shown = world.heard[-1].threads[0]
    assert [(c.author, c.body) for c in shown.comments[1:]] == [("user", "why?")]
    assert "   10  risky 10" in exchange.request.body["messages"][0]["content"]
    answer.before.set()
    answered = await task
    assert [(c.author, c.body, c.name) for c in answered.comments[1:]] == [
        ("user", "why?", ""),
        ("model", "Because.", "fake"),
    ]
    assert world.heard[-1].threads == (answered,)
    assert desk.state().threads[0] == answered
    assert len({comment.id for comment in answered.comments}) == 3


async def test_a_thread_that_moves_while_it_is_answered_keeps_its_place_and_words(world):
    answer = says("Because.")
    answer.before = asyncio.Event()
    world.provider = FakeProvider(answer)
    desk = await world.desk()
    world.write(a_py=CHANGED)
    thread = (await desk.refresh()).threads[0]
    task = asyncio.get_running_loop().create_task(desk.reply(thread.id, "why?"))
    await world.provider.next_exchange()
    world.write(a_py="new\n" + CHANGED)
    await desk.refresh()
    answer.before.set()
    answered = await task
    assert (answered.anchor.start, len(answered.comments)) == (11, 3)


async def test_a_provider_that_fails_loses_nothing(world):
    world.provider = FakeProvider(fails(UpstreamUnreachable("No connection.")))
    desk = await world.desk()
    world.write(a_py=CHANGED)
    thread = (await desk.refresh()).threads[0]
    answered = await desk.reply(thread.id, "why?")
    assert [comment.author for comment in answered.comments] == ["sidecar", "user", "sidecar"]
    assert "No connection." in answered.comments[-1].body


@pytest.mark.parametrize(
    ("body", "said"), [("", "empty"), (" \n\t", "empty"), ("x" * (MOST_COMMENT + 1), "shorten it")]
)
async def test_a_comment_must_say_something(body, said, world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    thread = (await desk.refresh()).threads[0]
    with pytest.raises(BadInput, match=said):
        await desk.reply(thread.id, body)
    assert desk.state().threads[0] == thread


async def test_a_thread_that_is_not_there(world):
    desk = await world.desk()
    with pytest.raises(NotFound, match="no thread 'nope'"):
        await desk.reply("nope", "hello")
    with pytest.raises(NotFound):
        await desk.set_state("nope", "resolved")


async def test_resolving_and_opening_again(world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    thread = (await desk.refresh()).threads[0]
    assert (await desk.set_state(thread.id, "resolved")).state == "resolved"
    told = len(world.heard)
    assert (await desk.set_state(thread.id, "resolved")).state == "resolved"
    assert len(world.heard) == told, "nothing changed, nothing told"
    world.write(a_py="new\n" + CHANGED)
    state = await desk.refresh()
    assert (state.threads[0].state, state.threads[0].anchor.start) == ("resolved", 11)
    assert (await desk.set_state(thread.id, "open")).state == "open"


async def test_everything_outlives_a_restart(world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    before = (await desk.refresh()).threads
    await desk.set_state(before[0].id, "resolved")
    await desk.reply(before[1].id, "why?")
    kept = desk.state()
    world.write(a_py="new\n" + CHANGED)
    again = await world.desk()
    state = await again.refresh()
    assert state.revision > kept.revision
    assert [(t.id, t.state, len(t.comments), t.anchor.start) for t in state.threads] == [
        (before[0].id, "resolved", 1, 11),
        (before[1].id, "open", 3, 21),
    ]
    third = await world.desk()
    assert (await third.reply(before[1].id, "and?")).comments[-1].body == "Because.", "before any look"


async def test_an_old_client_gets_everything_after_a_restart(world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    first = (await desk.refresh()).revision
    world.write(a_py=TEXT.replace("line 10\n", "risky 10\n"))
    await desk.refresh()
    again = await world.desk()
    await again.refresh()
    assert again.state(first).full, "what was closed since is not known any more"


async def test_one_look_runs_and_those_who_ask_meanwhile_share_one(world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    world.scorer.gate = asyncio.Event()
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(desk.refresh())]
    await world.scorer.started.wait()
    world.write(a_py=CHANGED.replace("line 29\n", "risky 29\n"))
    tasks += [loop.create_task(desk.refresh()) for _ in range(10)]
    await asyncio.sleep(0)
    world.scorer.gate.set()
    states = await asyncio.gather(*tasks)
    assert len(world.scorer.scored) == 2
    assert all(len(state.threads) == 3 for state in states[1:])


async def test_a_look_that_is_left_hinders_nobody(world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    world.scorer.gate = asyncio.Event()
    loop = asyncio.get_running_loop()
    left, other = loop.create_task(desk.refresh()), loop.create_task(desk.refresh())
    await world.scorer.started.wait()
    left.cancel()
    world.scorer.gate.set()
    assert len((await other).threads) == 2
    with pytest.raises(asyncio.CancelledError):
        await left


async def test_a_look_that_fails_is_an_error_and_keeps_the_threads(world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    before = await desk.refresh()
    world.scorer.error = GitError("git could not answer: so it goes")
    world.write(a_py=TEXT + "more\n")
    with pytest.raises(GitError, match="so it goes"):
        await desk.refresh()
    assert desk.state() == before
    world.scorer.error = None
    assert (await desk.refresh()).threads == ()


async def test_a_store_that_fails_leaves_the_review_in_memory(world):
    desk = await world.desk()
    await world.database.aclose()
    world.write(a_py=CHANGED)
    state = await desk.refresh()
    assert len(state.threads) == 2
    assert len((await desk.reply(state.threads[0].id, "why?")).comments) == 3
    with pytest.raises(StoreError):
        await world.database.read(lambda _: None)
    world.database = None


async def test_a_listener_that_left_hears_nothing(world):
    desk = await world.desk()
    heard: list[ReviewState] = []
    end = desk.subscribe(heard.append)
    end()
    end()
    world.write(a_py=CHANGED)
    await desk.refresh()
    assert heard == []
    assert len(world.heard) == 1


ODD = {
    "binary": b"\0risky\n",
    "not UTF-8": b"risky \xff\n",
    "CRLF": b"one\r\nrisky\r\n",
    "gone": None,
    "empty": b"",
}


@pytest.mark.parametrize("name", ODD)
async def test_odd_files_are_looked_at_without_a_fault(name, world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    await desk.refresh()
    world.write(a_py=ODD[name])
    state = await desk.refresh()
    for thread in state.threads:
        assert not thread.anchor.outdated
        assert not any(line.endswith("\r") for line in thread.anchor.text)
    assert bool(state.threads) == (name in {"not UTF-8", "CRLF"})


async def test_an_empty_repository_and_a_first_file(tmp_path):
    world = World(Repository.create(tmp_path / "repo"), tmp_path / "state" / "sidecar.db")
    desk = await world.desk()
    assert (await desk.refresh()).threads == ()
    world.write(a_py="one\nrisky\n")
    state = await desk.refresh()
    assert places(state) == [("a.py", 1, 2)]
    await world.database.aclose()


async def test_a_renamed_file_keeps_its_threads(world):
    desk = await world.desk()
    world.write(a_py=CHANGED)
    before = await desk.refresh()
    world.repository.git("mv", "a.py", "b.py")
    after = await desk.refresh()
    assert [thread.id for thread in after.threads] == [thread.id for thread in before.threads]
    assert places(after) == [("b.py", 10, 10), ("b.py", 20, 20)]


async def test_a_revision_of_the_report_alone_is_told(world):
    desk = await world.desk()
    world.write(a_py=TEXT + "calm\n")
    state = await desk.refresh()
    assert (state.threads, state.revision) == ((), 1)
    assert world.heard[-1].report is not None


async def test_a_secret_gets_a_thread_and_goes_nowhere(world, capsys, caplog):
    """What the review keeps, tells and logs of a line with a key has stars in the key's place."""
    key = "ghp_" + "Zq7Rk2Wm9Xv4Bt6Lp1Nd8Hs3Jf5Gc0YaQwEr"
    desk = await world.desk()
    desk._scorer = RiskScorer(desk._git)
    world.write(a_py=TEXT.replace("line 10\n", f'token = "{key}"\n'))
    (thread,) = (await desk.refresh()).threads
    assert (thread.title, thread.anchor.start) == ("Hazard: a secret in the code", 10)
    replied = await desk.reply(thread.id, "Is it?")
    asked = world.provider.exchanges[0].request.body
    assert world.database is not None
    await world.database.aclose()
    world.database = None
    kept = b"".join(path.read_bytes() for path in world.path.parent.iterdir())
    assert b"Hazard" in kept
    assert key.encode() not in kept
    for text in (repr(replied), repr(world.heard), repr(asked), capsys.readouterr().err, caplog.text):
        assert key not in text


async def test_a_secret_that_is_taken_out_closes_its_thread(world):
    desk = await world.desk()
    desk._scorer = RiskScorer(desk._git)
    secret = 'token = "ghp_' + "Zq7Rk2Wm9Xv4Bt6Lp1Nd8Hs3Jf5Gc0YaQwEr" + '"\n'
    world.write(a_py=TEXT.replace("line 10\n", secret))
    (thread,) = (await desk.refresh()).threads
    world.write(a_py="new\n" + TEXT.replace("line 10\n", secret))
    (moved,) = (await desk.refresh()).threads
    assert (moved.id, moved.anchor.start) == (thread.id, 11)
    world.write(a_py=TEXT.replace("line 10\n", 'token = os.environ["TOKEN"]\n'))
    assert (await desk.refresh()).threads == ()


async def test_what_is_typed_is_reviewed_before_it_is_saved(world):
    desk = await world.desk()
    desk.hold("a.py", CHANGED)
    first = await desk.refresh({"a.py"})
    assert places(first) == [("a.py", 10, 10), ("a.py", 20, 20)]
    desk.hold("a.py", "new\n" + CHANGED)
    moved = await desk.refresh({"a.py"})
    assert places(moved) == [("a.py", 11, 11), ("a.py", 21, 21)]
    assert [thread.id for thread in moved.threads] == [thread.id for thread in first.threads]
    world.write(a_py="new\n" + CHANGED)
    desk.hold("a.py", None)
    assert (await desk.refresh()).threads == moved.threads, "saving it changes nothing"
    desk.hold("a.py", TEXT)
    assert (await desk.refresh()).threads == (), "nor does it wait for an undo to be saved"


async def test_a_file_that_is_only_open_hides_nothing_that_is_written_to_it(world):
    """As an assistant does: the editor opened the file, and has not read it again yet."""
    desk = await world.desk()
    desk.hold("a.py", TEXT)
    while desk._buffers._held:
        await asyncio.sleep(0)
    world.write(a_py=CHANGED)
    assert places(await desk.refresh()) == [("a.py", 10, 10), ("a.py", 20, 20)]


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


async def test_each_scope_has_threads_of_its_own(world):
    """What is staged, then edited further: the staged thread stays with its text, and says where that stands in the file."""
    world.write(a_py=CHANGED)
    world.repository.stage()
    await world.desk()  # opens the database
    git = await Git.open(world.repository.root)
    working, close = open_desk(git, world.database, ReplyWriter(world.provider), None)
    working._scorer = world.scorer
    world.write(a_py="above\n" + CHANGED.replace("risky 20\n", "line 20\n"))
    staged = await working.at(Scope("staged"))
    staged._scorer = world.scorer
    assert await working.at(Scope("staged")) is staged
    assert await staged.at(Scope()) is working
    assert places(await working.refresh()) == [("a.py", 11, 11)]
    state = await staged.refresh()
    assert places(state) == [("a.py", 10, 10), ("a.py", 20, 20)]
    assert [thread.standing for thread in state.threads] == [(11, 11), None]
    assert (staged.viewed.title, staged.viewed.new) == ("Staged changes", "index")
    assert [(file.path, len(file.hunks)) for file in staged.outline()] == [("a.py", 2)]
    assert await staged.text("a.py", staged.viewed.new) == CHANGED
    world.write(a_py=CHANGED)
    moved = await staged.refresh()
    assert [thread.standing for thread in moved.threads] == [(10, 10), (20, 20)]
    assert moved.revision == state.revision + 1
    assert {thread.id for thread in moved.threads} == {thread.id for thread in state.threads}
    with pytest.raises(BadInput, match="no commit 'gone'"):
        await working.at(Scope("commit", "gone"))
    commit = await working.at(Scope("commit", "HEAD"))
    assert commit is await working.at(Scope("commit", world.repository.head))
    close()


async def test_a_desk_alone_has_no_other_scopes(world):
    desk = await world.desk()
    with pytest.raises(NotSupported, match="Only this one diff"):
        await desk.at(Scope("staged"))
    assert await desk.at(Scope()) is desk
    assert [choice.scope.kind for choice in await desk.choices()][:3] == ["working", "staged", "branch"]


async def test_an_edit_that_moves_no_thread_is_told_too(world):
    """The counts of lines in an outline are of the newest look."""
    desk = await world.desk()
    world.write(a_py=TEXT + "one\n")
    first = await desk.refresh()
    world.write(a_py=TEXT + "one\ntwo\n")
    assert (await desk.refresh()).revision == first.revision + 1
    assert [(file.path, file.added) for file in desk.outline()] == [("a.py", 2)]


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


async def writing(world, desk, *pieces):
    """A thread in which an answer is being written, the gate that holds it back, and the task that waits for it."""
    gate = asyncio.Event()
    world.provider._answers = [streams(*pieces, gate, " the end.")]
    world.write(a_py=CHANGED)
    thread = (await desk.refresh()).threads[0]
    task = asyncio.get_running_loop().create_task(desk.reply(thread.id, "why?"))
    exchange = await world.provider.next_exchange()
    while not desk.state().threads[0].comments[-1].partial:
        await asyncio.sleep(0)
    return thread, gate, task, exchange


async def test_an_answer_is_shown_while_it_is_written_and_kept_when_it_is_whole(world):
    desk = await world.desk()
    thread, gate, task, _ = await writing(world, desk, "Beca")
    draft = world.heard[-1].threads[0].comments[-1]
    assert (draft.author, draft.body, draft.name, draft.partial) == ("model", "Beca", "fake", True)
    await desk.set_state(thread.id, "open")
    world.write(a_py="new\n" + CHANGED)
    await desk.refresh()  # moves the thread, and stores it
    assert all(not comment.partial for kept in await desk._store.all(desk.root) for comment in kept.comments)
    gate.set()
    done = await task
    assert [(c.id, c.body, c.partial) for c in done.comments[2:]] == [(draft.id, "Beca the end.", False)]
    assert done.anchor.start == 11


async def test_resolving_a_thread_stops_its_answer(world):
    desk = await world.desk()
    thread, _, task, exchange = await writing(world, desk, "Beca")
    await desk.set_state(thread.id, "resolved")
    done = await task
    assert done.state == "resolved"
    assert [(c.body, c.partial) for c in done.comments[2:]] == [("Beca\n\n*Stopped: the thread was resolved.*", False)]
    assert exchange.closed.is_set()


async def test_dismissing_a_thread_stops_its_answer_and_it_stays_away(world):
    desk = await world.desk()
    thread, _, task, exchange = await writing(world, desk, "Beca")
    await desk.dismiss(thread.id, "no", "lines")
    await task
    assert exchange.closed.is_set()
    assert [t.id for t in desk.state().threads].count(thread.id) == 0


async def test_an_editor_that_leaves_ends_the_answer_and_nothing_half_written_is_kept(world):
    desk = await world.desk()
    thread, _, task, exchange = await writing(world, desk, "Beca")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert exchange.closed.is_set()
    assert [comment.author for comment in desk.state().threads[0].comments] == ["sidecar", "user"]
    desk = await world.desk()
    assert [comment.author for comment in (await desk.refresh()).threads[0].comments] == ["sidecar", "user"]
    assert thread.id == desk.state().threads[0].id


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
