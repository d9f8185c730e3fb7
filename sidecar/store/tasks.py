"""Tasks of a workspace: what is to be done, by people or by the assistant. What was acknowledged is in the file."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import orjson

from sidecar.core.errors import NotFound
from sidecar.store.database import Connection, Database

Order = Literal["priority", "updated", "created", "status"]

_ORDERS: Final = {
    "priority": "priority DESC, id",
    "updated": "updated DESC, id DESC",
    "created": "created, id",
    "status": "status, priority DESC, id",
}


@dataclass(frozen=True, slots=True)
class Task:
    """One task. `priority` is larger for what matters more; `files` are paths in the workspace; times are UTC seconds."""

    title: str
    status: str = "todo"
    priority: int = 0
    tags: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    body: str = ""
    created: float = 0.0
    updated: float = 0.0
    id: int = 0


class TaskStore:
    """The tasks of one workspace."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, task: Task) -> Task:
        """Keep a new task; with its number. Raises StoreError."""
        now = time.time()
        new = replace(task, created=now, updated=now)

        def act(connection: Connection) -> int:
            cursor = connection.execute(
                "INSERT INTO tasks (title, status, priority, tags, files, body, created, updated)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (*_row(new), new.created, new.updated),
            )
            return int(cursor.lastrowid or 0)

        return replace(new, id=await self._database.write(act))

    async def get(self, number: int) -> Task:
        """One task. Raises NotFound, StoreError."""
        return await self._database.read(lambda connection: _one(connection, number))

    async def change(self, number: int, **fields: Any) -> Task:
        """Change some fields of a task. Raises NotFound, StoreError."""

        def act(connection: Connection) -> Task:
            task = replace(_one(connection, number), **fields, updated=time.time())
            connection.execute(
                "UPDATE tasks SET title = ?, status = ?, priority = ?, tags = ?, files = ?, body = ?, updated = ? WHERE id = ?",
                (*_row(task), task.updated, number),
            )
            return task

        return await self._database.write(act)

    async def delete(self, number: int) -> Task:
        """Forget a task; what it was. Raises NotFound, StoreError."""

        def act(connection: Connection) -> Task:
            task = _one(connection, number)
            connection.execute("DELETE FROM tasks WHERE id = ?", (number,))
            return task

        return await self._database.write(act)

    async def list(
        self,
        statuses: Collection[str] = (),
        *,
        tag: str = "",
        file: str = "",
        text: str = "",
        order: Order = "priority",
        limit: int = 100,
    ) -> tuple[Task, ...]:
        """Tasks that fit all of what is given. Raises StoreError."""
        ask = f"SELECT * FROM tasks ORDER BY {_ORDERS[order]}"  # noqa: S608 - one of our own orders

        def fits(task: Task) -> bool:
            named = not text or text.casefold() in f"{task.title}\n{task.body}".casefold()
            linked = (not tag or tag in task.tags) and (not file or file in task.files)
            return named and linked and (not statuses or task.status in statuses)

        found = await self._database.read(lambda connection: _tasks(connection.execute(ask)))
        return tuple([task for task in found if fits(task)][:limit])


def _row(task: Task) -> tuple[Any, ...]:
    lists = (orjson.dumps(task.tags).decode(), orjson.dumps(task.files).decode())
    return (task.title, task.status, task.priority, *lists, task.body)


def _one(connection: Connection, number: int) -> Task:
    found = _tasks(connection.execute("SELECT * FROM tasks WHERE id = ?", (number,)))
    if not found:
        raise NotFound(f"There is no task {number}; list them to see which there are.")
    return found[0]


def _tasks(rows: Any) -> list[Task]:
    names = [column[0] for column in rows.description]
    tasks = []
    for row in rows:
        values = dict(zip(names, row, strict=True))
        tasks.append(Task(**values | {name: tuple(orjson.loads(values[name])) for name in ("tags", "files")}))
    return tasks
