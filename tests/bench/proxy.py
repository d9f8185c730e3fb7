"""What our endpoint costs, beside a plain aiohttp pass-through in the same run: `make bench`.

Prints medians over interleaved rounds. L is the pass-through, J the same with one orjson parse and dump of the request.
Absolute figures belong to the machine; only the ratios carry over.

    python -m tests.bench.proxy [--rounds 3] [--requests 200] [--provider databricks] [--only latency] [--workspace DIR]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import psutil

ROOT = Path(__file__).resolve().parents[2]
BLOCK = 10
"""Requests that one server gets in a row before it is the next one's turn."""


def body(size: int, *, stream: bool, tokens: int = 0, gap_ms: float = 0, nonce: str = "") -> bytes:
    """A request of about `size` bytes that is as hard to read as the CLI's: see `_tools`."""
    plan = {"tokens": tokens, "gap_ms": gap_ms, "user_id": nonce}
    tail = b',"metadata":%s,"stream":%s}' % (orjson.dumps(plan), b"true" if stream else b"false")
    return _beginning(size) + tail


@functools.cache
def _beginning(size: int) -> bytes:
    """All but the last fields: 25 tools, a system prompt in three blocks, a conversation that fills up the size."""
    request: dict[str, Any] = {
        "model": "claude-opus-4-8",
        "messages": [],
        "system": [{"type": "text", "text": _prose(n), "cache_control": {"type": "ephemeral"}} for n in (80, 60, 5800)],
        "tools": _tools(),
        "max_tokens": 64000,
        "thinking": {"type": "adaptive"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    }
    missing = size - len(orjson.dumps(request)) - 120
    turns = max(1, missing // 6000)
    text = _prose(missing // turns - 90)
    request["messages"] = [
        {"role": ("user", "assistant")[n % 2], "content": [{"type": "text", "text": text}]} for n in range(turns | 1)
    ]
    return orjson.dumps(request)[:-1]


def _tools() -> list[dict[str, Any]]:
    """25 tools, 72 KB: with the CLI's number of strings, of escapes in them, of objects, and of characters beyond ASCII."""
    described = {"type": "string", "description": _prose(110)}
    properties = {f"property_{n}": described for n in range(3)}
    properties["mode"] = {"type": "string", "enum": ["one", "two", "three"], "description": _prose(90)}
    schema = {"type": "object", "properties": properties, "required": ["property_0"], "additionalProperties": False}
    return [{"name": f"Tool{n}", "description": _prose(1950), "input_schema": schema} for n in range(25)]


def _prose(length: int) -> str:
    line = (
        'Use it when a "quoted" word stands somewhere in a line of two hundred characters, as the descriptions of tools '
        "and prompts have them, and where the line is followed by another one that looks just the same:\n- "
    )
    text = (line * (length // len(line) + 1))[:length]
    return text if length < 500 else text[:-1] + "—"


class Connection:
    """One keep-alive connection with as little work of its own as possible."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def open(self) -> None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 22)
        self.writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, payload: bytes) -> None:
        head = (
            f"POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1:{self.port}\r\ncontent-type: application/json\r\n"
            f"authorization: Bearer bench\r\nanthropic-version: 2023-06-01\r\ncontent-length: {len(payload)}\r\n\r\n"
        )
        self.writer.write(head.encode() + payload)

    async def plain(self, payload: bytes) -> bytes:
        self.send(payload)
        head = await self.reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode("latin-1") + (await self.reader.read(500)).decode("latin-1"))
        length = int(next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))[15:])
        return await self.reader.readexactly(length)

    async def streamed(self, payload: bytes) -> tuple[float, list[float]]:
        """Seconds to the first token, and each token's delay in seconds."""
        loop = asyncio.get_running_loop()
        begin = loop.time()
        self.send(payload)
        first, delays, rest = 0.0, [], b""
        while b"message_stop" not in rest:
            data = await self.reader.read(1 << 16)
            if not data:
                raise RuntimeError("the stream was cut: " + rest.decode("latin-1")[-300:])
            now = loop.time()
            rest += data
            *whole, rest = rest.split(b"text_delta")[0:1] + rest.split(b"text_delta")[1:]
            for part in [*whole[1:], rest]:
                mark = part.find(b'"text":"')
                end = part.find(b'"', mark + 8)
                if mark >= 0 and end > mark and b"." in part[mark:end]:
                    delays.append(now - float(part[mark + 8 : end]))
                    first = first or now - begin
                    rest = part[end:]
        return first, delays

    def close(self) -> None:
        self.writer.close()


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@dataclass(frozen=True)
class Server:
    """A process that listens; `started` is how many seconds passed from its start to its first answer."""

    port: int
    process: subprocess.Popen[bytes]
    started: float

    def cpu(self) -> float:
        """Seconds of CPU so far, its own and the system's for it; on Linux to the nanosecond."""
        with contextlib.suppress(OSError, ValueError):
            tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
            return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def rss(self) -> float:
        """Resident megabytes."""
        return float(psutil.Process(self.process.pid).memory_info().rss / 1e6)


UPSTREAM = {
    "azure_anthropic": lambda url: {"ANTHROPIC_ENDPOINT": f"{url}/anthropic", "ANTHROPIC_API_KEY": "bench"},
    "databricks": lambda url: {"DATABRICKS_API_BASE": url, "DATABRICKS_API_KEY": "bench"},
}
"""Provider (both take the Messages API; Databricks' model names differ) → the variables that lead to an upstream."""


def commands(
    provider: str, up: int, state: str, workspace: str = ""
) -> Iterator[tuple[str, int, list[str], dict[str, str]]]:
    """What to start: name, port, arguments, environment."""
    peers = [sys.executable, "-m", "tests.bench.peers"]
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("ANTHROPIC", "DATABRICKS", "AZURE", "SIDECAR"))}
    yield "direct", up, [*peers, "upstream", str(up)], plain
    for name in ("pass", "orjson"):
        port = free_port()
        yield name, port, [*peers, name, str(port), str(up)], plain
    port = free_port()
    own = {"PROVIDER": provider, "SIDECAR_TOKEN": "bench", "SIDECAR_STATE_DIR": state, "PROMPT_CACHE_ENABLED": "false"}
    serve = [sys.executable, "-m", "sidecar", "serve", "--port", str(port), "--workspace", workspace or state]
    yield "sidecar", port, serve, plain | own | UPSTREAM[provider](f"http://127.0.0.1:{up}")


@contextlib.contextmanager
def servers(provider: str, workspace: str = "") -> Iterator[dict[str, Server]]:
    """The upstream and what stands before it, each a process of its own."""
    running: dict[str, Server] = {}
    with tempfile.TemporaryDirectory() as state, contextlib.ExitStack() as stack:
        for name, port, command, environment in commands(provider, free_port(), state, workspace):
            running[name] = start(port, command, environment)
            stack.callback(stop, running[name].process)
        yield running


def start(port: int, command: list[str], environment: dict[str, str]) -> Server:
    begin = time.monotonic()
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=quiet, stderr=quiet)
    wait_for(port, process)
    return Server(port, process, time.monotonic() - begin)


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    process.wait(10)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until something answers an HTTP request."""
    end = time.monotonic() + 20
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as s:
            s.sendall(f"HEAD / HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n".encode())
            if s.recv(100):
                return
        time.sleep(0.005)
    raise RuntimeError(f"nothing answers on {port}")


async def latency(ports: dict[str, int], size: int, count: int) -> dict[str, list[float]]:
    """Milliseconds of whole answers, one at a time; the servers take turns, so that a busy machine is busy for all."""
    connections = {name: Connection(port) for name, port in ports.items()}
    for connection in connections.values():
        await connection.open()
    times: dict[str, list[float]] = {name: [] for name in ports}
    order = list(ports)
    for number in range(count // BLOCK + 1):
        random.shuffle(order)
        for name in order:
            for turn in range(BLOCK):
                payload = body(size, stream=False, nonce=f"{number}-{turn}")
                begin = time.perf_counter()
                await connections[name].plain(payload)
                times[name].append((time.perf_counter() - begin) * 1000)
    for connection in connections.values():
        connection.close()
    return {name: took[BLOCK:] for name, took in times.items()}


async def throughput(port: int, clients: int, count: int) -> float:
    payload = body(85_000, stream=False)
    connections = [Connection(port) for _ in range(clients)]
    for connection in connections:
        await connection.open()

    async def work(connection: Connection) -> None:
        for _ in range(count // clients):
            await connection.plain(payload)

    begin = time.perf_counter()
    await asyncio.gather(*(work(c) for c in connections))
    took = time.perf_counter() - begin
    for connection in connections:
        connection.close()
    return count // clients * clients / took


async def streams(port: int, clients: int, tokens: int, gap_ms: float) -> tuple[list[float], list[float], list[float]]:
    """First-token times, token delays, stream lengths: milliseconds, milliseconds, seconds."""
    connections = [Connection(port) for _ in range(clients)]
    for connection in connections:
        await connection.open()
    payload = body(85_000, stream=True, tokens=tokens, gap_ms=gap_ms)
    lengths: list[float] = []

    async def one(connection: Connection) -> tuple[float, list[float]]:
        begin = time.perf_counter()
        result = await connection.streamed(payload)
        lengths.append(time.perf_counter() - begin)
        connection.close()
        return result

    results = await asyncio.gather(*(one(c) for c in connections))
    return [r[0] * 1000 for r in results], [d * 1000 for r in results for d in r[1]], lengths


def quantile(values: list[float], q: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * q))]


def report(title: str, rows: dict[str, float], *, unit: str, base: str = "pass") -> None:
    cells = [f"{name} {value:.3f}" for name, value in rows.items()]
    ratio = rows["sidecar"] / rows[base] if rows[base] > 0 else float("nan")
    against = f", {rows['sidecar'] / rows['orjson']:.2f} J" if rows.get("orjson", 0) > 0 else ""
    print(f"{title:34} {' | '.join(cells)} {unit}   → {ratio:.2f} L{against}", flush=True)


class Bench:
    """The blocks of a run; each prints its rows."""

    def __init__(self, running: dict[str, Server], rounds: int, requests: int) -> None:
        self.running = running
        self.ports = {name: server.port for name, server in running.items()}
        self.behind = [name for name in running if name != "direct"]
        self.rounds = rounds
        self.requests = requests

    def latency(self) -> None:
        """P1, P2, P7."""
        for size, label, count in ((85_000, "85 KB", self.requests), (1_048_000, "1 MB", self.requests // 4)):
            got: dict[str, list[float]] = {name: [] for name in self.ports}
            for _ in range(self.rounds):
                for name, took in asyncio.run(latency(self.ports, size, count)).items():
                    got[name] += took
            for q, label_q in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99")):
                direct = quantile(got["direct"], q)
                report(f"added {label_q}, {label}", {n: quantile(got[n], q) - direct for n in self.behind}, unit="ms")

    def throughput(self) -> None:
        """P5."""
        for clients in (16, 64):
            got: dict[str, list[float]] = {name: [] for name in self.behind}
            for _ in range(self.rounds * 2):
                for name in random.sample(self.behind, len(self.behind)):
                    got[name].append(asyncio.run(throughput(self.ports[name], clients, self.requests * 3)))
            report(f"requests/s, {clients} clients", {n: statistics.median(got[n]) for n in self.behind}, unit="")

    def cpu(self) -> None:
        """P6."""
        count = self.requests * 2
        got: dict[str, list[float]] = {name: [] for name in self.behind}
        for _ in range(self.rounds):
            for name in random.sample(self.behind, len(self.behind)):
                before = self.running[name].cpu()
                asyncio.run(throughput(self.ports[name], 4, count))
                got[name].append((self.running[name].cpu() - before) * 1000 / count)
        report("CPU s per 1,000 requests", {n: statistics.median(got[n]) for n in self.behind}, unit="s")

    def tokens(self) -> None:
        """P3, P4."""
        firsts: dict[str, list[float]] = {name: [] for name in self.ports}
        delays: dict[str, list[float]] = {name: [] for name in self.ports}
        for _ in range(self.rounds * 8):
            for name in random.sample(list(self.ports), len(self.ports)):
                first, delay, _ = asyncio.run(streams(self.ports[name], 1, 60, 5))
                firsts[name] += first
                delays[name] += delay
        direct = quantile(firsts["direct"], 0.5)
        report("first token added p50", {n: quantile(firsts[n], 0.5) - direct for n in self.behind}, unit="ms")
        for q, label in ((0.5, "p50"), (0.95, "p95")):
            report(f"token delay {label}, 5 ms tokens", {n: quantile(delays[n], q) for n in self.behind}, unit="ms")

    def streams(self) -> None:
        """P8: of two runs the better one."""
        lengths: dict[str, list[float]] = {name: [] for name in self.ports}
        late: dict[str, list[float]] = {name: [] for name in self.ports}
        used: dict[str, list[float]] = {name: [] for name in self.ports}
        for _ in range(2):
            for name in random.sample(list(self.ports), len(self.ports)):
                before = self.running[name].cpu()
                _, delays, took = asyncio.run(streams(self.ports[name], 200, 150, 20))
                used[name].append(self.running[name].cpu() - before)
                lengths[name].append(quantile(took, 0.5))
                late[name].append(quantile(delays, 0.95))
        report("200 streams, length p50", {n: min(lengths[n]) for n in self.ports}, unit="s", base="direct")
        report("200 streams, token delay p95", {n: min(late[n]) for n in self.behind}, unit="ms")
        report("200 streams, CPU", {n: min(used[n]) for n in self.behind}, unit="s")

    def memory(self, when: str) -> None:
        """P11."""
        report(f"memory {when}", {n: self.running[n].rss() for n in self.behind}, unit="MB")


BLOCKS = ("latency", "throughput", "cpu", "tokens", "streams")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--requests", type=int, default=200)
    options.add_argument("--provider", choices=sorted(UPSTREAM), default="azure_anthropic")
    options.add_argument("--only", choices=BLOCKS, action="append")
    options.add_argument("--workspace", default="", metavar="DIR", help="what the sidecar works on, beside answering")
    args = options.parse_args()
    if not args.only:
        begun: dict[str, list[float]] = {}
        for _ in range(args.rounds):
            with servers(args.provider) as running:
                for name, server in running.items():
                    begun.setdefault(name, []).append(server.started)
        report("spawn to first answer", {n: statistics.median(t) for n, t in begun.items()}, unit="s")
    with servers(args.provider, args.workspace) as running:
        bench = Bench(running, args.rounds, args.requests)
        bench.memory("idle")
        for block in args.only or BLOCKS:
            getattr(bench, block)()
        bench.memory("after load")


if __name__ == "__main__":
    main()
