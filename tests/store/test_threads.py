"""Threads come back as they went in, whatever text and names they hold."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.review import Anchor, Comment, Evidence, Suggestion, Thread
from sidecar.store.database import Database
from sidecar.store.threads import ThreadStore
from tests.explore import share

REPO = "/ada/repo"
TEXT = st.text(st.characters(), max_size=20)
LINES = st.lists(TEXT, max_size=3).map(tuple)
THREADS = st.builds(
    Thread,
    id=st.uuids().map(str),
    anchor=st.builds(
        Anchor, path=TEXT, start=st.integers(1, 10**6), end=st.integers(1, 10**6), text=st.lists(TEXT, max_size=3).map(tuple),
        before=st.lists(TEXT, max_size=3).map(tuple), after=st.lists(TEXT, max_size=3).map(tuple), outdated=st.booleans(),
    ),
    state=st.sampled_from(["open", "resolved"]),
    score=st.floats(0, 1),
    band=st.sampled_from(["low", "medium", "high", "critical"]),
    comments=st.lists(
        st.builds(Comment, id=TEXT, author=st.sampled_from(["sidecar", "user", "model"]), body=TEXT, created=st.floats(0, 1e10), name=TEXT,
                  partial=st.booleans(),
                  suggestion=st.none() | st.builds(Suggestion, LINES, LINES),
                  evidence=st.lists(st.builds(Evidence, st.sampled_from(["commit", "file", "function", "test"]), TEXT, TEXT, st.integers(0, 99)), max_size=2).map(tuple)),
        max_size=3,
    ).map(tuple),
    created=st.floats(0, 1e10),
    updated=st.floats(0, 1e10),
    revision=st.integers(0, 10**9),
    title=TEXT,
    origin=st.sampled_from(["risk", "user", "review"]),
    tags=st.lists(TEXT, max_size=2).map(tuple),
    kind=TEXT,
)  # fmt: skip


def thread(id_: str = "t", **changes) -> Thread:
    anchor = Anchor("a.py", 3, 4, ("x", "y"), ("b",), ("a",))
    first = Comment("c", "sidecar", "look", 1.0)
    return dataclasses.replace(Thread(id_, anchor, "open", 0.3, "high", (first,), created=1.0, updated=2.0), **changes)


@pytest.fixture
async def database():
    opened = await Database.open(None)
    yield opened
    await opened.aclose()


@given(st.lists(THREADS, max_size=4, unique_by=lambda t: t.id))
@share(50)
async def test_threads_come_back_as_they_went_in(threads):
    database = await Database.open(None)
    store = ThreadStore(database)
    await store.save(REPO, threads)
    assert await store.all(REPO) == tuple(sorted(threads, key=lambda t: (t.created, t.id)))
    await database.aclose()


async def test_names_that_are_no_utf8_are_kept(database):
    store = ThreadStore(database)
    odd = thread(anchor=Anchor("\udcff.py", 1, 1, ("\udc80",)))
    await store.save("/\udcff", [odd])
    assert await store.all("/\udcff") == (odd,)
    assert await store.all("/\ufffd") == ()


async def test_repositories_do_not_mix(database):
    store = ThreadStore(database)
    await store.save("/a", [thread(title="of a")], revision=3)
    await store.save("/b", [thread(title="of b")], revision=9)
    assert [t.title for t in await store.all("/a")] == ["of a"]
    assert (await store.revision("/a"), await store.revision("/b"), await store.revision("/c")) == (3, 9, 0)


async def test_a_thread_is_replaced_and_forgotten(database):
    store = ThreadStore(database)
    await store.save(REPO, [thread("1"), thread("2"), thread("3")], revision=1)
    await store.save(REPO, [thread("1", state="resolved")], removed=["2", "never there"], revision=2)
    await store.delete(REPO, ["3"])
    assert await store.all(REPO) == (thread("1", state="resolved"),)


async def test_a_revision_never_goes_back(database):
    store = ThreadStore(database)
    await store.save(REPO, [], revision=5)
    await store.save(REPO, [], revision=2)
    assert await store.revision(REPO) == 5


@pytest.mark.parametrize(
    "document",
    [
        "",
        "[]",
        "{}",
        "null",
        '"x"',
        '{"anchor": null}',
        '{"anchor": {}, "comments": []}',
        '{"anchor": {"text": 1}, "comments": 1}',
    ],
)
async def test_what_cannot_be_understood_is_passed_over_and_kept(document, database):
    store = ThreadStore(database)
    await store.save(REPO, [thread("good")])
    await database.write(lambda c: c.execute("INSERT INTO threads VALUES (?, 'bad', ?)", (REPO.encode(), document)))
    assert await store.all(REPO) == (thread("good"),)
    assert await database.read(lambda c: c.execute("SELECT count(*) FROM threads").fetchone()) == (2,)


async def test_fields_of_a_later_version_do_no_harm(database):
    store = ThreadStore(database)
    data = dataclasses.asdict(thread("later")) | {"mood": "new"}
    data["anchor"]["column"] = 3
    data["comments"][0]["likes"] = 2
    del data["tags"]
    await database.write(
        lambda c: c.execute("INSERT INTO threads VALUES (?, 'later', ?)", (REPO.encode(), json.dumps(data)))
    )
    assert await store.all(REPO) == (thread("later"),)


async def test_the_reason_is_the_databases(database):
    assert ThreadStore(database).reason == database.reason == ""


async def test_what_is_resolved_in_any_view_of_a_repository_is_told_with_the_view(database):
    store = ThreadStore(database)
    done = {name: dataclasses.replace(thread(name), state="resolved") for name in ("a", "b", "c", "d")}
    opened = dataclasses.replace(thread("e"), comments=(Comment("c", "user", '"state":"resolved"', 1.0),), state="open")
    repo = "/ada/\udcff"
    await store.save(repo, [done["a"], opened])
    await store.save(f"{repo}\nstaged", [done["b"]])
    await store.save(f"{repo}\ncommit abc", [done["c"]])
    await store.save(f"{repo}2", [done["d"]])
    found = await store.resolved(repo)
    assert set(found) == {(repo, done["a"]), (f"{repo}\nstaged", done["b"]), (f"{repo}\ncommit abc", done["c"])}
