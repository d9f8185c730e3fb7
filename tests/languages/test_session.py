"""One server at work: when its answers can be believed, and how it learns what changed by other hands."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.core.symbols import Position, Query
from tests.languages.conftest import FakeServers

HERE = Query("definition", "cart.py", Position(4, 7), deadline=10)
USES = Query("references", "cart.py", Position(4, 7), deadline=10)


async def test_a_server_that_is_loading_is_waited_for(fake_servers: FakeServers) -> None:
    servers = fake_servers("load")
    early = await servers.ask(replace(HERE, deadline=0.6))
    assert (early.status, early.items) == ("warming", ())
    assert "ask again" in early.note
    answer = await servers.ask(HERE)
    assert (answer.status, len(answer.items), answer.note) == ("ready", 1, "")


async def test_an_empty_answer_is_believed_once_the_server_is_at_rest(fake_servers: FakeServers) -> None:
    answer = await fake_servers("work").ask(Query("hover", "cart.py", Position(4, 7), deadline=10))
    assert (answer.status, answer.items) == ("ready", ())
    assert answer.ms > 1_000


async def test_a_wide_question_without_a_project_file_says_what_was_looked_through(
    fake_servers: FakeServers, project: Path
) -> None:
    answer = await fake_servers("work", roots=("cart.toml",)).ask(USES)
    assert answer.status == "partial"
    assert answer.note == "There is no cart.toml, so only files that hold the name were looked through."
    assert {item.span.path for item in answer.items} == {"cart.py", "shop.py"}
    (project / "cart.toml").touch()
    assert (await fake_servers("work", "again", roots=("cart.toml",)).ask(USES)).status == "ready"


async def test_changes_by_other_hands_are_seen(fake_servers: FakeServers, project: Path) -> None:
    servers = fake_servers("work")
    first = await servers.ask(USES)
    assert (len(first.items), first.version) == (5, 1)
    text = (project / "cart.py").read_text(encoding="utf-8")
    (project / "cart.py").write_text(text + "again = Cart\n", encoding="utf-8")
    second = await servers.ask(USES)
    assert (len(second.items), second.version) == (6, 2)
    (project / "cart.py").unlink()
    (project / "other.py").write_text("Cart = 1\n")
    third = await servers.ask(Query("references", "other.py", Position(1, 1), deadline=10))
    assert {item.span.path for item in third.items} == {"other.py", "shop.py"}


async def test_what_a_server_does_not_offer_is_said(fake_servers: FakeServers) -> None:
    answer = await fake_servers("work").ask(Query("implementations", "cart.py", Position(4, 7)))
    assert (answer.status, answer.note) == ("unsupported", "fake-work cannot tell this.")


async def test_one_that_says_nothing_of_a_file_does_not_hang(fake_servers: FakeServers) -> None:
    """As bash-language-server without shellcheck: nothing comes, and nothing is wrong."""
    servers = fake_servers("mute")
    answer = await servers.ask(Query("diagnostics", "cart.py", deadline=0.6))
    assert answer.status == "partial"
    assert answer.note == "fake-mute has said nothing of this file; it may lack its checker."
    assert (await servers.ask(HERE)).status == "ready"


@pytest.mark.parametrize("operation", ["definition", "references"])
async def test_a_lie_is_no_answer(fake_servers: FakeServers, operation: str) -> None:
    answer = await fake_servers("lie").ask(replace(HERE, operation=operation))
    assert (answer.status, answer.items) == ("partial", ())
    assert "an answer that is none" in answer.note


async def test_there_is_never_more_than_the_limit(fake_servers: FakeServers) -> None:
    answer = await fake_servers("work").ask(replace(USES, limit=2))
    assert (len(answer.items), answer.truncated) == (2, True)
