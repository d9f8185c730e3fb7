"""The plain questions that are answered without a model: what changed, what of it is risky, where a name is defined."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from sidecar.core.errors import BadInput
from sidecar.core.ports import EndpointStatus, SymbolSource
from sidecar.core.symbols import Query, Symbol
from sidecar.critique.summary import review_text, summarize
from sidecar.history.kept import KeptTraces
from sidecar.index.definitions import Definition, Found, find_definitions
from sidecar.review.scorer import RiskScorer
from sidecar.review.words import code
from sidecar.vcs.runner import Git
from sidecar.vcs.worktree import Status
from sidecar.vcs.worktree import status as git_status

_MOST_FILES: Final = 2_000
_MOST_SHOWN: Final = 20


class WorkspaceAnalyst:
    """Implements `core.ports.Analyst` for one folder; git is looked for when the first question comes."""

    def __init__(
        self,
        folder: Path,
        endpoint: Callable[[], EndpointStatus],
        index: Callable[[], SymbolSource | None] = lambda: None,
        state: Path | None = None,
    ) -> None:
        """What was read of the history is kept in `state`; while it is read, answers do without."""
        self._folder = folder
        self._endpoint = endpoint
        self._index = index
        self._state = state
        self._opened: tuple[Git, RiskScorer] | None = None

    async def summarize_diff(self) -> str:
        """What the uncommitted change does, file by file, with its risk."""
        return await summarize(*await self._repository())

    async def review_diff(self) -> str:
        """The uncommitted change's risky places with reasons."""
        return await review_text(*await self._repository())

    async def find_symbol(self, name: str) -> str:
        """Where a symbol is defined: by the index, or, where it is not whole, in the files that hold the name."""
        last = name.replace("::", ".").replace("#", ".").rsplit(".", 1)[-1].strip()
        if not last:
            raise BadInput("Name the symbol to look for, for example: where is parse_config defined?")
        indexed = await self._indexed(name, last)
        if indexed is not None:
            return indexed
        git, _ = await self._repository()
        holding = await git.run(
            "grep", "--untracked", "-l", "-z", "-I", "-w", "-F", "-e", last, "--", ".", ok=(0, 1), timeout=10.0
        )
        files = [path for path in holding.decode("utf-8", "surrogateescape").split("\0") if path]
        found = await asyncio.to_thread(find_definitions, git.root, name, files[:_MOST_FILES])
        return _told(name, found, whole=found.complete and len(files) <= _MOST_FILES)

    async def _indexed(self, name: str, last: str) -> str | None:
        """What the index says; None where there is none, it is not whole, or it knows of nothing."""
        index = self._index()
        if index is None:
            return None
        answer = await index.ask(Query("workspace_symbols", name=name, limit=_MOST_FILES))
        symbols = [item for item in answer.items if isinstance(item, Symbol) and item.name == last]
        if answer.status != "ready" or not symbols:
            return None
        found = sorted(
            (Definition(s.span.path, s.span.start.line, s.kind, s.container, s.signature) for s in symbols),
            key=lambda d: (d.path, d.line),
        )
        return _told(name, Found(tuple(found), len({d.path for d in found})), whole=not answer.truncated)

    async def status(self) -> str:
        """Branch, changed files, provider, workspace."""
        endpoint = self._endpoint()
        lines = [
            f"- Provider: {endpoint.provider}, at {endpoint.base_url or 'no address yet'}",
            f"- Workspace: {code(endpoint.workspace)}",
        ]
        git, _ = await self._repository()
        return "\n".join([*lines, *_tree_lines(await git_status(git))])

    async def _repository(self) -> tuple[Git, RiskScorer]:
        if self._opened is None:
            git = await Git.open(self._folder)
            traces = KeptTraces(self._state) if self._state else None
            self._opened = git, RiskScorer(git, traces=traces, learned=lambda: None)
        return self._opened


def _told(name: str, found: Found, *, whole: bool) -> str:
    """A search's result as Markdown, saying whether it is whole."""
    rest = "" if whole else "\n\nThe search ran out of time or room, so there may be more."
    if not found.definitions:
        return f"I found no definition of {code(name)} in the {found.files} files that hold this name.{rest}"
    shown = [_line(definition) for definition in found.definitions[:_MOST_SHOWN]]
    more = len(found.definitions) - len(shown)
    if more > 0:
        shown.append(f"- … and {more} more")
    return f"{code(name)} is defined here:\n\n" + "\n".join(shown) + rest


def _line(definition: Definition) -> str:
    inside = f" in {code(definition.container)}" if definition.container else ""
    place = code(f"{definition.path}:{definition.line}")
    return f"- {place}: {definition.kind}{inside}, {code(definition.signature)}"


def _tree_lines(status: Status) -> list[str]:
    """How the working tree stands, a line a fact."""
    branch = code(status.branch) if status.branch else "none (detached HEAD)"
    lines = [f"- Branch: {branch}" + ("" if status.head else ", no commit yet")]
    if status.upstream:
        lines.append(f"- Against {code(status.upstream)}: {status.ahead} ahead, {status.behind} behind")
    if status.doing:
        lines.append(f"- Not finished: {status.doing}")
    kinds: Sequence[tuple[str, Sequence[str]]] = (
        ("In conflict", status.conflicted),
        ("Staged", status.staged),
        ("Changed", status.unstaged),
        ("Untracked", status.untracked),
    )
    lines += [f"- {kind}: {_names(paths)}" for kind, paths in kinds if paths]
    if not any(paths for _, paths in kinds):
        lines.append("- The working tree is clean")
    return lines


def _names(paths: Sequence[str]) -> str:
    shown = ", ".join(code(path) for path in paths[:_MOST_SHOWN])
    return shown + (f" and {len(paths) - _MOST_SHOWN} more" if len(paths) > _MOST_SHOWN else "")
