"""The workspace's tests for the model, with the real pytest."""

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.core.tool import Caller
from sidecar.settings import groups
from sidecar.tools.bench import Bench
from sidecar.tools.box import WorkspaceToolBox
from sidecar.tools.tests import TestTools
from tests.fakes.repository import Repository
from tests.tools.conftest import Call, untrusted

GOOD = "def test_b():\n    assert True\n"


@pytest.fixture
def ready(bench: Bench) -> Bench:
    python = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return replace(bench, environment={**os.environ, "PATH": python, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})


@pytest.fixture(autouse=True)
def family(box: WorkspaceToolBox, ready: Bench, repo: Repository) -> None:
    repo.commit("Tests", {"pytest.ini": "[pytest]\n", "tests/test_a.py": "def test_a():\n    assert 1 == 2\n", "tests/test_b.py": GOOD, ".gitignore": "__pycache__\n.pytest_cache\n"})  # fmt: skip
    box.put("tests", TestTools(ready).tools())


async def test_runs_are_told_kept_and_repeated(call: Call, repo: Repository) -> None:
    assert (await call("tests_last")).error
    assert (await call("tests_run", scope="failed")).error
    run = await call("workspace_test_run")
    assert not run.error
    assert run.text.startswith("failed: 1 passed, 1 failed in ")
    assert "failed: tests/test_a.py::test_a" in run.text
    assert "assert 1 == 2" in run.text
    assert run.value["failures"][0]["id"] == "tests/test_a.py::test_a"
    assert (await call("tests_run", scope="failed")).value["failed"] == 1
    assert (await call("tests_run", file="tests/test_b.py")).value["outcome"] == "passed"
    repo.write({"src/b.py": "changed\n"})
    changed = await call("tests_run", scope="changed")
    assert (changed.value["passed"], changed.value["failed"]) == (1, 0)
    assert "Of the last 4 runs 2 passed." in (await call("workspace_test_summary")).text
    assert "passed: tests/test_b.py::test_b" in (await call("tests_last", passed=True)).text
    history = await call("workspace_test_history", limit=2, include_logs=True)
    assert history.text.startswith("4. ")
    assert len(history.value["runs"]) == 2


@pytest.mark.parametrize(
    "arguments",
    [{"files": ["../x"]}, {"files": ["gone.py"]}, {"scope": "files"}, {"scope": "changed"}, {"command": "touch canary"},
     {"files": ["-p no:x"]}, {"files": ["tests/test_b.py; touch canary"]}],
)  # fmt: skip
async def test_wrong_wishes_are_refused(call: Call, repo: Repository, arguments: dict[str, object]) -> None:
    assert (await call("tests_run", **arguments)).error
    assert not repo.path("canary").exists()


async def test_nothing_runs_without_trust(call: Call, box: WorkspaceToolBox, ready: Bench, repo: Repository) -> None:
    repo.write({"conftest.py": "open('canary', 'w')\n", "sitecustomize.py": "open('canary', 'w')\n"})
    box.put("tests", TestTools(untrusted(ready)).tools())
    told = await call("tests_run")
    assert "SIDECAR_TRUSTED_FOLDERS" in told.text
    assert not repo.path("canary").exists()


async def test_one_at_a_time_with_progress_and_an_end(box: WorkspaceToolBox, ready: Bench, repo: Repository) -> None:
    started = asyncio.Event()
    repo.write({"slow.py": "import time\nprint('hello', flush=True)\ntime.sleep(600)\n"})
    slow = replace(ready, tests=groups.Tests(command=f"'{sys.executable}' slow.py"))
    box.put("tests", TestTools(slow).tools())
    said: list[str] = []

    def progress(done: float, total: float | None, line: str) -> None:
        said.append(line)
        started.set()

    first = asyncio.ensure_future(box.call("tests_run", {}, Caller(progress=progress)))
    await started.wait()
    assert "already" in (await box.call("tests_run", {}, Caller())).text
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert said == ["hello"]


async def test_coverage(call: Call, repo: Repository) -> None:
    assert (await call("tests_coverage")).error
    repo.write({"lcov.info": "SF:src/b.py\nDA:1,1\nDA:2,0\nend_of_record\nSF:a.py\nDA:1,1\nend_of_record\n"})
    assert (await call("tests_coverage")).text == "67% of the lines (lcov)\n 50% src/b.py\n100% a.py"
    assert (await call("tests_coverage", path="src/b.py")).text == "src/b.py: 50% of its lines; not run: 2"
    assert (await call("tests_coverage", path="none.py")).error
