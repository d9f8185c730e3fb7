"""What `make editor` starts: an address that answers, and nothing left behind after Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from tests.conftest import ROOT, Rig
from tests.journeys.processes import still_running

SCRIPT = ROOT / "tests" / "rig" / "editor.sh"
VSIX = ROOT / "vscode-extension" / "dist" / "claude-sidecar.vsix"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_prints_an_address_and_cleans_up(
    rig: Rig, clean_environment: Mapping[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    if not VSIX.is_file():
        pytest.fail("the extension is not packaged; run: make package", pytrace=False)
    environment = {**clean_environment, "CLAUDE_SIDECAR_RIG": str(rig.home), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        ["bash", SCRIPT], env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        assert running.stdout
        address = running.stdout.readline().strip()
        offspring = psutil.Process(running.pid).children(recursive=True)
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:
                assert b"vscode-workbench-web-configuration" in answer.read()
            os.killpg(running.pid, number)  # as a terminal does it: to the whole group
            assert running.wait(30) == 0
        finally:
            left = still_running(offspring, 10)
            for one in left:
                one.kill()
    assert not left
    assert list(tmp_path.glob("sidecar-editor.*")) == []
