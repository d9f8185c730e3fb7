"""The index of a workspace as it is read: files, symbols, uses, imports, facts, and the search over names.

Any number of processes read it, each over its own connection, and see whole transactions only; one writes
(`symbolwriter`).
"""

from __future__ import annotations

import contextlib
import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from sidecar.core.defined import Defined
from sidecar.core.errors import StoreError
from sidecar.store.database import BUSY

INDEX: Final = "index.db"
"""The file's name in a workspace's state folder."""

FORM: Final = 6
PLACES: Final = 20
"""A row of symbols, imports, bases or facts has the number `file << 20 | place among the file's`; one of uses `name << 24 | file`.

No file has a million of them; so they lie together, and no further tree finds them.
"""

_NONE: Final = "There is no index of this workspace yet; run `sidecar index`."
_OTHER: Final = "The index was made by another version of Sidecar; restart that one, or run `sidecar index`."
_SYMBOL: Final = (
    "SELECT names.text, symbols.kind, container, line, column_, end_column, from_line, from_column, to_line, to_column,"
    " signature, symbols.doc, files.path, files.language, files.id, symbols.id & 1048575"
    " FROM symbols JOIN names ON names.id = symbols.name JOIN files ON files.id = symbols.id >> 20"
)


class FileRow(NamedTuple):
    """A file as it is kept. `locals` is what whoever wrote it packed there."""

    id: int
    path: str
    language: str
    skipped: str
    size: int
    modified: int
    locals: bytes


class UseRow(NamedTuple):
    """Where one file uses a name: packed places."""

    file: int
    path: str
    language: str
    places: bytes


class ImportRow(NamedTuple):
    """A name that a file brings in; `path` is the importing file's."""

    path: str
    line: int
    module: str
    name: str
    alias: str


class SymbolReader:
    """One reading connection. It blocks; calls must not overlap. Any method raises StoreError when the index cannot be read."""

    def __init__(self, path: Path) -> None:
        """Open an index that exists. Raises StoreError when there is none, or one of another form."""
        if not path.exists():
            raise StoreError(_NONE)
        with told():
            self._db = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=BUSY, check_same_thread=False)
            self._db.execute("PRAGMA query_only = ON")
            form = self._db.execute("PRAGMA user_version").fetchone()[0]
        if form != FORM:
            self._db.close()
            raise StoreError(_OTHER if form else _NONE)

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def notes(self) -> dict[str, Any]:
        """The small facts about the index: `revision`, `complete`, and `done` of `total` while it is made."""
        return dict(self._all("SELECT key, value FROM notes"))

    def changed(self) -> int:
        """A number that differs whenever somebody has written."""
        return int(self._one("PRAGMA data_version")[0])

    # ── files ───────────────────────────────────────────────────────────────────────────────────────
    def file(self, path: str) -> FileRow | None:
        """One file by its path."""
        row = self._one("SELECT id, path, language, skipped, size, modified, locals FROM files WHERE path = ?", path)
        return FileRow(*row) if row else None

    def doc_of(self, file: int) -> str:
        """What a file says of itself, in its first line of words; empty where it says nothing."""
        row = self._one("SELECT doc FROM files WHERE id = ?", file)
        return str(row[0]) if row else ""

    def paths(self, candidates: Iterable[str]) -> list[str]:
        """Those of these paths that are in the index, in the given order."""
        return [path for path in candidates if self._one("SELECT 1 FROM files WHERE path = ?", path)]

    def named(self, name: str) -> list[str]:
        """Paths of all files of this name."""
        return [row[0] for row in self._all("SELECT path FROM files WHERE name = ? ORDER BY path", name)]

    def in_folder(self, folder: str) -> list[str]:
        """Paths of the files right in a folder."""
        return [row[0] for row in self._all("SELECT path FROM files WHERE folder = ? ORDER BY path", folder)]

    def all_files(self) -> list[tuple[str, str, int, str]]:
        """(path, language, size, why it was skipped) of every file, by path."""
        return self._all("SELECT path, language, size, skipped FROM files ORDER BY path")

    def left_out(self) -> list[tuple[str, str, str]]:
        """(path, language, why it was skipped) of every file that is not read."""
        return self._all("SELECT path, language, skipped FROM files WHERE skipped != '' ORDER BY path")

    def counts(self) -> tuple[int, int]:
        """How many files and how many symbols there are."""
        return int(self._one("SELECT count(*) FROM files")[0]), int(self._one("SELECT count(*) FROM symbols")[0])

    def symbol_counts(self) -> dict[str, int]:
        """How many symbols there are, by language."""
        return dict(
            self._all(
                "SELECT language, count(*) FROM symbols JOIN files ON files.id = symbols.id >> 20 GROUP BY language"
            )
        )

    def facts(self) -> list[tuple[str, str, str, str]]:
        """(kind, name, detail, path) of what files say about the project as a whole."""
        return self._all(
            "SELECT kind, facts.name, detail, path FROM facts JOIN files ON files.id = facts.id >> 20"
            " ORDER BY kind, facts.name, path, detail"
        )

    # ── symbols ─────────────────────────────────────────────────────────────────────────────────────
    def symbols_named(self, name: str) -> list[Defined]:
        """All symbols of exactly this name."""
        ask = f"{_SYMBOL} WHERE symbols.name = (SELECT id FROM names WHERE text = ?) ORDER BY path, line"  # noqa: S608 - both are constants
        return [Defined(*row) for row in self._all(ask, name)]

    def symbols_in(self, file: int) -> list[Defined]:
        """All symbols of a file, in its order."""
        return [
            Defined(*row)
            for row in self._all(
                f"{_SYMBOL} WHERE symbols.id BETWEEN ?1 << 20 AND (?1 << 20) + 1048575 ORDER BY symbols.id", file
            )
        ]

    def symbols_of(self, names: Sequence[str]) -> list[Defined]:
        """All symbols of these names."""
        ask = f"{_SYMBOL} WHERE symbols.name IN (SELECT id FROM names WHERE text IN ({', '.join('?' * len(names))}))"  # noqa: S608 - only marks
        return [Defined(*row) for row in self._all(ask, *names)]

    def search(self, text: str, limit: int) -> list[str]:
        """Names of symbols that hold a text, whatever its case: those that hold it whole, else as a subsequence.

        So many of them at most, the text itself among them if it is one.
        """
        if len(text) >= 3:
            quoted = '"' + text.replace('"', '""') + '"'
            found = self._all("SELECT text FROM search WHERE search MATCH ? LIMIT ?", quoted, limit)
        else:
            ask = "SELECT text FROM names WHERE defined AND text LIKE ? ESCAPE '\\' LIMIT ?"
            found = self._all(ask, f"%{_liked(text)}%", limit)
        if not found:
            loose = "%" + "%".join(_liked(letter) for letter in text) + "%"
            found = self._all("SELECT text FROM names WHERE defined AND text LIKE ? ESCAPE '\\' LIMIT ?", loose, limit)
        if len(found) == limit:
            found += self._all("SELECT text FROM names WHERE defined AND text = ?", text)
        return list(dict.fromkeys(row[0] for row in found))

    def derived(self, base: str) -> list[tuple[str, str]]:
        """(path, dotted path of a class) of the classes that name this base."""
        return self._all(
            "SELECT path, class FROM bases JOIN files ON files.id = bases.id >> 20"
            " WHERE base = (SELECT id FROM names WHERE text = ?) ORDER BY path, class",
            base,
        )

    def bases_in(self, file: int) -> list[tuple[str, str]]:
        """(base, dotted path of the class) of a file's classes."""
        ask = "SELECT text, class FROM bases JOIN names ON names.id = base WHERE bases.id BETWEEN ?1 << 20 AND (?1 << 20) + 1048575"
        return self._all(ask, file)

    # ── uses and imports ────────────────────────────────────────────────────────────────────────────
    def uses(self, name: str) -> list[UseRow]:
        """Every file that uses a name, with the places."""
        return [
            UseRow(*row)
            for row in self._all(
                "SELECT files.id, path, language, places FROM names JOIN uses"
                " ON uses.id BETWEEN names.id << 24 AND (names.id << 24) + 16777215"
                " JOIN files ON files.id = uses.id & 16777215 WHERE text = ? ORDER BY path",
                name,
            )
        ]

    def names_used_in(self, file: int) -> list[tuple[str, bytes]]:
        """(name, places) of everything that a file uses."""
        row = self._one("SELECT names FROM files WHERE id = ?", file)
        ids = array("q", row[0]) if row else array("q")
        ask = "SELECT text, places FROM uses JOIN names ON names.id = uses.id >> 24 WHERE uses.id = (? << 24 | ?)"
        return [found for at in ids if (found := self._one(ask, at, file))]

    def use_in(self, file: int, name: str) -> bytes:
        """Places where one file uses a name; empty where it does not."""
        row = self._one(
            "SELECT places FROM uses WHERE id = ((SELECT id FROM names WHERE text = ?) << 24 | ?)", name, file
        )
        return bytes(row[0]) if row else b""

    def imports_of(self, file: int) -> list[ImportRow]:
        """What a file brings in."""
        ask = (
            "SELECT path, line, module, imports.name, alias FROM imports JOIN files ON files.id = ?1"
            " WHERE imports.id BETWEEN ?1 << 20 AND (?1 << 20) + 1048575"
        )
        return [ImportRow(*row) for row in self._all(ask, file)]

    def all_imports(self) -> list[tuple[str, str, str, str]]:
        """(path, language, module, name) of every import of every file, by path."""
        ask = (
            "SELECT path, language, module, imports.name FROM imports"
            " JOIN files ON files.id = imports.id >> 20 ORDER BY path, line"
        )
        return self._all(ask)

    def _all(self, ask: str, *values: Any) -> list[Any]:
        with told():
            return self._db.execute(ask, values).fetchall()

    def _one(self, ask: str, *values: Any) -> Any:
        with told():
            return self._db.execute(ask, values).fetchone()


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Whatever SQLite raises, as a StoreError with the mend."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(
            f"The index could not be used ({error}); if that lasts, run `sidecar index --rebuild`."
        ) from error


def _liked(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
