"""The programs that a workspace is opened for end as they should."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from sidecar import certificates
from sidecar.app import doors


def env_for(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "SIDECAR_STATE_DIR": str(tmp_path / "state"), "PORT": "0"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_ends_cleanly_on_a_signal(tmp_path: Path, number: int) -> None:
    command = [sys.executable, "-m", "sidecar", "serve", "--workspace", str(tmp_path), "--port", "0"]
    with subprocess.Popen(command, env=env_for(tmp_path), stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if "Ctrl-C" in line:
                break
        process.send_signal(number)
        assert process.wait(20) == 0
        assert "Traceback" not in process.stderr.read()


async def test_it_keeps_memory_soon_and_reads_the_certificates_once_nobody_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(doors, "_SETTLED", 0.0)
    with certificates.late():
        context = ssl.create_default_context()
    keeps, nobody = asyncio.Event(), asyncio.Event()
    monkeypatch.setattr(doors, "keep_memory", keeps.set)

    async def quiet(_span: float, _most: float) -> None:
        await nobody.wait()

    async with asyncio.timeout(10), doors._begun(quiet):
        await keeps.wait()
        assert type(context) is not ssl.SSLContext
        nobody.set()
        while type(context) is not ssl.SSLContext:
            await asyncio.sleep(0.01)
    assert context.verify_mode == ssl.CERT_REQUIRED
