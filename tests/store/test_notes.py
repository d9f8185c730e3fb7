"""A note outlives the process, is whole or absent, and is nobody else's."""

from __future__ import annotations

import os
import stat
import sys
import threading
from pathlib import Path

import pytest

from sidecar.store.notes import LEARNED, NoteFile, learned_notes


def test_what_was_written_is_read_by_the_next(tmp_path: Path) -> None:
    file = tmp_path / "state" / "notes.json"
    first = NoteFile(file)
    assert first.read() is None
    for number in range(50):
        first.write({"number": number})
    first.flush()
    assert NoteFile(file).read() == {"number": 49}
    assert [path.name for path in file.parent.iterdir()] == ["notes.json"], "nothing half-written is left"
    if sys.platform != "win32":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_many_who_write_at_once_leave_one_whole_value(tmp_path: Path) -> None:
    notes = NoteFile(tmp_path / "notes.json")
    threads = [threading.Thread(target=notes.write, args=([number] * 1000,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    notes.flush()
    value = notes.read()
    assert isinstance(value, list)
    assert (len(value), len(set(value))) == (1000, 1)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'"' + b"x" * 2_000_000 + b'"'])
def test_what_cannot_be_believed_is_nothing(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "notes.json"
    file.write_bytes(content)
    assert NoteFile(file).read() is None


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes as POSIX has them")
@pytest.mark.parametrize("plant", [lambda path: path.symlink_to("/etc/hostname"), lambda path: path.mkdir(), os.mkfifo])
def test_what_is_no_file_of_ours_is_nothing(tmp_path: Path, plant) -> None:
    plant(tmp_path / "notes.json")
    assert NoteFile(tmp_path / "notes.json").read() is None


def test_a_folder_that_cannot_be_used_costs_the_note_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("no folder")
    notes = NoteFile(tmp_path / "file" / "notes.json")
    notes.write({"a": 1})
    notes.flush()
    assert notes.read() is None
    assert "notes_not_kept" in caplog.text


def test_what_is_too_large_is_not_written(tmp_path: Path) -> None:
    notes = NoteFile(tmp_path / "notes.json")
    notes.write("x" * 2_000_000)
    notes.flush()
    assert not (tmp_path / "notes.json").exists()


def test_a_state_folder_that_the_workspace_could_have_filled_is_not_believed(tmp_path: Path) -> None:
    assert learned_notes(None, tmp_path) is None
    assert learned_notes(tmp_path / "state", tmp_path) is None
    made = learned_notes(tmp_path / "state", tmp_path / "project")
    assert made is not None
    made.write(1)
    made.flush()
    assert (tmp_path / "state" / LEARNED).read_bytes() == b"1"
