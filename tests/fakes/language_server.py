"""A language server for the tests that works in a small way, and can be told to misbehave. Standard library only.

`python language_server.py MODE…`: `work` answers definitions with the first line of the file that was asked about and
references with all places of the word in the files that are open. The other modes change one thing of that:

    hang      never answers a question            crash    ends with the first question, saying why
    deaf      reads nothing at all                flood    answers a question with notifications without end
    junk      prints text that is no LSP          lie      answers with what has not the form of an answer
    stillborn ends at once                        load     reports work for a second, and knows nothing before that
    mute      never says what it thinks of a file
    rest      is at work for a second as rust-analyzer tells it (`experimental/serverStatus`)
    asks      answers nothing before its own questions are answered: what to watch, how to be set, whether to import a build
    links     answers definitions with links, first to what is no file (`jdt:`, `csharp:`)
    telling   answers hovers with the words that it was started with
    eat       takes 300 MB with the first question
    child     starts a process of its own, whose number it writes into `child.pid` in its folder
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
import urllib.parse
from pathlib import Path
from typing import Any

MODES = set(sys.argv[1:])
OUT = sys.stdout.buffer
LOCK = threading.Lock()
DOCUMENTS: dict[str, str] = {}
BORN = time.monotonic()
EATEN: list[bytes] = []
PROVIDERS = ("definition", "references", "hover", "documentSymbol", "workspaceSymbol", "rename", "callHierarchy")


def send(message: dict[str, Any]) -> None:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    with LOCK:
        OUT.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        OUT.flush()


def progress(kind: str) -> None:
    send({"method": "$/progress", "params": {"token": "load", "value": {"kind": kind, "title": "loading"}}})


def quiescent(now: bool) -> None:
    send({"method": "experimental/serverStatus", "params": {"health": "ok", "quiescent": now}})


def loaded() -> bool:
    return not MODES & {"load", "rest"} or time.monotonic() - BORN > 1.0


def question(method: str, params: Any) -> None:
    """Ask the client, and wait for its answer."""
    send({"id": f"mine-{method}", "method": method, "params": params})
    while (said := receive()).get("id") != f"mine-{method}":
        take(said)
    if "error" in said:
        sys.exit(f"{method} was refused")


def ask_all() -> None:
    watched = {
        "id": "w",
        "method": "workspace/didChangeWatchedFiles",
        "registerOptions": {"watchers": [{"globPattern": "**/*"}]},
    }
    question("client/registerCapability", {"registrations": [watched]})
    question("window/workDoneProgress/create", {"token": "load"})
    question("workspace/configuration", {"items": [{"section": "java"}, {}]})
    question("workspace/workspaceFolders", None)
    question("window/showMessageRequest", {"type": 3, "message": "Import the build?", "actions": [{"title": "Yes"}]})
    question("workspace/semanticTokens/refresh", None)
    MODES.discard("asks")


def word_at(params: dict[str, Any]) -> str:
    place = params["position"]
    line = DOCUMENTS[params["textDocument"]["uri"]].split("\n")[place["line"]]
    found = [m for m in re.finditer(r"\w+", line) if m.start() <= place["character"] <= m.end()]
    return found[0].group() if found else ""


def places(word: str) -> list[dict[str, Any]]:
    return [
        {"uri": uri, "range": spot(number, match.start(), match.end())}
        for uri, text in sorted(DOCUMENTS.items())
        for number, line in enumerate(text.split("\n"))
        for match in re.finditer(rf"\b{re.escape(word)}\b", line)
    ]


def spot(line: int, start: int, end: int) -> dict[str, Any]:
    return {"start": {"line": line, "character": start}, "end": {"line": line, "character": end}}


def misbehave() -> None:
    if "crash" in MODES:
        sys.exit("the compiler is out of order")
    if "flood" in MODES:
        while True:
            send({"method": "window/logMessage", "params": {"type": 4, "message": "x" * 1_000_000}})
    if "eat" in MODES:
        EATEN.append(b"x" * 300_000_000)
    if "junk" in MODES:
        OUT.write(b"Segmentation fault (core dumped)\n" * 4_000)
        OUT.flush()


def answer(method: str, params: dict[str, Any]) -> Any:
    if method == "initialize":
        return {"capabilities": {f"{name}Provider": True for name in PROVIDERS}}
    misbehave()
    if "lie" in MODES:
        return {"uri": 7, "range": "here"} if method.endswith("definition") else "nothing of the kind"
    if not loaded():
        return []
    told = {"textDocument/definition": defined, "textDocument/references": lambda given: places(word_at(given))}
    if "telling" in MODES:
        told["textDocument/hover"] = lambda _: {"contents": " ".join(sys.argv[1:])}
    return told[method](params) if method in told else []


def defined(params: dict[str, Any]) -> Any:
    uri = params["textDocument"]["uri"]
    if "links" not in MODES:
        return {"uri": uri, "range": spot(0, 0, 0)}
    return [
        {"targetUri": each, "targetRange": spot(0, 0, 4), "targetSelectionRange": spot(0, 0, 4)}
        for each in ("jdt://contents/java.base/String.class", "csharp:/metadata/String.cs", uri)
    ]


def take(message: dict[str, Any]) -> None:
    method, params = message.get("method"), message.get("params") or {}
    if method in {"textDocument/didOpen", "textDocument/didChange"}:
        whole = params["textDocument"].get("text") or params["contentChanges"][0]["text"]
        DOCUMENTS[params["textDocument"]["uri"]] = whole
    elif method == "textDocument/didClose":
        DOCUMENTS.pop(params["textDocument"]["uri"], None)
    elif method == "initialized" and "load" in MODES:
        progress("begin")
        threading.Timer(max(1.0 - (time.monotonic() - BORN), 0), progress, ["end"]).start()
    elif method == "initialized" and "rest" in MODES:
        quiescent(now=False)
        threading.Timer(max(1.0 - (time.monotonic() - BORN), 0), quiescent, [True]).start()
    elif "id" in message and method is not None and not ("hang" in MODES and method != "initialize"):
        if "asks" in MODES and method != "initialize":
            ask_all()
        send({"id": message["id"], "result": answer(method, params)})
        if method == "initialize" and "child" in MODES:
            start_child(params["rootUri"])


def receive() -> dict[str, Any]:
    head = sys.stdin.buffer.readline()
    if not head:
        sys.exit()
    length = int(head.split(b":")[1])
    sys.stdin.buffer.readline()
    message: dict[str, Any] = json.loads(sys.stdin.buffer.read(length))
    return message


def start_child(root: str) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (Path(urllib.parse.unquote(root.removeprefix("file://"))) / "child.pid").write_text(str(child.pid))


def main() -> None:
    if "stillborn" in MODES:
        sys.exit("no licence was found")
    if "deaf" in MODES:
        time.sleep(600)
    while True:
        take(receive())


if __name__ == "__main__":
    main()
