"""Opening, holding and leaving services; what was opened; what an editor is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from sidecar.core.errors import GitError, NotSupported, SetupError
from sidecar.editor.places import Places
from sidecar.editor.server import workspace_of
from sidecar.editor.session import Session, Workspace
from tests.fakes.services import FakeServices, open_fake_services


class Ear:
    """An editor's ear that remembers."""

    def __init__(self) -> None:
        self.changes = 0
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.sentences: asyncio.Queue[str] = asyncio.Queue()
        self.watched: list[Places] = []

    def changed(self) -> None:
        self.changes += 1

    def complain(self, sentence: str) -> None:
        self.sentences.put_nowait(sentence)

    def tell(self, method: str, params: dict[str, Any]) -> None:
        self.told.append((method, params))

    async def watch(self, places: Places) -> None:
        self.watched.append(places)

    async def ask(self, method: str, params: Any) -> Any:
        raise TimeoutError

    def indexing(self, done: int, total: int) -> None:
        pass


class Opening:
    """Opens fake services and writes down what happened to them."""

    def __init__(self) -> None:
        self.services: FakeServices | None = None
        self.events: list[str] = []
        self.fault_at_open: Exception | None = None
        self.fault_at_close: Exception | None = None

    @asynccontextmanager
    async def __call__(self, workspace: Workspace) -> AsyncIterator[FakeServices]:
        if self.fault_at_open is not None:
            raise self.fault_at_open
        async with open_fake_services(workspace.folder) as self.services:
            self.events.append("opened")
            yield self.services
            self.events.append("closed")
            if self.fault_at_close is not None:
                raise self.fault_at_close


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "a.py").write_text("risky\n")
    return tmp_path


async def test_a_session_opens_looks_and_leaves(repo: Path) -> None:
    opening, ear = Opening(), Ear()
    session = Session(opening, "1.0")
    assert session.status().state == "starting"
    async with asyncio.TaskGroup() as group:
        session.open(Workspace(repo), group, ear)
        session.open(Workspace(repo / "other"), group, ear)
        review = await session.review()
        await review.desk.refresh()
        assert session.status().open_threads == 1
        assert ear.watched == [Places(repo, repo)]
        news = dict(session.news())
        assert news["sidecar/threads/changed"]["full"] is True
        assert session.news() == []
        thread = (await session.threads(0)).upserts[0]
        await review.desk.set_state(thread.id, "resolved")
        later = dict(session.news())
        assert later["sidecar/threads/changed"]["full"] is False
        assert later["sidecar/statusChanged"]["openThreads"] == 0
        await session.close()
        await session.close()
    assert opening.events == ["opened", "closed"]
    assert opening.services.desk._listeners == opening.services._listeners == []
    with pytest.raises(NotSupported):
        await session.review()


async def test_a_thread_that_was_only_asked_for_is_taken_back(repo: Path) -> None:
    opening, ear = Opening(), Ear()
    session = Session(opening, "1.0")
    async with asyncio.TaskGroup() as group:
        session.open(Workspace(repo), group, ear)
        review = await session.review()
        session.news()  # before the first look: there is nothing
        await review.desk.refresh()
        assert len((await session.threads(0)).upserts) == 1
        (repo / "a.py").write_text("fine\n")
        await review.desk.refresh()  # before the first thread was announced
        news = dict(session.news())["sidecar/threads/changed"]
        assert (news["full"], news["upserts"]) == (True, [])
        assert "sidecar/threads/changed" not in dict(session.news())
        await session.close()


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (SetupError("Set PORT."), "Set PORT."),
        (OSError("secret"), "Sidecar could not open this workspace (OSError); its log says more."),
    ],
)
async def test_what_cannot_be_opened_is_told(repo: Path, fault: Exception, sentence: str) -> None:
    opening, ear = Opening(), Ear()
    opening.fault_at_open = fault
    session = Session(opening, "1.0")
    async with asyncio.TaskGroup() as group:
        session.open(Workspace(repo), group, ear)
        with pytest.raises(NotSupported, match=r"Set PORT|could not open"):
            await session.review()
        assert await ear.sentences.get() == sentence
        assert (session.status().state, session.status().message, session.status().workspace) == (
            "degraded",
            sentence,
            str(repo),
        )
        assert (await session.threads(0)).full
        await session.close()


async def test_a_fault_while_closing_ends_the_session_all_the_same(repo: Path) -> None:
    opening, ear = Opening(), Ear()
    opening.fault_at_close = ValueError("broken")
    session = Session(opening, "1.0")
    async with asyncio.TaskGroup() as group:
        session.open(Workspace(repo), group, ear)
        await session.review()
        await session.close()
    assert ear.sentences.empty()


async def test_a_look_that_fails_is_told_and_the_next_one_works(repo: Path) -> None:
    opening, ear = Opening(), Ear()
    session = Session(opening, "1.0")
    async with asyncio.TaskGroup() as group:
        session.open(Workspace(repo), group, ear)
        await (await session.review()).desk.refresh()
        desk = opening.services.desk
        desk.fault = GitError("git is broken; run `git fsck`.")
        session.moved([(repo / "a.py").as_uri()])
        assert await ear.sentences.get() == "git is broken; run `git fsck`."
        desk.fault = None
        (repo / "a.py").write_text("fine\n")
        gone = asyncio.Event()
        desk.subscribe(lambda _: gone.set())
        session.moved([(repo / "a.py").as_uri()])
        await asyncio.wait_for(gone.wait(), 10)
        assert session.status().open_threads == 0
        await session.close()


async def test_documents_that_are_typed_in_are_held_until_they_are_saved(repo: Path) -> None:
    opening, ear = Opening(), Ear()
    session = Session(opening, "1.0")
    async with asyncio.TaskGroup() as group:
        session.typed((repo / "early.py").as_uri(), "risky\n")
        session.open(Workspace(repo), group, ear)
        desk = (await session.review()).desk
        assert desk.held == {"early.py": "risky\n"}
        await desk.refresh()
        looked = asyncio.Event()
        session.typed((repo / "a.py").as_uri(), "risky 1\n", news=False)
        session.typed("untitled:Untitled-1", "x")
        session.typed((repo / ".git" / "COMMIT_EDITMSG").as_uri(), "x")
        assert set(desk.held) == {"early.py", "a.py"}
        desk.subscribe(lambda _: looked.set())
        session.typed((repo / "a.py").as_uri(), "risky 2\nrisky 3\n")
        await asyncio.wait_for(looked.wait(), 10)
        assert desk.looks[-1] == {"a.py"}
        session.typed((repo / "a.py").as_uri(), None, news=False)
        assert desk.held["a.py"] is None
        await session.close()


async def test_leaving_before_opening_opens_nothing(repo: Path) -> None:
    opening = Opening()
    session = Session(opening, "1.0")
    await session.close()
    async with asyncio.TaskGroup() as group:
        session.open(Workspace(repo), group, Ear())
    assert opening.events == []


def folders(*uris: str) -> list[types.WorkspaceFolder]:
    return [types.WorkspaceFolder(uri, uri) for uri in uris]


@pytest.mark.parametrize(
    ("params", "paths"),
    [
        ({"workspace_folders": folders("file:///a%20b", "file:///c"), "root_uri": "file:///old"}, ["/a b", "/c"]),
        ({"workspace_folders": folders("vscode-vfs://x/a", "file:///c")}, ["/c"]),
        ({"workspace_folders": [], "root_uri": "file:///r"}, ["/r"]),
        ({"root_uri": "file:///r", "root_path": "/p"}, ["/r"]),
        ({"root_path": "/p"}, ["/p"]),
        ({"root_uri": "vscode-vfs://x/a", "root_path": "/a"}, []),
        ({}, []),
    ],
)
def test_what_the_editor_opened(params: dict[str, Any], paths: list[str]) -> None:
    workspace = workspace_of(types.InitializeParams(capabilities=types.ClientCapabilities(), **params))
    assert workspace.folders == tuple(map(Path, paths))
    assert workspace.folder == (Path(paths[0]) if paths else None)


@pytest.mark.parametrize(("options", "kept"), [({"a": 1}, {"a": 1}), (None, {}), ([1], {}), ("x", {})])
def test_options_are_a_table(options: Any, kept: dict[str, Any]) -> None:
    params = types.InitializeParams(
        capabilities=types.ClientCapabilities(),
        initialization_options=options,
        client_info=types.ClientInfo("Visual Studio Code"),
    )
    workspace = workspace_of(params)
    assert (workspace.options, workspace.client) == (kept, "Visual Studio Code")
