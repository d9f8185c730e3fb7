"""Plain questions answered from a real repository, without a model."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sidecar.core.errors import BadInput, NotARepository
from sidecar.core.ports import EndpointStatus
from sidecar.tools.analyst import WorkspaceAnalyst
from sidecar.tools.indexing import open_index
from tests.fakes.repository import Repository

STATUS = EndpointStatus("ready", "offline", 8080, 8080, "http://127.0.0.1:8080", "ledger")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    files = {
        "ledger/account.py": "class Account:\n    def settle(self, amount):\n        return amount\n",
        "web/app.ts": "export function settle(amount: number): number {\n  return amount;\n}\n",
        "README.md": "How to settle an account.\n",
    }
    return Repository.create(tmp_path / "ledger", files)


@pytest.fixture
def analyst(repository: Repository) -> WorkspaceAnalyst:
    return WorkspaceAnalyst(repository.root, lambda: STATUS)


async def test_finds_definitions_in_several_languages_and_not_mentions(analyst: WorkspaceAnalyst) -> None:
    text = await analyst.find_symbol("settle")
    assert "`ledger/account.py:2`: method in `Account`" in text
    assert "`web/app.ts:1`: function" in text
    assert "README" not in text


async def test_narrows_by_container_and_sees_files_not_yet_added(
    analyst: WorkspaceAnalyst, repository: Repository
) -> None:
    repository.write({"ledger/new.py": "class Draft:\n    def settle(self):\n        pass\n"})
    text = await analyst.find_symbol("Draft.settle")
    assert "`ledger/new.py:2`" in text
    assert "account.py" not in text


async def test_asks_the_index_where_it_is_whole_and_looks_for_itself_where_not(
    repository: Repository, tmp_path: Path
) -> None:
    (tmp_path / "state").mkdir()
    index = open_index(repository.root, tmp_path / "state", watch=False)
    analyst = WorkspaceAnalyst(repository.root, lambda: STATUS, lambda: index)
    before = await analyst.find_symbol("settle")
    index.start()
    await asyncio.wait_for(index.whole(), 30)
    (repository.root / ".git").rename(tmp_path / "git")  # who looks for himself asks git: only the index can know now
    assert await analyst.find_symbol("settle") == before
    assert "`ledger/account.py:2`: method in `Account`" in await analyst.find_symbol("Account.settle")
    (tmp_path / "git").rename(repository.root / ".git")
    (repository.root / "web" / "app.ts").unlink()
    assert "app.ts" not in await analyst.find_symbol("settle")
    repository.write({"later.py": "def unheard_of(): pass\n"})
    assert "`later.py:1`" in await analyst.find_symbol("unheard_of")
    await index.aclose()


async def test_says_when_there_is_none(analyst: WorkspaceAnalyst) -> None:
    assert "no definition of `nowhere_at_all`" in await analyst.find_symbol("nowhere_at_all")
    with pytest.raises(BadInput, match="Name the symbol"):
        await analyst.find_symbol(" . ")
    assert "no definition" in await analyst.find_symbol("--output=/etc/passwd")


async def test_tells_how_things_stand(analyst: WorkspaceAnalyst, repository: Repository) -> None:
    clean = await analyst.status()
    assert "- Branch: `main`" in clean
    assert "working tree is clean" in clean
    repository.write({"ledger/account.py": "x = 1\n", "new file.py": "y = 2\n"})
    repository.git("add", "ledger/account.py")
    text = await analyst.status()
    assert "- Staged: `ledger/account.py`" in text
    assert "- Untracked: `new file.py`" in text
    assert "offline, at http://127.0.0.1:8080" in text


async def test_summarizes_and_reviews_the_uncommitted_change(analyst: WorkspaceAnalyst, repository: Repository) -> None:
    assert "no" in (await analyst.summarize_diff()).lower()
    repository.write(
        {"ledger/account.py": "class Account:\n    def settle(self, amount):\n        return amount / 2\n"}
    )
    assert "ledger/account.py" in await analyst.summarize_diff()
    assert await analyst.review_diff()


async def test_a_folder_without_git_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotARepository):
        await WorkspaceAnalyst(tmp_path, lambda: STATUS).summarize_diff()
