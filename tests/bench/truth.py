"""Asks a language server for the truth: a client of its own, a few plain lines, nothing of the product's."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

Spot = tuple[str, int, int]
"""A path in the tree, a line from 0, a UTF-16 unit from 0."""

QUIET = 8.0


class Truth:
    """One server with every file of the tree open, asked when it has come to rest."""

    def __init__(self, command: list[str], root: Path, files: Iterable[Path], language: str) -> None:
        self.root = root
        self._id = 0
        self._process = subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        folder = {"uri": root.as_uri(), "name": root.name}
        capabilities = {
            "workspace": {"configuration": True, "workspaceFolders": True},
            "textDocument": {"definition": {"linkSupport": False}, "callHierarchy": {}},
        }
        self.ask(
            "initialize",
            {"processId": None, "rootUri": root.as_uri(), "workspaceFolders": [folder], "capabilities": capabilities},
        )
        self._say({"method": "initialized", "params": {}})
        for path in files:
            document = {
                "uri": path.as_uri(),
                "languageId": language,
                "version": 1,
                "text": path.read_text(encoding="utf-8"),
            }
            self._say({"method": "textDocument/didOpen", "params": {"textDocument": document}})
            self.ask("textDocument/documentSymbol", {"textDocument": {"uri": path.as_uri()}})
        time.sleep(QUIET)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            pipe.close()

    def definitions(self, spot: Spot) -> list[Spot]:
        """Where the name at a place is defined, in the tree."""
        return self._spots(self.ask("textDocument/definition", self._at(spot)))

    def knows(self, spot: Spot) -> bool:
        """Whether there is any definition of what stands at a place, in the tree or outside."""
        return bool(self.ask("textDocument/definition", self._at(spot)))

    def references(self, spot: Spot) -> list[Spot]:
        """Every place that means the same, with the definition."""
        return self._spots(
            self.ask("textDocument/references", {**self._at(spot), "context": {"includeDeclaration": True}})
        )

    def callers(self, spot: Spot) -> list[Spot]:
        """The places of all calls of what is defined at a place."""
        found: list[Spot] = []
        for item in self.ask("textDocument/prepareCallHierarchy", self._at(spot)) or ():
            for call in self.ask("callHierarchy/incomingCalls", {"item": item}) or ():
                found += self._spots([{"uri": call["from"]["uri"], "range": each} for each in call["fromRanges"]])
        return sorted(set(found))

    def ask(self, method: str, params: Any) -> Any:
        """The result of a request."""
        self._id += 1
        self._say({"id": self._id, "method": method, "params": params})
        while True:
            message = self._hear()
            if "method" in message and "id" in message:
                configured = message["method"] == "workspace/configuration"
                self._say(
                    {"id": message["id"], "result": [None] * len(message["params"]["items"]) if configured else None}
                )
            elif message.get("id") == self._id and "method" not in message:
                return message.get("result")

    def _at(self, spot: Spot) -> dict[str, Any]:
        path, line, character = spot
        return {
            "textDocument": {"uri": (self.root / path).as_uri()},
            "position": {"line": line, "character": character},
        }

    def _spots(self, result: Any) -> list[Spot]:
        top = self.root.as_uri() + "/"
        places = result if isinstance(result, list) else [result] if result else []
        return sorted({
            (each["uri"].removeprefix(top), each["range"]["start"]["line"], each["range"]["start"]["character"])
            for each in places
            if each["uri"].startswith(top)
        })  # fmt: skip

    def _say(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _hear(self) -> dict[str, Any]:
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        if not length:
            raise RuntimeError("the server that knows the truth has ended")
        return json.loads(self._process.stdout.read(length))
