"""What tools changed in files: enough to show and to take back an edit, as long as nobody changed the file since."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from sidecar.core.errors import NotFound
from sidecar.store.database import Connection, Database

MOST_KEPT = 500
"""Edits that are kept of one workspace; the oldest are forgotten."""

MOST_BEFORE = 2 * 1024 * 1024
"""Bytes of a former content that are kept; an edit of a larger file cannot be taken back."""

_LIST = "SELECT * FROM edits WHERE (? = '' OR path = ?) AND (? = '' OR session = ?) ORDER BY id DESC LIMIT ?"


@dataclass(frozen=True, slots=True)
class Edit:
    """One file changed once.

    `before` is its former content: None where it did not exist, or was too large to keep (`kept` is false then). `was`
    and `became` are SHA-256 of the contents, empty for no file. `at` is UTC seconds.
    """

    path: str
    was: str
    became: str
    before: bytes | None
    existed: bool
    diff: str = ""
    tool: str = ""
    session: str = ""
    at: float = 0.0
    id: int = 0

    @property
    def kept(self) -> bool:
        """Whether the former content is known."""
        return not self.existed or self.before is not None


class EditStore:
    """The edits of one workspace, newest first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, edit: Edit) -> int:
        """Note an edit; its number. Raises StoreError."""
        before = edit.before if edit.before is None or len(edit.before) <= MOST_BEFORE else None
        row = (
            time.time(), edit.session, edit.tool, edit.path, before, edit.existed, edit.was, edit.became, edit.diff,
        )  # fmt: skip

        def act(connection: Connection) -> int:
            cursor = connection.execute(
                "INSERT INTO edits (at, session, tool, path, before, existed, was, became, diff)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )
            number = int(cursor.lastrowid or 0)
            connection.execute("DELETE FROM edits WHERE id <= ?", (number - MOST_KEPT,))
            return number

        return await self._database.write(act)

    async def list(self, path: str = "", session: str = "", limit: int = 20) -> list[Edit]:
        """The newest edits, of one file or session where they are named. Raises StoreError."""
        given = (path, path, session, session, limit)
        return await self._database.read(lambda connection: _edits(connection.execute(_LIST, given)))

    async def get(self, number: int) -> Edit:
        """One edit. Raises NotFound, StoreError."""
        ask = "SELECT * FROM edits WHERE id = ?"
        found = await self._database.read(lambda connection: _edits(connection.execute(ask, (number,))))
        if not found:
            raise NotFound(f"There is no edit {number} (any more); list them with files_history.")
        return found[0]


def _edits(rows: Any) -> list[Edit]:
    names = [column[0] for column in rows.description]
    values = (dict(zip(names, row, strict=True)) for row in rows)
    return [Edit(**each | {"existed": bool(each["existed"])}) for each in values]
