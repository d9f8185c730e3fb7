"""Review threads, as they are kept: one JSON document each, by repository."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, fields
from typing import Any

from sidecar.core.review import Anchor, Comment, Evidence, Suggestion, Thread
from sidecar.store.database import Connection, Database


class ThreadStore:
    """Reads and writes the threads of any repository; a repository is named by the path of its top folder."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def reason(self) -> str:
        """What is not as it should be with the database, as a sentence; empty when all is well."""
        return self._database.reason

    async def all(self, repo: str) -> tuple[Thread, ...]:
        """The repository's threads in the order of their making. Raises StoreError.

        A document that cannot be understood is passed over and stays where it is.
        """

        def ask(connection: Connection) -> list[str]:
            rows = connection.execute("SELECT document FROM threads WHERE repo = ?", (key_of(repo),))
            return [document for (document,) in rows]

        found = (decoded(document) for document in await self._database.read(ask))
        return tuple(sorted((thread for thread in found if thread), key=lambda thread: (thread.created, thread.id)))

    async def resolved(self, repo: str) -> tuple[tuple[str, Thread], ...]:
        """The resolved threads of all views of a repository, each with the name that its view is kept by. Raises StoreError.

        A view's name is the repository's, or that and more behind a line end.
        """
        key = key_of(repo)
        wanted = (key, len(key) + 1, key + b"\n", '"state":"resolved"')

        def ask(connection: Connection) -> list[tuple[bytes, str]]:
            found = (
                "SELECT repo, document FROM threads WHERE (repo = ? OR substr(repo, 1, ?) = ?) AND instr(document, ?)"
            )
            return connection.execute(found, wanted).fetchall()

        rows = [
            (view.decode("utf-8", "surrogateescape"), decoded(document))
            for view, document in await self._database.read(ask)
        ]
        return tuple((view, thread) for view, thread in rows if thread is not None and thread.state == "resolved")

    async def revision(self, repo: str) -> int:
        """The number of the last change of the repository's threads, 0 before the first. Raises StoreError."""

        def ask(connection: Connection) -> int:
            row = connection.execute("SELECT revision FROM reviews WHERE repo = ?", (key_of(repo),)).fetchone()
            return 0 if row is None else int(row[0])

        return await self._database.read(ask)

    async def save(
        self, repo: str, threads: Collection[Thread], *, removed: Collection[str] = (), revision: int = 0
    ) -> None:
        """Keep these threads, forget those whose ids are `removed`, note the revision; all of it or nothing.

        A revision never goes back. Raises StoreError.
        """
        key = key_of(repo)
        documents = [(key, thread.id, encoded(thread)) for thread in threads]

        def act(connection: Connection) -> None:
            connection.executemany("INSERT OR REPLACE INTO threads (repo, id, document) VALUES (?, ?, ?)", documents)
            connection.executemany("DELETE FROM threads WHERE repo = ? AND id = ?", [(key, id_) for id_ in removed])
            connection.execute(
                "INSERT INTO reviews (repo, revision) VALUES (?, ?)"
                " ON CONFLICT (repo) DO UPDATE SET revision = max(revision, excluded.revision)",
                (key, revision),
            )

        await self._database.write(act)

    async def delete(self, repo: str, ids: Collection[str]) -> None:
        """Forget these threads. Raises StoreError."""
        await self.save(repo, (), removed=ids)


def key_of(repo: str) -> bytes:
    """A path's bytes: names that are no UTF-8 have no text that SQLite would take."""
    return repo.encode("utf-8", "surrogateescape")


def encoded(thread: Thread) -> str:
    """A thread as one JSON document."""
    return json.dumps(asdict(thread), ensure_ascii=True, separators=(",", ":"))


def decoded(document: str) -> Thread | None:
    """The thread of a document; None for what cannot be understood."""
    try:
        return thread_of(json.loads(document))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def thread_of(data: dict[str, Any]) -> Thread:
    """A thread from its fields. Raises ValueError, TypeError, KeyError or AttributeError for what is none."""
    anchor = known(Anchor, data["anchor"])
    anchor |= {name: tuple(anchor[name]) for name in ("text", "before", "after") if name in anchor}
    rest = known(Thread, data) | {
        "anchor": Anchor(**anchor),
        "comments": tuple(_comment(comment) for comment in data["comments"]),
        "tags": tuple(data.get("tags", ())),
    }
    return Thread(**rest)


def _comment(data: dict[str, Any]) -> Comment:
    found = known(Comment, data)
    if mend := found.get("suggestion"):
        found["suggestion"] = Suggestion(tuple(mend["was"]), tuple(mend["now"]))
    found["evidence"] = tuple(Evidence(**known(Evidence, each)) for each in data.get("evidence", ()))
    return Comment(**found)


def known(kind: type, data: dict[str, Any]) -> dict[str, Any]:
    """The fields that this version's dataclass knows, so that what a later one added does no harm."""
    names = {field.name for field in fields(kind)}
    return {name: value for name, value in data.items() if name in names}
