"""Open the toolbox of a workspace: the bench that its tools work at, its rules, and all families in their order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from sidecar.core.policy import GitRules
from sidecar.core.ports import Asker, Desk
from sidecar.hooks.guards import GitGuard
from sidecar.hooks.judges import Judges
from sidecar.hooks.riskgate import RiskGate, index_hears
from sidecar.settings import Settings, environment
from sidecar.store.database import Database
from sidecar.tools import FAMILIES
from sidecar.tools.bench import Bench
from sidecar.tools.box import WorkspaceToolBox
from sidecar.tools.fence import Fence
from sidecar.tools.gate import TestGate
from sidecar.tools.writer import ModelWriter
from sidecar.vcs.runner import Git


def rules_of(settings: Settings) -> GitRules:
    """What git may be made to do."""
    git = settings.git
    return GitRules(
        allow_push=git.allow_push,
        allow_pull=git.allow_pull,
        allow_commit=git.allow_commit,
        allow_force=git.allow_force,
        require_tests=git.require_tests,
        commit_regex=git.commit_regex,
        protected=git.protected_branches,
    )


def gate_of(settings: Settings, database: Callable[[], Awaitable[Database]]) -> TestGate:
    """The tests before a commit, as the settings want them."""
    return TestGate(
        database,
        program_environment(settings),
        required=settings.git.require_tests,
        command=settings.git.test_command,
        trusted=settings.trusted,
        seconds=settings.tests.timeout_ms / 1000,
    )


def program_environment(settings: Settings) -> Mapping[str, str]:
    """The environment of programs that are started for the workspace: the user's own, without the keys that Sidecar holds."""
    kept = {name: value for name, value in environment().items() if name != "ANTHROPIC_AUTH_TOKEN"}
    secrets = set(settings.secrets())
    return {name: value for name, value in kept.items() if value not in secrets}


def judges_of(
    settings: Settings,
    database: Callable[[], Awaitable[Database]],
    desk: Callable[[], Awaitable[Desk]],
    moved: Callable[[Collection[str]], None],
) -> Judges:
    """Who judges the CLI's own commands and edits; `moved` tells the index what was written."""
    workspace, gate = Path(settings.server.workspace), settings.gate
    guard = GitGuard(workspace, rules_of(settings), gate_of(settings, database))
    return Judges(guard, RiskGate(desk, gate.level, gate.timeout_ms / 1000, index_hears(workspace, moved)))


def bench_of(
    settings: Settings, database: Callable[[], Awaitable[Database]], *, asker: Asker | None = None, **more: Any
) -> Bench:
    """What the tools work with; `more` are parts that only some callers have (`desk`, `reviewer`, `symbols`, `summarizer`).

    A model, where there is a way to one, writes texts.
    """
    workspace = Path(settings.server.workspace)
    opened: list[Git] = []

    async def git() -> Git:
        if not opened:
            opened.append(await Git.open(workspace))
        return opened[0]

    return Bench(
        Fence(workspace),
        git,
        database,
        rules=rules_of(settings),
        environment=program_environment(settings),
        commands=settings.policy.allow_commands,
        trusted=settings.trusted,
        tests=settings.tests,
        web=settings.web,
        gate=gate_of(settings, database),
        writer=_writer(settings, asker),
        secrets=tuple(settings.secrets()),
        **more,
    )


def _writer(settings: Settings, asker: Asker | None) -> ModelWriter | None:
    if asker is None or asker.name == "offline":
        return None
    return ModelWriter(asker, settings.provider.model_default, str(settings.server.workspace))


def open_box(settings: Settings, bench: Bench, families: Iterable[str] = FAMILIES) -> WorkspaceToolBox:
    """The toolbox with all families (or these) that this bench can serve."""
    box = WorkspaceToolBox(disallowed_tools=settings.policy.disallowed_tools)
    for family in families:
        made = [_made(target, bench) for target in FAMILIES[family]]
        box.put(family, [tool for part in made for tool in part.tools()])
    return box


def _made(target: str, bench: Bench) -> Any:
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)(bench)
