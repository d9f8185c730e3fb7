"""The risk gate over a real repository, its real risk model and review: who flows, who is asked about, and that it never stands in the way."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sidecar.core.errors import NotARepository
from sidecar.core.ports import Desk
from sidecar.hooks.riskgate import Level, RiskGate, index_hears
from sidecar.review import opening
from sidecar.store.database import Database
from sidecar.vcs.runner import Git
from tests.fakes.repository import Repository
from tests.fakes.services import FakeDesk

BRANCHES = "".join(f"    if amount > {1000 * n}:\n        fee = fee - {n}\n" for n in range(1, 20))
RISKY = f"def discount(fee, amount):\n{BRANCHES}    return fee\n"


@pytest.fixture
async def desk(repo: Repository, database: Database) -> AsyncIterator[Desk]:
    for number in range(12):
        repo.commit(f"Fix the sum ({number})", {"src/b.py": f"def b():\n    return {number}\n"})
    opened, close = opening.open_desk(await Git.open(repo.root), database, None, None)
    yield opened
    await asyncio.to_thread(close)


def payload(root: Path, content: str, *, event: str = "PreToolUse", file: str = "src/b.py") -> dict[str, Any]:
    return {
        "hook_event_name": event,
        "tool_name": "Write",
        "tool_input": {"file_path": str(root / file), "content": content},
        "cwd": str(root),
        "permission_mode": "auto",
    }


def gate(desk: Desk, level: Level = "high", seconds: float = 20.0) -> RiskGate:
    async def opened() -> Desk:
        return desk

    return RiskGate(opened, level, seconds)


async def band(desk: Desk, content: str) -> str:
    return (await desk.weigh("src/b.py", "def b():\n    return 11\n", content)).band


async def test_low_risk_flows_and_high_risk_is_asked_about_with_its_reasons(desk: Desk, repo: Repository) -> None:
    assert await gate(desk).judge(payload(repo.root, "def b():\n    return 12\n")) == {}
    assert await band(desk, RISKY) in {"high", "critical"}
    answer = await gate(desk).judge(payload(repo.root, RISKY))
    told = answer["hookSpecificOutput"]
    assert (told["hookEventName"], told["permissionDecision"]) == ("PreToolUse", "ask")
    reason = told["permissionDecisionReason"]
    assert "risk in src/b.py, lines 1-40." in reason
    assert "19" in reason
    assert answer["systemMessage"] == reason
    assert "were repaired later in about" in reason
    assert "SIDECAR_GATE_RISK" in reason
    assert "\n" not in reason
    assert "`" not in reason


async def test_the_question_has_the_reasons_for_its_terminals_title_once(desk: Desk, repo: Repository) -> None:
    """The CLI asks about the edit that was weighed last; about another one, or later, there is nothing to tell."""
    asked = gate(desk)
    question = payload(repo.root, RISKY, event="PermissionRequest")
    assert await asked.judge(question) == {}
    await asked.judge(payload(repo.root, RISKY))
    assert await asked.judge({**question, "session_id": "another"}) == {}
    told = await asked.judge(question)
    title = told.pop("terminalSequence")
    assert told == {}, "no decision: that is the person's"
    assert re.fullmatch(r"\x1b\]2;⚠ (High|Very high) risk: b\.py, lines 1-40\. [^\x00-\x1f\x7f]+[.…]\x07", title)
    assert len(title) <= 65
    assert await asked.judge(question) == {}


async def test_a_files_name_is_no_order_to_the_terminal(tmp_path: Path) -> None:
    asked = gate(FakeDesk(tmp_path))
    await asked.judge(payload(tmp_path, "risky", file="a\x07\x1b[2J.py"))
    told = await asked.judge(payload(tmp_path, "risky", event="PermissionRequest", file="a\x07\x1b[2J.py"))
    title = told["terminalSequence"].removeprefix("\x1b]2;").removesuffix("\x07")
    assert "a" in title
    assert not re.search(r"[\x00-\x1f\x7f]", title)


async def test_questions_that_never_come_are_forgotten(tmp_path: Path) -> None:
    asked = gate(FakeDesk(tmp_path))
    for number in range(150):
        await asked.judge(payload(tmp_path, "risky", file=f"a{number}.py"))
    assert len(asked._asked) == 100
    assert await asked.judge(payload(tmp_path, "risky", event="PermissionRequest", file="a149.py"))


async def test_the_edit_counts_by_itself_whatever_is_uncommitted(desk: Desk, repo: Repository) -> None:
    """A harmless edit of a file whose uncommitted change is risky flows, far from it and within it."""
    repo.write({"src/b.py": RISKY})
    assert await gate(desk, "medium").judge(payload(repo.root, RISKY + "\n\nDONE = True\n")) == {}
    assert await gate(desk, "medium").judge(payload(repo.root, RISKY.replace("    if", "    # Why.\n    if", 1))) == {}


@pytest.mark.parametrize(("level", "asks"), [("off", False), ("medium", True), ("high", True), ("critical", False)])
async def test_the_level_decides(tmp_path: Path, level: Level, asks: bool) -> None:
    """The fake desk calls every line with `risky` in it high."""
    assert bool(await gate(FakeDesk(tmp_path), level).judge(payload(tmp_path, "risky", file="a.py"))) is asks
    assert await gate(FakeDesk(tmp_path), level).judge(payload(tmp_path, "fine", file="a.py")) == {}


async def test_whatever_is_no_edit_flows(tmp_path: Path) -> None:
    asked = gate(FakeDesk(tmp_path), "medium")
    given = payload(tmp_path, "risky", file="a.py")
    for other in ({}, {**given, "tool_input": None}, {**given, "hook_event_name": "Stop"}, {**given, "tool_input": {}}):
        assert await asked.judge(other) == {}


async def test_a_slow_review_lets_the_edit_flow_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Opening it goes on meanwhile: the next edit finds it open."""
    go, opened = asyncio.Event(), []

    async def slow() -> Desk:
        await go.wait()
        opened.append(FakeDesk(tmp_path))
        return opened[-1]

    asked = RiskGate(slow, "high", 0.05)
    risky = payload(tmp_path, "risky", file="a.py")
    with caplog.at_level(logging.WARNING):
        assert await asked.judge(risky) == {}
    assert "gate_open" in caplog.text
    assert "0.05 s" in caplog.text
    go.set()
    patient = RiskGate(slow, "high", 20.0)
    patient._opening = asked._opening
    assert (await patient.judge(risky))["hookSpecificOutput"]["permissionDecision"] == "ask"
    assert len(opened) == 1


async def test_a_failing_review_lets_the_edit_flow_and_is_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tries: list[Desk] = []

    async def first_not() -> Desk:
        tries.append(FakeDesk(tmp_path))
        if len(tries) == 1:
            raise NotARepository("There is no repository here.")
        return tries[-1]

    asked = RiskGate(first_not, "high", 20.0)
    risky = payload(tmp_path, "risky", file="a.py")
    with caplog.at_level(logging.WARNING):
        assert await asked.judge(risky) == {}
    assert "There is no repository here." in caplog.text
    assert await asked.judge(risky) != {}


async def test_after_an_edit_index_and_review_are_told_beside(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("risky\n")
    desk, moved = FakeDesk(tmp_path), []
    seen = asyncio.Event()
    desk.subscribe(lambda _: seen.set())

    async def opened() -> Desk:
        return desk

    hears = RiskGate(opened, "off", 1.0, index_hears(tmp_path, moved.append))
    made = payload(tmp_path, "risky", event="PostToolUse", file="a.py")
    assert await hears.judge(made) == {}
    assert desk.looks == []  # the answer did not wait for the look
    async with asyncio.timeout(20):
        await seen.wait()
    assert desk.looks == [frozenset({"a.py"})]
    assert moved == [["a.py"]]
    assert await hears.judge(payload(tmp_path.parent, "x", event="PostToolUse", file="elsewhere.py")) == {}
    await hears.aclose()
    assert moved == [["a.py"]]
