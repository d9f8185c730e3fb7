"""Reader and writer over real pipes: whole messages, back pressure, a reader that stalls or goes, the last flush."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys

import pytest

from sidecar.core.errors import TooLarge
from sidecar.editor.stdio import CHUNK, MAX_FRAME, PipeReader, PipeWriter


@pytest.fixture
def pipe() -> tuple[int, int]:
    """A pipe that nobody closes: a thread may still read from it, and would read from whoever got its number next."""
    return os.pipe()


def write_all(end: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(end, view) :]
    os.close(end)


async def test_lines_and_bodies_come_whole(pipe: tuple[int, int]) -> None:
    reader = PipeReader(pipe[0])
    body = os.urandom(5_000_000)
    sending = asyncio.create_task(asyncio.to_thread(write_all, pipe[1], b"Content-Length: 1\r\n" + body + b"tail"))
    assert await reader.readline() == b"Content-Length: 1\r\n"
    assert await reader.readexactly(len(body)) == body
    assert await reader.readexactly(5) == b""
    assert await reader.readline() == b""
    await sending


async def test_a_flood_waits_in_the_pipe_and_not_in_memory(pipe: tuple[int, int]) -> None:
    reader = PipeReader(pipe[0])
    written = 0
    os.set_blocking(pipe[1], False)
    quiet = 0
    while quiet < 50:
        try:
            written += os.write(pipe[1], bytes(CHUNK))
            quiet = 0
        except BlockingIOError:
            quiet += 1
            await asyncio.sleep(0.002)
        assert written < 20 * CHUNK
    assert len(await reader.readexactly(written)) == written


@pytest.mark.parametrize("size", [MAX_FRAME + 1, 10**30])
async def test_a_frame_over_the_limit_is_refused(pipe: tuple[int, int], size: int) -> None:
    with pytest.raises(TooLarge, match=str(size)):
        await PipeReader(pipe[0]).readexactly(size)


async def test_an_endless_header_is_refused(pipe: tuple[int, int]) -> None:
    reader = PipeReader(pipe[0])
    sending = asyncio.create_task(asyncio.to_thread(write_all, pipe[1], b"x" * CHUNK * 2))
    with pytest.raises(TooLarge, match="header"):
        await reader.readline()
    await sending


async def test_end_wakes_whoever_reads(pipe: tuple[int, int]) -> None:
    reader = PipeReader(pipe[0])
    waiting = asyncio.create_task(reader.readline())
    await asyncio.sleep(0)
    reader.end()
    reader.end()
    assert await asyncio.wait_for(waiting, 10) == b""


async def test_frames_are_written_in_order_and_whole(pipe: tuple[int, int]) -> None:
    reader = PipeReader(pipe[0])
    writer = PipeWriter(pipe[1], on_broken=pytest.fail)
    frames = [os.urandom(size) for size in (1, 300_000, 2, 700_000, 3)]
    for frame in frames:
        writer.write(frame)
    assert await reader.readexactly(sum(map(len, frames))) == b"".join(frames)
    assert await writer.flush(10)
    assert writer.unsent == 0


async def test_an_editor_that_stalls_is_given_up_at_the_bound(pipe: tuple[int, int]) -> None:
    reasons: list[str] = []
    writer = PipeWriter(pipe[1], on_broken=reasons.append, max_unsent=1_000_000)
    writer.write(bytes(5_000_000))  # one frame may be larger than the bound
    assert reasons == []
    assert not await writer.flush(0.05)
    writer.write(b"one more")
    writer.write(b"and another")
    assert len(reasons) == 1
    assert "stopped reading" in reasons[0]
    assert writer.stalled
    await asyncio.wait_for(writer.idle(), 1)  # nobody waits for what will never be sent
    os.close(pipe[0])


async def test_an_editor_that_closes_its_end_is_noticed(pipe: tuple[int, int]) -> None:
    broken: asyncio.Queue[str] = asyncio.Queue()
    writer = PipeWriter(pipe[1], on_broken=broken.put_nowait)
    os.close(pipe[0])
    writer.write(b"hello")
    assert "closed the pipe" in await asyncio.wait_for(broken.get(), 10)
    assert not writer.stalled
    writer.write(b"into the void")
    assert not await writer.flush(1)


def run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, text=True, timeout=60)


def test_leaving_writes_what_is_left_and_waits_for_nobody() -> None:
    done = run(
        "import sys, threading, time\n"
        "from sidecar.editor.stdio import leave\n"
        "threading.Thread(target=time.sleep, args=(3600,)).start()\n"
        "sys.stdout.write('out'); sys.stderr.write('err')\n"
        "leave(7, lambda: print('last act', end=''))\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (7, "outlast act", "err")


@pytest.mark.parametrize("act", ["time.sleep(3600)", "1 / 0", "open('/no/such/file')"])
def test_a_last_act_that_fails_or_hangs_does_not_keep_the_process(act: str) -> None:
    done = run(f"import time\nfrom sidecar.editor.stdio import leave\nleave(3, lambda: {act})\n")
    assert done.returncode == 3


CLAIM = """
import os, subprocess, sys
from sidecar.editor.stdio import claim_stdio
pipes = claim_stdio()
print("stray", flush=True)
assert sys.stdin.read() == ""
child = "import os, sys; print(repr(sys.stdin.read()), os.path.exists('/proc/self/fd/%d'))"
subprocess.run([sys.executable, "-c", child % pipes.outgoing], close_fds=False)
os.write(pipes.outgoing, os.read(pipes.incoming, 100).upper())
"""


def test_claimed_pipes_are_out_of_reach() -> None:
    done = subprocess.run([sys.executable, "-c", CLAIM], input=b"protocol", capture_output=True, timeout=60, check=True)
    assert done.stdout == b"PROTOCOL"
    assert done.stderr.split() == [b"stray", b"''", b"False"]


@pytest.mark.skipif(os.name == "nt", reason="descriptors are closed by a POSIX shell")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&-"])
def test_closed_standard_pipes_are_a_clear_error(closed: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f"exec '{sys.executable}' -m tests.editor.door {closed}"],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.strip().endswith("Let the editor start it, or use `sidecar serve` in a terminal.")
    assert "Traceback" not in done.stderr
