"""An editor made of raw frames: it starts a language server as a process and says to it exactly what a test wants."""

from __future__ import annotations

import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0


class Editor:
    """One connection. `heard` keeps all that came; `pause` stops reading, as a busy extension host does."""

    def __init__(self, *command: str, environment: Mapping[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *(command or ("-m", "tests.editor.door"))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, bufsize=0, env=environment,
        )  # fmt: skip
        self.heard: list[dict[str, Any]] = []
        self.raw = bytearray()
        self.log = b""
        self._reading = threading.Event()
        self._reading.set()
        self._inbox: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._id = 0
        self._threads = [threading.Thread(target=act, daemon=True) for act in (self._read, self._read_log)]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.resume()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for thread in self._threads:
            thread.join(5)  # not for ever: a child that kept our pipe open would keep the reader
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            pipe.close()

    # ── saying ──────────────────────────────────────────────────────────────────────────────────────
    def send_bytes(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self.process.stdin.fileno(), view) :]

    def send(self, message: Any) -> None:
        body = json.dumps(message).encode()
        self.send_bytes(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def notify(self, method: str, params: Any = None) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def request(self, method: str, params: Any = None) -> int:
        self._id += 1
        self.send({"jsonrpc": "2.0", "id": self._id, "method": method, "params": params})
        return self._id

    # ── hearing ─────────────────────────────────────────────────────────────────────────────────────
    def hear(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next message that is wanted."""
        until = time.monotonic() + PATIENCE
        while True:
            message = self._inbox.get(timeout=max(0.01, until - time.monotonic()))
            assert message is not None, f"the server closed the pipe\n{self.log.decode()}"
            if wanted(message):
                return message

    def answer(self, msg_id: int | None) -> dict[str, Any]:
        return self.hear(lambda m: "method" not in m and m.get("id") == msg_id)

    def ask(self, method: str, params: Any = None) -> Any:
        answer = self.answer(self.request(method, params))
        assert "error" not in answer, answer
        return answer["result"]

    def refusal(self, method: str, params: Any = None) -> dict[str, Any]:
        return self.answer(self.request(method, params))["error"]

    def told(self, method: str, wanted: Callable[[dict[str, Any]], bool] = lambda _: True) -> dict[str, Any]:
        return self.hear(lambda m: m.get("method") == method and wanted(m["params"]))["params"]

    def without(self, thread_id: str) -> None:
        """Wait until the editor shows this thread no more: it was taken away, or is not among all that there are."""
        self.told(
            "sidecar/threads/changed",
            lambda told: (
                thread_id in told["removes"]
                or (told["full"] and all(item["id"] != thread_id for item in told["upserts"]))
            ),
        )

    def pause(self) -> None:
        self._reading.clear()

    def resume(self) -> None:
        self._reading.set()

    # ── whole steps ─────────────────────────────────────────────────────────────────────────────────
    def initialize(self, folder: Path | None = None, **more: Any) -> dict[str, Any]:
        folders = [{"uri": folder.as_uri(), "name": folder.name}] if folder else None
        params = {"processId": os.getpid(), "rootUri": None, "capabilities": {}, "workspaceFolders": folders, **more}
        return self.ask("initialize", params)

    def open(self, folder: Path | None = None, **options: Any) -> dict[str, Any]:
        """Initialize and wait until the services are ready; the status."""
        self.initialize(folder, initializationOptions=options)
        self.notify("initialized", {})
        return self.told("sidecar/statusChanged", lambda s: s["state"] != "starting")

    def leave(self) -> int:
        self.ask("shutdown")
        self.notify("exit")
        return self.process.wait(PATIENCE)

    def wait(self) -> int:
        return self.process.wait(PATIENCE)

    def whole_log(self) -> str:
        """All of standard error; call it when the process has ended."""
        self._threads[1].join(PATIENCE)
        return self.log.decode()

    # ── reading ─────────────────────────────────────────────────────────────────────────────────────
    def _read(self) -> None:
        buffer = bytearray()
        while True:
            self._reading.wait()
            data = os.read(self.process.stdout.fileno(), 65536)
            self.raw += data
            buffer += data
            while (frame := _frame(buffer)) is not None:
                message = json.loads(frame)
                self.heard.append(message)
                self._inbox.put(message)
            if not data:
                self._inbox.put(None)
                return

    def _read_log(self) -> None:
        while data := os.read(self.process.stderr.fileno(), 65536):
            self.log += data


def _frame(buffer: bytearray) -> bytes | None:
    """The first frame's body, taken out of the buffer once it is whole."""
    end = buffer.find(b"\r\n\r\n")
    if end < 0:
        return None
    names = dict(line.split(b": ", 1) for line in bytes(buffer[:end]).split(b"\r\n"))
    whole = end + 4 + int(names[b"Content-Length"])
    if len(buffer) < whole:
        return None
    body = bytes(buffer[end + 4 : whole])
    del buffer[:whole]
    return body


class Inside:
    """The test program's second door."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._lines = self._socket.makefile("rw", encoding="utf-8", newline="\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._socket.close()

    def do(self, what: str, **more: Any) -> Any:
        self._lines.write(json.dumps({"do": what, **more}) + "\n")
        self._lines.flush()
        return json.loads(self._lines.readline())
