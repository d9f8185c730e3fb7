"""The table of language servers."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from sidecar.core.symbols import Position, Query
from sidecar.languages.lsp import LANGUAGES
from sidecar.languages.rows import ROWS, Row
from sidecar.languages.servers import Servers
from tests.fakes import language_server


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


QUIRKS = {
    "rust-analyzer": "rest",
    "jdtls": "asks links load",
    "ruby-lsp": "asks load",
    "phpactor": "asks",
    "kotlin-language-server": "load asks",
    "metals": "asks load",
    "csharp-ls": "asks links",
    "sourcekit-lsp": "links asks",
}
"""What each is known for: how it tells that it is at work, what it asks of its client, how its places look."""


@pytest.mark.skipif(sys.platform == "win32", reason="the programs are shell scripts")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_each_row_is_started_by_its_own_words_and_asked_with_its_quirks(
    row: Row, tmp_path: Path, programs: Path
) -> None:
    """A scripted server under the row's name; the real ones are in the journeys, where they can be had."""
    modes = QUIRKS.get(row.name, "asks")
    program = programs / row.command[0]
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{language_server.__file__}" telling {modes} "$@"\n')
    program.chmod(0o755)
    root = tmp_path / "project"
    root.mkdir()
    for mark in row.roots[:1]:
        (root / mark).write_text("")
    for suffix in {row.suffixes[0], row.suffixes[-1]}:
        (root / f"one{suffix}").write_text("Cart\nof Cart\n")
    file = f"one{row.suffixes[0]}"
    servers = Servers(root, trusted=True, env=dict(os.environ), rows=(row,))
    try:
        used = await servers.ask(Query("references", file, Position(1, 2), deadline=30))
        assert (used.source, used.status, used.note) == (f"server:{row.name}", "ready", "")
        assert {(item.span.path, item.span.start.line) for item in used.items} >= {(file, 1), (file, 2)}
        defined = await servers.ask(Query("definition", file, Position(2, 5), deadline=30))
        assert [item.span.path for item in defined.items] == [file]
        hover = await servers.ask(Query("hover", file, Position(1, 1), deadline=30))
        assert hover.items[0].text == " ".join(["telling", modes, *row.command[1:]])
    finally:
        await servers.aclose()
