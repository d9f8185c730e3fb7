"""The extension's own tests inside a real extension host, against a scripted server."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.conftest import ROOT, Rig

EXTENSION = ROOT / "vscode-extension"


def test_passes_in_the_extension_host(rig: Rig, clean_environment: Mapping[str, str], tmp_path: Path) -> None:
    environment = {**clean_environment, **rig.environment, "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}
    for script in (("build.mjs", "--editor"), ("test-editor.mjs",)):
        command = [rig.node, EXTENSION / "scripts" / script[0], *script[1:]]
        done = subprocess.run(command, cwd=EXTENSION, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "\u2714" in done.stdout
    assert "\u2716" not in done.stdout
