"""One process: its limits, its end, and finding a git that the workspace did not bring."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from sidecar.core.errors import GitError, GitTimeout
from sidecar.vcs.process import MOST_ERRORS, Process, find_git

posix = pytest.mark.skipif(sys.platform == "win32", reason="shell scripts stand in for programs")


def begin(argv, stdin, env):
    popen = subprocess.Popen(
        argv,
        stdin=stdin or subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **env},
        start_new_session=True,
    )
    return SimpleNamespace(proc=popen)


def python(code: str, **options) -> Process:
    return Process([sys.executable, "-c", code], begin, env={}, **options)


def test_output_errors_and_status():
    process = python("import sys; print(sys.stdin.read()); print('bad', file=sys.stderr); sys.exit(3)", stdin=b"given")
    assert b"".join(process.chunks()).split() == [b"given"]
    assert (process.status, process.errors.strip()) == (3, b"bad")


def test_without_input_it_is_empty():
    assert b"".join(python("import sys; print(len(sys.stdin.read()))").chunks()).strip() == b"0"


def test_a_flood_of_errors_is_read_and_cut():
    process = python("import sys; sys.stderr.write('x' * 1_000_000); print('done')")
    assert b"".join(process.chunks()).strip() == b"done"
    assert len(process.errors) == MOST_ERRORS


def test_more_than_the_limit_ends_it():
    process = python("while True: print('x' * 1000)", limit=10_000)
    with pytest.raises(GitError, match="more than 10,000 bytes"):
        list(process.chunks())


def test_a_process_that_takes_too_long_is_ended():
    process = python("import time; print('begun', flush=True); time.sleep(600)", timeout=0.5)
    with pytest.raises(GitTimeout, match=r"within 0\.5 seconds"):
        list(process.chunks())


def test_what_was_stopped_before_it_began_never_begins():
    process = python("print('begun')")
    process.kill()
    with pytest.raises(GitError, match="stopped before it began"):
        list(process.chunks())


def test_stopping_it_twice_and_after_its_end_does_no_harm():
    process = python("print('x')")
    assert list(process.chunks())
    process.kill()
    process.kill()


def test_stopping_it_while_it_speaks_is_an_error():
    process = python("while True: print('x' * 1000)")
    chunks = process.chunks()
    next(chunks)
    process.kill()
    with pytest.raises(GitError, match="was stopped"):
        list(chunks)


def program(folder: Path, name: str = "git") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


@posix
def test_the_first_git_outside_the_workspace_is_taken(tmp_path, monkeypatch):
    workspace = tmp_path / "work"
    program(workspace / "bin")
    inside = program(workspace / "real")
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "git").symlink_to(inside)
    (tmp_path / "way").symlink_to(workspace / "bin")
    good = program(tmp_path / "good")
    later = program(tmp_path / "later")
    entries = [
        "",
        ".",
        "bin",
        workspace / "bin",
        linked,
        tmp_path / "way",
        tmp_path / "none",
        good.parent,
        later.parent,
    ]
    monkeypatch.setenv("PATH", os.pathsep.join(map(str, entries)))
    monkeypatch.chdir(workspace)
    assert find_git(outside=workspace) == str(good)


@posix
def test_a_folder_whose_name_only_begins_the_same_is_outside(tmp_path, monkeypatch):
    good = program(tmp_path / "work-tools")
    monkeypatch.setenv("PATH", str(good.parent))
    assert find_git(outside=tmp_path / "work") == str(good)


def test_no_git_is_an_error_that_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError, match="install git"):
        find_git(outside=tmp_path / "work")


def test_the_root_folder_as_workspace_fences_nothing_off(tmp_path):
    assert find_git(outside=Path(tmp_path.anchor))
