"""A workbench over a real repository and a real database, and a way to call a tool by its name."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest

from sidecar.core.tool import Caller, ToolResult
from sidecar.store.database import Database
from sidecar.tools.bench import Bench
from sidecar.tools.box import WorkspaceToolBox
from sidecar.tools.fence import Fence
from sidecar.vcs.runner import Git
from tests.fakes.repository import Repository

Call = Callable[..., Awaitable[ToolResult]]


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    return Repository.create(tmp_path / "repo", {"a.py": "one\ntwo\nthree\n", "src/b.py": "def b():\n    return 1\n"})


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(tmp_path / "state" / "sidecar.db")
    yield opened
    await opened.aclose()


@pytest.fixture
def bench(repo: Repository, database: Database) -> Bench:
    """A trusted workspace at the repository's top."""

    async def git() -> Git:
        return await Git.open(repo.root)

    async def opened() -> Database:
        return database

    return Bench(Fence(repo.root), git, opened, environment=dict(os.environ), trusted=True)


@pytest.fixture
def box() -> WorkspaceToolBox:
    return WorkspaceToolBox()


@pytest.fixture
def call(box: WorkspaceToolBox) -> Call:
    """Call a tool of the box as a session would; what it declares of its result must hold."""

    async def run(name: str, /, **arguments: Any) -> ToolResult:
        result = await box.call(name, arguments, Caller(session="s1"))
        spec = box.find(name)
        if spec is not None and spec.output_schema is not None and not result.error:
            piece = {"result": result.text, "next": result.next} if result.value is None else result.value
            told = orjson.loads(orjson.dumps(piece, default=str))
            jsonschema.Draft202012Validator(dict(spec.output_schema)).validate(told)
        return result

    return run


def untrusted(bench: Bench) -> Bench:
    return replace(bench, trusted=False)
