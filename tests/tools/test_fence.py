"""Paths that try to leave, and files that are none: the attack list's rows on files, at the one function they all pass."""

import os
import stat
from pathlib import Path

import pytest

from sidecar.core.errors import BadInput, NotFound, Refused, SidecarError, TooLarge
from sidecar.tools.fence import MOST_BYTES, Fence

CANARY = b"canary of the outside"


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A workspace with traps, and beside it a sibling that shares its prefix."""
    root = tmp_path / "work"
    (root / "sub").mkdir(parents=True)
    (root / "a.txt").write_bytes(b"inside")
    sibling = tmp_path / "work-other"
    sibling.mkdir()
    (sibling / "secret.txt").write_bytes(CANARY)
    (tmp_path / "secret.txt").write_bytes(CANARY)
    (root / "link.txt").symlink_to(tmp_path / "secret.txt")
    (root / "out").symlink_to(sibling)
    (root / "dangling").symlink_to(tmp_path / "not-there")
    (root / "in").symlink_to(root / "sub")
    (root / "loop").symlink_to(root / "loop")
    os.mkfifo(root / "pipe")
    (root / "null").symlink_to("/dev/zero")
    (root / ".env").write_bytes(b"KEY=" + CANARY)
    (root / "id_rsa").write_bytes(CANARY)
    (root / "key-link").symlink_to(root / "id_rsa")
    (root / ".git").mkdir()
    (root / ".git" / "config").write_bytes(CANARY)
    (root / "hooks-link").symlink_to(root / ".git")
    with (root / "large").open("wb") as file:
        file.truncate(60 * 1024 * 1024)
    return root


READS = {
    "T01": "../secret.txt",
    "T02": "sub/../../secret.txt",
    "T03": "/etc/passwd",
    "T04": "../work-other/secret.txt",
    "T05": "link.txt",
    "T06": "out/secret.txt",
    "T07": "file:///etc/passwd",
    "T08": "%2e%2e/secret.txt",
    "T09": "a.txt\0.png",
    "T10": "/proc/self/environ",
    "T11": "~/.bashrc",
    "T12": "out/../secret.txt",
    "T13": "a.txt/../../secret.txt",
    "T14": "dangling",
    "T15": ".env",
    "T16": "id_rsa",
    "T16b": "key-link",
    "T16c": ".git/config",
    "T16d": "hooks-link/config",
    "T17": "pipe",
    "T18": "null",
    "T19": "loop",
    "T20": "sub",
    "T21": "large",
    "T22": "",
    "T23": "x" * 5000,
    "T24": "not-there.txt",
}


@pytest.mark.parametrize("case", READS)
def test_reads_stay_inside(world: Path, case: str) -> None:
    fence = Fence(world)
    with pytest.raises(SidecarError) as caught:
        fence.read(fence.for_reading(READS[case]))
    assert CANARY.decode() not in caught.value.sentence
    assert caught.value.sentence.endswith(".")


WRITES = {
    "T30": "../new.txt",
    "T31": "/tmp/../new.txt",
    "T32": "link.txt",
    "T33": "out/new.txt",
    "T34": "dangling",
    "T35": ".git/hooks/pre-commit",
    "T35b": "hooks-link/hooks/pre-commit",
    "T36": ".vscode/settings.json",
    "T37": ".mcp.json",
    "T38": ".claude/settings.json",
    "T39": ".github/workflows/ci.yml",
    "T40": ".bashrc",
    "T40b": "pipe",
    "T40c": "sub",
    "T40d": ".env",
    "T40e": "a.txt/x",
    "T40f": ".",
}


@pytest.mark.parametrize("case", WRITES)
def test_writes_stay_inside_and_off_what_decides(world: Path, case: str) -> None:
    fence = Fence(world)
    before = sorted((str(p), p.lstat().st_mtime_ns) for p in world.parent.rglob("*"))
    with pytest.raises(SidecarError):
        fence.write(fence.for_writing(WRITES[case]), b"written")
    assert sorted((str(p), p.lstat().st_mtime_ns) for p in world.parent.rglob("*")) == before


@pytest.mark.parametrize("path", ["a.txt", "./a.txt", "sub/../a.txt", "in/../a.txt"])
def test_what_lies_inside_is_read(world: Path, path: str) -> None:
    fence = Fence(world)
    assert fence.read(fence.for_reading(path)) == b"inside"
    assert fence.read(fence.for_reading(str(world / "a.txt"))) == b"inside"


def test_a_write_replaces_at_once_and_keeps_the_mode(world: Path) -> None:
    fence = Fence(world)
    target = world / "run.sh"
    target.write_text("old")
    target.chmod(0o750)
    fence.write(fence.for_writing("run.sh"), b"new")
    assert target.read_bytes() == b"new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o750
    fence.write(fence.for_writing("deep/er/x.txt"), b"x")
    assert (world / "deep/er/x.txt").read_bytes() == b"x"
    fence.write(fence.for_writing("in/y.txt"), b"y")
    assert (world / "sub/y.txt").read_bytes() == b"y"
    assert not list(world.rglob("*.tmp"))


def test_a_folder_that_becomes_a_link_meanwhile_is_not_followed(world: Path) -> None:
    fence = Fence(world)
    (world / "sub" / "x").mkdir()
    place = fence.for_writing("sub/x/new.txt")
    (world / "sub" / "x").rmdir()
    (world / "sub" / "x").symlink_to(world.parent / "work-other")
    with pytest.raises((Refused, NotFound)):
        fence.write(place, b"written")
    assert not (world.parent / "work-other" / "new.txt").exists()


def test_too_much_is_not_written(world: Path) -> None:
    fence = Fence(world)
    with pytest.raises(TooLarge):
        fence.write(fence.for_writing("b.txt"), b"x" * (MOST_BYTES + 1))
    assert not (world / "b.txt").exists()


def test_a_file_is_removed(world: Path) -> None:
    fence = Fence(world)
    fence.remove(fence.for_writing("a.txt"))
    assert fence.read_if_there(fence.for_writing("a.txt")) is None
    with pytest.raises(NotFound):
        fence.remove(fence.for_writing("a.txt"))
    with pytest.raises(BadInput):
        fence.for_writing(".")
