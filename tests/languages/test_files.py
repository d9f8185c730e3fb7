"""Files of the workspace: what may be asked about, lines, columns in characters and UTF-16 units."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.errors import BadInput
from sidecar.core.symbols import Position, Span
from sidecar.languages import files as module
from sidecar.languages.files import Files, characters, utf16, word_at


@pytest.mark.parametrize(
    ("line", "column", "units"),
    [("abc", 1, 0), ("abc", 4, 3), ("ä😀x", 2, 1), ("ä😀x", 3, 3), ("ä😀x", 4, 4), ("", 1, 0)],
)
def test_columns_count_characters_and_units(line: str, column: int, units: int) -> None:
    assert utf16(line, column) == units
    assert characters(line, units) == column


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.data())
def test_a_column_survives_the_way_there_and_back(line: str, data: st.DataObject) -> None:
    column = data.draw(st.integers(1, len(line) + 1))
    assert characters(line, utf16(line, column)) == column


def test_units_inside_a_character_or_beyond_the_line_are_a_place_of_it() -> None:
    assert characters("😀x", 1) == 1
    assert characters("ab", 99) == 3
    assert characters("ä", 99) == 2


def test_a_text_has_the_lines_of_every_kind_of_file(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"one\r\ntwo\rthree\nfour\x0cstill\xff")
    text = Files(tmp_path).text(tmp_path / "a.py")
    assert text is not None
    assert text.lines == ("one", "two", "three", "four\x0cstill\ufffd")
    assert (text.line(1), text.line(0), text.line(9)) == ("one", "", "")


def test_a_text_is_read_again_when_the_file_changed(tmp_path: Path) -> None:
    path, files = tmp_path / "a.py", Files(tmp_path)
    path.write_text("x = 1\n")
    first = files.text(path)
    assert files.text(path) is first
    path.write_text("x = 22\n")
    assert files.text(path).whole == "x = 22\n"
    path.unlink()
    assert files.text(path) is None


@pytest.fixture
def traps(tmp_path: Path) -> Files:
    root = tmp_path / "work"
    (root / "sub").mkdir(parents=True)
    (root / "a.py").write_text("x = 1\n")
    (tmp_path / "secret.py").write_text("canary = 1\n")
    (tmp_path / "work-sibling").mkdir()
    (tmp_path / "work-sibling/b.py").write_text("canary = 1\n")
    (root / "out.py").symlink_to(tmp_path / "secret.py")
    (root / "outside").symlink_to(tmp_path)
    (root / "loop").symlink_to(root / "loop")
    os.mkfifo(root / "pipe.py")
    with (root / "huge.py").open("wb") as file:
        file.truncate(module.MAX_BYTES + 1)
    return Files(root)


@pytest.mark.parametrize(
    "path",
    [
        "../secret.py", "out.py", "outside/secret.py", "../work-sibling/b.py", "/etc/passwd", "loop", "pipe.py", "huge.py",
        "sub", "gone.py", "a.py\0", "~/a.py", "file:///etc/passwd", "%2e%2e/secret.py", "a" * 5000, "/proc/self/environ",
    ],
)  # fmt: skip
def test_what_is_no_file_of_the_workspace_is_refused_in_a_sentence(traps: Files, path: str) -> None:
    with pytest.raises(BadInput) as caught:
        traps.locate(path)
    assert "canary" not in caught.value.sentence
    assert caught.value.sentence.endswith(".")


def test_a_file_is_found_however_it_is_spelled(traps: Files, tmp_path: Path) -> None:
    inside = tmp_path / "work/a.py"
    assert traps.locate("a.py") == traps.locate("sub/../a.py") == traps.locate(str(inside)) == inside
    assert traps.shown(inside) == "a.py"
    assert traps.shown(Path("/usr/lib/x.py")) == "/usr/lib/x.py"


@pytest.mark.parametrize("place", [(0, 1), (3, 1), (1, 0), (1, 7), (-1, 1)])
def test_a_place_that_is_none_is_refused(traps: Files, place: tuple[int, int]) -> None:
    text = traps.text(traps.locate("a.py"))
    with pytest.raises(BadInput):
        traps.check(text, Position(*place), "a.py")


def test_a_span_of_an_outside_file_is_absolute(traps: Files, tmp_path: Path) -> None:
    spot = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 6}}
    span, _ = traps.span((tmp_path / "secret.py").as_uri(), spot)
    assert span == Span((tmp_path / "secret.py").as_posix(), Position(1, 1), Position(1, 7))
    assert traps.span("untitled:x", spot) is None
    assert traps.span((tmp_path / "deleted.py").as_uri(), spot) is None


def test_a_walk_leaves_out_what_is_not_the_projects_own(tmp_path: Path) -> None:
    for name in ("a.py", "pkg/b.py", "node_modules/c.py", ".venv/d.py", "venv/e.py", "pkg/f.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x\n")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "dangling.py").symlink_to(tmp_path / "gone")
    found = {path.relative_to(tmp_path).as_posix() for path, _ in Files(tmp_path).walk(frozenset({".py"}))}
    assert found == {"a.py", "pkg/b.py"}


def test_the_word_at_a_place(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("call(größe, $x)\n")
    text = Files(tmp_path).text(tmp_path / "a.py")
    words = [word_at(text, Position(1, column)) for column in (1, 5, 6, 8, 13, 15)]
    assert words == ["call", "call", "größe", "größe", "$x", "$x"]
    assert word_at(text, Position(9, 1)) == ""
