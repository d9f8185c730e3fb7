"""How soon an editor sees comments: after a saved edit, and on an edit that is proposed; and whether anything waits meanwhile.

    python -m tests.bench.review [--files 2000] [--lines 500] [--rounds 40]

A repository is made with so many files, 300 commits and an uncommitted change of so many lines over ten files. The real
`sidecar lsp` serves it; an editor made of raw frames saves edits that move the comments and waits until it is told of all
of them; the Claude Code CLI's side proposes edits by `openDiff` until their comments can be pulled. `sidecar/status`, asked
all the while, tells how long anybody else would wait. Prints figures, asserts none; they go into docs/performance.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

import aiohttp
import psutil

from tests.editor.client import Editor
from tests.fakes.repository import Commit, Repository, isolated_environment

CHANGED = 10
"""Files that the change is spread over."""


def body(number: int, extra: Iterable[str] = ()) -> str:
    """A module of some 60 lines; `extra` goes into its function."""
    lines = [f"    if order.kind == {n}:\n        total = total + order.price * {n}\n" for n in range(25)]
    return f"def total_{number}(order):\n    total = 0\n{''.join(lines)}{''.join(extra)}    return total\n"


def build(folder: Path, files: int, lines: int) -> Repository:
    """The repository with its uncommitted change."""
    repository = Repository.create(folder)
    repository.import_history([Commit("Begin", {f"pkg{n % 40}/mod{n}.py": body(n) for n in range(files)})])
    fixes = [
        Commit(f"{'Fix' if n % 3 == 0 else 'Extend'} totals {n}", {f"pkg{m % 40}/mod{m}.py": body(m, [f"    total = total + {n}\n"])})
        for n in range(300)
        for m in [n % (4 * CHANGED)]
    ]  # fmt: skip
    repository.import_history(fixes)
    each = lines // CHANGED
    repository.write({name(n): edited(n, each, 0) for n in range(CHANGED)})
    return repository


def name(number: int) -> str:
    return f"pkg{number % 40}/mod{number}.py"


def edited(number: int, lines: int, shift: int) -> str:
    """A file of the change: so many new lines, and so many blank ones above, which move them."""
    extra = [
        f"    if order.urgent and order.kind != {n}: total = max(total, order.price - {n})\n" for n in range(lines)
    ]
    return "\n" * shift + body(number, extra)


@dataclass
class Waits:
    """Times in milliseconds."""

    name: str
    times: list[float] = field(default_factory=list)

    def line(self) -> str:
        times = sorted(self.times)
        p95 = times[min(len(times) - 1, round(0.95 * len(times)))]
        return (
            f"{self.name:<44} p50 {statistics.median(times):7.1f}  p95 {p95:7.1f}  max {times[-1]:7.1f}  ({len(times)})"
        )


class Bystander:
    """Asks for the status all the while, as anybody else would; over a second connection of the same process it cannot, so by HTTP."""

    def __init__(self, base_url: str) -> None:
        self.waits = Waits("somebody else's question meanwhile")
        self._url = f"{base_url}/health"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._ask()), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    async def _ask(self) -> None:
        async with aiohttp.ClientSession() as session:
            while not self._stop.is_set():
                begun = time.perf_counter()
                async with session.get(self._url) as answer:
                    await answer.read()
                self.waits.times.append((time.perf_counter() - begun) * 1000)
                await asyncio.sleep(0.01)


def saves(editor: Editor, repository: Repository, rounds: int, each: int) -> Waits:
    """Blank lines above the first file's comments come and go: each save moves them."""
    waits = Waits("saved edit to updated comments")
    path = repository.path(name(0))
    beside = repository.root / ".git" / "beside.py"
    for turn in range(rounds):
        shift = 1 + turn % 3
        text = edited(0, each, shift)
        editor.heard.clear()
        begun = time.perf_counter()
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)  # never half-written: a look under way would close the comments of an empty file
        editor.notify("textDocument/didSave", {"textDocument": {"uri": path.as_uri()}})
        editor.told(
            "sidecar/threads/changed", lambda told: any(item["uri"] == path.as_uri() for item in told["upserts"])
        )
        waits.times.append((time.perf_counter() - begun) * 1000)
    return waits


async def proposals(editor: Editor, repository: Repository, rounds: int, config: Path, each: int) -> Waits:
    """The CLI proposes; the editor hears of it and pulls what it would show."""
    waits = Waits("proposed edit to its comments")
    (lock,) = (config / "ide").glob("*.lock")
    told = json.loads(lock.read_text())
    headers = {"X-Claude-Code-Ide-Authorization": told["authToken"]}
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(f"http://127.0.0.1:{lock.stem}/", protocols=["mcp"], headers=headers) as socket,
    ):
        path = str(repository.path(name(1)))
        for turn in range(rounds):
            arguments = {
                "old_file_path": path,
                "new_file_path": path,
                "tab_name": f"t{turn}",
                "new_file_contents": edited(1, each + turn + 1, 0),
            }
            begun = time.perf_counter()
            await socket.send_json(
                {
                    "jsonrpc": "2.0",
                    "id": turn + 1,
                    "method": "tools/call",
                    "params": {"name": "openDiff", "arguments": arguments},
                }
            )
            opened = await asyncio.to_thread(editor.told, "sidecar/proposal/opened")
            item = await asyncio.to_thread(editor.ask, "sidecar/proposal/get", opened)
            waits.times.append((time.perf_counter() - begun) * 1000)
            assert item["threads"], "the proposal has no comment, so nothing was measured"
            await asyncio.to_thread(editor.ask, "sidecar/proposal/decide", {"id": opened["id"], "accepted": False})
            await socket.receive_json()
    return waits


def spent(editor: Editor) -> float:
    """Seconds of CPU that the server and the programs that it waited for have used."""
    times = psutil.Process(editor.process.pid).cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)


def measure(folder: Path, files: int, lines: int, rounds: int) -> list[Waits]:
    repository = build(folder / "repo", files, lines)
    config = folder / "claude"
    environment: Mapping[str, Any] = {
        **isolated_environment(), "SIDECAR_STATE_DIR": str(folder / "state"), "CLAUDE_CONFIG_DIR": str(config),
        "PORT": "0", "SIDECAR_TRUSTED_FOLDERS": str(repository.root),
    }  # fmt: skip
    each = lines // CHANGED
    with Editor("-m", "sidecar", "lsp", environment=environment) as editor:
        begun = time.perf_counter()
        status = editor.open(repository.root)
        editor.told("sidecar/threads/changed", lambda told: len(told["upserts"]) > 0)
        first = Waits("start to the first comments", [(time.perf_counter() - begun) * 1000])
        saves(editor, repository, 3, each)  # what is only done once is done
        with Bystander(status["baseUrl"]) as bystander:
            begun_cpu = spent(editor)
            saved = saves(editor, repository, rounds, each)
            cpu = Waits("CPU of a save, server and git together", [(spent(editor) - begun_cpu) * 1000 / rounds])
            proposed = asyncio.run(proposals(editor, repository, rounds, config, each))
        editor.leave()
    return [first, saved, cpu, proposed, bystander.waits]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--lines", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=40)
    wanted = parser.parse_args()
    with TemporaryDirectory() as folder:
        found = measure(Path(folder).resolve(), wanted.files, wanted.lines, wanted.rounds)
    print(
        f"{wanted.files} files, {wanted.lines} changed lines, load {os.getloadavg()[0]:.1f}, milliseconds",
        file=sys.stdout,
    )
    for waits in found:
        print(waits.line())


if __name__ == "__main__":
    main()
