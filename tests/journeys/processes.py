"""The real programs of a journey: `sidecar` and the Claude Code CLI, each in a process group of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import struct
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pyte

LIMIT = 60.0
ROWS, COLUMNS = 50, 160
"""Seconds after which a program counts as hung."""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def settled(folder: Path, workspace: Path) -> dict[str, str]:
    """Variables for a Claude Code that has been set up: nothing asked, nothing fetched, settings in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    trusted = {str(workspace): {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}}
    state = {"hasCompletedOnboarding": True, "theme": "dark", "projects": trusted}
    (folder / ".claude.json").write_text(json.dumps(state), encoding="utf-8")
    return {
        "CLAUDE_CONFIG_DIR": str(folder),
        "DISABLE_AUTOUPDATER": "1",
        "CLAUDE_CODE_IDE_SKIP_AUTO_INSTALL": "1",
        # For tests only: users keep it unset, since it also switches off the check behind auto mode.
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }


@dataclass(frozen=True)
class Outcome:
    """A program that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Standard output as one JSON object."""
        try:
            value = json.loads(self.out)
        except json.JSONDecodeError:
            raise AssertionError(f"no JSON (exit {self.code}):\n{self.out}\n{self.err}") from None
        assert isinstance(value, dict), value
        return value


class Running:
    """A program under way."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self._offspring: set[psutil.Process] = set()

    @classmethod
    async def start(cls, *command: str | Path, cwd: Path, environment: Mapping[str, str]) -> Running:
        """Start it, leader of its own group, with nothing on its standard input."""
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=cwd,
            env=dict(environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
            limit=16 * 1024 * 1024,
        )
        return cls(process)

    async def outcome(self) -> Outcome:
        """Wait for its own end."""
        async with asyncio.timeout(LIMIT):
            out, err = await self.process.communicate()
        assert self.process.returncode is not None
        return Outcome(self.process.returncode, out.decode(), err.decode())

    async def lines(self) -> AsyncIterator[str]:
        """Standard output, line by line, as it comes."""
        assert self.process.stdout
        while True:
            async with asyncio.timeout(LIMIT):
                line = await self.process.stdout.readline()
            if not line:
                return
            yield line.decode()

    def signal(self, number: int) -> None:
        """Send a signal to the program alone, as a person or an editor would."""
        self._remember()
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    async def close(self) -> None:
        """End it, whatever it does, and see that nothing that it started lives on."""
        self._remember()
        if self.process.returncode is None:
            self.signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(10):
                    await self.process.communicate()
            except TimeoutError:
                os.killpg(self.process.pid, signal.SIGKILL)
                await self.process.communicate()
        alive = await asyncio.to_thread(still_running, list(self._offspring), 10)
        for one in alive:
            one.kill()
        assert not alive, f"left running: {alive}"

    def _remember(self) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            self._offspring.update(psutil.Process(self.process.pid).children(recursive=True))


def still_running(processes: Iterable[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Those that have not ended after so long. Who only waits for a slow init to take note of its end has ended."""
    until = time.monotonic() + seconds
    while True:
        alive = [process for process in processes if not _ended(process)]
        if not alive or time.monotonic() > until:
            return alive
        time.sleep(0.05)


def _ended(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


class Terminal:
    """A program in a terminal of its own: what its screen shows, and keys for it."""

    _FOREIGN = re.compile(rb"\x1b\[[<=>][0-9;]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
    """What the emulator does not know: keyboard protocols, titles."""
    _TITLE = re.compile(rb"\x1b\][02];([^\x07\x1b]*)(?:\x07|\x1b\\)")
    _UNFINISHED = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?)?$")

    def __init__(self, process: asyncio.subprocess.Process, screen: int, rows: int) -> None:
        self.process = process
        self._screen = screen
        self._shown = pyte.Screen(COLUMNS, rows)
        self._stream = pyte.ByteStream(self._shown)
        self._rest = b""
        self._more = asyncio.Event()
        self.title = ""
        """What it calls itself, above its screen or on its tab."""
        asyncio.get_running_loop().add_reader(screen, self._read)

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls, *command: str | Path, cwd: Path, environment: Mapping[str, str], rows: int = ROWS
    ) -> AsyncIterator[Terminal]:
        """Start it; it is ended at the end."""
        import fcntl
        import pty
        import termios

        screen, inside = pty.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", rows, COLUMNS, 0, 0))
        variables = {**environment, "TERM": "xterm-256color"}
        process = await asyncio.create_subprocess_exec(
            *command, cwd=cwd, env=variables, stdin=inside, stdout=inside, stderr=inside, start_new_session=True
        )
        os.close(inside)
        terminal = cls(process, screen, rows)
        try:
            yield terminal
        finally:
            asyncio.get_running_loop().remove_reader(screen)
            os.close(screen)
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()

    @property
    def text(self) -> str:
        """What the screen shows, blanks left out: words may be broken at its edge."""
        return "".join("".join(self._shown.display).split())

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._screen, keys.encode())

    async def shows(self, words: str) -> None:
        """Wait until the screen shows these words."""
        wanted = "".join(words.split())
        try:
            async with asyncio.timeout(LIMIT):
                while wanted not in self.text:
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            raise AssertionError(
                f"{words!r} never came; the screen shows:\n" + "\n".join(self._shown.display)
            ) from None

    async def titled(self, pattern: str) -> str:
        """Wait until the terminal's title matches; the title."""
        try:
            async with asyncio.timeout(LIMIT):
                while not re.search(pattern, self.title):
                    self._more.clear()
                    await self._more.wait()
        except TimeoutError:
            raise AssertionError(f"no title like {pattern!r}; it is {self.title!r}") from None
        return self.title

    async def hides(self, words: str) -> None:
        """Wait until the screen shows these words no more."""
        gone = "".join(words.split())
        async with asyncio.timeout(LIMIT):
            while gone in self.text:
                self._more.clear()
                await self._more.wait()

    async def press(self, keys: str, until: str) -> None:
        """Press keys, and again each second, until the screen shows these words: a dialog takes none while it opens."""
        wanted = "".join(until.split())
        for _ in range(int(LIMIT)):
            self.type(keys)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    while wanted not in self.text:
                        self._more.clear()
                        await self._more.wait()
            if wanted in self.text:
                return
        await self.shows(until)

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            data = self._rest + os.read(self._screen, 65536)
            unfinished = self._UNFINISHED.search(data)
            whole = data[: unfinished.start()] if unfinished else data
            self._rest = data[len(whole) :]
            for name in self._TITLE.findall(whole):
                self.title = name.decode()
            self._stream.feed(self._FOREIGN.sub(b"", whole))
        self._more.set()


class Sidecar(Running):
    """`sidecar serve`, listening."""

    base_url: str

    @classmethod
    async def serve(cls, *arguments: str, workspace: Path, environment: Mapping[str, str], port: int) -> Sidecar:
        """Start it and wait until it says that it is ready."""
        command = (sys.executable, "-m", "sidecar", "serve", "--workspace", str(workspace), "--port", str(port))
        started = await cls.start(*command, *arguments, cwd=workspace, environment=environment)
        assert isinstance(started, Sidecar)
        started.base_url = f"http://127.0.0.1:{port}"
        try:
            await asyncio.wait_for(started._ready(), LIMIT)
        except BaseException:
            await started.close()
            raise
        return started

    async def _ready(self) -> None:
        while not await asyncio.to_thread(self._answers):
            if self.process.returncode is not None:
                end = await self.outcome()
                raise AssertionError(f"sidecar serve ended with {end.code}:\n{end.out}\n{end.err}")
            await asyncio.sleep(0.02)  # between two looks at a state, not instead of one

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.base_url}/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False
