"""The risk gate on edits of the Claude Code CLI: low risk flows, high risk stops for a person; it fails open."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final, Literal

from sidecar.core.errors import SidecarError
from sidecar.core.ports import Desk
from sidecar.core.review import Band, HunkRisk, RiskReport
from sidecar.hooks.proposed import Edit, file_of, inside, proposed
from sidecar.review import words
from sidecar.trace import get_logger

log = get_logger("tools")

Level = Literal["off", "medium", "high", "critical"]
_BANDS: Final[tuple[Band, ...]] = ("low", "medium", "high", "critical")
_TITLED: Final = "\x1b]2;{}\x07"
"""What gives a terminal its title."""
_MOST_TITLE: Final = 60
"""Characters: VS Code lets a longer one run over the names of its panels."""
_MOST_OPEN: Final = 100


class RiskGate:
    """Implements `core.ports.HookJudge` for the CLI's own edits.

    Where the risk cannot be told within `seconds`, the edit flows and the log says so: it is shown and reviewed
    afterwards like every other. `moved` hears which files were written.
    """

    def __init__(
        self,
        desk: Callable[[], Awaitable[Desk]],
        level: Level,
        seconds: float,
        moved: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._desk = desk
        self._level = level
        self._seconds = seconds
        self._moved = moved
        self._looking: set[asyncio.Task[None]] = set()
        self._opening: asyncio.Task[Desk] | None = None
        self._asked: dict[tuple[str, str], str] = {}

    async def judge(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Ask a person about an edit (`PreToolUse`) whose risk is at the level or above it; take note of one that was made.

        While the CLI's question stands there (`PermissionRequest`) its terminal is given risk and reason as its title: the
        question about an edit leaves them out, and the CLI shows no message of a hook before it is answered.
        """
        event, given = payload.get("hook_event_name"), payload.get("tool_input")
        if not isinstance(given, Mapping):
            return {}
        if event == "PostToolUse":
            self._made(file_of(given))
        if event == "PermissionRequest":
            title = self._asked.pop(_question(payload, given), "")
            return {"terminalSequence": _TITLED.format(title)} if title else {}
        if event != "PreToolUse" or self._level == "off":
            return {}
        try:
            async with asyncio.timeout(self._seconds):
                return await self._weighed(payload, given)
        except TimeoutError:
            log.warning("gate_open", file=file_of(given), reason=f"its risk was not known within {self._seconds:g} s")
        except SidecarError as error:
            log.warning("gate_open", file=file_of(given), reason=error.sentence)
        return {}

    async def aclose(self) -> None:
        """Leave off looking at what was written."""
        tasks = [*self._looking, *([self._opening] if self._opening is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _weighed(self, payload: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
        desk = await self._opened()
        tool, cwd = str(payload.get("tool_name")), str(payload.get("cwd") or "")
        edit = await asyncio.to_thread(proposed, tool, given, desk.root, cwd)
        if edit is None:
            return {}
        report = await desk.weigh(edit.path, edit.before, edit.after)
        asks = report.band != "low" and _BANDS.index(report.band) >= _BANDS.index(_band(self._level))
        log.info("gate", file=edit.shown, band=report.band, score=round(report.score, 3), asks=asks)
        if not asks:
            return {}
        reason = _reason(edit, report, self._level)
        told = {"permissionDecision": "ask", "permissionDecisionReason": reason}
        while len(self._asked) >= _MOST_OPEN:  # an older hook never comes for them
            self._asked.pop(next(iter(self._asked)))
        self._asked[_question(payload, given)] = _brief(edit, report)
        return {"systemMessage": reason, "hookSpecificOutput": {"hookEventName": "PreToolUse", **told}}

    async def _opened(self) -> Desk:
        """The review. Opening it may take longer than an edit waits: it goes on, for the next one."""
        if self._opening is None or (self._opening.done() and self._opening.exception() is not None):
            self._opening = asyncio.get_running_loop().create_task(self._open(), name="review for hooks")
        return await asyncio.shield(self._opening)

    async def _open(self) -> Desk:
        return await self._desk()

    def _made(self, path: str) -> None:
        """Look at the change again, beside: whoever wrote does not wait for it."""
        if not path:
            return
        self._moved(path)
        task = asyncio.get_running_loop().create_task(self._look(path), name="look after an edit")
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)

    async def _look(self, path: str) -> None:
        try:
            desk = await self._opened()
            inner = await asyncio.to_thread(inside, desk.root, path)
            if inner is not None:
                await desk.refresh([inner])
        except SidecarError as error:
            log.warning("not_looked_at", file=path, reason=error.sentence)


def index_hears(root: Path, moved: Callable[[Collection[str]], None]) -> Callable[[str], None]:
    """Tells an index, whose paths are relative to `root`, of a file that the CLI wrote."""

    def hear(path: str) -> None:
        inner = inside(str(root), path)
        if inner is not None:
            moved([inner])

    return hear


def _question(payload: Mapping[str, Any], given: Mapping[str, Any]) -> tuple[str, str]:
    """By what an edit and the question about it belong together: the CLI asks one at a time."""
    return str(payload.get("session_id") or ""), file_of(given)


def _band(level: Level) -> Band:
    return "low" if level == "off" else level


def _reason(edit: Edit, report: RiskReport, level: Level) -> str:
    """Why a person is asked: what it is about, the strongest reasons, what the score means."""
    return " ".join(
        [
            f"Sidecar asks before this edit: {words.title(report.band).lower()} in {words.plain(edit.shown)}{_lines(report)}.",
            *_said(report)[: words.MOST_REASONS],
            words.likelihood(report),
            f"(Edits from {level} risk on stop here: SIDECAR_GATE_RISK.)",
        ]
    )


def _brief(edit: Edit, report: RiskReport) -> str:
    """The same in a line for a title: risk, file, lines, the strongest reason as far as there is room."""
    name = words.plain(edit.shown.rpartition("/")[2])
    text = " ".join([f"⚠ {words.title(report.band)}: {name}{_lines(report)}.", *_said(report)[:1]])
    return text if len(text) <= _MOST_TITLE else f"{text[: _MOST_TITLE - 1]}…"


def _lines(report: RiskReport) -> str:
    """Which lines it is about, where it is about several."""
    top = _top(report)
    return f", lines {top.start}-{top.end}" if top is not None and top.end > top.start else ""


def _said(report: RiskReport) -> list[str]:
    """The reasons in plain sentences, the strongest first, each once."""
    top = _top(report)
    found = [*words.raising(top.reasons if top is not None else ()), *words.raising(report.reasons)]
    return list(dict.fromkeys(words.plain(reason.text) for reason in found))


def _top(report: RiskReport) -> HunkRisk | None:
    return max(report.hunks, key=lambda hunk: hunk.score, default=None)
