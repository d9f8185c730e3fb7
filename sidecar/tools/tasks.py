"""Tasks for the model: create, list, get, update, set status, delete."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from sidecar.core.tool import Caller, Tool, ToolResult
from sidecar.store.tasks import Task, TaskStore
from sidecar.tools.bench import Bench
from sidecar.tools.define import Input, also, define


def _listed(value: Any) -> Any:
    """`a, b` as a list."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Words = Annotated[list[str], BeforeValidator(_listed)]
Status = Annotated[str, BeforeValidator(lambda value: value.strip().lower() if isinstance(value, str) else value)]


class Create(Input):
    """A new task."""

    title: str = also("title", about="What is to be done, in a line.", min_length=1, max_length=500)
    body: str = also("body", "description", default="", about="More about it, as Markdown.", max_length=50_000)
    status: Status = also(
        "status",
        default="todo",
        about="`todo`, `doing`, `done`, `blocked`, or another word.",
        pattern=r"^[\w -]{1,40}$",
    )
    priority: int = also("priority", default=0, about="Larger for what matters more.", ge=-1_000, le=1_000)
    tags: Words = also("tags", default=[], about="Words to find it by.", max_length=50)
    files: Words = also("files", "file", default=[], about="Files that it is about.", max_length=100)
    metadata: dict[str, Any] | None = also("metadata", default=None, about="Not kept; say it in the body.")


class Number(Input):
    """Which task."""

    id: int = also("id", about="The task's number.", ge=1)


class Update(Number):
    """What changes; what is left out stays."""

    title: str | None = also("title", default=None, about="The new title.", min_length=1, max_length=500)
    body: str | None = also("body", "description", default=None, about="The new text.", max_length=50_000)
    status: Status | None = also("status", default=None, about="The new status.", pattern=r"^[\w -]{1,40}$")
    priority: int | None = also("priority", default=None, about="The new priority.", ge=-1_000, le=1_000)
    tags: Words | None = also("tags", default=None, about="All tags from now on.", max_length=50)
    files: Words | None = also("files", "file", default=None, about="All files from now on.", max_length=100)


class SetStatus(Number):
    """How it stands."""

    status: Status = also(
        "status", about="`todo`, `doing`, `done`, `blocked`, or another word.", pattern=r"^[\w -]{1,40}$"
    )


class List(Input):
    """Which tasks."""

    status: Words = also("status", default=[], about="Only those that stand so.")
    tag: str = also("tag", default="", about="Only those with this tag.")
    file: str = also("file", default="", about="Only those about this file.")
    text: str = also("text", "search", default="", about="Only those that say this.")
    order: Literal["priority", "updated", "created", "status"] = also(
        "order", default="priority", about="By what they are sorted."
    )
    limit: int = also("limit", default=50, about="How many at most.", ge=1, le=500)


class TaskTools:
    """The family; `tools` are what is offered."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def tools(self) -> Iterator[Tool]:
        """What this family offers."""
        yield define("tasks_list", "read", self.list_tasks)
        yield define("tasks_get", "read", self.get)
        yield define("tasks_create", "write", self.create)
        yield define("tasks_update", "write", self.update)
        yield define("tasks_set_status", "write", self.set_status)
        yield define("tasks_delete", "write", self.delete)

    async def create(self, given: Create, caller: Caller) -> ToolResult:
        """Note a task of this workspace, with priority, tags and the files that it is about."""
        files = await asyncio.to_thread(self._files, given.files)
        task = Task(given.title, given.status, given.priority, tuple(given.tags), files, given.body)
        return await self._told(await (await self._store()).add(task))

    async def list_tasks(self, given: List, caller: Caller) -> ToolResult:
        """List the tasks of this workspace, the most important first."""
        store = await self._store()
        found = await store.list(
            given.status, tag=given.tag, file=given.file, text=given.text, order=given.order, limit=given.limit
        )
        text = "\n".join(line(task) for task in found) or "There are no such tasks."
        return await self._noted({"tasks": [asdict(task) for task in found]}, text)

    async def get(self, given: Number, caller: Caller) -> ToolResult:
        """Show one task with all that is known of it."""
        return await self._told(await (await self._store()).get(given.id))

    async def update(self, given: Update, caller: Caller) -> ToolResult:
        """Change some of a task; what is left out stays as it is."""
        fields = {name: value for name, value in given.model_dump(exclude={"id"}).items() if value is not None}
        if "files" in fields:
            fields["files"] = await asyncio.to_thread(self._files, fields["files"])
        if "tags" in fields:
            fields["tags"] = tuple(fields["tags"])
        return await self._told(await (await self._store()).change(given.id, **fields))

    async def set_status(self, given: SetStatus, caller: Caller) -> ToolResult:
        """Say how a task stands: `todo`, `doing`, `done`, `blocked`."""
        return await self._told(await (await self._store()).change(given.id, status=given.status))

    async def delete(self, given: Number, caller: Caller) -> ToolResult:
        """Forget a task for good."""
        task = await (await self._store()).delete(given.id)
        return await self._noted(asdict(task), f"Deleted task {task.id}: {task.title}")

    async def _store(self) -> TaskStore:
        return TaskStore(await self._bench.database())

    async def _told(self, task: Task) -> ToolResult:
        return await self._noted(asdict(task), line(task) + (f"\n\n{task.body}" if task.body else ""))

    async def _noted(self, value: dict[str, Any], text: str) -> ToolResult:
        """An answer, and that it will be forgotten where it will."""
        why = (await self._bench.database()).forgetful
        if not why:
            return ToolResult(value=value, text=text)
        note = f"Tasks are kept in memory only and are lost when this Sidecar ends. {why}"
        return ToolResult(value={**value, "note": note}, text=f"{text}\n\nNote: {note}")

    def _files(self, names: list[str]) -> tuple[str, ...]:
        return tuple(self._bench.fence.place(name).name for name in names)


def line(task: Task) -> str:
    """A task in a line."""
    tags = "".join(f" #{tag}" for tag in task.tags)
    files = f" ({', '.join(task.files)})" if task.files else ""
    return f"{task.id}. [{task.status}] {task.title}{tags}{files}" + (f" !{task.priority}" if task.priority else "")
