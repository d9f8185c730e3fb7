"""A server's process as a transport: messages both ways, large ones, junk between, and its end in every way."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import mcp_types as types
import pytest
from mcp.shared.message import SessionMessage

from sidecar.core.errors import UpstreamUnreachable
from sidecar.mcp.process import MOST_JUNK, Process
from sidecar.mcp.sandbox import Launch

ECHO = "import sys\nfor line in sys.stdin: sys.stdout.write(line); sys.stdout.flush()"


def launch(code: str, cwd: Path, cleanup: tuple[str, ...] = ()) -> Launch:
    return Launch((sys.executable, "-c", code), dict(os.environ), str(cwd), cleanup)


def ping(number: int, padding: str = "") -> SessionMessage:
    return SessionMessage(types.JSONRPCRequest(jsonrpc="2.0", id=number, method="ping", params={"padding": padding}))


async def test_messages_travel_both_ways_whatever_their_size(tmp_path: Path) -> None:
    process = Process("one", launch(ECHO, tmp_path))
    async with asyncio.timeout(30), process.speaking() as (incoming, outgoing):
        for number, size in enumerate((0, 10_000, 600_000)):
            await outgoing.send(ping(number, "é" * size))
            came = await incoming.receive()
            assert isinstance(came, SessionMessage)
            assert isinstance(came.message, types.JSONRPCRequest)
            assert (came.message.id, came.message.params) == (number, {"padding": "é" * size})
    assert process.ended.is_set()


async def test_what_is_no_message_is_passed_over(tmp_path: Path) -> None:
    code = f"print('hello'); print(); print('{{'); print('[1]')\n{ECHO}"
    process = Process("one", launch(code, tmp_path))
    async with asyncio.timeout(30), process.speaking() as (incoming, outgoing):
        await outgoing.send(ping(1))
        came = await incoming.receive()
        assert isinstance(came, SessionMessage)
    assert process.why == ""


async def test_too_much_junk_ends_it(tmp_path: Path) -> None:
    code = (
        f"import time\nfor _ in range({MOST_JUNK + 1}): print('junk')\nimport sys; sys.stdout.flush(); time.sleep(3600)"
    )
    process = Process("one", launch(code, tmp_path))
    async with asyncio.timeout(30), process.speaking():
        await process.ended.wait()
    assert process.why == f"it wrote {MOST_JUNK} lines that are no messages"


async def test_its_last_words_are_kept(tmp_path: Path) -> None:
    code = "import sys; sys.stderr.write('first\\n' + 'x' * 100_000 + '\\nthe last'); sys.exit(3)"
    process = Process("one", launch(code, tmp_path))
    async with asyncio.timeout(30), process.speaking():
        await process.ended.wait()
    assert process.last_words in {"the last", "x" * 200}


async def test_one_that_does_not_go_is_made_to(tmp_path: Path) -> None:
    code = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('{}', flush=True); time.sleep(3600)"
    )
    process = Process("one", launch(code, tmp_path))
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(30):
        async with process.speaking():
            began = loop.time()
        assert loop.time() - began < 10
    assert process.ended.is_set()


async def test_what_an_end_leaves_behind_is_taken_away(tmp_path: Path) -> None:
    tidied = tmp_path / "tidied"
    cleanup = (sys.executable, "-c", f"open({str(tidied)!r}, 'w').close()")
    async with asyncio.timeout(30), Process("one", launch(ECHO, tmp_path, cleanup)).speaking():
        assert not tidied.exists()
    assert tidied.exists()


async def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    process = Process("one", launch(ECHO, tmp_path / "nothing"))
    with pytest.raises(UpstreamUnreachable, match="The MCP server one cannot be started"):
        async with process.speaking():
            pass


async def test_a_cancelled_user_leaves_no_process(tmp_path: Path) -> None:
    process = Process("one", launch(ECHO, tmp_path))
    begun = asyncio.Event()

    async def use() -> None:
        async with process.speaking():
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.ensure_future(use())
    async with asyncio.timeout(30):
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert process._process is not None
    assert process._process.returncode is not None
