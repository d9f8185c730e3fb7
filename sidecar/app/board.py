"""The dashboard, made when it is first asked for: neither starting nor answering waits for it."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from typing import Any

from sidecar.core.ports import Dashboard, Document


class Board:
    """Implements `core.ports.Dashboard`; `sources` gives what it reads, by the names of `dashboard.figures.Sources`."""

    def __init__(self, sources: Callable[[], dict[str, Any]]) -> None:
        self._sources = sources
        self._figures: Dashboard | None = None

    async def get(self, target: str) -> Document:
        """What stands at an address. Raises NotFound, BadInput, StoreError, GitError."""
        figures = self._figures
        if figures is None:
            made = await asyncio.to_thread(importlib.import_module, "sidecar.dashboard.figures")
            figures = self._figures = made.Figures(made.Sources(**self._sources()))
        return await figures.get(target)
