"""The index put together with git: what git ignores is not in it, whichever way a change becomes known."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from pathlib import Path

import psutil
import pytest

from sidecar.core.errors import SetupError, StoreError
from sidecar.core.symbols import Position, Query
from sidecar.settings import load
from sidecar.store.database import Database
from sidecar.store.symbols import INDEX
from sidecar.tools.indexing import GitListing, IndexSummary, ask_once, open_index
from tests.fakes.repository import Repository
from tests.index.test_service import found, names
from tests.index.trees import content, write_tree


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    files = {"a.py": "def tracked(): pass\n", ".gitignore": "out/\n*.tmp.py\n", "sub/b.py": "def below(): pass\n"}
    return Repository.create(tmp_path / "work", files)


async def test_a_listing_is_gits(repository: Repository, tmp_path: Path) -> None:
    repository.write({"new.py": "", "out/x.py": "", "sub/c.py": "", "sub/n\u00e4me.py": ""})
    (repository.root / "sub" / "b.py").unlink()
    listing = GitListing(repository.root.resolve())
    assert set((await listing(None) or b"").split(b"\0")) == {
        b"",
        b".gitignore",
        b"a.py",
        b"new.py",
        b"sub/b.py",
        b"sub/c.py",
        "sub/n\u00e4me.py".encode(),
    }
    assert await listing(["new.py", "out/x.py", "gone.py", "*.py"]) == b"new.py\0"
    assert set((await listing(["sub"]) or b"").split(b"\0")) == {
        b"",
        b"sub/b.py",
        b"sub/c.py",
        "sub/n\u00e4me.py".encode(),
    }
    inner = GitListing(repository.root.resolve() / "sub")
    assert set((await inner(None) or b"").split(b"\0")) == {b"", b"b.py", b"c.py", "n\u00e4me.py".encode()}
    assert await inner(["c.py"]) == b"c.py\0"
    assert await GitListing(tmp_path)(None) is None


async def test_without_git_the_folder_is_walked(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    listing = GitListing(repository.root.resolve())
    assert await listing(None) is None
    assert await listing(["a.py"]) is None
    assert await listing.search() is None
    state = tmp_path / "state"
    state.mkdir()
    index = open_index(repository.root.resolve(), state, watch=False, mild=False)
    index.start()
    await asyncio.wait_for(index.whole(), 30)
    assert await names(index, "tracked") == ["tracked"]
    await index.aclose()


async def test_branch_switches_stashes_and_ignores_end_as_a_fresh_index(repository: Repository, tmp_path: Path) -> None:
    """With the real git and a watcher: every state that git makes is found by itself."""

    def git(*argv: str) -> None:
        subprocess.run(
            ["git", "-C", str(repository.root), "-c", "user.name=a", "-c", "user.email=a@b", *argv],
            check=True,
            capture_output=True,
        )

    async def settled(state: Path) -> None:
        fresh = open_index(repository.root, tmp_path / "fresh", watch=False)
        shutil.rmtree(tmp_path / "fresh", ignore_errors=True)
        (tmp_path / "fresh").mkdir()
        fresh.start()
        await asyncio.wait_for(fresh.whole(), 30)
        await fresh.aclose()
        wanted = content(tmp_path / "fresh" / INDEX)
        async with asyncio.timeout(30):
            while content(state / INDEX) != wanted:
                await asyncio.sleep(0.02)

    state = tmp_path / "state"
    state.mkdir()
    index = open_index(repository.root, state)
    index.start()
    await asyncio.wait_for(index.whole(), 30)
    repository.write({"a.py": "def changed(): pass\n", "out/x.py": "def ignored(): pass\n"})
    await found(index, "changed")
    assert await names(index, "ignored") == []
    git("stash")
    await found(index, "tracked")
    git("stash", "pop")
    await found(index, "changed")
    git("checkout", "-qb", "other")
    repository.write({f"many/m{n}.py": f"def many_{n}(): pass\n" for n in range(60)})
    git("add", "-A")
    git("commit", "-qm", "many")
    await found(index, "many_59")
    git("checkout", "-q", "-")
    await found(index, "many_59", there=False)
    git("merge", "-q", "other")
    await found(index, "many_59")
    repository.write({".gitignore": "many/\n"})
    git("rm", "-rq", "--cached", "many")
    await found(index, "many_", there=False)
    await settled(state)
    await index.aclose()


async def test_a_name_is_found_before_there_is_an_index(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is started, so that nothing but the texts can tell: what a search says before the first file is read."""
    monkeypatch.setattr("sidecar.index.early.SECONDS", 30.0)
    (tmp_path / "state").mkdir()
    repository.write({"new.py": "def fresh(): pass\n", "out/x.py": "def ignored(): pass\n"})
    index = open_index(repository.root, tmp_path / "state", watch=False)
    for name, path in (("tracked", "a.py"), ("fresh", "new.py"), ("belo", "sub/b.py")):
        answer = await index.ask(Query("workspace_symbols", name=name, deadline=30.0))
        assert (answer.status, [item.span.path for item in answer.items]) == ("warming", [path])
    assert (await index.ask(Query("workspace_symbols", name="ignored"))).items == ()
    await index.aclose()


async def test_one_question_gets_all_sources_and_leaves_none_running(repository: Repository, tmp_path: Path) -> None:
    repository.write({"use.py": "from a import tracked\ntracked()\n", "b.rb": "def ruby\nend\n"})
    values = {"SIDECAR_STATE_DIR": str(tmp_path / "state"), "WORKSPACE_ROOT": str(repository.root)}
    settings = load({}, values, None, repository.root)
    before = set(psutil.Process().children(recursive=True))
    found = await ask_once(settings, {}, Query("references", "a.py", Position(1, 5), deadline=30.0))
    assert (found.source, len(found.items)) == ("jedi", 3)
    ruby = await ask_once(settings, {}, Query("definition", name="ruby", deadline=30.0))
    assert (ruby.source, ruby.status, ruby.items[0].span.path) == ("index", "ready", "b.rb")
    none = load({}, {**values, "SIDECAR_INDEX": "off"}, None, repository.root)
    assert (
        await ask_once(none, {}, Query("definition", "b.rb", Position(1, 5), deadline=30.0))
    ).status == "unsupported"
    assert set(psutil.Process().children(recursive=True)) == before


async def test_a_folder_without_git_is_walked(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "a.py").write_text("def plain(): pass\n")
    (tmp_path / "state").mkdir()
    index = open_index(tmp_path / "work", tmp_path / "state", watch=False)
    index.start()
    await asyncio.wait_for(index.whole(), 30)
    assert (await index.ask(Query("workspace_symbols", name="plain"))).status == "ready"
    await index.aclose()


def test_a_home_is_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    with pytest.raises(SetupError, match="project"):
        open_index(tmp_path, tmp_path / "state")


async def test_a_summary_that_is_made_anew_knows_what_is_there_now_and_another_says_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_tree(tmp_path / "work", {"a.py": "def one(): pass\n"})
    (tmp_path / "state").mkdir()
    index = open_index(root, tmp_path / "state", watch=False)

    async def none() -> Database:
        raise StoreError("There is no database.")

    summary = IndexSummary(root, tmp_path / "state", lambda: index, none)
    index.start()
    try:
        await index.whole()
        write_tree(root, {f"later/m{n}.go": "package later\n" for n in range(3)})
        assert "`later/`" in await summary.summary(refresh=True)
        monkeypatch.setattr(index, "state", lambda: "Files were changed.")
        assert (await summary.summary(refresh=False)).endswith("\n[index, partial: Files were changed.]")
    finally:
        await index.aclose()
