"""The programs that a workspace is opened for end as they should."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest


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
