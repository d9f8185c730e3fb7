"""Small source trees for the tests of the index, and the whole content of an index in words."""

from __future__ import annotations

import contextlib
import sqlite3
from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sidecar.index.build import Builder
from sidecar.index.resolve import Resolver
from sidecar.index.walk import Folder
from sidecar.store.symbols import INDEX, SymbolReader
from sidecar.store.symbolwriter import SymbolWriter


def write_tree(root: Path, files: Mapping[str, str | bytes]) -> Path:
    for path, content in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def build_index(root: Path, state: Path) -> Path:
    """A fresh index of all files of a folder; its file."""
    where = state / INDEX
    writer = SymbolWriter(where, fresh=True)
    builder = Builder(root, writer, workers=1)
    builder.look_at_all(Folder(root).files())
    builder.close()
    writer.close()
    return where


@contextlib.contextmanager
def resolving(root: Path, state: Path):
    """A resolver over a fresh index."""
    with contextlib.closing(SymbolReader(build_index(root, state))) as reader:
        yield Resolver(reader, lambda path: lines_of(root / path))


def lines_of(path: Path) -> Sequence[str]:
    return path.read_text("utf-8", "replace").split("\n") if path.is_file() else ()


def content(where: Path) -> dict[str, list[Any]]:
    """Everything that an index says, without numbers and dates, which depend on how it came about."""
    ask = {
        "files": "SELECT path, size, hash, language, skipped, doc, locals FROM files",
        "symbols": "SELECT path, s.id & 1048575, text, kind, container, line, column_, end_column, from_line, from_column, to_line,"
        " to_column, signature, s.doc FROM symbols s JOIN files f ON f.id = s.id >> 20 JOIN names n ON n.id = s.name",
        "uses": "SELECT path, text, places FROM uses u JOIN files f ON f.id = u.id & 16777215 JOIN names n ON n.id = u.id >> 24",
        "imports": "SELECT path, line, module, i.name, alias FROM imports i JOIN files f ON f.id = i.id >> 20",
        "bases": "SELECT path, text, class FROM bases b JOIN files f ON f.id = b.id >> 20 JOIN names n ON n.id = b.base",
        "facts": "SELECT path, kind, a.name, detail FROM facts a JOIN files f ON f.id = a.id >> 20",
        "orphans": "SELECT 'row' FROM (SELECT id FROM symbols UNION ALL SELECT id FROM imports UNION ALL SELECT id FROM bases"
        " UNION ALL SELECT id FROM facts) WHERE id >> 20 NOT IN (SELECT id FROM files) UNION ALL"
        " SELECT 'use' FROM uses WHERE id & 16777215 NOT IN (SELECT id FROM files)",
        "searched": "SELECT DISTINCT text FROM search WHERE rowid IN (SELECT name FROM symbols)",
        "defined": "SELECT DISTINCT text FROM names WHERE id IN (SELECT name FROM symbols)",
    }
    with contextlib.closing(sqlite3.connect(where)) as db:
        return {name: sorted(db.execute(statement).fetchall()) for name, statement in ask.items()}


def places(packed: bytes) -> list[tuple[int, int]]:
    flat = array("I", packed)
    return list(zip(flat[::3], flat[1::3], strict=True))
