"""The leash as a program of its own; what it is for is tested with the processes that are on it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sidecar.languages import leash

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no leashes on Windows")


def start(*command: str) -> tuple[subprocess.Popen[bytes], int]:
    held, lifeline = os.pipe()
    argv = [sys.executable, "-I", "-S", str(Path(leash.__file__)), str(held), *command]
    process = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=(held,), start_new_session=True
    )
    os.close(held)
    return process, lifeline


def test_the_pipes_are_the_commands_own() -> None:
    process, lifeline = start("/bin/cat")
    out, _ = process.communicate(b"there and back")
    assert out == b"there and back"
    os.close(lifeline)


def test_the_end_of_the_lifeline_is_the_end() -> None:
    process, lifeline = start("/bin/sleep", "600")
    assert process.poll() is None
    os.close(lifeline)
    assert process.wait(10) == -9
    process.communicate()


def test_it_imports_nothing_but_the_standard_library() -> None:
    code = f"import sys, runpy; sys.argv = ['leash']; runpy.run_path({leash.__file__!r}); print('ok')"
    out = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == "ok\n"
