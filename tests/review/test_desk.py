"""The desk over real repositories and a real store: looks, listeners, restarts, scopes, failures."""

from __future__ import annotations

import asyncio

import pytest

from sidecar.core.errors import BadInput, GitError, NotSupported, StoreError
from sidecar.core.ports import Desk, ReviewState
from sidecar.core.review import Scope
from sidecar.review.opening import open_desk
from sidecar.review.reply import ReplyWriter
from sidecar.review.scorer import RiskScorer
from sidecar.vcs.runner import Git
from tests.fakes.repository import Repository
from tests.review.desks import CHANGED, TEXT, World, places


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


async def test_an_edit_of_commented_lines_leaves_the_comment_where_a_copy_of_them_stands_elsewhere(world):
    part = "def part(item):\n    if risky(item):\n        item = compute(item)[0]\n    return item\n"
    edited = part.replace("if risky(item)", "if risky(item) or late")
    rows = [f"row {n % 10}\n" for n in range(30)]
    world.repository.commit("Rows", {"a.py": "".join(rows)})
    desk = await world.desk()
    world.write(a_py="".join([*rows[:9], part, *rows[9:19], part, *rows[19:]]))
    before = await desk.refresh()
    assert places(before) == [("a.py", 10, 13), ("a.py", 24, 27)]
    world.write(a_py="".join([*rows[:9], edited, *rows[9:19], part, *rows[19:]]))
    after = await desk.refresh()
    assert places(after) == places(before)
    assert [one.id for one in after.threads] == [one.id for one in before.threads]


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
