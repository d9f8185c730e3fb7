"""Which events matter, and that looks are taken one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from pathlib import PurePosixPath

import pytest
from lsprotocol import types

from sidecar.core.errors import GitTimeout
from sidecar.editor import documents
from sidecar.editor.documents import MANY, Refresher, touched, watch_request
from sidecar.editor.places import Places

PLACES = Places(PurePosixPath("/r"), PurePosixPath("/r"))


@pytest.mark.parametrize(
    ("paths", "wanted"),
    [
        (["/r/a.py", "/r/sub/b.py"], {"a.py", "sub/b.py"}),
        (["/r/a.py", "/r/.git/index"], None),
        (["/r/.git/HEAD"], None),
        (["/r/.git/logs/HEAD"], None),
        (["/r/.git/index.lock", "/r/.git/objects/aa/bb", "/r/sub/.git/index"], set()),
        (["/elsewhere/a.py", "/r2/a.py"], set()),
        ([], set()),
        ([f"/r/{number}" for number in range(MANY)], {str(number) for number in range(MANY)}),
        ([f"/r/{number}" for number in range(MANY + 1)], None),
    ],
)
def test_which_events_matter(paths: list[str], wanted: set[str] | None) -> None:
    assert touched([f"file://{path}" for path in paths], PLACES) == wanted


class Looking:
    """A look that ends when the test says so."""

    def __init__(self) -> None:
        self.looks: list[Collection[str] | None] = []
        self.faults: list[Exception] = []
        self.fault: Exception | None = None
        self.begun = asyncio.Event()
        self.end = asyncio.Event()

    async def __call__(self, paths: Collection[str] | None) -> None:
        self.looks.append(paths)
        self.begun.set()
        await self.end.wait()
        self.end.clear()
        if self.fault is not None:
            raise self.fault

    async def next(self) -> Collection[str] | None:
        await asyncio.wait_for(self.begun.wait(), 10)
        self.begun.clear()
        return self.looks[-1]


async def test_one_look_runs_and_one_waits() -> None:
    looking = Looking()
    refresher = Refresher(looking, looking.faults.append)
    task = asyncio.create_task(refresher.run())
    refresher.want({"a"})
    assert await looking.next() == {"a"}
    for name in "bcd":
        refresher.want({name})
    looking.end.set()
    assert await looking.next() == {"b", "c", "d"}
    refresher.want({"e"})
    refresher.want(None)
    refresher.want({"f"})
    looking.end.set()
    assert await looking.next() is None
    refresher.want(set())
    looking.end.set()
    for _ in range(10):
        await asyncio.sleep(0)
    assert len(looking.looks) == 3
    task.cancel()


async def test_whoever_types_is_looked_at_after_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "PAUSE", 0.05)
    looking = Looking()
    refresher = Refresher(looking, looking.faults.append)
    task = asyncio.create_task(refresher.run())
    for name in "abc":
        refresher.want_soon({name})
    assert looking.looks == []
    assert await looking.next() == {"a", "b", "c"}
    looking.end.set()
    task.cancel()


async def test_a_fault_is_told_and_the_next_cause_looks_again() -> None:
    looking = Looking()
    refresher = Refresher(looking, looking.faults.append)
    task = asyncio.create_task(refresher.run())
    looking.fault = GitTimeout("git is slow")
    refresher.want(None)
    await looking.next()
    looking.end.set()
    refresher.want({"a"})
    assert await looking.next() == {"a"}
    assert looking.faults == [looking.fault]
    task.cancel()


def capabilities(**watching: bool) -> types.ClientCapabilities:
    files = types.DidChangeWatchedFilesClientCapabilities(**watching) if watching else None
    return types.ClientCapabilities(workspace=types.WorkspaceClientCapabilities(did_change_watched_files=files))


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        (types.ClientCapabilities(), None),
        (capabilities(), None),
        (capabilities(dynamic_registration=False), None),
        (capabilities(dynamic_registration=True), 1),
        (capabilities(dynamic_registration=True, relative_pattern_support=True), 2),
    ],
)
def test_only_an_editor_that_can_is_asked_to_watch(asked: types.ClientCapabilities, count: int | None) -> None:
    request = watch_request(asked, PLACES)
    watchers = None if request is None else len(request.registrations[0].register_options.watchers)
    assert watchers == count
