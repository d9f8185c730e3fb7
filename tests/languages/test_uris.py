"""URIs and paths: encoding, drive letters, shares, and what does not belong."""

from __future__ import annotations

import os
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.languages.uris import path_from_uri, uri_from_path


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
