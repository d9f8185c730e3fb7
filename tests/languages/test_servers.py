"""Language servers without an editor: what is not there, what misbehaves, how many, how large, and their end."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.core.errors import BadInput
from sidecar.core.symbols import Position, Query
from sidecar.languages.rows import ROWS, Row
from sidecar.languages.servers import Limits, Servers
from tests.languages.conftest import FakeServers
from tests.languages.test_process import gone

HERE = Query("definition", "cart.py", Position(4, 7), deadline=10)


async def test_it_is_started_when_asked_and_shared(fake_servers: FakeServers) -> None:
    servers = fake_servers("work")
    assert servers.knows("definition", "cart.py")
    assert not servers.knows("definition", "cart.rs")
    answers = await asyncio.gather(*(servers.ask(HERE) for _ in range(5)))
    assert {(answer.status, answer.source, len(answer.items)) for answer in answers} == {
        ("ready", "server:fake-work", 1)
    }
    assert len(servers._slots) == 1


async def test_what_is_not_installed_is_said_with_the_command(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(project))
    (project / "gopls").write_text("#!/bin/sh\ntouch started\n")
    (project / "gopls").chmod(0o755)
    (project / "a.go").write_text("package a\n")
    servers = Servers(project, trusted=True, env={})
    answer = await servers.ask(Query("definition", "a.go", Position(1, 1)))
    assert (answer.status, answer.source) == ("unsupported", "server:gopls")
    assert (
        answer.note
        == "No language server for go is installed; install one: `go install golang.org/x/tools/gopls@latest`."
    )
    assert not (project / "started").exists()
    await servers.aclose()


async def test_none_is_started_for_a_folder_that_is_not_trusted(fake_servers: FakeServers, programs: Path) -> None:
    servers = fake_servers("work", trusted=False)
    answer = await servers.ask(HERE)
    assert answer.status == "unsupported"
    assert "SIDECAR_LANGUAGE_SERVERS=on" in answer.note
    assert not servers._programs


@pytest.mark.parametrize("path", ["../x.py", "/etc/passwd", "gone.py"])
async def test_a_file_outside_is_refused_before_anything_starts(fake_servers: FakeServers, path: str) -> None:
    servers = fake_servers("work")
    with pytest.raises(BadInput):
        await servers.ask(replace(HERE, path=path))
    assert not servers._slots


async def test_a_kind_of_file_that_nobody_knows(project: Path) -> None:
    (project / "x.zig").touch()
    answer = await Servers(project, trusted=True, env={}).ask(Query("definition", "x.zig", Position(1, 1)))
    assert (answer.status, answer.note) == ("unsupported", "No language server is known for .zig files.")


async def test_a_server_that_hangs_is_told_ended_and_started_again(fake_servers: FakeServers) -> None:
    servers = fake_servers("hang", patience=0.3)
    began = time.monotonic()
    answer = await servers.ask(replace(HERE, deadline=1.0))
    assert time.monotonic() - began < 5
    assert (answer.status, answer.items) == ("warming", ())
    (slot,) = servers._slots.values()
    first = slot.session.child
    assert slot.session.gone == "it said nothing for 0.3 s"
    again = await servers.ask(replace(HERE, deadline=0.3))
    assert not first.alive
    assert "failed just now (it said nothing for 0.3 s); ask again" in again.note
    await asyncio.sleep(0.55)  # the first pause
    await servers.ask(replace(HERE, deadline=3.0))
    assert slot.session.child is not first


@pytest.mark.parametrize(
    ("mode", "why"),
    [("crash", "the compiler is out of order"), ("junk", "no LSP"), ("flood", "MB in a minute")],
)
async def test_a_server_that_breaks_is_told_in_a_sentence(fake_servers: FakeServers, mode: str, why: str) -> None:
    began = time.monotonic()
    answer = await fake_servers(mode).ask(HERE)
    assert time.monotonic() - began < 10
    assert (answer.status, answer.items) == ("partial", ())
    assert why in answer.note
    assert "ask again" in answer.note


async def test_after_five_failures_it_is_left_alone_and_others_are_not(
    fake_servers: FakeServers, project: Path
) -> None:
    bad, good = fake_servers("stillborn"), fake_servers("work")
    (slot,) = [bad._slots["fake-stillborn"]]
    for count in range(1, 6):
        answer = await bad.ask(HERE)
        assert answer.note == "fake-stillborn could not be started: no licence was found."
        assert len(slot.failures) == count
        slot.failures[-1] -= 60.0 if count == 5 else 30.0  # time goes by: the pauses between the attempts are over
    answer = await bad.ask(HERE)
    assert answer.status == "unsupported"
    assert "failed 5 times in three minutes (no licence was found)" in answer.note
    assert (await good.ask(HERE)).status == "ready"
    slot.failures[0] -= 200.0
    assert "could not be started" in (await bad.ask(HERE)).note


async def test_while_it_starts_the_answer_says_so(fake_servers: FakeServers) -> None:
    answer = await fake_servers("deaf").ask(replace(HERE, deadline=0.2))
    assert (answer.status, answer.note) == ("warming", "fake-deaf is still starting; ask again in some seconds.")


async def test_no_more_than_so_many_run_at_once(fake_servers: FakeServers, project: Path) -> None:
    fake_servers("work"), fake_servers("load")
    rows = (
        Row("one", ("fake-work",), (".py",), (), "-"),
        Row("two", ("fake-load",), (".txt",), (), "-"),
    )
    servers = Servers(project, trusted=True, env=dict(os.environ), limits=Limits(count=1), rows=rows)
    (project / "a.txt").write_text("text\n")
    await servers.ask(HERE)
    first = servers._slots["one"].session.child
    await servers.ask(Query("definition", "a.txt", Position(1, 1), deadline=10))
    assert not first.alive
    assert servers._slots["one"].session is None
    assert servers._slots["two"].session.child.alive
    await servers.aclose()


async def test_one_that_takes_too_much_memory_is_ended(fake_servers: FakeServers) -> None:
    servers = fake_servers("eat", limits=Limits(memory=200 << 20))
    await servers.ask(HERE)
    (slot,) = servers._slots.values()
    while slot.session is not None:
        await asyncio.sleep(0.05)
    assert "MB of memory and 200 are allowed" in slot.reason


async def test_one_that_nobody_asks_is_ended(fake_servers: FakeServers) -> None:
    servers = fake_servers("work")
    await servers.ask(HERE)
    (slot,) = servers._slots.values()
    child = slot.session.child
    slot.session.used -= 1_000.0
    while slot.session is not None:
        await asyncio.sleep(0.05)
    await asyncio.to_thread(gone, child.pid)
    assert not slot.failures
    assert (await servers.ask(HERE)).status == "ready"


async def test_the_end_is_the_end_of_all(fake_servers: FakeServers, project: Path) -> None:
    servers = fake_servers("child")
    await servers.ask(HERE)
    inner = int((project / "child.pid").read_text())
    (slot,) = servers._slots.values()
    child = slot.session.child
    await servers.aclose()
    assert not child.alive
    assert await asyncio.to_thread(gone, inner)


async def test_the_end_does_not_wait_for_a_start(fake_servers: FakeServers) -> None:
    servers = fake_servers("deaf")
    await servers.ask(replace(HERE, deadline=0.2))
    began = time.monotonic()
    await servers.aclose()
    assert time.monotonic() - began < 5


async def test_names_are_asked_of_those_that_run(fake_servers: FakeServers) -> None:
    servers = fake_servers("work")
    answer = await servers.ask(Query("workspace_symbols", name="Cart"))
    assert (answer.status, answer.note) == ("unsupported", "No language server runs yet; ask about a file first.")
    await servers.ask(HERE)
    assert (await servers.ask(Query("workspace_symbols", name="Cart", deadline=5))).status == "ready"


def test_the_table_is_what_is_used_by_default(project: Path) -> None:
    servers = Servers(project, trusted=True, env={})
    assert all(servers.knows("definition", f"x{row.suffixes[0]}") for row in ROWS)
    assert not servers.knows("definition", "")
    assert servers.knows("workspace_symbols", "")
