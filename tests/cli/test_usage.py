"""`sidecar usage`: sums that add up, prices that are known, and nothing where nothing was noted."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sidecar.assistant.prices import PriceTable
from sidecar.cli import run
from sidecar.cli.usage import Tally, moment
from sidecar.core.errors import BadInput
from sidecar.settings import from_machine
from sidecar.store.database import DATABASE, Database
from sidecar.store.turns import TurnJournal, TurnRecord

NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
PLAIN = TurnRecord(id="req_1", started=0, session="s1", served="claude-sonnet-4-6", input=1000, output=100, cost=0.0045)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIDECAR_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def note(*records: TurnRecord) -> None:
    """Write records where a sidecar of this folder would."""
    state = from_machine({}).state
    assert state is not None

    async def write() -> None:
        database = await Database.open(state / DATABASE)

        async def opened() -> Database:
            return database

        journal = TurnJournal(opened, keep_days=1000, keep_count=1000)
        for record in records:
            journal.add(lambda record=record: record)
        await journal.aclose()
        await database.aclose()

    asyncio.run(write())


def test_nothing_is_noted_yet(here: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["usage"]) == 0
    assert "Nothing is noted" in capsys.readouterr().err
    assert not (here / "state").exists(), "asking makes no database"
    assert run(["usage", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["total"]["requests"] == 0


def test_sums_by_session_and_model(here: Path, capsys: pytest.CaptureFixture[str]):
    now = time.time()
    note(
        replace(PLAIN, id="a", started=now),
        replace(PLAIN, id="b", started=now, cache_read=100_000, cost=0.0345),
        replace(PLAIN, id="c", started=now, session="s2", outcome="error", status=529, input=None, output=None, cost=None),
        replace(PLAIN, id="d", started=now, session="s2", cache="hit", cost=0.0, saved=0.5),
        replace(PLAIN, id="g", started=now, session="s2", cache="joined", cost=0.0, saved=0.25),
        replace(PLAIN, id="e", started=now, session="s2", served="databricks-x", cost=None),
        replace(PLAIN, id="f", started=now - 40 * 86_400),
    )  # fmt: skip
    assert run(["usage", "--json", "--by", "session"]) == 0
    told = json.loads(capsys.readouterr().out)
    rows = {row["key"]: row for row in told["rows"]}
    assert (rows["s1"]["requests"], rows["s1"]["input"], rows["s1"]["cache_read"]) == (2, 2000, 100_000)
    assert rows["s1"]["cost"] == pytest.approx(0.039)
    assert rows["s1"]["provider_cache_saved"] == pytest.approx(100_000 * 2.7 / 1e6)
    assert (rows["s2"]["failed"], rows["s2"]["own_cache_hits"], rows["s2"]["own_cache_saved"]) == (1, 2, 0.75)
    assert (rows["s2"]["own_cache_tokens"], rows["s2"]["input"]) == (2200, 1000)
    assert (rows["s2"]["unpriced"], rows["s2"]["models"]) == (1, ["databricks-x"])
    assert told["total"]["requests"] == 6
    assert run(["usage", "--by", "model"]) == 0
    shown = capsys.readouterr()
    assert "databricks-x" in shown.out
    assert shown.out.splitlines()[0].endswith("hits saved $  provider's cache saved $")
    assert shown.out.splitlines()[-1].split()[-2:] == ["0.7500", "0.2700"]
    assert "+" in shown.out.splitlines()[-1], "a cost that is not all of it says so"
    assert "No price is known for databricks-x" in shown.err
    assert run(["usage", "--json", "--session", "s1", "--since", "100d"]) == 0
    assert json.loads(capsys.readouterr().out)["total"]["requests"] == 3


def test_a_price_of_ones_own_holds_also_for_what_was_noted_before(here: Path, capsys: pytest.CaptureFixture[str]):
    note(replace(PLAIN, started=time.time(), served="databricks-x", cost=None))
    file = here / "config" / "sidecar" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text('[records.prices."databricks-*"]\ninput = 10\noutput = 20\n')
    assert run(["usage", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["total"]["cost"] == pytest.approx((1000 * 10 + 100 * 20) / 1e6)
    assert told["rows"][0]["key"] == datetime.now().astimezone().date().isoformat()


@pytest.mark.parametrize("row", ["input = -1\noutput = 1", "input = 1", "input = 1\noutput = 1\nwrite = 1"])
def test_a_price_that_is_none_is_told(here: Path, capsys: pytest.CaptureFixture[str], row: str):
    file = here / "config" / "sidecar" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text(f"[records.prices.claude-x]\n{row}\n")
    assert run(["usage"]) == 2
    assert "claude-x" in capsys.readouterr().err


def test_one_request_by_our_id_or_the_providers(here: Path, capsys: pytest.CaptureFixture[str]):
    note(replace(PLAIN, started=time.time(), upstream="up_7", tools=("Read", "Edit"), changes=("model",)))
    assert run(["usage", "--request", "up_7", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["id"], told["tools"], told["changes"]) == ("req_1", ["Read", "Edit"], ["model"])
    assert run(["usage", "--request", "req_1"]) == 0
    assert "Read, Edit" in capsys.readouterr().out
    assert run(["usage", "--request", "req_9"]) == 1


@pytest.mark.parametrize("arguments", [["--by", "moon"], ["--since", "soon"], ["--since", "3y"]])
def test_misuse_is_told(here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]):
    assert run(["usage", *arguments]) == 2
    assert arguments[0] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90m", NOW - timedelta(minutes=90)),
        ("24H", NOW - timedelta(days=1)),
        ("2w", NOW - timedelta(days=14)),
        ("2026-11-01T00:00:00+00:00", datetime(2026, 11, 1, tzinfo=UTC)),
        ("999999w", datetime.fromtimestamp(0, UTC)),
    ],
)
def test_how_far_back(text: str, expected: datetime):
    assert moment(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "7", "7 days", "-7d", "2026-13-01"])
def test_what_is_no_time(text: str):
    with pytest.raises(BadInput):
        moment(text, NOW)


def test_writing_to_the_providers_cache_can_cost_more_than_it_saves():
    tally = Tally("x")
    tally.add(replace(PLAIN, cache_write=1000), PriceTable().find("claude-sonnet-4-6"))
    assert tally.provider_cache_saved == pytest.approx(-0.75 * 1000 / 1e6)
