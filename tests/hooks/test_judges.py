"""Each hook's payload goes to whoever judges that tool."""

from __future__ import annotations

import pytest

from sidecar.hooks.judges import Judges


class Named:
    """Answers with its own name."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.closed = False

    async def judge(self, _payload: object) -> dict[str, str]:
        return {"by": self.name}

    async def aclose(self) -> None:
        self.closed = True


@pytest.mark.parametrize(
    ("tool", "by"),
    [("Edit", "gate"), ("Write", "gate"), ("MultiEdit", "gate"), ("NotebookEdit", "gate"), ("Bash", "guard"), (None, "guard")],
)  # fmt: skip
async def test_edits_go_to_the_gate_all_else_to_the_guard(tool: str | None, by: str) -> None:
    gate = Named("gate")
    judges = Judges(Named("guard"), gate)  # type: ignore[arg-type]
    assert await judges.judge({"tool_name": tool}) == {"by": by}
    await judges.aclose()
    assert gate.closed
