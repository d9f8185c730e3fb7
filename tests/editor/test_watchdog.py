"""The editor's death is noticed: at once, later, and as a zombie."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from sidecar.editor.watchdog import parent_death


@pytest.fixture
def parent() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


async def test_a_dead_process_is_dead_at_once(parent: subprocess.Popen[bytes]) -> None:
    parent.kill()
    parent.wait()
    await asyncio.wait_for(parent_death(parent.pid, 3600), 10)


@pytest.mark.parametrize("reaped", [True, False])
async def test_death_is_noticed(parent: subprocess.Popen[bytes], reaped: bool) -> None:
    watching = asyncio.create_task(parent_death(parent.pid, 0.01))
    await asyncio.wait({watching}, timeout=0.1)
    assert not watching.done()
    parent.kill()
    if reaped:
        parent.wait()
    await asyncio.wait_for(watching, 10)


async def test_a_living_process_is_not_mourned() -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(parent_death(os.getpid(), 0.01), 0.1)
