"""`sidecar test` in real processes."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tests.cli.processes import environment, run


def test_tests_by_hand(tmp_path: Path) -> None:
    env = environment(
        tmp_path / "state",
        PYTEST_DISABLE_PLUGIN_AUTOLOAD="1",
        PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    )
    here = tmp_path / "p"
    here.mkdir()
    (here / "test_a.py").write_text("def test_a():\n    assert 1 == 2\n")
    (here / "test_b.py").write_text("def test_b():\n    pass\n")
    refused = run(["test"], env, here)
    assert refused.returncode == 2
    assert "SIDECAR_TRUSTED_FOLDERS" in refused.stderr
    assert not (here / ".pytest_cache").exists()
    failed = run(["test", "--trust"], env, here)
    assert failed.returncode == 1, failed.stderr
    assert "failed: test_a.py::test_a" in failed.stdout
    trusted = {**env, "SIDECAR_TRUSTED_FOLDERS": str(tmp_path)}
    one = run(["test", "test_b.py", "--json"], trusted, here)
    assert one.returncode == 0
    assert json.loads(one.stdout)["passed"] == 1
    assert run(["test", "gone.py"], trusted, here).returncode == 2
