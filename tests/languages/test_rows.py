"""The table of language servers."""

from __future__ import annotations

from sidecar.languages.lsp import LANGUAGES
from sidecar.languages.rows import ROWS


def test_every_row_says_what_it_is_for_and_how_to_get_it() -> None:
    for row in ROWS:
        assert row.name == row.source.removeprefix("server:")
        assert row.command
        assert row.suffixes
        assert row.install
        assert set(row.suffixes) <= set(LANGUAGES), row.name
        assert not row.own


def test_the_languages_that_are_promised_have_one() -> None:
    known = {suffix for row in ROWS for suffix in row.suffixes}
    wanted = {".py", ".ts", ".tsx", ".js", ".go", ".rs", ".c", ".cpp", ".java", ".rb", ".php", ".kt", ".scala", ".sh"}
    assert wanted <= known
    assert len({row.name for row in ROWS}) == len(ROWS)
