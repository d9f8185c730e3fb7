"""The note of a running sidecar is believed only while its process lives; the token is this user's alone."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from sidecar.core.errors import SetupError, StoreError
from sidecar.core.secret import SecretStr
from sidecar.store.runtime import (
    NOTE_FILE,
    TOKEN_FILE,
    Running,
    announce,
    find_running,
    keep_token,
    listening,
    noted,
    open_folder,
    read_token,
    withdraw,
)  # fmt: skip

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="modes as POSIX has them")
NOT_ROOT = pytest.mark.skipif(hasattr(os, "getuid") and os.getuid() == 0, reason="root may write anywhere")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return open_folder(tmp_path / "state" / "project-1")


def announced(folder: Path, workspace: Path):
    return announce(folder, base_url="http://127.0.0.1:1", port=1, provider="offline", workspace=workspace)


@POSIX
def test_the_folder_is_this_users_alone(tmp_path):
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True, mode=0o777)
    folder.chmod(0o755)
    assert open_folder(folder) == folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="SIDECAR_STATE_DIR"):
        open_folder(tmp_path / "file" / "x")


@POSIX
@NOT_ROOT
def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="SIDECAR_STATE_DIR"):
        open_folder(tmp_path / "x")


# ── the token ───────────────────────────────────────────────────────────────────────────────────────
def test_the_token_is_made_once_and_kept(folder):
    made = keep_token(folder)
    assert len(made.get_secret_value()) >= 43
    assert keep_token(folder) == made
    assert read_token(folder) == made
    assert made.get_secret_value() not in repr(made)
    if sys.platform != "win32":
        assert stat.S_IMODE((folder / TOKEN_FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize("given", ["given-by-the-user-1", "x", "t" * 4096])
def test_a_given_token_is_kept(folder, given):
    keep_token(folder)
    given = SecretStr(given)
    assert keep_token(folder, given) == given
    assert keep_token(folder) == given
    assert read_token(folder) == given
    assert [file.name for file in folder.iterdir()] == [TOKEN_FILE.name]


@pytest.mark.parametrize("given", ["", "two words", "t" * 4097])
def test_a_given_token_that_no_request_can_carry_is_told(folder, given):
    with pytest.raises(SetupError, match="SIDECAR_TOKEN"):
        keep_token(folder, SecretStr(given))
    with pytest.raises(SetupError, match="SIDECAR_TOKEN"):
        keep_token(None, SecretStr(given))


def test_without_a_folder_the_token_is_in_memory():
    assert keep_token(None) != keep_token(None)
    assert keep_token(None, SecretStr("x" * 20)).get_secret_value() == "x" * 20


@pytest.mark.parametrize("content", [b"", b" \n", b"two words and more of them", b"\xff" * 40, b"x" * 5000])
def test_a_damaged_token_is_replaced(folder, content):
    (folder / TOKEN_FILE).write_bytes(content)
    (folder / TOKEN_FILE).chmod(0o600)
    assert read_token(folder) is None
    assert keep_token(folder) == read_token(folder)


@POSIX
def test_a_token_that_others_can_read_or_plant_is_replaced(folder, tmp_path):
    keep_token(folder)
    old = (folder / TOKEN_FILE).read_text()
    (folder / TOKEN_FILE).chmod(0o644)
    assert read_token(folder) is None
    assert keep_token(folder).get_secret_value() != old
    (folder / TOKEN_FILE).unlink()
    planted = tmp_path / "planted"
    planted.write_text("p" * 43)
    planted.chmod(0o600)
    (folder / TOKEN_FILE).symlink_to(planted)
    assert read_token(folder) is None
    keep_token(folder)
    assert planted.read_text() == "p" * 43


def test_an_empty_folder_in_the_token_s_place_makes_room_for_it(folder):
    (folder / TOKEN_FILE).mkdir()
    assert read_token(folder) is None
    assert keep_token(folder) == read_token(folder)


def test_a_folder_with_something_in_it_is_left_and_told(folder):
    (folder / TOKEN_FILE / "mine").mkdir(parents=True)
    with pytest.raises(StoreError, match="token cannot be written: it is a folder; move it away"):
        keep_token(folder)
    assert (folder / TOKEN_FILE / "mine").is_dir()
    assert [path.name for path in folder.iterdir()] == [TOKEN_FILE.name]


@pytest.mark.skipif(sys.platform != "linux", reason="open files as Linux lists them")
def test_looking_for_a_token_leaves_no_file_open(folder):
    (folder / TOKEN_FILE).mkdir()
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert [read_token(folder) for _ in range(5)] == [None] * 5
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_token_that_cannot_be_kept_is_told(tmp_path):
    with pytest.raises(StoreError, match="token cannot be written"):
        keep_token(tmp_path / "gone")


# ── the note ────────────────────────────────────────────────────────────────────────────────────────
def test_finds_the_running_one(folder, tmp_path):
    running = announced(folder, tmp_path)
    assert find_running(folder) == running
    assert (running.pid, running.port, running.provider) == (os.getpid(), 1, "offline")
    assert Path(running.token_file) == folder / TOKEN_FILE
    if sys.platform != "win32":
        assert stat.S_IMODE((folder / NOTE_FILE).stat().st_mode) == 0o600
    withdraw(folder)
    assert find_running(folder) is None
    withdraw(folder)


def test_nothing_runs_without_a_folder_or_a_note(folder):
    assert find_running(None) is None
    assert find_running(folder) is None
    assert find_running(folder / "gone") is None


def test_a_note_outlives_its_process_but_is_not_believed(folder, tmp_path):
    code = (
        "import sys; from pathlib import Path; from sidecar.store.runtime import announce\n"
        "announce(Path(sys.argv[1]), base_url='u', port=1, provider='p', workspace=Path('w'))\n"
        "print('ready', flush=True); sys.stdin.read()"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == b"ready"
        note = find_running(folder)
        assert note is not None
        assert note.pid == child.pid
        withdraw(folder)  # not ours: stays
        assert find_running(folder) == note
        child.kill()
        child.wait()
    assert (folder / NOTE_FILE).exists()
    assert find_running(folder) is None
    assert find_running(folder) != announced(folder, tmp_path)
    assert find_running(folder) is not None


def test_a_number_that_was_given_to_another_process_is_not_believed(folder, tmp_path):
    announced(folder, tmp_path)
    note = json.loads((folder / NOTE_FILE).read_text())
    note["started"] = psutil.Process().create_time() - 60
    (folder / NOTE_FILE).write_text(json.dumps(note))
    assert find_running(folder) is None


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", "null", "{", '{"pid": -1}', '{"pid": 99999999999999999999}', "\xff"]
)
def test_a_damaged_note_is_no_note(folder, content):
    (folder / NOTE_FILE).write_text(content)
    assert find_running(folder) is None


@pytest.mark.parametrize("pid", [-1, 0, 2**31, 2**80])
def test_an_impossible_process_is_none(folder, tmp_path, pid):
    announced(folder, tmp_path)
    note = json.loads((folder / NOTE_FILE).read_text())
    (folder / NOTE_FILE).write_text(json.dumps({**note, "pid": pid}))
    assert find_running(folder) is None


def test_who_ends_leaves_the_one_that_still_runs_to_be_found(folder, tmp_path):
    """Two on one workspace: the newest is noted, and puts the former back unless that has ended, too."""
    script = "import sys; sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE) as other:
        started = psutil.Process(other.pid).create_time()
        former = Running(other.pid, started, "http://127.0.0.1:1", 1, "offline", str(tmp_path), str(folder / "token"))
        for lives in (True, False):
            if not lives:
                assert other.stdin is not None
                other.stdin.close()
                other.wait(20)
            announce(folder, base_url="http://127.0.0.1:2", port=2, provider="offline", workspace=tmp_path)
            assert noted(folder).port == 2
            withdraw(folder, former)
            found = find_running(folder)
            assert (found is not None and found.port == 1) is lives
            withdraw(folder, former)


def test_who_listens_on_a_port_is_found_in_whichever_workspace(folder, tmp_path):
    other = open_folder(folder.parent / "other")
    note = announce(other, base_url="http://127.0.0.1:7", port=7, provider="offline", workspace=tmp_path / "elsewhere")
    (open_folder(folder.parent / "damaged") / NOTE_FILE).write_text("{")
    assert listening(folder, 7) == note
    assert listening(folder, 8) is None
    (other / NOTE_FILE).write_text(json.dumps({**json.loads((other / NOTE_FILE).read_text()), "pid": 2**31}))
    assert listening(folder, 7) is None, "its process is gone"
