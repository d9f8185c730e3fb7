"""A provider on loopback that plays a script: the Messages API and chat completions, streamed or whole, and faults.

In a test with an event loop::

    async with Upstream([answer(text("Hello")), answer(tool_use("Read", {"file_path": "a.py"}))]) as upstream:
        ...                       # upstream.url, upstream.requests, await upstream.until(lambda: ...)

`with Upstream(...)` runs it on a thread of its own; `python -m tests.fakes.upstream --script FILE --port 0` as a
process that prints its URL. A rule (`rule=side_requests`) answers what is not part of the script, such as a client's
requests for titles; it is asked first and returns None for what the script shall answer.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Self

from aiohttp import web

from tests.fakes.upstream_wire import Frame, chat_frames, chat_whole, native_frames, native_whole

Json = dict[str, Any]


@dataclass(frozen=True)
class Turn:
    """What is answered to one request. Made with `answer`, `fault`, `html`, `redirect` or `stall`."""

    blocks: tuple[Json, ...] = ()
    stop_reason: str | None = None
    usage: Json = field(default_factory=dict)
    before: float = 0.0
    """Seconds before the answer's head."""
    delay: float = 0.0
    """Seconds between frames."""
    linger: float = 0.0
    """Seconds between the last frame and the end of the body."""
    cut: str | None = None
    """`abort`: the connection breaks; `eof`: it ends cleanly; `stall`: nothing more comes until the client leaves."""
    after: int = 0
    """Frames before the cut; for a whole answer, bytes."""
    status: int = 200
    headers: Json = field(default_factory=dict)
    body: bytes | None = None
    """The whole body in place of an answer."""
    frames: tuple[bytes, ...] | None = None
    """Raw frames in place of an answer's, sent as an event stream."""
    silent: bool = False
    """No head at all, until the client leaves."""


@dataclass
class Seen:
    """One request as it came, and how it ended."""

    method: str
    path: str
    headers: dict[str, str]
    raw: bytes
    at: float = field(default_factory=time.monotonic)
    state: str = "open"
    """`open`, `done` (answered to the end) or `left` (the client closed the connection before)."""
    sent: int = 0
    """Frames sent so far."""
    peer: Any = None
    """The client's address: the same for requests over the same connection."""

    @property
    def body(self) -> Json:
        """The request's JSON object; empty when it is none."""
        try:
            value = json.loads(self.raw)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def tools(self) -> list[str]:
        """Names of the tools offered."""
        named = [tool.get("name") or tool.get("function", {}).get("name") for tool in self.body.get("tools") or []]
        return [str(name) for name in named]

    @property
    def left(self) -> bool:
        """Whether the client closed the connection before the answer's end."""
        return self.state == "left"


Rule = Callable[[Seen], Turn | None]


def text(words: str) -> Json:
    """A text block."""
    return {"type": "text", "text": words}


def thinking(words: str, signature: str = "c2ln") -> Json:
    """A signed thinking block."""
    return {"type": "thinking", "thinking": words, "signature": signature}


def tool_use(name: str, arguments: Json, ident: str = "") -> Json:
    """A call of a tool; its id is made where none is given."""
    return {"type": "tool_use", "id": ident or f"toolu_{name}", "name": name, "input": arguments}


def answer(*blocks: Json | str, **options: Any) -> Turn:
    """An answer of these blocks (a string is a text block). Options are those of `Turn`."""
    return Turn(blocks=tuple(text(b) if isinstance(b, str) else b for b in blocks), **options)


def fault(status: int, body: Any = None, **headers: str) -> Turn:
    """A failure; `body` is bytes or JSON, by default in the Messages API's shape. `retry_after="1"` is a header."""
    shape = {"type": "error", "error": {"type": "api_error", "message": f"scripted {status}"}}
    raw = body if isinstance(body, bytes) else json.dumps(shape if body is None else body).encode()
    return Turn(status=status, body=raw, headers={k.replace("_", "-"): v for k, v in headers.items()})


def html(status: int = 200) -> Turn:
    """A page where an answer is expected."""
    page = b"<!doctype html><title>Sign in</title><p>Please sign in"
    return Turn(status=status, body=page, headers={"content-type": "text/html"})


def redirect(location: str, status: int = 302) -> Turn:
    """A redirect."""
    return Turn(status=status, body=b"", headers={"location": location})


def stall() -> Turn:
    """Nothing at all, until the client leaves."""
    return Turn(silent=True)


def events(*frames: bytes, cut: str | None = None) -> Turn:
    """Raw frames of an event stream."""
    return Turn(frames=frames, cut=cut, after=len(frames))


def side_requests(seen: Seen) -> Turn | None:
    """A rule for Claude Code: what offers no tools (titles, warm-up, safety checks) is not the conversation."""
    return None if seen.tools else answer("ok")


class Upstream:
    """The scripted provider. `turns` are answered in order; past their end each request gets a 400 that says so."""

    def __init__(self, turns: Iterable[Turn] = (), *, rule: Rule | None = None, port: int = 0) -> None:
        self._turns = list(turns)
        self._rule = rule
        self._port = port
        self._runner: web.ServerRunner | None = None
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._leaving = asyncio.Event()
        self.requests: list[Seen] = []
        self.models: list[str] = []
        self.tokens: int | None = None

    # ── what a test looks at ────────────────────────────────────────────────────────────────────────
    @property
    def port(self) -> int:
        """The port listened on."""
        return self._port

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def last(self) -> Seen:
        """The newest request."""
        return self.requests[-1]

    @property
    def left(self) -> int:
        """How many requests the client gave up."""
        return sum(seen.left for seen in self.requests)

    def add(self, *turns: Turn) -> None:
        """More turns behind those not yet played."""
        self._turns += turns

    def wait(self, true: Callable[[], bool], timeout: float = 10.0) -> None:
        """Block until the condition holds; raises TimeoutError, telling what was seen, if it does not."""
        with self._changed:
            if not self._changed.wait_for(true, timeout):
                told = [f"{seen.path} {seen.state} sent={seen.sent}" for seen in self.requests]
                raise TimeoutError(f"not seen in {timeout} s; requests: {told}")

    async def until(self, true: Callable[[], bool], timeout: float = 10.0) -> None:
        """`wait` for tests with an event loop."""
        await asyncio.to_thread(self.wait, true, timeout)

    # ── running ─────────────────────────────────────────────────────────────────────────────────────
    async def __aenter__(self) -> Self:
        self._leaving = asyncio.Event()
        # The bare server, without a router: every path and the absolute form of a proxy's requests are welcome.
        server = web.Server(self._handle, handler_cancellation=True, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._leaving.set()
        if self._runner is not None:
            await self._runner.cleanup()

    def __enter__(self) -> Self:
        ready = threading.Event()

        async def live() -> None:
            async with self:
                self._loop = asyncio.get_running_loop()
                self._stop = asyncio.Event()
                ready.set()
                await self._stop.wait()

        self._thread = threading.Thread(target=lambda: asyncio.run(live()), daemon=True)
        self._thread.start()
        if not ready.wait(10):
            raise TimeoutError("the upstream did not start")
        return self

    def __exit__(self, *exc: object) -> None:
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)

    # ── answering ───────────────────────────────────────────────────────────────────────────────────
    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        peer = request.transport.get_extra_info("peername") if request.transport else None
        headers = {k.lower(): v for k, v in request.headers.items()}
        seen = Seen(request.method, request.path_qs, headers, await request.content.read(), peer=peer)
        if request.path.endswith("/models"):
            return web.json_response({"data": [{"id": name, "display_name": name} for name in self.models]})
        if request.path.endswith("/count_tokens") and self.tokens is not None:
            self._note(seen, new=True)
            self._note(seen, state="done")
            return web.json_response({"input_tokens": self.tokens})
        self._note(seen, new=True)
        turn = self._turn(seen)
        try:
            response = await self._play(request, seen, turn)
        except (asyncio.CancelledError, ConnectionError):
            self._note(seen, state="left")
            raise
        self._note(seen, state="done")
        return response

    def _turn(self, seen: Seen) -> Turn:
        if self._rule is not None and (ruled := self._rule(seen)) is not None:
            return ruled
        if self._turns:
            return self._turns.pop(0)
        message = "the upstream's script has no more turns"
        shape = {"type": "error", "error": {"type": "invalid_request_error", "message": message}}
        return fault(400, shape)

    async def _play(self, request: web.BaseRequest, seen: Seen, turn: Turn) -> web.StreamResponse:
        if turn.before:
            await asyncio.sleep(turn.before)
        if turn.silent:
            await self._leaving.wait()
        if turn.body is not None:
            return web.Response(
                status=turn.status, body=turn.body, headers={"content-type": "application/json", **turn.headers}
            )
        chat = request.path.endswith(("/invocations", "/chat/completions"))
        if turn.frames is not None:
            return await self._stream(request, seen, turn, [Frame(raw) for raw in turn.frames])
        if seen.body.get("stream"):
            frames = (chat_frames if chat else native_frames)(turn, seen.body)
            return await self._stream(request, seen, turn, frames)
        whole = json.dumps((chat_whole if chat else native_whole)(turn, seen.body)).encode()
        return await self._whole(request, turn, whole)

    async def _whole(self, request: web.BaseRequest, turn: Turn, body: bytes) -> web.StreamResponse:
        headers = {"content-type": "application/json", "request-id": "req_scripted", **turn.headers}
        if turn.cut is None:
            return web.Response(status=turn.status, body=body, headers=headers)
        response = web.StreamResponse(status=turn.status, headers=headers)
        if turn.cut == "abort":
            response.content_length = len(body)
        await response.prepare(request)
        await response.write(body[: turn.after])
        await self._cut(request, turn)
        return response

    async def _stream(
        self, request: web.BaseRequest, seen: Seen, turn: Turn, frames: list[Frame]
    ) -> web.StreamResponse:
        headers = {"content-type": "text/event-stream", "request-id": "req_scripted", **turn.headers}
        response = web.StreamResponse(status=turn.status, headers=headers)
        await response.prepare(request)
        for number, frame in enumerate(frames):
            if turn.cut and number >= turn.after:
                break
            if number and turn.delay:
                await asyncio.sleep(turn.delay)
            await response.write(frame.raw)
            seen.sent += 1
            self._note(seen)
        if turn.cut:
            await self._cut(request, turn)
        else:
            await asyncio.sleep(turn.linger)
            await response.write_eof()
        return response

    async def _cut(self, request: web.BaseRequest, turn: Turn) -> None:
        if turn.cut == "stall":
            await self._leaving.wait()
        elif turn.cut == "abort" and request.transport is not None:
            await asyncio.sleep(0)
            request.transport.abort()

    def _note(self, seen: Seen, *, new: bool = False, state: str = "") -> None:
        with self._changed:
            if new:
                self.requests.append(seen)
            if state:
                seen.state = state
            self._changed.notify_all()


def from_json(script: Iterable[Json]) -> list[Turn]:
    """Turns from a JSON script: each an object with the fields of `Turn`; `text` and `tool` are short for a block."""
    turns = []
    for entry in script:
        given = dict(entry)
        blocks: list[Json] = [text(given.pop("text"))] if "text" in given else []
        if "tool" in given:
            blocks.append(tool_use(given.pop("tool"), given.pop("input", {}), given.pop("id", "")))
        blocks += given.pop("blocks", [])
        body = given.pop("body", None)
        raw = json.dumps(body).encode() if isinstance(body, dict | list) else body.encode() if body else None
        turns.append(replace(Turn(blocks=tuple(blocks), body=raw), **given))
    return turns


async def _serve(options: argparse.Namespace) -> None:
    script = json.loads(options.script.read())
    rule = side_requests if options.side_requests else None
    async with Upstream(from_json(script), rule=rule, port=options.port) as upstream:
        print(upstream.url, flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Serve a script until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.upstream", description=__doc__)
    parser.add_argument("--script", type=argparse.FileType("rb"), default=sys.stdin, help="JSON list of turns")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--side-requests", action="store_true", help="answer requests without tools beside the script")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
