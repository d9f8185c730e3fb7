"""What people do not want to hear again in reviews, by repository: one JSON document a dismissal."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict
from typing import Any

from sidecar.core.review import Dismissal
from sidecar.store.database import Connection, Database
from sidecar.store.threads import key_of, known, thread_of


class DismissalStore:
    """Reads and writes the dismissals of any repository; a repository is named by the path of its top folder."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self, repo: str) -> tuple[Dismissal, ...]:
        """The repository's dismissals in the order of their making. Raises StoreError.

        A document that cannot be understood is passed over and stays where it is.
        """

        def ask(connection: Connection) -> list[str]:
            rows = connection.execute("SELECT document FROM dismissals WHERE repo = ?", (key_of(repo),))
            return [document for (document,) in rows]

        found = (_decoded(document) for document in await self._database.read(ask))
        return tuple(sorted((each for each in found if each), key=lambda each: (each.created, each.id)))

    async def save(self, repo: str, dismissals: Collection[Dismissal] = (), *, removed: Collection[str] = ()) -> None:
        """Keep these, forget those whose ids are `removed`; all of it or nothing. Raises StoreError."""
        key = key_of(repo)
        documents = [(key, each.id, json.dumps(asdict(each), separators=(",", ":"))) for each in dismissals]

        def act(connection: Connection) -> None:
            connection.executemany("INSERT OR REPLACE INTO dismissals (repo, id, document) VALUES (?, ?, ?)", documents)
            connection.executemany("DELETE FROM dismissals WHERE repo = ? AND id = ?", [(key, id_) for id_ in removed])

        await self._database.write(act)


def _decoded(document: str) -> Dismissal | None:
    try:
        data: dict[str, Any] = json.loads(document)
        return Dismissal(**(known(Dismissal, data) | {"thread": thread_of(data["thread"])}))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
