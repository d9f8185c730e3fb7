"""A person at the real editor: starts `tests/rig/robot.mjs` and speaks with it, one JSON object a line."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest

from tests.conftest import ROOT, Rig
from tests.journeys.processes import settled, still_running

PICTURES = ROOT / ".build" / "screenshots"
VSIX = ROOT / "vscode-extension" / "dist" / "claude-sidecar.vsix"

ANSWER_LIMIT = 300.0
"""Seconds after which an act counts as hung; the acts themselves give up sooner, and say what they waited for."""


LOOKS = 120.0
"""Seconds that a state is looked for."""


T = TypeVar("T")


def look_until(look: Callable[[], T], wanted: Callable[[T], object] = bool) -> T:
    """Look again and again until what is seen is as wanted. Fails with what was seen last."""
    until = time.monotonic() + LOOKS
    while not wanted(found := look()):
        if time.monotonic() > until:
            pytest.fail(f"This never was as it should be: {found!r}")
        time.sleep(0.02)  # between two looks at a state
    return found


class RobotError(AssertionError):
    """The editor did not show what was waited for."""


class Robot:
    """One editor session. Every act is a function of `tests/rig/driver.mjs` or `robot.mjs` by its name."""

    def __init__(self, rig: Rig, environment: Mapping[str, str]) -> None:
        self._turn = 0
        self._process = subprocess.Popen(
            [rig.node, ROOT / "tests" / "rig" / "robot.mjs"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**environment, **rig.environment},
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        self._answers: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def do(self, act: str, argument: Any = None, /, **arguments: Any) -> Any:
        """Do something and wait for its end: with one plain argument, or with named ones. Raises RobotError."""
        self._turn += 1
        assert self._process.stdin
        self._process.stdin.write(
            json.dumps({"id": self._turn, "do": act, "with": arguments if argument is None else argument}) + "\n"
        )
        self._process.stdin.flush()
        line = self._answers.get(timeout=ANSWER_LIMIT)
        answer = json.loads(line) if line else {"error": f"{act}: the driver ended with {self._process.wait()}"}
        if "error" in answer:
            raise RobotError(f"{answer['error']}\nscreen: {answer.get('screenshot')}")
        return answer["value"]

    def visit(self, url: str, viewport: Mapping[str, int] | None = None) -> None:
        """Open a page of its own in the browser, in place of the one before."""
        size = {} if viewport is None else {"viewport": dict(viewport)}
        self.do("visit", url=url, pictures=str(PICTURES), **size)

    def picture(self, name: str) -> Path:
        """Keep a picture of the window among the build's outputs."""
        file = PICTURES / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        self.do("screenshot", file=str(file))
        return file

    def portrait(self, name: str) -> Path:
        """Keep a picture of a whole page, however long it is."""
        file = PICTURES / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        self.do("portrait", file=str(file))
        return file

    def close(self) -> None:
        """End the browser and the editor, in order; the last resort is the whole group."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._reader.join()
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put("")


@contextmanager
def at_the_browser(rig: Rig, environment: Mapping[str, str]) -> Iterator[Robot]:
    """The browser alone, started already; `visit` opens a page. Nothing was asked of the network."""
    robot = Robot(rig, environment)
    try:
        robot.visit("about:blank")
        yield robot
        outside = robot.do("outside")
        assert outside == [], outside
    finally:
        robot.close()


@contextmanager
def at_the_editor(
    rig: Rig,
    clean: Mapping[str, str],
    repository: Path,
    scratch: Path,
    *,
    vsix: Sequence[Path] = (VSIX,),
    trust: bool = False,
    settings: Mapping[str, Any] | None = None,
    **more: str,
) -> Iterator[Robot]:
    """An editor on `repository` (or a `.code-workspace` file), extensions installed from their .vsix, the server running in this environment.

    With `trust` the editor asks whether folders are trusted; `settings` are the user's. `more` is what the person's shell exports. Nothing is left running afterwards, and nothing was asked of the network.
    """
    if not VSIX.is_file():
        pytest.fail("the extension is not packaged; run: make package", pytrace=False)
    home = scratch / "home"
    home.mkdir()
    profile = f"PS1='tally $ '\nPATH={Path(rig.claude).parent}:$PATH\n"  # as a user's own: `claude` is on the PATH
    (home / ".bashrc").write_text(profile, encoding="utf-8")
    state = str(scratch / "state")
    environment = {**clean, **settled(home / ".claude", repository), "HOME": str(home), "SHELL": "/bin/bash", **more}
    robot = Robot(rig, {**environment, "SIDECAR_STATE_DIR": state})
    try:
        robot.do(
            "start",
            home=str(scratch / "code"),
            folder=str(repository),
            vsix=[str(each) for each in vsix],
            settings={
                "sidecar.command": [str(ROOT / ".venv" / "bin" / "sidecar")],
                "security.workspace.trust.enabled": trust,
                "security.workspace.trust.startupPrompt": "never",
                **(settings or {}),
            },
            trust=trust,
            pictures=str(PICTURES),
            viewport={"width": 1440, "height": 1080},
        )
        yield robot
        outside = robot.do("outside")
        assert outside == [], outside
    finally:
        robot.close()
    assert not (left := _left_running(state)), left


def _left_running(state: str) -> list[psutil.Process]:
    """Processes that were started in this session's environment and outlive it by more than some seconds."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("SIDECAR_STATE_DIR") == state:
                found.append(process)
    alive = still_running(found, 15)
    for process in alive:
        process.kill()
    return alive
