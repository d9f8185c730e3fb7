"""Repositories and how an editor spells them: symbolic links, and what does not belong."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from sidecar.editor.places import Places

PLACES = Places(PurePosixPath("/real/repo"), PurePosixPath("/link"))


@pytest.mark.parametrize(
    ("uri", "inner"),
    [
        ("file:///link/a%20b/c.py", "a b/c.py"),
        ("file:///real/repo/c.py", "c.py"),
        ("file:///link", None),
        ("file:///linked/c.py", None),
        ("file:///link/../etc/passwd", None),
        ("file:///link/%2E%2E/etc/passwd", None),
        ("untitled:/link/c.py", None),
    ],
)
def test_what_lies_in_the_repository(uri: str, inner: str | None) -> None:
    assert PLACES.relative(uri) == inner


def test_windows_does_not_mind_case() -> None:
    places = Places(PureWindowsPath("C:/Repo"), PureWindowsPath("C:/Repo"))
    assert places.uri("src/a.py") == "file:///c:/Repo/src/a.py"
    if os.name == "nt":
        assert places.relative("file:///c%3A/repo/src/a.py") == "src/a.py"


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need a privilege on Windows")
@pytest.mark.parametrize(
    ("opened", "shown"),
    [
        ("link", "link"),
        ("link/sub", "link"),
        ("real", "real"),
        ("real/sub/deep", "real"),
        ("sublink", "real"),
        ("other", "real"),
    ],
)
def test_uris_follow_the_editors_spelling(tmp_path: Path, opened: str, shown: str) -> None:
    (tmp_path / "real/sub/deep").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "sublink").symlink_to(tmp_path / "real/sub")
    places = Places.of(str(tmp_path / "real"), tmp_path / opened)
    assert places.shown == tmp_path / shown
    assert places.relative((tmp_path / shown / "a.py").as_uri()) == "a.py"


def test_without_a_folder_the_repository_is_shown_as_it_is(tmp_path: Path) -> None:
    assert Places.of(str(tmp_path), None).shown == tmp_path
