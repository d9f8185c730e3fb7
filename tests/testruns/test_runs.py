"""Real runners on small real projects."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from sidecar.testruns.runners import Selection
from sidecar.testruns.runs import TestRuns
from tests.testruns.test_runners import made

ENVIRONMENT = dict(os.environ)

PYTEST = {
    "pytest.ini": "[pytest]\n",
    "test_a.py": "class TestX:\n    def test_good(self): pass\ndef test_bad(): assert 1 == 2, 'why'\n",
    "test_b.py": "import pytest\n@pytest.mark.skip\ndef test_off(): pass\n",
}
UNITTEST = {
    "test_a.py": "import unittest\nclass A(unittest.TestCase):\n    def test_good(self): pass\n    def test_bad(self): self.fail('why')\n"
}
NODE = {
    "package.json": json.dumps({"scripts": {"test": "node --test"}}),
    "a.test.js": "const test = require('node:test');\ntest('good', () => {});\ntest('bad', () => { throw new Error('why'); });\n",
}
GO = {
    "go.mod": "module example.org/x\n\ngo 1.19\n",
    "a_test.go": 'package x\nimport "testing"\nfunc TestGood(t *testing.T) {}\nfunc TestBad(t *testing.T) { t.Fatal("why") }\n',
}
CARGO = {
    "Cargo.toml": '[package]\nname = "x"\nversion = "0.1.0"\nedition = "2021"\n',
    "src/lib.rs": '#[cfg(test)]\nmod tests {\n #[test]\n fn good() {}\n #[test]\n fn bad() { panic!("why") }\n}\n',
}


def runs(folder: Path, command: str | None = None, seconds: float = 100, **more) -> TestRuns:
    python = f"{Path(sys.executable).parent}{os.pathsep}{ENVIRONMENT['PATH']}"
    home = {
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "GOFLAGS": "-mod=mod",
        "GOPROXY": "off",
        "CARGO_NET_OFFLINE": "true",
        "GOCACHE": str(folder.parent / "go"),
    }
    return TestRuns(folder, {**ENVIRONMENT, "PATH": python, **home}, command=command, seconds=seconds, **more)


def need(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} is not installed")


@pytest.mark.parametrize(
    ("runner", "files", "bad"),
    [
        ("pytest", PYTEST, "test_a.py::test_bad"),
        ("unittest", UNITTEST, "test_a.A.test_bad"),
        pytest.param("node:test", NODE, "bad", marks=need("node")),
        pytest.param("go test", GO, "example.org/x::TestBad", marks=need("go")),
        pytest.param("cargo", CARGO, "tests::bad", marks=need("cargo")),
    ],
)
async def test_each_runner_tells_test_by_test(tmp_path: Path, runner: str, files: dict[str, str], bad: str) -> None:
    made(tmp_path / "p", files)
    found = await runs(tmp_path / "p").run(Selection())
    assert (found.runner, found.outcome) == (runner, "failed"), found.tail
    assert found.count("failed") == 1
    assert found.count("passed") == 1
    assert [case.id for case in found.cases if case.outcome == "failed"] == [bad]
    assert found.seconds > 0
    if runner != "node:test":
        again = await runs(tmp_path / "p").run(Selection(tests=(bad,)))
        assert [(case.id, case.outcome) for case in again.cases] == [(bad, "failed")]


@need("cmake")
@need("ctest")
async def test_ctest_is_asked_by_name(tmp_path: Path) -> None:
    lists = "cmake_minimum_required(VERSION 3.20)\nproject(x NONE)\nenable_testing()\nadd_test(NAME good COMMAND true)\nadd_test(NAME bad COMMAND false)\n"
    made(tmp_path, {"CMakeLists.txt": lists})
    subprocess.run(["cmake", "-S", tmp_path, "-B", tmp_path / "build"], check=True, capture_output=True)
    found = await runs(tmp_path).run(Selection())
    assert [(case.id, case.outcome) for case in found.cases] == [("good", "passed"), ("bad", "failed")]
    again = await runs(tmp_path).run(Selection(tests=("bad",)))
    assert [(case.id, case.outcome) for case in again.cases] == [("bad", "failed")]


async def test_one_file_progress_and_a_pass(tmp_path: Path) -> None:
    made(tmp_path, PYTEST)
    heard: list[str] = []
    found = await runs(tmp_path).run(Selection(files=("test_b.py",)), heard.append)
    assert (found.outcome, found.count("skipped"), len(found.cases)) == ("passed", 1, 1)
    assert heard


async def test_a_runner_that_cannot_work_is_an_error_or_a_failure(tmp_path: Path) -> None:
    made(tmp_path, {"pytest.ini": "[pytest]\n", "test_a.py": "import no_such_module\n"})
    found = await runs(tmp_path).run(Selection())
    assert found.outcome == "failed"
    assert "no_such_module" in found.tail + "".join(case.message for case in found.cases)


async def test_a_command_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "t.py").write_text("print('ok 1 - fine\\nnot ok 2 - not'); raise SystemExit(1)")
    await runs(tmp_path, f"'{sys.executable}' t.py; touch canary").run(Selection())
    found = await runs(tmp_path, f"'{sys.executable}' t.py").run(Selection())
    assert (found.outcome, found.count("failed")) == ("failed", 1)
    assert not (tmp_path / "canary").exists()


async def test_time_runs_out_and_nothing_is_left(tmp_path: Path) -> None:
    code = "import subprocess,sys,time,pathlib\nc=subprocess.Popen([sys.executable,'-c','import time; time.sleep(600)'])\npathlib.Path('pid').write_text(str(c.pid))\ntime.sleep(600)\n"
    (tmp_path / "t.py").write_text(code)
    found = await runs(tmp_path, f"'{sys.executable}' t.py", seconds=3).run(Selection())
    assert found.outcome == "timed out"
    child = int((tmp_path / "pid").read_text())
    for _ in range(100):
        if not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE:
            return
        await asyncio.sleep(0.02)
    pytest.fail("the child is still there")


async def test_coverage_is_read_when_it_is_of_this_run(tmp_path: Path) -> None:
    lcov = f"SF:{tmp_path}/a.py\\nDA:1,1\\nDA:2,0\\nend_of_record\\n"
    (tmp_path / "t.py").write_text(f"open('lcov.info', 'w').write('{lcov}')")
    (tmp_path / "coverage.json").write_text('{"meta": {"version": "7"}, "files": {"old.py": {"executed_lines": [1]}}}')
    os.utime(tmp_path / "coverage.json", (1, 1))
    found = await runs(tmp_path, f"'{sys.executable}' t.py").run(Selection())
    assert found.coverage is not None
    assert found.coverage.files == {"a.py": 0.5}
    assert found.coverage.missed == {"a.py": [2]}
    (tmp_path.parent / "outside.info").write_text("SF:x\nDA:1,1\n")
    (tmp_path / "link.info").symlink_to(tmp_path.parent / "outside.info")
    assert runs(tmp_path, coverage_files=("link.info", "../outside.info")).coverage_now() is None
