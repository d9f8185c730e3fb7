"""A program run with bounds: its output, its end, and that nothing of it is left."""

import asyncio
import os
import sys
from pathlib import Path

import psutil
import pytest

from sidecar.core.errors import SetupError
from sidecar.testruns.process import Bounds, run

ENVIRONMENT = dict(os.environ)


async def python(code: str, folder: Path, bounds: Bounds = Bounds(20), **more: object):  # noqa: B008
    return await run([sys.executable, "-c", code], folder, ENVIRONMENT, bounds, **more)  # type: ignore[arg-type]


async def test_output_and_status(tmp_path: Path) -> None:
    heard: list[bytes] = []
    code = "import os,sys; print(os.getcwd(), flush=True); sys.stderr.write('e'); sys.exit(3)"
    ended = await python(code, tmp_path, hear=heard.append)
    assert (ended.status, ended.output) == (3, f"{tmp_path}\ne".encode())
    assert b"".join(heard) == ended.output
    assert not (ended.timed_out)
    assert not (ended.cut)


@pytest.mark.parametrize(("keep_end", "kept"), [(True, b"cde"), (False, b"abc")])
async def test_a_flood_is_bounded(tmp_path: Path, keep_end: bool, kept: bytes) -> None:
    ended = await python("print('abcde', end='')", tmp_path, Bounds(20, 3, keep_end))
    assert (ended.output, ended.cut) == (kept, True)


async def test_what_it_started_is_ended_with_it(tmp_path: Path) -> None:
    code = (
        "import subprocess,sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, flush=True)\n"
        "child.wait()"
    )
    ended = await python(code, tmp_path, Bounds(3))
    assert ended.timed_out
    child = int(ended.output)
    for _ in range(100):
        if not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE:
            return
        await asyncio.sleep(0.02)
    pytest.fail("the child is still there")


async def test_cancelling_ends_it(tmp_path: Path) -> None:
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    code = "import os,time; print(os.getpid(), flush=True); time.sleep(600)"
    task = asyncio.ensure_future(python(code, tmp_path, hear=lambda chunk: started.set_result(int(chunk))))
    number = await started
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not psutil.pid_exists(number) or psutil.Process(number).status() == psutil.STATUS_ZOMBIE


async def test_what_cannot_be_started_is_said(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="no-such-program"):
        await run(["no-such-program"], tmp_path, ENVIRONMENT, Bounds(5))
