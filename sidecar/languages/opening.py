"""Puts a workspace's sources of symbols together, best first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sidecar.core.ports import SymbolSource
from sidecar.languages.chain import Chain
from sidecar.languages.jedi import jedi_source
from sidecar.languages.servers import Limits, Servers
from sidecar.settings import Settings

_KEYS: Final = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|CREDENTIAL|PRIVATE_KEY", re.IGNORECASE)


def open_symbols(
    settings: Settings, env: Mapping[str, str], *, trusted: bool, index: SymbolSource | None = None
) -> Chain:
    """The sources of the settings' workspace; nothing is started before the first question. `index` is the last resort.

    `trusted` is whether the user said that the project's own code may run; the setting goes before it.
    """
    root, wishes = Path(settings.server.workspace), settings.languages
    mild = without_keys(env, settings)
    limits = Limits(count=wishes.count, memory=wishes.memory_mb << 20)
    allowed = trusted if wishes.servers is None else wishes.servers
    cache = settings.state / "jedi" if settings.state is not None and settings.state.is_dir() else None
    sources: list[SymbolSource] = [
        jedi_source(root, env=mild, cache=cache),
        Servers(root, trusted=allowed, env=mild, limits=limits),
    ]
    return Chain(sources if index is None else [*sources, index])


def without_keys(env: Mapping[str, str], settings: Settings) -> dict[str, str]:
    """The environment for programs of other people's: without what signs in anywhere."""
    secrets = set(settings.secrets())
    return {name: value for name, value in env.items() if not _KEYS.search(name) and value not in secrets}
