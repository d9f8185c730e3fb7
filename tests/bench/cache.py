"""What an answer out of the prompt cache costs, beside a plain aiohttp pass-through in the same run: `make bench`.

The upstream takes 100 ms for each answer. Printed are the times of whole and of streamed answers: from the upstream
itself, through the pass-through, through the sidecar where the cache misses, and where it hits; and how often the
upstream was asked while the cache hit, which has to be never. A run where it was fails.

    python -m tests.bench.cache [--rounds 3] [--requests 50]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator

import orjson
from aiohttp import web

from tests.bench.peers import END, MESSAGE, START, frame
from tests.bench.proxy import Connection, Server, free_port, quantile, start, stop

SLOW = 0.1
"""Seconds that the upstream takes."""
SIZE = 20_000
"""Bytes of a question: as long as a summary's or a title's."""
WORDS = tuple(
    frame("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": "x" * 12}}) for _ in range(50)
)


def question(nonce: str, *, stream: bool) -> bytes:
    """A request without tools, about which the cache may say something; another one for each nonce."""
    line = f'A conversation of which somebody wants a title ({nonce}), with a "quoted" word in each line.\\n'
    text = (line * (SIZE // len(line) + 1))[:SIZE]
    body = {"model": "claude-haiku-4-5", "max_tokens": 64, "messages": [{"role": "user", "content": text}]}
    return orjson.dumps(body | {"stream": stream})


def upstream() -> web.Application:
    """Answers every question after `SLOW`; `GET /asked` tells how many there were."""
    asked = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        raw = await request.read()
        await asyncio.sleep(SLOW)
        if b'"stream":true' not in raw:
            return web.Response(body=MESSAGE, content_type="application/json")
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"".join((START, *WORDS, END)))
        return response

    async def tell(_request: web.Request) -> web.Response:
        return web.Response(text=str(asked))

    app = web.Application(client_max_size=64 << 20)
    app.router.add_get("/asked", tell)
    app.router.add_post("/{path:.*}", answer)
    return app


@contextlib.contextmanager
def servers() -> Iterator[dict[str, Server]]:
    """The upstream, the pass-through and the sidecar, each a process of its own."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("ANTHROPIC", "DATABRICKS", "AZURE", "SIDECAR"))}
    plain = {name: value for name, value in plain.items() if not name.startswith("PROMPT_CACHE")}
    up, through, port = free_port(), free_port(), free_port()
    with tempfile.TemporaryDirectory() as state, tempfile.TemporaryDirectory() as folder:
        own = {
            "PROVIDER": "anthropic",
            "ANTHROPIC_UPSTREAM_URL": f"http://127.0.0.1:{up}",
            "ANTHROPIC_API_KEY": "bench",
        }
        own |= {"SIDECAR_TOKEN": "bench", "SIDECAR_STATE_DIR": state}
        serve = [sys.executable, "-m", "sidecar", "serve", "--port", str(port), "--workspace", folder]
        started = (
            ("direct", up, [sys.executable, "-m", "tests.bench.cache", "--upstream", str(up)], plain),
            ("pass", through, [sys.executable, "-m", "tests.bench.peers", "pass", str(through), str(up)], plain),
            ("sidecar", port, serve, plain | own),
        )
        with contextlib.ExitStack() as stack:
            running: dict[str, Server] = {}
            for name, where, command, environment in started:
                running[name] = start(where, command, environment)
                stack.callback(stop, running[name].process)
            yield running


def asked(server: Server) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/asked") as response:
        return int(response.read())


async def once(connection: Connection, payload: bytes, *, stream: bool) -> float:
    """Milliseconds of one answer, to its last byte."""
    begin = time.perf_counter()
    if not stream:
        await connection.plain(payload)
        return (time.perf_counter() - begin) * 1000
    connection.send(payload)
    head = await connection.reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(head.decode("latin-1"))
    await connection.reader.readuntil(b"message_stop")
    await connection.reader.readuntil(b"0\r\n\r\n")
    return (time.perf_counter() - begin) * 1000


async def measured(
    running: dict[str, Server], count: int, *, stream: bool, mark: str
) -> tuple[dict[str, list[float]], int]:
    """Milliseconds by name, and how often the upstream was asked for hits.

    Servers take turns; the sidecar's misses are questions that nobody asked before.
    """
    connections = {name: Connection(server.port) for name, server in running.items()}
    for connection in connections.values():
        await connection.open()
    known = question(f"known-{mark}", stream=stream)
    for connection in connections.values():
        await once(connection, known, stream=stream)
    before = asked(running["direct"])
    times: dict[str, list[float]] = {"direct": [], "pass": [], "miss": [], "hit": []}
    expected = 0
    for number in range(count):
        for name in random.sample(list(times), len(times)):
            connection = connections["sidecar" if name in {"miss", "hit"} else name]
            payload = question(f"{mark}-{number}", stream=stream) if name == "miss" else known
            expected += name != "hit"
            times[name].append(await once(connection, payload, stream=stream))
    for connection in connections.values():
        connection.close()
    return times, asked(running["direct"]) - before - expected


def report(label: str, times: dict[str, list[float]]) -> None:
    for q, name_of_q in ((0.5, "p50"), (0.95, "p95")):
        at = {name: quantile(took, q) for name, took in times.items()}
        cells = " | ".join(f"{name} {value:.3f}" for name, value in at.items())
        ratio = at["hit"] / at["pass"]
        print(f"{f'{label} {name_of_q}':34} {cells} ms   → hit {ratio:.4f} L, miss {at['miss'] / at['pass']:.2f} L")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--requests", type=int, default=50)
    options.add_argument("--upstream", type=int, metavar="PORT", help=argparse.SUPPRESS)
    args = options.parse_args()
    if args.upstream:
        web.run_app(upstream(), host="127.0.0.1", port=args.upstream, print=None, access_log=None)
        return
    for_hits = 0
    with servers() as running:
        for stream, label in ((False, "prompt cache, whole answer"), (True, "prompt cache, streamed")):
            times: dict[str, list[float]] = {}
            for number in range(args.rounds):
                got, more = asyncio.run(measured(running, args.requests, stream=stream, mark=f"{stream}-{number}"))
                for_hits += more
                for name, took in got.items():
                    times.setdefault(name, []).extend(took)
            report(label, times)
    print(f"{'upstream asked for hits':34} {for_hits}", flush=True)
    sys.exit(1 if for_hits else 0)


if __name__ == "__main__":
    main()
