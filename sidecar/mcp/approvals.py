"""Which servers the user has approved, and exactly what: how they are started and which tools they had."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from sidecar.core.errors import StoreError
from sidecar.store.runtime import replace_file

FILE: Final = "mcp-approvals.json"


@dataclass(frozen=True, slots=True)
class RemoteTool:
    """A tool as its server describes it; nothing of it is trusted."""

    name: str
    description: str = ""
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "object"})
    title: str = ""

    @property
    def digest(self) -> str:
        """A fingerprint of all that the model would read."""
        return _digest([self.name, self.title, self.description, self.schema])


class Approval(BaseModel):
    """What was approved: the facts of the start, the tools then on offer (none where that is still to be done)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    facts: dict[str, Any]
    tools: tuple[RemoteTool, ...] | None = None
    at: float = 0.0

    def same_start(self, facts: Mapping[str, Any]) -> bool:
        """Whether the server would be started just as it was approved."""
        return _digest(self.facts) == _digest(dict(facts))

    def changes(self, tools: Sequence[RemoteTool]) -> list[str]:
        """How a list of tools differs from the approved one, a line each; empty when it does not."""
        before = {tool.name: tool for tool in self.tools or ()}
        now = {tool.name: tool for tool in tools}
        lines = [f"new tool: {name}" for name in now if name not in before]
        lines += [f"tool gone: {name}" for name in before if name not in now]
        for name in before.keys() & now.keys():
            for what in ("title", "description", "schema"):
                if getattr(before[name], what) != getattr(now[name], what):
                    lines.append(f"{name}: another {what}")
        return sorted(lines)


class Approvals:
    """The store: one file in the workspace's state folder, 0600, read anew whenever it has changed."""

    def __init__(self, state: Path | None) -> None:
        self._path = state / FILE if state is not None else None
        self._kept: dict[str, Approval] = {}
        self._seen: tuple[int, int] | None = None

    def of(self, name: str, source: str) -> Approval | None:
        """The approval of a manifest's server; blocks for a moment."""
        self._load()
        return self._kept.get(_key(name, source))

    def give(self, name: str, source: str, facts: Mapping[str, Any], tools: Sequence[RemoteTool] | None) -> None:
        """Approve. Raises StoreError where it cannot be kept."""
        self._load()
        self._kept[_key(name, source)] = Approval(
            facts=dict(facts), tools=None if tools is None else tuple(tools), at=time.time()
        )
        self._save()

    def take(self, name: str, source: str) -> bool:
        """Take an approval back; whether there was one. Raises StoreError."""
        self._load()
        known = self._kept.pop(_key(name, source), None) is not None
        if known:
            self._save()
        return known

    def stamp(self) -> tuple[int, int] | None:
        """Changes whenever the file does; blocks for a moment."""
        try:
            facts = self._path.stat() if self._path is not None else None
        except OSError:
            return None
        return (facts.st_mtime_ns, facts.st_ino) if facts is not None else None

    def _load(self) -> None:
        if self._path is None:
            return
        seen = self.stamp()
        if seen is not None and seen == self._seen:
            return
        try:
            self._kept = TypeAdapter(dict[str, Approval]).validate_python(orjson.loads(self._path.read_bytes()))
        except (OSError, orjson.JSONDecodeError, ValidationError):
            self._kept = {}  # nothing that cannot be read was ever approved
        self._seen = seen

    def _save(self) -> None:
        if self._path is None:
            return
        rows = {key: approval.model_dump(mode="json") for key, approval in self._kept.items()}
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            replace_file(self._path, orjson.dumps(rows))
        except StoreError:
            self._seen = None
            raise


def _key(name: str, source: str) -> str:
    return f"{source}\0{name}"


def _digest(value: Any) -> str:
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()
