"""`sidecar index` and `sidecar symbols`, as a person and as a script use them."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from sidecar.cli.output import PATIENCE
from tests.fakes.repository import Repository


def sidecar(*argv: str, cwd: Path, state: Path, **env: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SIDECAR_STATE_DIR": str(state), **env}
    return subprocess.run(
        [sys.executable, "-m", "sidecar", *argv],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {
        "shop/cart.py": "class Cart:\n    def total(self): pass\n",
        "web/app.ts": "export function total(): void {}\n",
        "x.min.js": "f()\n",
    }
    return Repository.create(tmp_path / "work", files).root


def test_index_says_what_is_in_it(root: Path, tmp_path: Path) -> None:
    done = sidecar("index", "--json", cwd=root, state=tmp_path / "state")
    assert done.returncode == 0
    told = json.loads(done.stdout)
    assert (told["files"], told["parsed"], told["symbols"]) == (3, 2, 3)
    assert told["languages"] == {"python": 2, "typescript": 1}
    assert told["skipped"] == {"minified": 1}
    again = sidecar("index", "--rebuild", cwd=root, state=tmp_path / "state")
    assert "files    3, 2 of them parsed, 1 left out" in again.stdout
    assert again.stderr == ""


def test_symbols_are_found_without_anything_running(root: Path, tmp_path: Path) -> None:
    done = sidecar("symbols", "total", cwd=root, state=tmp_path / "state")
    assert done.returncode == 0
    assert done.stdout.splitlines() == ["shop/cart.py:2:9  method Cart.total", "web/app.ts:1:17  function total"]
    assert "2 found, ready, by index in " in done.stderr
    (root / "shop" / "new.py").write_text("def total_of(): pass\n")
    told = json.loads(sidecar("symbols", "total_of", "--json", cwd=root, state=tmp_path / "state").stdout)
    assert (told["status"], told["source"], told["items"][0]["name"]) == ("ready", "index", "total_of")
    none = sidecar("symbols", "nothing_like_it", cwd=root, state=tmp_path / "state")
    assert (none.returncode, none.stdout) == (1, "")
    assert "Nothing here is called like" in none.stderr
    more = sidecar("symbols", "total", "--limit", "1", cwd=root, state=tmp_path / "state")
    assert "--limit 4" in more.stderr
    assert "1 or more found, ready, by index in " in more.stderr


@pytest.mark.parametrize(
    ("env", "words"),
    [({"SIDECAR_INDEX": "false"}, "SIDECAR_INDEX=true"), ({"SIDECAR_STATE_DIR": "/proc/none"}, "SIDECAR_STATE_DIR")],
)
def test_what_cannot_be_is_a_sentence(root: Path, tmp_path: Path, env: dict[str, str], words: str) -> None:
    for command in (["index"], ["symbols", "x"], ["summary"]):
        done = sidecar(*command, cwd=root, state=tmp_path / "state", **env)
        assert done.returncode == 2
        assert words in done.stderr
        assert "Traceback" not in done.stderr


def _child_of(run: subprocess.Popen[bytes]) -> psutil.Process:
    """The indexer that the command starts, as soon as it is there."""
    while run.poll() is None:
        if children := psutil.Process(run.pid).children():
            return children[0]
    raise AssertionError("The command ended without an indexer.")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal")
def test_a_terminal_sees_a_bar_only_when_it_takes_long_and_ctrl_c_leaves_off(tmp_path: Path) -> None:
    root = tmp_path / "many"
    for number in range(3000):
        place = root / f"d{number % 50}" / f"m{number}.py"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"def f{number}(): return {'x' * 40}\n" * 60)
    ours, theirs = pty.openpty()
    env = {**os.environ, "SIDECAR_STATE_DIR": str(tmp_path / "state"), "TERM": "xterm"}
    run = subprocess.Popen(
        [sys.executable, "-m", "sidecar", "index"],
        cwd=root,
        env=env,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    seen = b""
    try:
        # However fast the machine is: the indexer is held until what it does counts as long.
        indexer = _child_of(run)
        indexer.suspend()
        time.sleep(PATIENCE + 0.1)
        while b"/3000" not in seen:  # from here on it works in slices, so that it is not done before the bar was seen
            indexer.resume()
            time.sleep(0.01)
            indexer.suspend()
            while select.select([ours], [], [], 0.1)[0]:
                seen += os.read(ours, 4096)
        run.send_signal(signal.SIGINT)
        indexer.resume()
        assert run.wait(20) == 130
    finally:
        run.kill()
        run.communicate()
        os.close(ours)
    after = sidecar("index", "--json", cwd=root, state=tmp_path / "state")
    assert json.loads(after.stdout)["files"] == 3000
