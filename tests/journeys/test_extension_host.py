"""The extension's own tests inside a real extension host, against a scripted server."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.conftest import ROOT, Rig

EXTENSION = ROOT / "vscode-extension"


def test_passes_in_the_extension_host(rig: Rig, clean_environment: Mapping[str, str], tmp_path: Path) -> None:
    environment = {**clean_environment, **rig.environment, "HOME": str(tmp_path), "TMPDIR": str(tmp_path)}

    def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [rig.node, str(EXTENSION / "scripts" / script), *arguments]
        return subprocess.run(command, cwd=EXTENSION, env=environment, capture_output=True, text=True, check=False)

    built = run("build.mjs", "--editor")
    assert built.returncode == 0, built.stderr
    done = run("test-editor.mjs")
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "✔" in done.stdout
    assert "✖" not in done.stdout
