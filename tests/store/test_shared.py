"""Answers shared through a real server: who sees what, and what happens when the server is slow, gone or hostile."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ipaddress
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import redis

from sidecar.core.errors import SetupError
from sidecar.settings.groups import Cache
from sidecar.store.answers import Answers, CacheLimits, Clock
from sidecar.store.sealing import Sealer
from sidecar.store.shared import PATIENCE, Link, SharedAnswers, shared_answers
from tests.fakes.redis_server import RedisServer

SECRET = "0123456789abcdef0123456789abcdef"
KEY = "a" * 64
LIMITS = CacheLimits(ttl=300.0)


class Hands(Clock):
    """A clock that is moved by hand, on top of the real one."""

    def __init__(self) -> None:
        self.moved = 0.0

    def wall(self) -> float:
        return time.time() + self.moved

    def steady(self) -> float:
        return time.monotonic() + self.moved


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path, password="of-the-server") as running:
        yield running


@pytest.fixture
def look(server: RedisServer) -> Iterator[redis.Redis]:
    """What lies in the server."""
    with redis.Redis.from_url(server.url) as client:
        yield client


Open = Callable[..., SharedAnswers]


@pytest.fixture
async def machine(server: RedisServer) -> AsyncIterator[Open]:
    """Opens the answers of one more machine of the team."""
    opened: list[SharedAnswers] = []

    def make(
        url: str = "", secret: str = SECRET, limits: CacheLimits = LIMITS, clock: Clock | None = None
    ) -> SharedAnswers:
        own = Answers(None, limits, clock)
        opened.append(SharedAnswers(own, Link(url or server.url, clock), Sealer(secret), limits, clock))
        return opened[-1]

    yield make
    for one in opened:
        await one.aclose()


async def ready(answers: SharedAnswers) -> SharedAnswers:
    assert await answers._link.connected(), answers._link.problem
    return answers


async def test_what_one_kept_another_has(machine: Open) -> None:
    ours, theirs = await ready(machine()), await ready(machine())
    await ours.put(KEY, b"forty-two")
    assert await theirs.get(KEY) == b"forty-two"
    told = await theirs.stats()
    assert (told.counts.hits, told.counts.misses, told.entries) == (1, 0, 1)
    assert await theirs.get("b" * 64) is None
    assert (await theirs.stats()).counts.misses == 1


async def test_the_own_ones_go_first(machine: Open, server: RedisServer) -> None:
    ours = await ready(machine())
    await ours.put(KEY, b"forty-two")
    server.stop()
    assert await ours.get(KEY) == b"forty-two"


async def test_what_came_from_the_server_is_kept_here_no_longer_than_there(machine: Open, server: RedisServer) -> None:
    clock = Hands()
    ours, theirs = await ready(machine()), await ready(machine(clock=clock))
    await ours.put(KEY, b"forty-two")
    clock.moved = 200.0
    assert await theirs.get(KEY) == b"forty-two"
    server.stop()
    clock.moved = 290.0
    assert await theirs.get(KEY) == b"forty-two"
    clock.moved = 301.0
    assert await theirs.get(KEY) is None


async def test_nothing_of_it_can_be_read_in_the_server(machine: Open, look: redis.Redis) -> None:
    ours = await ready(machine())
    await ours.put(KEY, b"forty-two, a secret")
    (name,) = look.keys()
    assert KEY.encode() not in name
    assert b"secret" not in look.get(name)
    assert 0 < look.pttl(name) <= 300_000


async def test_another_secret_sees_nothing(machine: Open) -> None:
    ours, theirs = await ready(machine()), await ready(machine(secret="x" * 32))
    await ours.put(KEY, b"forty-two")
    assert await theirs.get(KEY) is None


async def test_a_value_that_was_changed_exchanged_or_made_up_is_none(machine: Open, look: redis.Redis) -> None:
    ours, theirs = await ready(machine()), await ready(machine())
    await ours.put(KEY, b"forty-two")
    await ours.put("b" * 64, b"another")
    one, other = (Sealer(SECRET).name(key) for key in (KEY, "b" * 64))
    good = look.get(one)
    for bad in (look.get(other), good[:-1], b"", b"x", b"\x80\x04cposix\nsystem\n", b"x" * 20_000_000):
        look.set(one, bad)
        assert await theirs.get(KEY) is None
    look.delete(one)
    look.hset(one, "a", "b")  # another kind of value: the server itself refuses
    assert await theirs.get(KEY) is None
    look.delete(one)
    look.set(one, good)
    assert await theirs.get(KEY) == b"forty-two"


async def test_an_old_one_is_none_though_the_server_kept_it(machine: Open, look: redis.Redis) -> None:
    clock = Hands()
    ours, theirs = await ready(machine()), await ready(machine(clock=clock))
    await ours.put(KEY, b"forty-two")
    look.persist(Sealer(SECRET).name(KEY))
    clock.moved = 301.0
    assert await theirs.get(KEY) is None


async def test_too_large_ones_stay_away(machine: Open, look: redis.Redis) -> None:
    limits = CacheLimits(total_bytes=65_536)
    ours, theirs = await ready(machine(limits=limits)), await ready(machine(limits=limits))
    await ours.put(KEY, b"x" * (limits.answer_bytes + 1))
    assert look.dbsize() == 0
    await ours.put(KEY, b"x" * limits.answer_bytes)
    assert await theirs.get(KEY) == b"x" * limits.answer_bytes


async def test_clearing_takes_this_team_s_alone(machine: Open, look: redis.Redis) -> None:
    ours, theirs = await ready(machine()), await ready(machine(secret="x" * 32))
    look.set("of somebody else", "1")
    for number in range(1200):
        look.set(f"{ours._sealer.prefix}{number}", b"x")
    await theirs.put(KEY, b"theirs")
    assert (await ours.stats()).shared.entries == 1200
    assert await ours.clear() == 1200
    assert look.dbsize() == 2
    assert await theirs.get(KEY) == b"theirs"


async def test_numbers_name_the_server_without_its_password(machine: Open, server: RedisServer) -> None:
    shared = (await machine().stats()).shared
    assert (shared.server, shared.entries, shared.problem) == (f"redis://127.0.0.1:{server.port}/0", 0, "")


# ── a server that fails ─────────────────────────────────────────────────────────────────────────────
def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was told the user of the server."""
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    return [line for line in told if "cache_not_shared" in line]


async def timed(answers: SharedAnswers) -> float:
    """Seconds that a question waits in vain."""
    began = time.perf_counter()
    assert await answers.get("c" * 64) is None
    return time.perf_counter() - began


async def test_the_first_question_does_not_wait_for_the_connection(machine: Open, server: RedisServer) -> None:
    server.freeze()
    assert await timed(machine()) < PATIENCE
    server.thaw()


async def test_a_stalled_server_costs_fifty_milliseconds_three_times_then_nothing(
    machine: Open, server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Hands()
    ours = await ready(machine(clock=clock))
    await ours.put("d" * 64, b"forty-two")
    server.freeze()
    waits = [await timed(ours) for _ in range(10)]
    assert all(wait < PATIENCE + 0.1 for wait in waits)
    assert [wait >= PATIENCE for wait in waits] == [True] * 3 + [False] * 7
    assert len(warnings(caplog)) == 1
    server.thaw()
    theirs = await ready(machine())
    await theirs.put(KEY, b"forty-two")
    assert await ours.get(KEY) is None  # still left alone
    clock.moved = 31.0
    assert await ours.get(KEY) == b"forty-two"


async def test_a_server_that_is_not_there_is_told_of_once(
    machine: Open, server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.stop()
    clock = Hands()
    ours = machine(clock=clock)
    for _ in range(3):
        assert await timed(ours) < PATIENCE
        assert not await ours._link.connected()
        clock.moved += 31.0
    await ours.put(KEY, b"forty-two")
    assert await ours.get(KEY) == b"forty-two"
    (warning,) = warnings(caplog)
    assert "of-the-server" not in warning
    server.start()
    clock.moved += 31.0
    await ready(ours)
    await ours.put(KEY, b"forty-two")
    assert await (await ready(machine(clock=clock))).get(KEY) == b"forty-two"


async def test_a_server_that_comes_back_is_used_again(machine: Open, server: RedisServer) -> None:
    ours = await ready(machine())
    server.stop()
    assert await ours.get(KEY) is None
    server.start()
    await ours.put(KEY, b"forty-two")
    assert await (await ready(machine())).get(KEY) == b"forty-two"


async def test_a_wrong_password_is_told(machine: Open, server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    ours = machine(server.url.replace("of-the-server", "wrong-one"))
    told = await ours.stats()
    assert told.shared.entries is None
    assert "password" in told.shared.problem.lower()
    assert "wrong-one" not in caplog.text + told.shared.problem
    assert await ours.clear() == 0


async def test_an_address_with_an_unknown_option_is_told(machine: Open, server: RedisServer) -> None:
    ours = machine(f"{server.url}?colour=red")
    assert not await ours._link.connected()
    assert "colour" in ours._link.problem
    assert await ours.get(KEY) is None


async def test_many_at_once(machine: Open) -> None:
    ours, theirs = await ready(machine()), await ready(machine())
    keys = [f"{number:064d}" for number in range(60)]
    await asyncio.gather(*(ours.put(key, key.encode()) for key in keys))
    found = await asyncio.gather(*(theirs.get(key) for key in keys))
    assert all(answer in {None, key.encode()} for key, answer in zip(keys, found, strict=True))
    assert sum(answer is not None for answer in found) > 0


async def test_leaving_in_the_middle_leaves_nothing_behind(machine: Open, server: RedisServer) -> None:
    ours = await ready(machine())
    await ours.put(KEY, b"forty-two")
    theirs = await ready(machine())
    server.freeze()
    asking = asyncio.get_running_loop().create_task(theirs.get(KEY))
    await asyncio.sleep(0)
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asking
    server.thaw()
    assert await theirs.get("b" * 64) is None
    assert await theirs.get(KEY) == b"forty-two"


async def test_over_tls(machine: Open, tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    folder.mkdir()
    certificate, key = _certificate(folder)
    with RedisServer(folder, tls=(certificate, key, certificate)) as server:
        trusted = await ready(machine(f"{server.url}?ssl_ca_certs={certificate}"))
        await trusted.put(KEY, b"forty-two")
        assert await (await ready(machine(f"{server.url}?ssl_ca_certs={certificate}"))).get(KEY) == b"forty-two"
        stranger = machine(server.url)
        assert not await stranger._link.connected()
        assert "certificate" in stranger._link.problem.lower()


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    day = dt.timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / "server.crt", folder / "server.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return certificate, secret


# ── set up ──────────────────────────────────────────────────────────────────────────────────────────
def test_without_an_address_nothing_changes() -> None:
    own = Answers(None)
    assert shared_answers(own, Cache()) is own


@pytest.mark.parametrize(
    ("given", "variable"),
    [
        ({"url": "redis://h"}, "SIDECAR_CACHE_SECRET"),
        ({"url": "redis://h", "secret": "too-short-for-that"}, "SIDECAR_CACHE_SECRET"),
        ({"url": "http://h", "secret": SECRET}, "SIDECAR_CACHE_URL"),
        ({"url": "redis://", "secret": SECRET}, "SIDECAR_CACHE_URL"),
        ({"url": "redis://h:port", "secret": SECRET}, "SIDECAR_CACHE_URL"),
    ],
)
def test_what_is_missing_is_named(given: dict[str, str], variable: str) -> None:
    with pytest.raises(SetupError) as raised:
        shared_answers(Answers(None), Cache(**given))
    assert raised.value.variable == variable
    assert variable in raised.value.sentence
    assert all(value not in raised.value.sentence for value in given.values() if value != "redis://")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://me:pw@h/2", "redis://h:6379/2"),
        ("valkey://h:7000", "redis://h:7000"),
        ("valkeys://:pw@h", "rediss://h:6379"),
        ("rediss://[::1]:1", "rediss://[::1]:1"),
        ("unix:///run/redis.sock?password=pw", "unix:///run/redis.sock"),
    ],
)
def test_addresses_are_shown_without_secrets(url: str, address: str) -> None:
    assert Link(url).address == address


@pytest.mark.parametrize("library", ["redis", "cryptography"])
def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == library else real(name))
    with pytest.raises(SetupError, match=rf"{library}.*claude-sidecar\[redis\]"):
        shared_answers(Answers(None), Cache(url="redis://h", secret=SECRET))
