"""The index of a workspace as it is written: its tables, and putting what files hold into them.

A file of its own, since all of it can be made again: one that is damaged, or of another version's form, is put aside and
begun anew.
"""

from __future__ import annotations

import contextlib
import sqlite3
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, NamedTuple

from sidecar.store.database import BUSY, is_damaged, prepare_file
from sidecar.store.symbols import FORM, PLACES, told

_MARK: Final = 0x53434958
_CACHED_NAMES: Final = 300_000
_CHECKED_BELOW: Final = 256 << 20
# The search's segments are merged 16 at a time: with the usual 4 half of the work of filling it is merging.
_SCHEMA: Final = """
CREATE TABLE notes (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE files (
  id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, folder TEXT NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL,
  modified INTEGER NOT NULL, looked INTEGER NOT NULL, hash BLOB NOT NULL, language TEXT NOT NULL, skipped TEXT NOT NULL,
  doc TEXT NOT NULL, names BLOB NOT NULL, locals BLOB NOT NULL);
CREATE INDEX files_name ON files (name);
CREATE INDEX files_folder ON files (folder);
CREATE TABLE names (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, defined INTEGER NOT NULL DEFAULT 0);
CREATE VIRTUAL TABLE search USING fts5 (text, content = 'names', content_rowid = 'id', tokenize = 'trigram', columnsize = 0);
INSERT INTO search (search, rank) VALUES ('automerge', 16);
CREATE TABLE symbols (
  id INTEGER PRIMARY KEY, name INTEGER NOT NULL, kind TEXT NOT NULL,
  container TEXT NOT NULL, line INTEGER NOT NULL, column_ INTEGER NOT NULL, end_column INTEGER NOT NULL,
  from_line INTEGER NOT NULL, from_column INTEGER NOT NULL, to_line INTEGER NOT NULL, to_column INTEGER NOT NULL,
  signature TEXT NOT NULL, doc TEXT NOT NULL);
CREATE INDEX symbols_name ON symbols (name);
CREATE TABLE uses (id INTEGER PRIMARY KEY, places BLOB NOT NULL);
CREATE TABLE imports (id INTEGER PRIMARY KEY, line INTEGER NOT NULL, module TEXT NOT NULL, name TEXT NOT NULL, alias TEXT NOT NULL);
CREATE TABLE bases (id INTEGER PRIMARY KEY, base INTEGER NOT NULL, class TEXT NOT NULL);
CREATE INDEX bases_base ON bases (base);
CREATE TABLE facts (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, detail TEXT NOT NULL);
INSERT INTO notes VALUES ('revision', 0), ('complete', 0)
"""


class FileState(NamedTuple):
    """What is known of a file: how it was when it was last read. `looked` is when that was; times in ns since 1970."""

    id: int
    size: int
    modified: int
    looked: int
    hash: bytes


class Entry(NamedTuple):
    """All that one file puts into the index; the lists are tuples in the order of their tables' columns.

    `skipped` says why nothing of it was read (empty: it was). `symbols` begin with the name and end with the doc line;
    `uses` maps names to packed places; `facts` are (kind, name, detail).
    """

    path: str
    size: int
    modified: int
    looked: int
    hash: bytes
    language: str
    skipped: str
    doc: str = ""
    symbols: Sequence[Sequence[Any]] = ()
    uses: Mapping[str, bytes] = {}
    imports: Sequence[Sequence[Any]] = ()
    bases: Sequence[Sequence[Any]] = ()
    locals: bytes = b""
    facts: Sequence[Sequence[Any]] = ()


class SymbolWriter:
    """The one writer. It blocks, and belongs to the thread that made it. Any method raises StoreError when the disk fails."""

    def __init__(self, path: Path, *, fresh: bool = False) -> None:
        """Open the index or begin a new one (`fresh`: in any case). Raises StoreError when the folder cannot be written."""
        self.path = path
        with told():
            self._db = _open_for_writing(path, fresh=fresh)
            self._db.execute("PRAGMA wal_autocheckpoint = 16000")
            self._db.execute("PRAGMA cache_size = -32000")
        self._ids: dict[str, int] = {}
        self._defined: dict[str, int] = {}
        self._new: list[tuple[int, str]] = []
        self._found: list[tuple[int, str]] = []
        self._numbers: dict[str, int] = {}
        self._empty = not self._db.execute("SELECT 1 FROM names LIMIT 1").fetchone()

    def close(self) -> None:
        """Write what is left into the main file and close."""
        with told():
            self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")
            self._db.close()

    def known(self) -> dict[str, FileState]:
        """Every file of the index, by its path."""
        with told():
            rows = self._db.execute("SELECT path, id, size, modified, looked, hash FROM files")
            return {row[0]: FileState(*row[1:]) for row in rows}

    def state_of(self, paths: Iterable[str]) -> dict[str, FileState]:
        """Those of these paths that are in the index, and all below those of them that are folders."""
        ask = "SELECT path, id, size, modified, looked, hash FROM files WHERE path = ? OR folder = ? OR folder GLOB ?"
        with told():
            rows = [
                row for path in paths for row in self._db.execute(ask, (path, path, f"{_globbed(path)}/*")).fetchall()
            ]
        return {row[0]: FileState(*row[1:]) for row in rows}

    def write(
        self, entries: Sequence[Entry], removed: Collection[str] = (), notes: Mapping[str, Any] | None = None
    ) -> int:
        """Put files in (in place of what they had there), take others out, in one transaction; the new revision.

        Without any change the revision stays.
        """
        with told(), _transaction(self._db):
            for path in removed:
                self._clear(path, whole=True)
            try:
                self._put(entries)
            except BaseException:
                self._forget()
                raise
            self.note(**(notes or {}))
            if entries or removed:
                self._db.execute("UPDATE notes SET value = value + 1 WHERE key = 'revision'")
            return int(self._db.execute("SELECT value FROM notes WHERE key = 'revision'").fetchone()[0])

    def touch(self, states: Iterable[tuple[str, int, int, int]]) -> None:
        """Files whose content is the same though their dates are not: (path, size, modified, looked)."""
        rows = [(size, modified, looked, path) for path, size, modified, looked in states]
        with told(), _transaction(self._db):
            self._db.executemany("UPDATE files SET size = ?, modified = ?, looked = ? WHERE path = ?", rows)

    def note(self, **notes: Any) -> None:
        """Keep small facts about the index itself."""
        with told():
            self._db.executemany("INSERT OR REPLACE INTO notes VALUES (?, ?)", notes.items())

    def settle(self) -> None:
        """After much was written: tidy the search, and fold the log into the main file."""
        with told():
            self._db.execute("PRAGMA optimize")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _put(self, entries: Sequence[Entry]) -> None:
        """All rows of a table at once; those of `uses` in the order of their key, so that its tree grows from left to right."""
        rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in _ROWS}
        for entry in entries:
            at = self._clear(entry.path, whole=False) or self._number("files")
            first = at << PLACES
            folder, _, name = entry.path.rpartition("/")
            known, defined, uses = self._ids, self._defined, entry.uses
            ids = [known.get(name) or self._id(name) for name in uses]
            rows["uses"] += zip(ids, repeat(at), uses.values())
            rows["symbols"] += [
                (place, defined.get(row[0]) or self._define(row[0]), *row[1:])
                for place, row in enumerate(entry.symbols, first + 1)
            ]
            rows["imports"] += [(place, *row) for place, row in enumerate(entry.imports, first)]
            rows["bases"] += [(place, self._id(row[0]), row[1]) for place, row in enumerate(entry.bases, first)]
            rows["facts"] += [(place, *row) for place, row in enumerate(entry.facts, first)]
            told = (entry.size, entry.modified, entry.looked, entry.hash, entry.language, entry.skipped, entry.doc)
            rows["files"].append((at, entry.path, folder, name, *told, array("q", ids).tobytes(), entry.locals))
        rows["uses"].sort(key=itemgetter(0))
        before = self._new[0][0] if self._new else 1 << 62
        rows["names"], self._new = [(at, name, name in self._defined) for at, name in self._new], []
        rows["search"], self._found = sorted(self._found), []  # else each one out of order is a segment
        found = [(at,) for at, _ in rows["search"] if at < before]
        self._db.executemany("UPDATE names SET defined = 1 WHERE id = ?", found)
        for table, statement in _ROWS.items():
            if rows[table]:
                self._db.executemany(statement, rows[table])

    def _number(self, table: str) -> int:
        """The next number of a row; there is one writer only."""
        if table not in self._numbers:
            ask = "SELECT max(id) FROM files" if table == "files" else "SELECT max(id) FROM names"
            self._numbers[table] = self._db.execute(ask).fetchone()[0] or 0
        self._numbers[table] += 1
        return self._numbers[table]

    def _clear(self, path: str, *, whole: bool) -> int | None:
        """Forget what a file had put in; its number, which it keeps. `whole`: the file itself as well."""
        row = self._db.execute("SELECT id, names FROM files WHERE path = ?", (path,)).fetchone()
        if row is None:
            return None
        at = int(row[0])
        self._db.executemany("DELETE FROM uses WHERE id = ? << 24 | ?", [(n, at) for n in array("q", row[1])])
        for statement in _FORGET if whole else _FORGET[:-1]:
            self._db.execute(statement, (at,))
        return at

    def _id(self, name: str) -> int:
        known = self._ids.get(name)
        if known is not None:
            return known
        if len(self._ids) > _CACHED_NAMES and not self._new and not self._found:
            self._forget()
        row = None
        if not self._empty:  # else every name that there is was given by us, and is remembered
            row = self._db.execute("SELECT id, defined FROM names WHERE text = ?", (name,)).fetchone()
        known = self._ids[name] = row[0] if row is not None else self._number("names")
        if row is None:
            self._new.append((known, name))
        elif row[1]:
            self._defined[name] = known
        return known

    def _forget(self) -> None:
        """Remember nothing of the names: there are too many, or what was to be written of them was not."""
        self._ids, self._defined, self._new, self._found = {}, {}, [], []
        self._empty = False

    def _define(self, name: str) -> int:
        """The number of a name that a symbol bears: it can be searched for from now on."""
        at = self._id(name)
        if name not in self._defined:
            self._defined[name] = at
            self._found.append((at, name))
        return at


_ROWS: Final = {
    "names": "INSERT INTO names VALUES (?, ?, ?)",
    "files": "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "symbols": "INSERT INTO symbols VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "uses": "INSERT INTO uses VALUES (? << 24 | ?, ?)",
    "imports": "INSERT INTO imports VALUES (?, ?, ?, ?, ?)",
    "bases": "INSERT INTO bases VALUES (?, ?, ?)",
    "facts": "INSERT INTO facts VALUES (?, ?, ?, ?)",
    "search": "INSERT INTO search (rowid, text) VALUES (?, ?)",
}
_FORGET: Final = (
    "DELETE FROM symbols WHERE id BETWEEN ?1 << 20 AND (?1 << 20) + 1048575",
    "DELETE FROM imports WHERE id BETWEEN ?1 << 20 AND (?1 << 20) + 1048575",
    "DELETE FROM bases WHERE id BETWEEN ?1 << 20 AND (?1 << 20) + 1048575",
    "DELETE FROM facts WHERE id BETWEEN ?1 << 20 AND (?1 << 20) + 1048575",
    "DELETE FROM files WHERE id = ?",
)


def _open_for_writing(path: Path, *, fresh: bool) -> sqlite3.Connection:
    prepare_file(path)
    if not fresh:
        try:
            return _prepared(path)
        except sqlite3.DatabaseError as error:
            if not is_damaged(error):
                raise
            _put_aside(path)
    else:
        for tail in ("", "-wal", "-shm"):
            path.with_name(path.name + tail).unlink(missing_ok=True)
    prepare_file(path)
    return _prepared(path)


def _prepared(path: Path) -> sqlite3.Connection:
    """A writing connection whose tables are ours. Raises sqlite3.DatabaseError for a damaged or foreign file."""
    db = sqlite3.connect(path, timeout=BUSY, isolation_level=None)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        mark, form = db.execute("PRAGMA application_id").fetchone()[0], db.execute("PRAGMA user_version").fetchone()[0]
        _refuse_damaged(db, path)
        if (mark, form) == (0, 0):
            with _transaction(db):
                for statement in _SCHEMA.split(";"):
                    db.execute(statement)
                db.execute(f"PRAGMA application_id = {_MARK:d}")
                db.execute(f"PRAGMA user_version = {FORM:d}")
        else:
            _refuse_foreign(mark, form)
    except BaseException:
        db.close()
        raise
    return db


def _refuse_damaged(db: sqlite3.Connection, path: Path) -> None:
    if path.stat().st_size < _CHECKED_BELOW and db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise sqlite3.DatabaseError("malformed")


def _refuse_foreign(mark: int, form: int) -> None:
    if (mark, form) != (_MARK, FORM):
        raise sqlite3.DatabaseError("malformed: of another version")


def _put_aside(path: Path) -> None:
    """Keep what cannot be used (the last one only), for whoever wants to know what happened."""
    for tail in ("", "-wal", "-shm"):
        beside = path.with_name(path.name + tail)
        if beside.exists():
            beside.replace(path.with_name(f"{path.name}.damaged{tail}"))


@contextlib.contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.rollback()
        raise
    db.commit()


def _globbed(text: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in text)
