"""Threads over what people do with a repository: renames, commits, branches, stashes, restarts in the middle; and many of them."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sidecar.core.ports import ReviewState
from sidecar.core.review import Thread
from sidecar.review.desk import ReviewDesk
from tests.explore import share
from tests.fakes.repository import Repository
from tests.review.desks import CHANGED, TEXT, World, places

HERE = [("a.py", 10, 10), ("a.py", 20, 20)]


async def looked(world: World, desk: ReviewDesk, *, restart: bool) -> ReviewDesk:
    """The desk after a look, or a new one after a restart that forgot what was seen."""
    if restart:
        desk = await world.desk()
    await desk.refresh()
    return desk


async def begun(world: World):
    """A change with two threads: in the first the user spoke, the second is resolved."""
    desk = await world.desk()
    world.write(a_py=CHANGED)
    first, second = (await desk.refresh()).threads
    await desk.reply(first.id, "why?")
    await desk.set_state(second.id, "resolved")
    return desk, first.id, second.id


def stands(desk: ReviewDesk) -> dict[str, tuple[str, int, str, bool]]:
    return {
        thread.id: (thread.anchor.path, thread.anchor.start, thread.state, thread.anchor.outdated)
        for thread in desk.state().threads
    }


@pytest.mark.parametrize("restart", [False, True])
async def test_a_stash_and_back(world, restart):
    desk, first, second = await begun(world)
    world.repository.git("stash")
    desk = await looked(world, desk, restart=restart)
    assert stands(desk) == {first: ("a.py", 10, "open", False)}, "the line in the place of the one that was put aside"
    world.repository.git("stash", "pop")
    desk = await looked(world, desk, restart=restart)
    assert stands(desk) == {first: ("a.py", 10, "open", False), second: ("a.py", 20, "resolved", False)}


@pytest.mark.parametrize("restart", [False, True])
async def test_another_branch_and_back(world, restart):
    """The work is committed on a side branch, then its files are looked at elsewhere, and here again."""
    world.repository.git("branch", "elsewhere")
    world.repository.git("checkout", "-q", "elsewhere")
    world.repository.commit("other", {"a.py": "".join(f"{n}\n" for n in range(90))})
    world.repository.git("checkout", "-q", "main")
    desk, first, second = await begun(world)
    world.repository.commit("work")
    desk = await looked(world, desk, restart=restart)
    assert stands(desk) == {first: ("a.py", 10, "open", False)}
    world.repository.git("checkout", "-q", "elsewhere")
    desk = await looked(world, desk, restart=restart)
    assert stands(desk) == {first: ("a.py", 10, "resolved", True)}
    world.repository.git("checkout", "-q", "main")
    desk = await looked(world, desk, restart=restart)
    assert stands(desk) == {first: ("a.py", 10, "open", False)}
    world.repository.git("reset", "-q", "--soft", "HEAD~1")
    desk = await looked(world, desk, restart=restart)
    assert stands(desk) == {first: ("a.py", 10, "open", False), second: ("a.py", 20, "resolved", False)}


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("committed", [False, True])
async def test_a_renamed_file(world, restart, committed):
    desk, first, _ = await begun(world)
    world.repository.git("mv", "a.py", "src.py")
    if committed:
        world.repository.commit("rename and work")
    desk = await looked(world, desk, restart=restart)
    assert stands(desk)[first] == ("src.py", 10, "open", False)
    world.write(src_py="above\n" + CHANGED)
    desk = await looked(world, desk, restart=restart)
    assert stands(desk)[first] == ("src.py", 11, "open", False)


async def test_a_file_renamed_on_another_branch(world):
    """There under the other name, back under the old one."""
    desk, first, _ = await begun(world)
    world.repository.commit("work")
    world.repository.git("checkout", "-q", "-b", "side")
    world.repository.git("mv", "a.py", "side.py")
    world.repository.commit("rename")
    await desk.refresh()
    assert stands(desk)[first] == ("side.py", 10, "open", False)
    world.repository.git("checkout", "-q", "main")
    await desk.refresh()
    assert stands(desk)[first] == ("a.py", 10, "open", False)


@pytest.mark.parametrize("restart", [False, True])
async def test_a_stretch_moved_within_the_file(world, restart):
    desk, first, second = await begun(world)
    lines = CHANGED.splitlines(keepends=True)
    world.write(a_py="".join([*lines[15:], *lines[:15]]))
    desk = await looked(world, desk, restart=restart)
    assert stands(desk)[first] == ("a.py", 25, "open", False)
    assert stands(desk)[second] == ("a.py", 5, "resolved", False)


async def test_what_the_user_said_of_a_lost_thread_holds(world):
    """Text that comes back opens only what its loss had closed."""
    desk, first, _ = await begun(world)
    world.write(a_py=CHANGED.replace("risky 10\n", ""))
    await desk.refresh()
    assert stands(desk)[first] == ("a.py", 10, "resolved", True)
    await desk.set_state(first, "open")
    assert stands(desk)[first] == ("a.py", 10, "open", True)
    await desk.set_state(first, "resolved")
    world.write(a_py=CHANGED)
    await desk.refresh()
    assert stands(desk)[first] == ("a.py", 10, "resolved", False)


async def test_lines_edited_while_their_thread_slept_are_spoken_of_again(world):
    desk, _, second = await begun(world)
    world.repository.commit("work")
    await desk.refresh()
    assert second not in stands(desk)
    world.write(a_py=CHANGED.replace("risky 20\n", "very risky 20\n"))
    (fresh,) = [thread for thread in (await desk.refresh()).threads if thread.anchor.start == 20]
    assert (fresh.state, fresh.id == second) == ("open", False)


async def test_a_sleeping_thread_is_told_as_gone_and_comes_back_as_it_was(world):
    desk, _, second = await begun(world)
    before = desk.state().revision
    world.repository.git("stash")
    await desk.refresh()
    assert second in desk.state(before).removed
    with pytest.raises(Exception, match="no thread"):
        await desk.set_state(second, "open")
    world.repository.git("stash", "pop")
    now = desk.state().revision
    await desk.refresh()
    assert second in {thread.id for thread in desk.state(now).threads}


async def test_two_hundred_threads(world, monkeypatch, record_property):
    """Each is followed through an edit above all of them, and back after a restart; the time is written down."""
    text = "".join(f"line {n}\n" for n in range(2_000))
    world.repository.commit("long", {"a.py": text})
    world.write(a_py="".join(f"risky {n}\n" if n % 10 == 5 else f"line {n}\n" for n in range(2_000)))
    desk = await world.desk()
    monkeypatch.setattr("sidecar.review.desk.reconcile", many)
    state = await desk.refresh()
    assert len(state.threads) == 200
    world.write(a_py="above\n" + world.repository.path("a.py").read_text())
    begun = time.perf_counter()
    moved = await desk.refresh()
    took = time.perf_counter() - begun
    record_property("seconds", round(took, 3))
    print(f"200 threads followed in {took:.3f} s")
    assert places(moved) == [(path, start + 1, end + 1) for path, start, end in places(state)]
    assert {thread.id for thread in moved.threads} == {thread.id for thread in state.threads}
    again = await looked(world, desk, restart=True)
    assert places(again.state()) == places(moved)


def many(threads, look, new_id, manners):
    """As the desk does it, with room for all."""
    from sidecar.review.threads import reconcile

    return reconcile(threads, look, new_id, manners=replace(manners, budget=200))


async def test_lines_put_aside_by_hand_and_back_open_their_thread_again(world):
    desk, first, _ = await begun(world)
    world.write(a_py=CHANGED.replace("risky 10\n", ""))
    await desk.refresh()
    assert stands(desk)[first] == ("a.py", 10, "resolved", True)
    world.write(a_py=CHANGED)
    await desk.refresh()
    assert stands(desk)[first] == ("a.py", 10, "open", False)


class Client:
    """What somebody shows who was given everything once, and since then only what changed."""

    def __init__(self) -> None:
        self.shown: dict[str, Thread] = {}
        self.revision = 0

    def hear(self, told: ReviewState) -> None:
        if told.full:
            self.shown.clear()
        for id_ in told.removed:
            self.shown.pop(id_, None)
        self.shown |= {thread.id: thread for thread in told.threads}
        self.revision = told.revision


LINE = st.integers(0, 29)
WORK = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["risky", "plain", "insert", "delete", "reply", "resolve", "dismiss", "open"]), LINE),
        st.tuples(
            st.sampled_from(["empty", "rename", "commit", "stash", "pop", "restart", "look", "pull"]), st.just(0)
        ),
    ),
    min_size=3,
    max_size=12,
)


@share(8)
@given(work=WORK)
@example(work=[("resolve", 1), ("pull", 0), ("commit", 0), ("look", 0), ("pull", 0), ("restart", 0)])
@example(work=[("delete", 9), ("look", 0), ("pull", 0), ("empty", 0), ("look", 0), ("pull", 0)])
async def test_whatever_is_done_who_hears_what_changed_knows_all_and_no_word_is_lost(tmp_path_factory, work):
    base = tmp_path_factory.mktemp("work")
    world = World(Repository.create(base / "repo", {"a.py": TEXT}), base / "state" / "sidecar.db")
    desk, hearing, pulling, said = await world.desk(), Client(), Client(), set()
    desk.subscribe(hearing.hear)
    for act, at in [("risky", 9), ("risky", 19), ("look", 0), ("reply", 0), *work, ("look", 0)]:
        if act == "restart":
            await desk.refresh()
            before = desk.state()
            desk = await world.desk()
            desk.subscribe(hearing.hear)
            assert [(t.id, t.state, t.anchor, t.comments) for t in (await desk.refresh()).threads] == [
                (t.id, t.state, t.anchor, t.comments) for t in before.threads
            ]
            hearing.hear(desk.state())
        elif act == "look":
            await desk.refresh()
        elif act == "pull":
            pulling.hear(desk.state(pulling.revision))
            assert pulling.shown == {thread.id: thread for thread in desk.state().threads}
        elif act in {"reply", "resolve", "dismiss", "open"}:
            said |= await speak(desk, act, at)
        else:
            edit(world.repository, act, at)
        state = desk.state()
        assert hearing.shown == {thread.id: thread for thread in state.threads}
        assert [each.id for each in state.threads] == list(dict.fromkeys(each.id for each in state.threads))
        words = {comment.body for thread in desk._threads.values() for comment in thread.comments}
        words |= {comment.body for each in await desk.dismissals() for comment in each.thread.comments}
        assert said <= words
    assert world.database is not None
    await world.database.aclose()


async def speak(desk: ReviewDesk, act: str, at: int) -> set[str]:
    """Do something about one of the threads; what the user said by that."""
    threads = desk.state().threads
    if not threads:
        return set()
    thread = threads[at % len(threads)]
    if act == "reply":
        await desk.reply(thread.id, f"why {thread.id}?")
        return {f"why {thread.id}?"}
    if act == "dismiss":
        await desk.dismiss(thread.id, "no", "lines")
    else:
        await desk.set_state(thread.id, "resolved" if act == "resolve" else "open")
    return set()


def edit(repository: Repository, act: str, at: int) -> None:
    """Something that people do with the file, under the name that it has now."""
    name = next((name for name in ("a.py", "b.py") if repository.path(name).exists()), "a.py")
    file = repository.path(name)
    lines = file.read_text().splitlines() if file.exists() else []
    if act == "rename" and file.exists():
        repository.git("mv", "-f", name, "b.py" if name == "a.py" else "a.py")
    elif act == "commit":
        repository.git("commit", "--quiet", "--all", "--allow-empty", "--message", "work")
    elif act == "stash":
        repository.git("stash", "--quiet")
    elif act == "pop" and repository.git("stash", "list") and not repository.git("status", "--porcelain"):
        repository.git("stash", "pop", "--quiet")
    elif act in {"risky", "plain", "insert", "delete", "empty"}:
        if act == "insert" or at >= len(lines):
            lines.insert(at, f"new {len(lines)}")
        elif act == "delete":
            del lines[at]
        else:
            lines[at] = f"{'risky' if act == 'risky' else 'line'} {at + 1}"
        file.write_text("" if act == "empty" else "".join(f"{line}\n" for line in lines))
