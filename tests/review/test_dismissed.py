"""Dismissals of one repository: made with a reason, bounded, followed, kept even where the store is lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sidecar.core.compare import compare
from sidecar.core.errors import BadInput, NotFound
from sidecar.core.review import Thread
from sidecar.review import dismissed as room
from sidecar.review.anchor import make
from sidecar.review.dismissed import Dismissed
from sidecar.review.threads import Look
from sidecar.store.database import Database
from sidecar.store.dismissals import DismissalStore

TEXT = [f"line {n}" for n in range(1, 31)]


def thread(start: int = 10, end: int = 11) -> Thread:
    return Thread("t", make("a.py", TEXT, start, end), "open", 0.4, "high", (), 1.0, 1.0)


@pytest.fixture
async def database():
    made = await Database.open(None)
    yield made
    await made.aclose()


def kept(database) -> Dismissed:
    return Dismissed(DismissalStore(database), "/r", lambda: 7.0)


def look(lines, edits=None, **more) -> Look:
    return Look(None, {"a.py": lines, **more}, 8.0, {"a.py": edits} if edits else {})


@pytest.mark.parametrize(("reason", "told"), [("", "needs a reason"), (" \n ", "needs a reason"), ("x" * 501, "500")])
async def test_a_reason_is_asked_for(database, reason, told) -> None:
    with pytest.raises(BadInput, match=told):
        await kept(database).add(thread(), reason, "file")


async def test_made_listed_undone_and_all_of_it_kept(database) -> None:
    first = await kept(database).add(thread(), "  generated\n code ", "file")
    assert (first.reason, first.pattern, first.created) == ("generated code", "a.py", 7.0)
    again = kept(database)
    assert again.all() == ()
    await again.load()
    assert again.all() == (first,)
    assert await again.take(first.id) == first
    with pytest.raises(NotFound, match="undone before"):
        await again.take(first.id)
    await again.load()
    assert again.all() == ()


async def test_the_oldest_give_way(database, monkeypatch) -> None:
    monkeypatch.setattr(room, "MOST_KEPT", 2)
    now = iter((1.0, 2.0, 3.0))
    desk = Dismissed(DismissalStore(database), "/r", lambda: next(now))
    for _ in range(3):
        await desk.add(thread(), "why", "lines")
    assert [each.created for each in desk.all()] == [3.0, 2.0]
    await desk.load()
    assert [each.created for each in desk.all()] == [3.0, 2.0]


async def test_dismissed_lines_are_followed(database) -> None:
    desk = kept(database)
    await desk.add(thread(), "why", "lines")
    assert desk.paths() == {"a.py"}
    moved = ["new", *TEXT]
    now, strayed = desk.follow(look(moved, compare(TEXT, moved)))
    assert [(each.thread.anchor.start, each.thread.anchor.outdated) for each in now] == [(11, False)]
    await desk.note(strayed)
    await desk.load()
    assert desk.all() == now
    assert desk.follow(look(moved)) == (now, [])


async def test_lines_that_were_edited_are_others(database) -> None:
    desk = kept(database)
    await desk.add(thread(), "why", "lines")
    other = [*TEXT[:9], "line 10, other", *TEXT[10:]]
    (now,), _ = desk.follow(look(other, compare(TEXT, other)))
    assert now.thread.anchor.outdated
    (back,), _ = desk.follow(look(TEXT))
    assert (back.thread.anchor.start, back.thread.anchor.outdated) == (10, False)


@pytest.mark.parametrize("scope", ["lines", "file"])
async def test_a_renamed_file_takes_its_dismissals_along(database, scope) -> None:
    desk = kept(database)
    await desk.add(thread(), "why", scope)
    renamed = replace(look(None, **{"b.py": TEXT}), renames={"a.py": "b.py"})
    (now,), strayed = desk.follow(renamed)
    assert (now.pattern, now.thread.anchor.path) == ("b.py", "b.py")
    assert strayed == [now]


async def test_a_lost_store_does_not_end_the_review() -> None:
    lost = await Database.open(None)
    desk = kept(lost)
    await lost.aclose()
    made = await desk.add(thread(), "why", "lines")
    assert desk.all() == (made,)
