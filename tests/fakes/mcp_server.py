"""An MCP server by hand, for what the real ones do not do: `mcp_server.py [FAULT…]` over standard input and output.

Faults: `crash` at the start, `crash-on-call`, `hang` at the start, `hang-on-call`, `flood` (no line's end), `flood-lines`
(junk without end), `junk` (a few lines between messages), `quiet` (nothing on standard error), `stay` (ignores the end of
its input), `child` (starts one that stays). `tools=FILE` takes the tools from a JSON file, read at each question; `starts=FILE`
appends a line at each start; `hang-if=FILE` hangs at a start where there is such a file, `wait-for=FILE` until there is.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

FAULTS = {word for word in sys.argv[1:] if "=" not in word}
OPTIONS = dict(word.split("=", 1) for word in sys.argv[1:] if "=" in word)

TOOLS = [
    {
        "name": "say",
        "description": "Says a word back.",
        "inputSchema": {"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]},
    },
    {"name": "environment", "description": "The names of its variables.", "inputSchema": {"type": "object"}},
    {"name": "fail", "description": "Always fails.", "inputSchema": {"type": "object"}},
]


def send(message: dict) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def tools() -> list[dict]:
    path = OPTIONS.get("tools")
    return json.loads(Path(path).read_text(encoding="utf-8")) if path else TOOLS


def call(params: dict) -> dict:
    name, given = params["name"], params.get("arguments") or {}
    if name == "say":
        return {"content": [{"type": "text", "text": given["word"]}], "structuredContent": {"said": given["word"]}}
    if name == "environment":
        names = sorted(os.environ)
        return {"content": [{"type": "text", "text": " ".join(names)}], "structuredContent": dict(os.environ)}
    return {"content": [{"type": "text", "text": "It failed."}], "isError": True}


def answer(method: str, params: dict) -> dict | None:
    if method == "initialize":
        return {
            "protocolVersion": params["protocolVersion"],
            "capabilities": {"tools": {"listChanged": True}},
            "serverInfo": {"name": OPTIONS.get("name", "fake"), "version": "1"},
        }
    if method == "tools/list":
        return {"tools": tools()}
    if method == "tools/call":
        if "crash-on-call" in FAULTS:
            print("oh no", file=sys.stderr, flush=True)
            os._exit(3)
        if "hang-on-call" in FAULTS:
            time.sleep(3600)
        if "tell" in FAULTS:
            send({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
        return call(params)
    return {} if method == "ping" else None


def main() -> None:
    if path := OPTIONS.get("starts"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{os.getpid()}\n")
    if "quiet" not in FAULTS:
        print("ready", file=sys.stderr, flush=True)
    if "child" in FAULTS:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
        Path(OPTIONS["pid"]).write_text(str(child.pid), encoding="utf-8")
    if "stay" in FAULTS:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "crash" in FAULTS:
        print("cannot start", file=sys.stderr, flush=True)
        sys.exit(1)
    if "hang" in FAULTS or ("hang-if" in OPTIONS and Path(OPTIONS["hang-if"]).exists()):
        time.sleep(3600)
    while "wait-for" in OPTIONS and not Path(OPTIONS["wait-for"]).exists():
        time.sleep(0.02)  # between two looks at a state
    while "flood" in FAULTS:
        sys.stdout.write("x" * 65536)
    while "flood-lines" in FAULTS:
        sys.stdout.write("junk\n" * 1000)
    for line in sys.stdin:
        message = json.loads(line)
        if "junk" in FAULTS:
            print("Debug: I print where I should not\n{not json", flush=True)
        if "id" not in message or "method" not in message:
            continue
        result = answer(message["method"], message.get("params") or {})
        if result is None:
            send({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "Method not found"}})
        else:
            send({"jsonrpc": "2.0", "id": message["id"], "result": result})
    if "stay" in FAULTS:
        time.sleep(3600)


main()
