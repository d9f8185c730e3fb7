"""One process has it; when it dies, however that was, another can."""

from __future__ import annotations

import subprocess
import sys

from sidecar.store.lock import Lock

HOLD = "import sys\nfrom pathlib import Path\nfrom sidecar.store.lock import Lock\nprint(Lock(Path(sys.argv[1])).take(), flush=True)\nsys.stdin.read()\n"


def test_one_at_a_time_and_a_dead_holders_lock_is_free(tmp_path):
    path = tmp_path / "index.lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "True\n"
    lock = Lock(path)
    assert not lock.take()
    assert lock.holder() == holder.pid
    holder.kill()
    holder.communicate()
    assert lock.take()
    assert lock.take()
    assert not Lock(path).take()
    lock.release()
    assert Lock(path).take()


def test_nobody_has_it_at_first(tmp_path):
    assert Lock(tmp_path / "none.lock").holder() is None
    (tmp_path / "junk.lock").write_text("junk")
    assert Lock(tmp_path / "junk.lock").holder() is None
