"""The worker's conversation, as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sidecar.languages.python_paths import standard_paths


class Spoken:
    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-E", "-P", "-m", "sidecar.languages.jedi_worker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/",
        )  # fmt: skip

    def say(self, method: str, params: Any, number: int | None = 1) -> None:
        message = {"jsonrpc": "2.0", "method": method, "params": params} | ({"id": number} if number else {})
        body = json.dumps(message).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        length = int(self.process.stdout.readline().split(b":")[1])
        self.process.stdout.readline()
        return json.loads(self.process.stdout.read(length))


@pytest.fixture
def worker(project: Path) -> Iterator[Spoken]:
    spoken = Spoken()
    options = {"standard": standard_paths(), "libraries": [], "cache": ""}
    spoken.say("initialize", {"rootUri": project.as_uri(), "initializationOptions": options})
    assert spoken.hear()["result"]["capabilities"]["definitionProvider"]
    yield spoken
    spoken.process.stdin.close()
    assert spoken.process.wait(10) == 0
    spoken.process.stdout.close()


def at(project: Path, name: str, line: int, character: int) -> dict[str, Any]:
    return {"textDocument": {"uri": (project / name).as_uri()}, "position": {"line": line, "character": character}}


def test_it_counts_units_as_the_protocol_does(worker: Spoken, project: Path) -> None:
    (project / "u.py").write_text('größe = 1; x = "😀"; größe\n', encoding="utf-8")
    worker.say("textDocument/references", at(project, "u.py", 0, 21))
    spots = [item["range"]["start"]["character"] for item in worker.hear()["result"]["items"]]
    assert spots == [0, 21]


def test_what_it_does_not_know_is_refused(worker: Spoken, project: Path) -> None:
    worker.say("textDocument/implementation", at(project, "cart.py", 0, 0))
    assert worker.hear()["error"]["code"] == -32601
    worker.say("textDocument/definition", at(project, "gone.py", 0, 0))
    assert worker.hear()["error"]["code"] == -32803


def test_what_was_cancelled_before_its_turn_is_left_out(worker: Spoken, project: Path) -> None:
    worker.say("textDocument/references", at(project, "cart.py", 3, 7), 1)
    worker.say("textDocument/references", at(project, "cart.py", 6, 9), 2)
    worker.say("$/cancelRequest", {"id": 2}, None)
    worker.say("textDocument/definition", at(project, "cart.py", 3, 7), 3)
    assert [worker.hear()["id"] for _ in range(2)] == [1, 3]
