"""Who judges which hook of the Claude Code CLI: its edits go to the risk gate, all else to the guard of git."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sidecar.hooks.guards import GitGuard
from sidecar.hooks.proposed import EDITS
from sidecar.hooks.riskgate import RiskGate


class Judges:
    """Implements `core.ports.HookJudge`."""

    def __init__(self, guard: GitGuard, gate: RiskGate) -> None:
        self._guard = guard
        self._gate = gate

    async def judge(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of the one whose tool it is."""
        judge = self._gate if payload.get("tool_name") in EDITS else self._guard
        return await judge.judge(payload)

    async def aclose(self) -> None:
        """End what the gate still looks at."""
        await self._gate.aclose()
