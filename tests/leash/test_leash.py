"""A program on the leash ends with us, and with it all that it started; its own end is ours, too."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from sidecar import leash

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="process groups are POSIX's")


def start(*command: str) -> tuple[subprocess.Popen[str], int]:
    held, lifeline = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", str(Path(leash.__file__)), str(held), *command],
        pass_fds=(held,), start_new_session=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    os.close(held)
    return process, lifeline


def ended(pid: int) -> bool:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.01)  # between two looks at a state
    return False


def test_it_speaks_through_and_ends_with_the_program() -> None:
    process, lifeline = start(sys.executable, "-c", "print(input()[::-1])")
    out, _ = process.communicate("hello\n", timeout=20)
    os.close(lifeline)
    assert out == "olleh\n"


def test_when_the_lifeline_is_cut_everything_ends() -> None:
    grandchild = "import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', 'input()']); print(p.pid, flush=True); p.wait()"
    process, lifeline = start(sys.executable, "-c", grandchild)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    os.close(lifeline)
    process.wait(20)
    assert ended(pid)
    process.communicate()


def test_a_program_that_cannot_be_started_is_told() -> None:
    held, lifeline = os.pipe()
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(Path(leash.__file__)), str(held), "/no/such/program"],
        pass_fds=(held,), start_new_session=True, capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    os.close(held)
    os.close(lifeline)
    assert "/no/such/program cannot be started" in done.stderr


def test_it_imports_nothing_but_the_standard_library() -> None:
    code = f"import sys, runpy; sys.argv = ['leash']; runpy.run_path({leash.__file__!r}); print('ok')"
    out = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == "ok\n"
