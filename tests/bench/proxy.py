"""What our endpoint costs, beside a plain aiohttp pass-through in the same run: `make bench`.

Prints medians over interleaved rounds. L is the pass-through, J the same with one orjson parse and dump of the request.
Absolute figures belong to the machine; only the ratios carry over.

    python -m tests.bench.proxy [--rounds 3] [--requests 200]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import psutil

ROOT = Path(__file__).resolve().parents[2]


def body(size: int, *, stream: bool, tokens: int = 0, gap_ms: float = 0, nonce: str = "") -> bytes:
    """A request of about `size` bytes in the shape that Claude Code sends: 25 tools, a long system prompt, a conversation."""
    tool = {
        "name": "Tool",
        "description": "d" * 1800,
        "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}},
    }
    request = {
        "model": "claude-opus-4-8",
        "max_tokens": 64000,
        "stream": stream,
        "system": [{"type": "text", "text": "s" * 12000, "cache_control": {"type": "ephemeral"}}],
        "tools": [{**tool, "name": f"Tool{n}"} for n in range(25)],
        "metadata": {"tokens": tokens, "gap_ms": gap_ms, "user_id": nonce},
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hello " + nonce}]}],
    }
    missing = size - len(orjson.dumps(request))
    texts = [{"type": "text", "text": "lorem ipsum " * 80} for _ in range(max(0, missing // 990))]
    request["messages"][0]["content"] = [*texts, {"type": "text", "text": "hello " + nonce}]  # type: ignore[index]
    return orjson.dumps(request)


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


@contextlib.contextmanager
def servers() -> Iterator[dict[str, tuple[int, subprocess.Popen[bytes]]]]:
    """The upstream and what stands before it, each a process of its own."""
    up = free_port()
    out: dict[str, tuple[int, subprocess.Popen[bytes]]] = {}
    with tempfile.TemporaryDirectory() as state:
        peers = [sys.executable, "-m", "tests.bench.peers"]
        out["direct"] = (up, subprocess.Popen([*peers, "upstream", str(up)], cwd=ROOT))
        for name in ("pass", "orjson"):
            port = free_port()
            out[name] = (port, subprocess.Popen([*peers, name, str(port), str(up)], cwd=ROOT))
        port = free_port()
        env = {k: v for k, v in os.environ.items() if not k.startswith(("ANTHROPIC", "DATABRICKS", "AZURE", "SIDECAR"))}
        env |= {
            "PROVIDER": "azure_anthropic",
            "ANTHROPIC_ENDPOINT": f"http://127.0.0.1:{up}/anthropic",
            "ANTHROPIC_API_KEY": "bench",
            "SIDECAR_TOKEN": "bench",
            "SIDECAR_STATE_DIR": state,
            "PROMPT_CACHE_ENABLED": "false",
        }
        serve = [sys.executable, "-m", "sidecar", "-q", "serve", "--port", str(port), "--workspace", state]
        out["sidecar"] = (port, subprocess.Popen(serve, env=env, cwd=ROOT, stderr=subprocess.DEVNULL))
        try:
            for port, process in out.values():
                wait_for(port, process)
            yield out
        finally:
            for _, process in out.values():
                process.terminate()
            for _, process in out.values():
                process.wait(10)


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise RuntimeError(f"nothing answers on {port}")


async def latency(port: int, size: int, count: int) -> list[float]:
    connection = Connection(port)
    await connection.open()
    times = []
    for number in range(count):
        payload = body(size, stream=False, nonce=str(number))
        begin = time.perf_counter()
        await connection.plain(payload)
        times.append((time.perf_counter() - begin) * 1000)
    connection.close()
    return times[count // 10 :]


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


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--requests", type=int, default=200)
    args = options.parse_args()
    names = ["direct", "pass", "orjson", "sidecar"]
    with servers() as running:
        ports = {n: running[n][0] for n in names}

        def medians(measure, *parameters: object) -> dict[str, list[float]]:
            gathered: dict[str, list[float]] = {n: [] for n in names}
            for turn in range(args.rounds):
                for name in names[turn % 4 :] + names[: turn % 4]:
                    gathered[name].extend(asyncio.run(measure(ports[name], *parameters)))
            return gathered

        for size, label in ((85_000, "85 KB"), (1_048_000, "1 MB")):
            got = medians(latency, size, args.requests if size < 1e6 else args.requests // 4)
            for q, name in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99")):
                direct = quantile(got["direct"], q)
                report(f"added {name}, {label}", {n: quantile(got[n], q) - direct for n in names[1:]}, unit="ms")

        async def rate(port: int, clients: int) -> list[float]:
            return [await throughput(port, clients, args.requests * 5)]

        for clients in (16, 64):
            got = medians(rate, clients)
            report(f"requests/s, {clients} clients", {n: statistics.median(got[n]) for n in names[1:]}, unit="")
        processes = {n: psutil.Process(running[n][1].pid) for n in names}
        before = {n: sum(processes[n].cpu_times()[:2]) for n in names}
        count = args.requests * 5
        for name in names[1:]:
            asyncio.run(throughput(ports[name], 4, count))
        used = {n: (sum(processes[n].cpu_times()[:2]) - before[n]) * 1000 / count for n in names[1:]}
        report("CPU s per 1,000 requests", used, unit="s")

        firsts: dict[str, list[float]] = {n: [] for n in names}
        delays: dict[str, list[float]] = {n: [] for n in names}
        for _ in range(args.rounds * 8):
            for name in names:
                first, delay, _ = asyncio.run(streams(ports[name], 1, 60, 5))
                firsts[name] += first
                delays[name] += delay
        direct = quantile(firsts["direct"], 0.5)
        report("first token added p50", {n: quantile(firsts[n], 0.5) - direct for n in names[1:]}, unit="ms")
        for q, name in ((0.5, "p50"), (0.95, "p95")):
            report(f"token delay {name}, 5 ms tokens", {n: quantile(delays[n], q) for n in names[1:]}, unit="ms")
        for name_ in names:
            before[name_] = sum(processes[name_].cpu_times()[:2])
        long, late, lengths = {}, {}, {}
        for name in names:
            long[name], late[name], lengths[name] = asyncio.run(streams(ports[name], 200, 150, 20))
        report("200 streams, length p50", {n: quantile(lengths[n], 0.5) for n in names}, unit="s", base="direct")
        report("200 streams, token delay p95", {n: quantile(late[n], 0.95) for n in names[1:]}, unit="ms")
        cpu = {n: sum(processes[n].cpu_times()[:2]) - before[n] for n in names[1:]}
        report("200 streams, CPU", cpu, unit="s")
        report("memory after load", {n: processes[n].memory_info().rss / 1e6 for n in names[1:]}, unit="MB")


if __name__ == "__main__":
    main()
