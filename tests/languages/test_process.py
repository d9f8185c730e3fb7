"""Helper processes: found outside the workspace, on a leash, with pipes, ended with all that they started."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from sidecar.languages.process import Child, find_program

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the leash needs pipes that are inherited")
FAMILY = "import subprocess, sys, time; c = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); print(c.pid, flush=True); time.sleep(600)"


def gone(pid: int, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


async def test_it_talks_and_ends_with_what_it_started(tmp_path: Path) -> None:
    child = await Child.start([sys.executable, "-c", FAMILY], cwd=tmp_path)
    inner = int(await child.reader.readline())
    assert child.alive
    assert child.memory() > 5 << 20
    await child.end()
    assert not child.alive
    assert gone(inner)
    assert gone(child.pid)


async def test_its_end_is_the_end_of_what_it_started(tmp_path: Path) -> None:
    code = FAMILY.replace("time.sleep(600)", "sys.exit(3)", 2).replace(
        "import time; sys.exit(3)", "import time; time.sleep(600)"
    )
    child = await Child.start([sys.executable, "-c", code], cwd=tmp_path)
    inner = int(await child.reader.readline())
    assert await child.reader.read() == b""
    assert gone(inner)
    await child.end()


async def test_its_end_is_told_once_to_who_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever hears of its end late, as on a busy machine, is not told that there was no such process."""
    real, kill = os.waitpid, os.killpg

    def late(pid: int, options: int) -> tuple[int, int]:
        if not options:
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
            time.sleep(0.2)
        return real(pid, options)

    def deadly(pid: int, number: int) -> None:
        kill(pid, number)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)

    monkeypatch.setattr(os, "waitpid", late)
    monkeypatch.setattr(os, "killpg", deadly)
    child = await Child.start([sys.executable, "-c", FAMILY], cwd=tmp_path)
    await child.reader.readline()
    await child.end()
    assert not child.alive
    assert caplog.messages == []


async def test_its_last_words_are_kept(tmp_path: Path) -> None:
    child = await Child.start(
        [sys.executable, "-c", "import sys; sys.exit('x' * 9999 + '\\nout of order')"], cwd=tmp_path
    )
    await child.reader.read()
    await child._listener
    assert child.last_words == "out of order"
    await child.end()


async def test_a_program_that_is_none_says_so(tmp_path: Path) -> None:
    child = await Child.start(["/no/such/program"], cwd=tmp_path)
    await child.reader.read()
    await child._listener
    assert child.last_words == "/no/such/program cannot be started: No such file or directory"
    await child.end()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_dies_with_us_however_we_die(tmp_path: Path, number: signal.Signals) -> None:
    """Even where somebody else holds the pipes open."""
    code = f"""
import asyncio, sys
from pathlib import Path
from sidecar.languages.process import Child
async def main():
    child = await Child.start([sys.executable, "-c", {FAMILY!r}], cwd=Path({str(tmp_path)!r}))
    print(child.pid, (await child.reader.readline()).decode().strip(), flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""
    us = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    pids = [int(word) for word in us.stdout.readline().split()]
    assert all(psutil.pid_exists(pid) for pid in pids)
    us.send_signal(number)
    us.wait()
    us.stdout.close()
    assert all(gone(pid) for pid in pids)


async def test_a_killed_leash_leaves_nobody(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux tells a process of its parent's death")
    code = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    child = await Child.start([sys.executable, "-c", code], cwd=tmp_path)
    inner = int(await child.reader.readline())
    os.kill(child.pid, signal.SIGKILL)
    assert await asyncio.to_thread(gone, inner)
    await child.end()


def test_a_program_of_the_workspace_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, outside, link = tmp_path / "work/bin", tmp_path / "tools", tmp_path / "link"
    for folder in (inside, outside):
        folder.mkdir(parents=True)
    for name in ("gopls", "clangd"):
        (inside / name).write_text("#!/bin/sh\n")
        (inside / name).chmod(0o755)
    (outside / "clangd").symlink_to(inside / "clangd")
    link.symlink_to(inside)
    monkeypatch.setenv("PATH", os.pathsep.join([str(inside), str(link), ".", "", str(outside)]))
    monkeypatch.chdir(inside)
    assert find_program("gopls", tmp_path / "work") is None
    assert find_program("clangd", tmp_path / "work") is None
    (outside / "gopls").write_text("#!/bin/sh\n")
    (outside / "gopls").chmod(0o755)
    assert find_program("gopls", tmp_path / "work") == str(outside / "gopls")
