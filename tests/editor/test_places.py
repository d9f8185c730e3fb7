"""URIs and paths: encoding, drive letters, shares, symbolic links, and what does not belong."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.editor.places import Places, path_from_uri, uri_from_path


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///a/b.py", "/a/b.py"),
        ("file:///a/b%20c%23%3F.py", "/a/b c#?.py"),
        ("file:///a/gr%C3%B6%C3%9Fe.py", "/a/größe.py"),
        ("file:///a/größe.py", "/a/größe.py"),
        ("file:///a/b;c.py", "/a/b;c.py"),
        ("FILE:///a", "/a"),
        ("file://localhost/a", "/a"),
        ("file:///a/%FF", "/a/\udcff"),
        ("untitled:Untitled-1", None),
        ("git:/a/b.py?ref", None),
        ("vscode-vfs://github/a/b", None),
        ("file:relative", None),
        ("file://[bad/a", None),
        ("file:///a%00b", None),
        ("", None),
    ],
)
def test_a_uri_names_a_path(uri: str, path: str | None) -> None:
    assert path_from_uri(uri, windows=False) == (None if path is None else PurePosixPath(path))


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///c%3A/Users/M%C3%BCller/a.py", "C:/Users/Müller/a.py"),
        ("file:///C:/x", "C:/x"),
        ("file:///c:", "C:"),
        ("file://server/share/a.py", "//server/share/a.py"),
    ],
)
def test_a_uri_names_a_windows_path(uri: str, path: str) -> None:
    assert path_from_uri(uri, windows=True) == PureWindowsPath(path)


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        (PurePosixPath("/a b/ü#.py"), "file:///a%20b/%C3%BC%23.py"),
        (PureWindowsPath("C:/Users/a b.py"), "file:///c:/Users/a%20b.py"),
        (PureWindowsPath("//server/share/a.py"), "file://server/share/a.py"),
    ],
)
def test_a_path_has_a_uri(path: PurePosixPath | PureWindowsPath, uri: str) -> None:
    assert uri_from_path(path) == uri
    assert path_from_uri(uri, windows=isinstance(path, PureWindowsPath)) == path


@given(st.lists(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1), min_size=1))
def test_every_path_survives_the_way_there_and_back(parts: list[str]) -> None:
    path = PurePosixPath("/", *parts)
    assert path_from_uri(uri_from_path(path), windows=False) == path


def test_a_file_name_that_is_no_utf8_survives() -> None:
    path = PurePosixPath(os.fsdecode(b"/a/\xff\xfe.py"))
    assert path_from_uri(uri_from_path(path), windows=False) == path


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
