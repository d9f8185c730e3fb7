"""What the CLI may call in its IDE: diagnostics, consent to an edit, opening a file. Names and forms are the CLI's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import orjson

from sidecar.core.errors import BadInput, NotFound, SidecarError
from sidecar.core.ports import Decision, Desk, Proposal, Window
from sidecar.core.review import Thread
from sidecar.endpoint.ide.findings import Findings
from sidecar.hooks.proposed import inside
from sidecar.trace import get_logger

Json = dict[str, Any]

_FORESIGHT: Final = 1.0
"""Seconds that a proposal waits for its comments at most; it is shown without them then."""

log = get_logger("ide")


def _schema(**fields: str) -> Json:
    required = [name for name in fields if not name.endswith("_")]
    properties = {name.rstrip("_"): {"type": kind} for name, kind in fields.items()}
    return {"type": "object", "properties": properties, "required": required}


TOOLS: Final[tuple[Json, ...]] = (
    {
        "name": "getDiagnostics",
        "description": "Risk comments on the uncommitted change, as diagnostics: of one file (uri), or of all.",
        "inputSchema": _schema(uri_="string"),
    },
    {
        "name": "openDiff",
        "description": "Show a proposed edit beside the file and wait for the user's decision.",
        "inputSchema": _schema(
            old_file_path="string", new_file_path="string", new_file_contents="string", tab_name="string"
        ),
    },
    {"name": "close_tab", "description": "Take a proposal back.", "inputSchema": _schema(tab_name="string")},
    {"name": "closeAllDiffTabs", "description": "Take all proposals back.", "inputSchema": _schema()},
    {
        "name": "openFile",
        "description": "Open a file in the editor.",
        "inputSchema": _schema(filePath="string", startLine_="integer", endLine_="integer"),
    },
)


class Tools:
    """The calls of one connected CLI. `window` gives the editor's window, None while there is none."""

    def __init__(self, desk: Desk | None, window: Callable[[], Window | None]) -> None:
        self._desk = desk
        self._window = window
        self._findings = Findings()
        self._open: dict[str, asyncio.Task[Decision | SidecarError]] = {}

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Json:
        """One call's result in MCP's form; what goes wrong is a result with `isError`. Raises LookupError for no tool."""
        act = {
            "getDiagnostics": self._diagnostics,
            "openDiff": self._propose,
            "close_tab": self._close,
            "closeAllDiffTabs": self._close_all,
            "openFile": self._open_file,
        }[name]
        try:
            return _content(*await act(arguments))
        except SidecarError as error:
            return {**_content(error.sentence), "isError": True}

    # ── diagnostics ─────────────────────────────────────────────────────────────────────────────────
    async def _diagnostics(self, arguments: Mapping[str, Any]) -> list[str]:
        desk = self._desk
        if desk is None:
            return ["[]"]
        try:
            threads = (await desk.refresh()).threads
        except SidecarError as error:
            log.warning("ide_findings_old", reason=error.sentence)
            threads = desk.state().threads
        uri = arguments.get("uri")
        self._findings.keep(threads)
        if isinstance(uri, str) and uri:
            path = inside(desk.root, _path(uri))
            mine = [thread for thread in threads if thread.anchor.path == path]
            return [_json([{"uri": uri, "diagnostics": self._findings.of(mine, anew=True)}])]
        files: dict[str, list[Thread]] = {}
        for thread in threads:
            files.setdefault(thread.anchor.path, []).append(thread)
        told = [(Path(desk.root, path).as_uri(), self._findings.of(found)) for path, found in files.items()]
        return [_json([{"uri": uri, "diagnostics": found} for uri, found in told])]

    # ── proposals ───────────────────────────────────────────────────────────────────────────────────
    async def _propose(self, arguments: Mapping[str, Any]) -> list[str]:
        tab, text = _text(arguments, "tab_name"), _text(arguments, "new_file_contents")
        path = _text(arguments, "new_file_path") or _text(arguments, "old_file_path")
        if not tab or not path:
            raise BadInput("A proposal needs tab_name and new_file_path.")
        window = self._window()
        if window is None:
            raise NotFound("No editor window is connected; answer in the terminal.")
        proposal = Proposal(tab, path, text)
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(self._decided(window, proposal), name="proposal")
            self._open[tab] = waiting
        if self._open.get(tab) is waiting:
            del self._open[tab]
        if waiting.cancelled():
            return ["DIFF_REJECTED", tab]  # the terminal was quicker, and has closed the tab
        decision = waiting.result()
        if isinstance(decision, SidecarError):
            raise decision
        return ["FILE_SAVED", decision.text] if decision.accepted else ["DIFF_REJECTED", tab]

    async def _decided(self, window: Window, proposal: Proposal) -> Decision | SidecarError:
        try:
            return await window.decide(replace(proposal, threads=await self._foreseen(proposal)))
        except SidecarError as error:
            return error

    async def _foreseen(self, proposal: Proposal) -> tuple[Thread, ...]:
        """The comments on a proposal; none where they cannot be had in time: the question is what matters."""
        if self._desk is None or (inner := inside(self._desk.root, proposal.path)) is None:
            return ()
        try:
            async with asyncio.timeout(_FORESIGHT):
                return await self._desk.foresee(inner, proposal.text)
        except (SidecarError, TimeoutError) as error:
            log.warning("proposal_not_scored", reason=str(error))
            return ()

    async def _close(self, arguments: Mapping[str, Any]) -> list[str]:
        waiting = self._open.pop(_text(arguments, "tab_name"), None)
        if waiting is not None:
            waiting.cancel()
        return ["TAB_CLOSED"]

    async def _close_all(self, _arguments: Mapping[str, Any]) -> list[str]:
        count = len(self._open)
        for waiting in self._open.values():
            waiting.cancel()
        self._open.clear()
        return [f"CLOSED_{count}_DIFF_TABS"]

    async def _open_file(self, arguments: Mapping[str, Any]) -> list[str]:
        path = _text(arguments, "filePath")
        window = self._window()
        if window is None:
            raise NotFound("No editor window is connected.")
        first, last = (arguments.get(name) for name in ("startLine", "endLine"))
        await window.show(path, first if isinstance(first, int) else 0, last if isinstance(last, int) else 0)
        return [f"Opened {path}"]


def _text(arguments: Mapping[str, Any], name: str) -> str:
    value = arguments.get(name, "")
    if not isinstance(value, str):
        raise BadInput(f"{name} must be a string.")
    return value


def _path(uri: str) -> str:
    """The path of a `file:` URI; the CLI also asks with plain paths."""
    parts = urlsplit(uri)
    return unquote(parts.path) if parts.scheme == "file" else uri


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _content(*texts: str) -> Json:
    return {"content": [{"type": "text", "text": text} for text in texts]}
