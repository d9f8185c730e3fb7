"""Trace files: one a request, for this user alone, the oldest removed."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from sidecar.core.errors import NotFound, StoreError
from sidecar.store.traces import TraceFolder

LINES = [{"kind": "turn", "id": "req_a"}, {"kind": "end", "text": "ü\n"}]


def test_a_trace_is_read_as_it_was_written(tmp_path: Path):
    folder = TraceFolder(tmp_path / "traces")
    assert folder.all() == []
    path = folder.write("req_a1b2", LINES)
    (kept,) = folder.all()
    assert (kept.id, kept.path, kept.size) == ("req_a1b2", path, path.stat().st_size)
    assert folder.read("req_a1b2") == folder.read("req_a1") == LINES
    for unknown in ("req_b", "", "../req_a1b2"):
        with pytest.raises(NotFound, match="sidecar traces"):
            folder.read(unknown)


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")
def test_only_its_user_can_read_it(tmp_path: Path):
    before = os.umask(0)
    try:
        path = TraceFolder(tmp_path / "traces").write("req_a", LINES)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_an_id_cannot_lead_out_of_the_folder(tmp_path: Path):
    path = TraceFolder(tmp_path / "traces").write("../../x" + "y" * 200, LINES)
    assert path.parent == tmp_path / "traces"


def test_the_oldest_go(tmp_path: Path):
    folder = TraceFolder(tmp_path, keep_count=3)
    for number in range(5):
        folder.write(f"req_{number}", LINES)
    assert {trace.id for trace in folder.all()} == {"req_2", "req_3", "req_4"}
    old = tmp_path / "20200101T000000.000Z-req_old.jsonl"
    old.write_text("{}\n")
    (tmp_path / "notes.txt").write_text("the user's own")
    TraceFolder(tmp_path, keep_days=1, keep_count=9).write("req_5", LINES)
    assert not old.exists()
    assert (tmp_path / "notes.txt").exists()
    assert folder.clear() == 4
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_half_a_line_is_passed_over(tmp_path: Path):
    folder = TraceFolder(tmp_path)
    path = folder.write("req_a", LINES)
    path.write_bytes(path.read_bytes() + b'{"kind": "e')
    assert folder.read("req_a") == LINES


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="could not be written"):
        TraceFolder(tmp_path / "file").write("req_a", LINES)
