"""The verbs offered to the model: typed input, one call, typed result. This is the list of their families."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

FAMILIES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "files": ("sidecar.tools.files:FileTools", "sidecar.tools.finding:FindingTools"),
        "symbols": ("sidecar.tools.symbols:SymbolTools",),
        "git": ("sidecar.tools.gitreads:GitReads", "sidecar.tools.gitwrites:GitWrites"),
        "review": ("sidecar.tools.review:ReviewTools", "sidecar.tools.writing:WritingTools"),
        "tests": ("sidecar.tools.tests:TestTools",),
        "tasks": ("sidecar.tools.tasks:TaskTools",),
        "command": ("sidecar.tools.commands:CommandTools",),
        "web": ("sidecar.tools.web:WebTools",),
    }
)
"""A family's name → the classes that make its tools from the bench, imported when the toolbox is opened."""
