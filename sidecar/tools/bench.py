"""What the families of tools work with: one workspace, its repository, its database, and whether it is trusted."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from sidecar.core.errors import BadInput, Refused
from sidecar.core.policy import GitRules
from sidecar.core.ports import Desk, Reviewer, SymbolSource
from sidecar.settings.groups import Tests, Web
from sidecar.settings.values import listed
from sidecar.store.database import Database
from sidecar.tools.fence import Fence
from sidecar.vcs.runner import Git


class Writer(Protocol):
    """Whichever model is configured, asked once for a text."""

    async def write(self, task: str, material: str) -> str:
        """What it writes. Raises SidecarError when it cannot be asked, or wrote nothing."""


class Summarizer(Protocol):
    """Who can say what kind of project this is."""

    async def summary(self, *, refresh: bool) -> str:
        """Languages, frameworks, layout, dependencies, as Markdown; looked at again when `refresh`."""


async def _no_gate(_git: Git) -> None:
    """Nothing has to pass before a commit."""


@dataclass(frozen=True)
class Bench:
    """What is there to work with; what is None is not to be had here, and tools that need it are not offered.

    `git` raises NotARepository, `database` StoreError, `desk` the first of them. `gate` says whether a commit's tests
    passed (it raises Refused where not). `rules` are asked at each call.
    """

    fence: Fence
    git: Callable[[], Awaitable[Git]]
    database: Callable[[], Awaitable[Database]]
    rules: GitRules = field(default_factory=GitRules)
    environment: Mapping[str, str] = field(default_factory=dict)
    trusted: bool = False
    commands: bool = False
    gate: Callable[[Git], Awaitable[None]] = _no_gate
    tests: Tests = field(default_factory=Tests)
    web: Web = field(default_factory=Web)
    desk: Callable[[], Awaitable[Desk]] | None = None
    writer: Writer | None = None
    reviewer: Reviewer | None = None
    secrets: tuple[str, ...] = ()
    symbols: SymbolSource | None = None
    summarizer: Summarizer | None = None

    def need_trust(self, what: str) -> None:
        """Raise Refused where the workspace is not trusted; `what` would run programs that it brings along."""
        if not self.trusted:
            raise Refused(
                f"{what} runs programs that this workspace brings along, and the workspace is not trusted. The user can "
                f"trust it: SIDECAR_TRUSTED_FOLDERS={shlex.quote(listed(str(self.fence.root)))}."
            )

    async def inside(self) -> tuple[Git, str]:
        """The repository, and where the workspace lies in it (with `/` at the end, empty at the top)."""
        git = await self.git()
        top = git.root.resolve()
        if not self.fence.root.is_relative_to(top):
            raise BadInput("The workspace does not lie in the repository's work tree.")
        relative = self.fence.root.relative_to(top).as_posix()
        return git, "" if relative == "." else f"{relative}/"
