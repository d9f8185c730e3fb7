"""What happens to providers, clients, disks and processes, and what the whole running program makes of it.

The finer rows (each status with each `retry-after`, pages in place of answers, cuts at every place) stand in
`tests/providers/test_common.py`; damage to files in `tests/store/`; the editor's end in `tests/editor/`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from sidecar.assistant.turn import AnswerTurn
from sidecar.endpoint.server import Access, Endpoint, Identity, Limits
from sidecar.providers.transport import Limits as TransportLimits
from sidecar.providers.transport import Transport
from sidecar.settings import load
from sidecar.store.runtime import find_running
from tests.app.test_promises import CLI, PROVIDERS, QUESTION, TOKEN
from tests.cli.processes import environment, run
from tests.fakes.upstream import Seen, Upstream, answer, fault, stall
from tests.fakes.upstream import Turn as Scripted
from tests.providers import asking

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals, limits and modes as POSIX has them")

BOTH_WAYS = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
PLAIN = {name: value for name, value in QUESTION.items() if name != "tools"}
WORDS = "one two three four five"


class Program:
    """A `sidecar serve` of its own; `limit` is run in the child before it starts."""

    def __init__(
        self, tmp_path: Path, upstream: Upstream, *, limit: Callable[[], None] | None = None, **env: str | None
    ) -> None:
        self.folder = tmp_path / "project"
        self.folder.mkdir(exist_ok=True)
        given = environment(tmp_path / "state", SIDECAR_TOKEN=TOKEN, **PROVIDERS["anthropic"](upstream.url), PROVIDER="anthropic")  # fmt: skip
        changed = {**given, "no_proxy": "127.0.0.1", **{k: v for k, v in env.items() if v is not None}}
        self.env = {name: value for name, value in changed.items() if name not in env or env[name] is not None}
        command = [sys.executable, "-m", "sidecar", "serve", "--port", "0", "--json", "--auth", "token"]
        self.process = subprocess.Popen(
            command, env=self.env, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=limit  # noqa: PLW1509 - sets a limit and nothing else
        )  # fmt: skip
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._said: list[str] = []
        self._listener = threading.Thread(target=self._said.extend, args=(self.process.stderr,), daemon=True)
        self._listener.start()
        line = self.process.stdout.readline()
        assert line, self.talk
        self.base = json.loads(line)["base_url"]

    @property
    def talk(self) -> str:
        """What it said on standard error, once it has ended."""
        self.process.wait(20)
        self._listener.join(10)
        return "".join(self._said)

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.base.removeprefix("http://").partition(":")
        return host, int(port)

    def open(self, body: Mapping[str, Any], seconds: float = 30.0) -> socket.socket:
        """A connection with this request on its way."""
        raw = json.dumps(body).encode()
        lines = [f"{name}: {value}" for name, value in CLI.items()]
        head = ["POST /v1/messages HTTP/1.1", f"Host: {self.base.removeprefix('http://')}", "Connection: close", *lines]
        connection = socket.create_connection(self.address, timeout=seconds)
        connection.sendall("\r\n".join([*head, f"Content-Length: {len(raw)}"]).encode() + b"\r\n\r\n" + raw)
        return connection

    def ask(self, **changes: Any) -> tuple[int, bytes]:
        """Status and body of a whole exchange."""
        with self.open({**QUESTION, **changes}) as connection:
            received = rest_of(connection)
        head, _, body = received.partition(b"\r\n\r\n")
        return int(head.split()[1]), body

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
        try:
            self.process.wait(20)
        finally:
            self.process.kill()
            self._listener.join(10)
            assert self.process.stdout is not None
            assert self.process.stderr is not None
            self.process.stdout.close()
            self.process.stderr.close()


def rest_of(connection: socket.socket) -> bytes:
    received = b""
    with contextlib.suppress(ConnectionError):
        while chunk := connection.recv(65536):
            received += chunk
    return received


def read_until(connection: socket.socket, words: bytes) -> bytes:
    received = b""
    while words not in received:
        chunk = connection.recv(65536)
        assert chunk, received
        received += chunk
    return received


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as made:
        yield made


Start = Callable[..., Program]


@pytest.fixture
def start(tmp_path: Path, upstream: Upstream) -> Iterator[Start]:
    made: list[Program] = []

    def run_one(**options: Any) -> Program:
        made.append(Program(tmp_path, upstream, **options))
        return made[-1]

    yield run_one
    for one in made:
        one.close()


# ── the provider ────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("cut", ["abort", "eof"], ids=["U15-abort", "U16-clean-end"])
def test_a_cut_stream_never_looks_complete_and_is_not_remembered(start: Start, upstream: Upstream, cut: str) -> None:
    upstream.add(answer(WORDS, cut=cut, after=4, delay=0.02), answer("whole"))
    program = start()
    status, body = program.ask(**PLAIN, tools=[])
    assert status == 200
    assert b"event: error" in body
    assert b"message_stop" not in body
    assert len(upstream.requests) == 1, "no second answer behind the first half"
    assert b"whole" in program.ask(**PLAIN, tools=[])[1], "half an answer is not given again"
    program.process.terminate()
    program.process.wait(20)
    done = run(("usage", "--json"), program.env, program.folder)
    told = json.loads(done.stdout)["total"]
    assert (told["requests"], told["failed"]) == (2, 1)
    assert told["input"] > 12, "what the provider had told of the half is counted, too"


def told(status: int, kind: str, **headers: str) -> Scripted:
    return fault(status, {"type": "error", "error": {"type": kind, "message": "of account 123456789012"}}, **headers)


FAULTS = {
    "U01-429": (told(429, "rate_limit_error", retry_after="0.05"), 3, 429, "rate_limit_error"),
    "U02-429-with-a-long-wait": (told(429, "rate_limit_error", retry_after="11"), 1, 429, "rate_limit_error"),
    "U03-429-without-a-wait": (told(429, "rate_limit_error"), 3, 429, "rate_limit_error"),
    "U04-503": (told(503, "api_error", retry_after="0.05"), 3, 503, "api_error"),
    "U05-529": (told(529, "overloaded_error", retry_after="0.05"), 3, 529, "overloaded_error"),
    "U06-529-with-a-long-wait": (told(529, "overloaded_error", retry_after="60"), 1, 529, "overloaded_error"),
    "U23-page": (Scripted(body=b"<html>", headers={"content-type": "text/html"}), 1, 502, "api_error"),
    "U25-half-of-its-JSON": (Scripted(body=b'{"content": [{"ty'), 1, 502, "api_error"),
    "U27-redirect": (Scripted(status=302, body=b"", headers={"location": "/elsewhere"}), 1, 502, "api_error"),
}


@pytest.mark.parametrize("case", FAULTS)
@BOTH_WAYS
def test_a_failing_provider(start: Start, upstream: Upstream, case: str, stream: bool) -> None:
    turn, tries, status, kind = FAULTS[case]
    upstream.add(*[turn] * 6)
    program = start()
    begun = time.monotonic()
    answered, body = program.ask(stream=stream)
    assert time.monotonic() - begun < 20
    said = json.loads(body)
    assert (answered, said["error"]["type"], len(upstream.requests)) == (status, kind, tries)
    assert b"123456789012" not in body
    assert {seen.path for seen in upstream.requests} == {"/v1/messages"}


MOMENTS: dict[str, Callable[[], Scripted]] = {
    "U31-before-the-head": stall,
    "U32-before-the-first-event": lambda: answer(WORDS, cut="stall", after=0),
    "U33-in-the-middle": lambda: answer(WORDS, cut="stall", after=4),
}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("tools", [True, False], ids=["past-the-cache", "through-the-cache"])
@BOTH_WAYS
def test_a_client_that_leaves_takes_the_providers_connection_along(
    start: Start, upstream: Upstream, moment: str, tools: bool, stream: bool
) -> None:
    upstream.add(MOMENTS[moment](), answer("next"))
    program = start()
    asked = {**(QUESTION if tools else PLAIN), "stream": stream}
    connection = program.open(asked)
    sent = 4 if stream and moment.startswith("U33") else 0
    upstream.wait(lambda: bool(upstream.requests) and upstream.last.sent >= sent)
    connection.close()
    upstream.wait(lambda: upstream.left == 1, timeout=5.0)  # sooner than a ping would find out
    assert len(upstream.requests) == 1, "who has left is not asked for again"
    assert b"next" in program.ask(stream=stream)[1]


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_providers_connection_is_closed_within_a_second(start: Start, upstream: Upstream, moment: str) -> None:
    """The quickest of some, since the machine may do something else meanwhile."""
    program = start()
    spans: list[float] = []
    while len(spans) < 5 and min(spans, default=1.0) >= 1.0:
        upstream.add(MOMENTS[moment]())
        connection = program.open({**QUESTION, "stream": True})
        sent = 4 if moment.startswith("U33") else 0
        upstream.wait(lambda: len(upstream.requests) > len(spans) and upstream.last.sent >= sent)  # noqa: B023 - at once
        connection.close()
        began = time.monotonic()
        upstream.wait(lambda: upstream.left > len(spans))
        spans.append(time.monotonic() - began)
    assert min(spans) < 1.0


@pytest.mark.parametrize("after", [0, 4], ids=["U36-before-an-event", "U36-in-the-middle"])
async def test_a_stalled_provider_is_pinged_over_and_then_given_up(after: int) -> None:
    """The client is kept awake while the provider is silent, and told when it has been so for too long."""
    transport = Transport(limits=TransportLimits(idle=1.0))
    limits = Limits(first_ping=0.1, ping=0.1)
    async with Upstream([answer(WORDS, cut="stall", after=after)]) as silent, aiohttp.ClientSession() as http:
        provider = asking.provider("anthropic", silent.url, transport)
        endpoint = Endpoint(
            AnswerTurn(provider), identity=Identity("s", "1"), access=Access("none"), port=0, limits=limits
        )
        async with endpoint, http.post(f"{endpoint.base_url}/v1/messages", json=QUESTION) as response:
            assert response.status == 200
            kinds = [line.removeprefix("event: ") for line in (await response.text()).splitlines() if "event: " in line]
        await silent.until(lambda: silent.left == 1)
        assert len(silent.requests) == 1
    await transport.aclose()
    assert kinds[-1] == "error"
    assert 3 <= kinds.count("ping") <= 20  # ten, where the machine is not busy
    assert "message_stop" not in kinds


def test_u34_quick_ones_are_quick_among_forty_slow_streams(start: Start, upstream: Upstream) -> None:
    def rule(seen: Seen) -> Scripted:
        slow = "slow" in json.dumps(seen.body["messages"])
        return answer(WORDS, cut="stall", after=4) if slow else answer("quick")

    upstream._rule = rule
    program = start()
    with contextlib.ExitStack() as held:
        for number in range(40):
            asked = {**QUESTION, "messages": [{"role": "user", "content": f"slow {number}"}]}
            read_until(held.enter_context(program.open(asked)), b"content_block_delta")
        longest = 0.0
        for _ in range(200):
            begun = time.monotonic()
            assert program.ask(stream=False)[0] == 200
            longest = max(longest, time.monotonic() - begun)
        assert longest < 1.5
    upstream.wait(lambda: upstream.left == 40)


@pytest.mark.parametrize("tools", [True, False], ids=["past-the-cache", "through-the-cache"])
def test_u35_a_client_that_reads_nothing_costs_no_memory(start: Start, upstream: Upstream, tools: bool) -> None:
    upstream.add(answer("warm"), answer(*["x" * 100_000] * 2_000))
    program = start()
    program.ask(messages=[{"role": "user", "content": "warm up"}])
    process = psutil.Process(program.process.pid)
    before = process.memory_info().rss
    with program.open(QUESTION if tools else PLAIN):
        sent = -1
        while sent != (now := upstream.last.sent) or now < 10:  # until nothing moves any more
            sent = now
            time.sleep(0.3)
        assert sent < 4_000, "the provider waits"
        assert process.memory_info().rss - before < 40_000_000
    upstream.wait(lambda: upstream.left == 1, timeout=5.0)


def test_a_provider_that_was_restarted_is_asked_on_a_new_connection(tmp_path: Path) -> None:
    """Also when it went while we slept, as a laptop does: what was open then is not believed afterwards."""
    with contextlib.ExitStack() as stack:
        with Upstream([answer("one")]) as first:
            program = Program(tmp_path, first)
            stack.callback(program.close)
            assert b"one" in program.ask()[1]
            program.process.send_signal(signal.SIGSTOP)
        with Upstream([answer("two")], port=first.port) as second:
            program.process.send_signal(signal.SIGCONT)
            status, body = program.ask()
            assert (status, b"two" in body) == (200, True)
            assert len(second.requests) == 1


# ── the end ─────────────────────────────────────────────────────────────────────────────────────────
def test_sigterm_lets_a_running_stream_end(start: Start, upstream: Upstream) -> None:
    upstream.add(answer(WORDS, delay=0.15))
    program = start()
    with program.open(QUESTION) as connection:
        begun = read_until(connection, b"message_start")
        program.process.terminate()
        whole = begun + rest_of(connection)
    assert b"message_stop" in whole
    assert program.process.wait(10) == 0


def test_sigterm_under_load_ends_within_its_five_seconds(start: Start, upstream: Upstream) -> None:
    """What does not end by itself is cut and looks cut; nobody new comes in; the exit code is 0."""
    upstream.add(*[answer(WORDS, cut="stall", after=4) for _ in range(20)])
    program = start()
    with contextlib.ExitStack() as held:
        streams = [held.enter_context(program.open(QUESTION)) for _ in range(20)]
        for connection in streams:
            read_until(connection, b"content_block_delta")
        begun = time.monotonic()
        program.process.terminate()
        rests = [rest_of(connection) for connection in streams]
        assert program.process.wait(15) == 0
        assert time.monotonic() - begun < 10
    assert all(b"message_stop" not in rest for rest in rests)
    with pytest.raises(OSError, match=r"."):
        socket.create_connection(program.address, timeout=2)
    upstream.wait(lambda: upstream.left == 20)
    assert "Traceback" not in program.talk


# ── the disk ────────────────────────────────────────────────────────────────────────────────────────
def no_room() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))


def test_a_full_disk_stops_no_answer(start: Start, upstream: Upstream) -> None:
    upstream.add(*[answer(f"answer {number}") for number in range(6)])
    program = start(limit=no_room)
    for number in range(6):
        asked = {
            **PLAIN,
            "stream": False,
            "tools": [],
            "messages": [{"role": "user", "content": f"question {number} " + "x" * 4000}],
        }
        status, body = program.ask(**asked)
        assert (status, f"answer {number}".encode() in body) == (200, True)
    program.process.terminate()
    assert program.process.wait(20) == 0, program.talk
    assert "Traceback" not in program.talk


@pytest.mark.parametrize("place", ["/proc/no-such-place", "file"])
def test_a_state_folder_that_cannot_be_is_done_without_and_named(
    start: Start, upstream: Upstream, tmp_path: Path, place: str
) -> None:
    if place == "file":
        (tmp_path / "file").write_text("in the way")
        place = str(tmp_path / "file")
    elif not Path("/proc/self").exists():
        pytest.skip("there is no /proc here")
    upstream.add(answer("one"))
    program = start(SIDECAR_STATE_DIR=place)
    assert b"one" in program.ask(**PLAIN, tools=[])[1]
    assert b"one" in program.ask(**PLAIN, tools=[])[1], "kept in memory"
    assert len(upstream.requests) == 1
    doctor = run(("doctor", "--no-call", "--json"), program.env, program.folder)
    (state,) = [one for one in json.loads(doctor.stdout)["findings"] if one["name"] == "state"]
    assert (state["mark"], "SIDECAR_STATE_DIR" in state["mend"]) == ("fail", True)


def test_without_a_home_it_serves_all_the_same(start: Start, upstream: Upstream) -> None:
    upstream.add(answer("one"))
    unset = dict.fromkeys(("HOME", "USERPROFILE", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"))
    program = start(**unset)
    assert b"one" in program.ask()[1]
    assert list(program.folder.iterdir()) == []
    doctor = run(("doctor", "--no-call"), program.env, program.folder)
    assert "Traceback" not in doctor.stderr + doctor.stdout


def kept(program: Program, more_than: int = -1) -> int:
    """How many answers lie on the disk, once these are more than so many."""
    until = time.monotonic() + 30
    while (seen := int(json.loads(run(("cache", "stats", "--json"), program.env, program.folder).stdout)["entries"])) <= more_than:  # fmt: skip
        assert time.monotonic() < until, seen
    return seen


def test_kill_9_while_answers_are_kept_leaves_whole_ones_or_none(start: Start, upstream: Upstream) -> None:
    """Killed a moment after it answered, whatever was written meanwhile: what is given again is the answer itself."""

    def echo(seen: Seen) -> Scripted:
        return answer("about " + str(seen.body["messages"][-1]["content"]).partition(" ")[0] + " x" * 500)

    upstream._rule = echo
    given_again = 0
    for round_number, moment in enumerate((0.0, 0.02, None)):  # the moment of the kill is what differs
        program = start()
        already = kept(program)
        for number in range(4):
            words = f"{round_number}-{number} " + "y" * 2000
            assert program.ask(**{**PLAIN, "tools": [], "messages": [{"role": "user", "content": words}]})[0] == 200
        if moment is None:
            kept(program, already)
        else:
            time.sleep(moment)
        os.kill(program.process.pid, signal.SIGKILL)
        program.process.wait(10)
        after = start()
        before = len(upstream.requests)
        for number in range(4):
            words = f"{round_number}-{number} " + "y" * 2000
            asked = {**PLAIN, "stream": False, "tools": [], "messages": [{"role": "user", "content": words}]}
            status, body = after.ask(**asked)
            (block,) = json.loads(body)["content"]
            assert (status, block["text"]) == (200, f"about {round_number}-{number}" + " x" * 500)
        given_again += before + 4 - len(upstream.requests)
        after.close()
    assert given_again > 0, "some of them were kept in time"


# ── two at once ─────────────────────────────────────────────────────────────────────────────────────
def test_two_sidecars_on_one_workspace(start: Start, upstream: Upstream, tmp_path: Path) -> None:
    """Both answer and remember together; the newest is found, and when it ends the one that still runs."""
    upstream.add(answer("one"), answer("two"))
    first, second = start(), start()
    assert b"one" in first.ask(**PLAIN, tools=[])[1]
    assert kept(first, 0) == 1
    assert b"one" in second.ask(**PLAIN, tools=[])[1], "what one keeps the other gives"
    state = load({}, {"SIDECAR_STATE_DIR": str(tmp_path / "state")}, None, first.folder).state
    found = find_running(state)
    assert found is not None
    assert found.base_url == second.base
    second.process.terminate()
    assert second.process.wait(20) == 0
    left = find_running(state)
    assert left is not None
    assert left.base_url == first.base
    first.process.terminate()
    assert first.process.wait(20) == 0
    assert find_running(state) is None
    done = run(("usage", "--json"), first.env, first.folder)
    assert json.loads(done.stdout)["total"]["requests"] == 2


def test_a_sidecar_that_was_killed_is_not_found_and_the_next_one_takes_over(
    start: Start, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.add(answer("one"), answer("two"))
    first = start()
    assert first.ask()[0] == 200
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait(10)
    state = load({}, {"SIDECAR_STATE_DIR": str(tmp_path / "state")}, None, first.folder).state
    assert find_running(state) is None
    second = start()
    assert b"two" in second.ask()[1]
    found = find_running(state)
    assert found is not None
    assert found.base_url == second.base


def test_a_port_that_another_program_holds_gets_no_token(start: Start, upstream: Upstream, tmp_path: Path) -> None:
    """Whoever listens where a killed sidecar did is not taken for it: `sidecar env` points nobody there."""
    upstream.add(answer("one"))
    first = start()
    host, port = first.address
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait(10)
    with socket.create_server((host, port)) as foreign:
        foreign.settimeout(0.5)
        done = run(("env", "--json"), first.env, first.folder)
        assert done.returncode != 0
        assert TOKEN not in done.stdout
        with pytest.raises(TimeoutError):
            foreign.accept()
