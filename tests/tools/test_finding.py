"""Listing and searching, with ripgrep and without, over traps."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.core.errors import NotARepository
from sidecar.tools import finding
from sidecar.tools.bench import Bench
from sidecar.tools.box import WorkspaceToolBox
from sidecar.tools.fence import Fence
from sidecar.tools.finding import FindingTools
from sidecar.vcs.process import find_program
from tests.fakes.repository import Repository
from tests.tools.conftest import Call


@pytest.fixture(autouse=True)
def family(box: WorkspaceToolBox, bench: Bench) -> None:
    box.put("files", FindingTools(bench).tools())


@pytest.fixture(params=["ripgrep", "git"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "ripgrep" and find_program("rg", Path("/nowhere")) is None:
        pytest.skip("ripgrep is not installed")
    if request.param == "git":
        monkeypatch.setattr(finding, "find_program", lambda name, outside: None)
    return str(request.param)


async def test_files_are_listed_by_glob(call: Call, repo: Repository) -> None:
    repo.write({".gitignore": "*.log\n", "x.log": "", "src/deep/c.py": "", "docs/d.md": "x"})
    assert (await call("files_list")).value["files"] == [".gitignore", "a.py", "docs/d.md", "src/b.py", "src/deep/c.py"]
    assert (await call("workspace_list", patterns="*.py", path="src")).text == "src/b.py\nsrc/deep/c.py"
    assert (await call("files_list", pattern="src/**/*.py")).value["total"] == 2
    first = await call("files_list", limit=2)
    assert first.next == "2"
    assert (await call("files_list", start=2, limit=9)).value["files"][0] == "docs/d.md"
    assert "1 bytes" in (await call("files_list", pattern="*.md", sizes=True)).text
    assert (await call("files_list", path="..")).error
    assert "No file" in (await call("files_list", pattern="*.rs")).text


async def test_a_text_is_found(call: Call, repo: Repository, way: str) -> None:
    repo.write({".gitignore": "*.log\n", "x.log": "two", ".env": "two", "n.txt": "a -two-\n"})
    assert (await call("files_search", query="two")).text == "a.py:2: two\nn.txt:1: a -two-"
    assert (await call("files_search", query="-two-")).text == "n.txt:1: a -two-"
    assert (await call("files_search", query="--files")).text == "Nothing matches '--files'."
    assert (await call("files_search", query="TWO", ignore_case=True, glob="*.py")).text == "a.py:2: two"
    assert (await call("files_search", query="^t.o$", regex=True)).text == "a.py:2: two"
    assert (await call("files_search", query="return", path="src")).text == "src/b.py:2: return 1"
    assert "there are more" in (await call("files_search", query="e", limit=1)).text
    assert (await call("files_search", query="(", regex=True)).error
    assert (await call("files_search", query="x", path="../")).error


async def test_traps_neither_hold_it_up_nor_lead_outside(call: Call, repo: Repository, way: str) -> None:
    outside = repo.root.parent / "outside"
    outside.mkdir()
    (outside / "c.txt").write_text("canary")
    repo.path("link").symlink_to(outside)
    repo.path("loop").symlink_to(repo.root)
    repo.write({"evil.txt": "a" * 200_000})
    began = time.monotonic()
    assert "canary" not in (await call("files_search", query="canary")).text.removeprefix("Nothing matches 'canary'.")
    await call("files_search", query="(a+)+$", regex=True)
    assert time.monotonic() - began < 15


async def test_the_workspaces_own_ripgrep_is_never_started(
    call: Call, repo: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    canary = repo.root.parent / "canary"
    repo.write({"bin/rg": f"#!/bin/sh\ntouch {canary}\n", "bin/git": f"#!/bin/sh\ntouch {canary}\n"})
    for name in ("rg", "git"):
        repo.path(f"bin/{name}").chmod(0o755)
    monkeypatch.setenv("PATH", f"{repo.path('bin')}{os.pathsep}.{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(repo.path("bin"))
    assert "a.py:2: two" in (await call("files_search", query="two")).text
    await call("files_list")
    assert not canary.exists()


async def test_a_workspace_below_the_top_sees_only_itself(
    call: Call, box: WorkspaceToolBox, bench: Bench, repo: Repository, way: str
) -> None:
    box.put("files", FindingTools(replace(bench, fence=Fence(repo.path("src")))).tools())
    assert (await call("files_list")).text == "b.py"
    assert (await call("files_search", query="return")).text == "b.py:2: return 1"
    assert "Nothing" in (await call("files_search", query="two")).text


async def test_without_a_repository(call: Call, box: WorkspaceToolBox, bench: Bench, repo: Repository) -> None:
    async def none() -> None:
        raise NotARepository("none")

    box.put("files", FindingTools(replace(bench, git=none)).tools())  # type: ignore[arg-type]
    assert (await call("files_list")).value["files"] == ["a.py", "src/b.py"]


async def test_no_line_of_a_key_is_found(call: Call, repo: Repository, way: str) -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIneedle\n-----END RSA PRIVATE KEY-----\n"
    repo.write({"conf.py": f"needle = 1\n{key}", "key.txt": key})
    shown = (await call("files_search", query="needle")).text
    assert "MII" not in shown
    assert "conf.py:1: needle = 1" in shown
    assert "conf.py:3: [private key left out]" in shown


async def test_nul_is_a_wrong_question(call: Call, way: str) -> None:
    assert "NUL" in (await call("files_search", query="a\0b")).text
