"""The user's own editor as a source for the accuracy bench: the rig's VS Code on a tree, asked through our endpoint's tools.

TypeScript is answered by the extension that VS Code comes with. Python's extensions need a gallery; here VS Code's own
language client starts basedpyright (`tests/bench/pyright`), as that one's extension does.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from sidecar.core.symbols import Answer, Call, Item, Location, Operation, Position, Query, Span, Symbol, TextEdit
from sidecar.store.runtime import NOTE_FILE
from sidecar.store.symbols import INDEX
from sidecar.tools.box import MORE
from tests.bench.index import whole
from tests.bench.trees import Tree
from tests.conftest import ROOT, _find_rig, cleaned
from tests.journeys.robot import VSIX, at_the_editor

_TOOLS: Final[Mapping[Operation, str]] = {
    "definition": "symbols_definition",
    "references": "symbols_references",
    "callers": "symbols_callers",
    "rename": "symbols_rename_preview",
}
_MOST: Final = 1_000
_PAUSE: Final = 0.5


class EditorSource:
    """Implements `core.ports.SymbolSource` by the tools of a running sidecar; what anyone but the editor says is no answer."""

    name = "editor"

    def __init__(self, client: Client) -> None:
        self._client = client

    def knows(self, operation: Operation, path: str) -> bool:
        """Whether there is a tool for it."""
        return operation in _TOOLS

    async def ask(self, query: Query) -> Answer:
        """The editor's answer; while it says that it is not whole yet it is asked again, as an assistant would.

        What it counts as unresolved stays so, however often it is asked.
        """
        end = time.monotonic() + query.deadline
        while True:
            answer = await self._ask(query)
            if answer.status == "ready" or answer.unresolved or time.monotonic() > end:
                return answer
            await asyncio.sleep(_PAUSE)

    async def _ask(self, query: Query) -> Answer:
        given: dict[str, Any] = {"path": query.path, "limit": min(query.limit, _MOST)}
        if query.position is not None:
            given |= {"line": query.position.line, "column": query.position.column}
        if query.new_name:
            given["new_name"] = query.new_name
        result = await self._client.call_tool(_TOOLS[query.operation], given)
        text = "\n".join(block.text for block in result.content if block.type == "text")
        said = result.structured_content
        if said is None:
            return Answer("unsupported", self.name, note=text[:200])
        if "next" in said:
            return await self._rest(said)
        if said["source"] != self.name:
            return Answer("partial", self.name, note=f"{said['source']} answered: {text[-200:]}")
        items = tuple(_item(each) for each in said["items"])
        maybe = tuple(item for each in said["maybe"] if isinstance(item := _item(each), Location))
        answer = Answer(said["status"], self.name, items, said["truncated"], note=text.rpartition("\n")[2])
        return replace(answer, unresolved=said["unresolved"], maybe=maybe)

    async def _rest(self, said: dict[str, Any]) -> Answer:
        """An answer that is too long for one result, from its pieces: a place a line."""
        text = ""
        while "next" in said:
            text += said["result"].rpartition("\n\n[")[0]
            result = await self._client.call_tool(MORE, {"next": said["next"]})
            said = result.structured_content or {}
        text += said.get("result") or "".join(block.text for block in result.content if block.type == "text")
        *lines, state = text.split("\n")
        status = "ready" if state == f"[{self.name}]" else "partial"
        found = [match for line in lines if (match := re.match(r"(\? )?(\S+):(\d+):(\d+)( |$)", line))]
        places = [(bool(m[1]), Span(m[2], start := Position(int(m[3]), int(m[4])), start)) for m in found]
        sure, maybe = (tuple(Location(span) for asks, span in places if asks is open_) for open_ in (False, True))
        return Answer(status, self.name, sure, note=state, unresolved=len(maybe), maybe=maybe)

    async def aclose(self) -> None:
        """Nothing to end here: the editor ends with `at_work`."""


@asynccontextmanager
async def at_work(tree: Tree, scratch: Path) -> AsyncIterator[EditorSource]:
    """An editor with the tree open, and the way to ask it; all ends with the context."""
    rig = _find_rig(os.environ)
    if isinstance(rig, str):
        raise SystemExit(rig)
    more = {"SIDECAR_LANGUAGE_SERVERS": "off"}
    packed = [VSIX]
    if tree.language == "python":
        packed.append(scratch / "pyright.vsix")
        pack = [rig.node, str(ROOT / "tests" / "bench" / "pyright" / "pack.mjs"), str(packed[-1])]
        subprocess.run(pack, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **rig.environment})
        more["BENCH_PATH"] = os.environ["PATH"]
        more["BENCH_PYRIGHT"] = str(Path(sys.executable).with_name("basedpyright-langserver"))
    clean = cleaned(dict(os.environ), scratch / "clean")
    with at_the_editor(rig, clean, tree.root, scratch, vsix=packed, **more) as robot:
        await asyncio.to_thread(robot.do, "waitForStatus", r"Offline :\d+")
        (note,) = (scratch / "state").rglob(NOTE_FILE)
        address = json.loads(note.read_text(encoding="utf-8"))["base_url"]
        while not whole(note.with_name(INDEX)):  # the editor's answers are checked against it
            await asyncio.sleep(_PAUSE)
        async with Client(streamable_http_client(f"{address}/mcp")) as client:
            yield EditorSource(client)


# ── from plain values ───────────────────────────────────────────────────────────────────────────────
def _span(raw: Mapping[str, Any]) -> Span:
    return Span(raw["path"], Position(**raw["start"]), Position(**raw["end"]))


def _item(raw: dict[str, Any]) -> Item:
    if "places" in raw:
        symbol = raw["symbol"]
        known = Symbol(**{**symbol, "span": _span(symbol["span"]), "extent": _span(symbol["extent"])})
        return Call(known, tuple(_span(each) for each in raw["places"]))
    span = _span(raw["span"])
    return Location(span, raw["text"], raw["within"]) if "within" in raw else TextEdit(span, raw["text"])
