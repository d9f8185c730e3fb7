"""The dashboard by its addresses: real records, runs, coverage, a real review and index in, JSON out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from sidecar.core.errors import BadInput, NotARepository, NotFound
from sidecar.core.ports import Desk, EndpointStatus
from sidecar.dashboard.figures import LOOKED_AT, Figures, Sources
from sidecar.review.opening import Manners, open_desk, open_repository, writer_for
from sidecar.settings import load
from sidecar.store.database import Database
from sidecar.store.runs import Case, Coverage, Run, RunStore
from sidecar.store.turns import TurnJournal, TurnRecord
from sidecar.tools.indexing import open_index
from tests.fakes.provider import FakeProvider
from tests.fakes.repository import Repository

ODD = "<img src=x onerror=alert(1)>.py"
STATUS = EndpointStatus("ready", "offline", 8123, 8080, "http://127.0.0.1:8123", "/projects/<b>")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = await Database.open(tmp_path / "state" / "sidecar.db")
    yield opened
    await opened.aclose()


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    made = Repository.create(tmp_path / "repo", {"sub/a.py": "def a():\n    return 1\n", "b.py": "x = 1\n"})
    made.write({"sub/a.py": "def a():\n    while True:\n        pass\n", f"sub/{ODD}": "y = 2\n", "b.py": "x = 2\n"})
    return made


Make = Callable[..., Figures]


@pytest.fixture
def make(tmp_path: Path, database: Database) -> Make:
    """Figures over the database; `desk` and what else a test has."""

    (tmp_path / "repo").mkdir(exist_ok=True)

    def figures(desk: Desk | None = None, index: Any = None, **env: str) -> Figures:
        async def asked() -> Desk:
            if desk is None:
                raise NotARepository("No repository here.")
            return desk

        async def opened() -> Database:
            return database

        settings = load({}, {"SIDECAR_STATE_DIR": str(tmp_path / "state"), "PORT": "0"} | env, None, tmp_path / "repo")
        return Figures(
            Sources(
                settings, "claude-sidecar", "1.2.3", lambda: STATUS, opened, asked, lambda: index, tmp_path / "state"
            )
        )

    return figures


async def told(figures: Figures, target: str) -> dict[str, Any]:
    found = await figures.get(target)
    assert found.media == "application/json"
    return orjson.loads(found.body)


async def note(database: Database, *records: TurnRecord) -> None:
    async def opened() -> Database:
        return database

    journal = TurnJournal(opened, keep_days=1000, keep_count=1000)
    for record in records:
        journal.add(lambda record=record: record)
    await journal.aclose()


async def test_an_empty_workspace_has_figures_too(make: Make):
    figures = make()
    status = await told(figures, "/api/status")
    assert (status["state"], status["provider"], status["port"], status["version"]) == (
        "ready",
        "offline",
        8123,
        "1.2.3",
    )
    assert (status["workspace"], status["model"], status["recorded"]) == ("/projects/<b>", "", True)
    assert status["index"]["state"] == "none"
    assert "sidecar index" in status["index"]["note"]
    usage = await told(figures, "/api/usage")
    assert (usage["total"]["requests"], len(usage["by_day"])) == (0, 30)
    assert await told(figures, "/api/turns") == {"turns": []}
    assert await told(figures, "/api/tests") == {"runs": [], "looked_at": 0, "failing": [], "slowest": []}
    assert (await told(figures, "/api/coverage"))["total"] is None
    review = await told(figures, "/api/review")
    assert (review["note"], review["files"]) == ("No repository here.", [])


async def test_usage_and_turns_are_what_was_noted(make: Make, database: Database):
    now = time.time()
    turn = TurnRecord(
        id="req_1", started=now, served="claude-sonnet-4-6", input=1000, output=100, cost=0.0045, ms=200.0
    )
    await note(
        database,
        turn,
        replace(turn, id="req_2", started=now + 1, outcome="error", status=529, error="overloaded_error", cost=None),
        replace(turn, id="req_3", started=now - 40 * 86_400),
    )
    figures = make()
    usage = await told(figures, "/api/usage?days=7")
    assert (usage["total"]["requests"], usage["total"]["failed"], usage["days"]) == (2, 1, 7)
    assert usage["errors"] == {"overloaded_error": 1}
    assert (await told(figures, "/api/usage?days=90"))["total"]["requests"] == 3
    turns = (await told(figures, "/api/turns?limit=2"))["turns"]
    assert [one["id"] for one in turns] == ["req_2", "req_1"]
    assert (await told(figures, "/api/status"))["model"] == "claude-sonnet-4-6"


async def test_runs_and_coverage_are_what_was_kept(make: Make, database: Database, repo: Repository):
    store = RunStore(database)
    for number in range(LOOKED_AT + 2):
        outcome = "failed" if number % 2 else "passed"
        cases = (Case(ODD, outcome, 0.5, ODD, "<script>"), Case("b", "passed", 0.1))
        covered = (
            Coverage(0.5 + number / 100, {"a.py": 0.25, ODD: 1.0}, {"a.py": [2, 3]}, "lcov") if number < 4 else None
        )
        await store.add(Run(float(number), 1.0, "pytest", "pytest", outcome, cases, coverage=covered))
    figures = make()
    tests = await told(figures, "/api/tests?limit=5")
    assert (len(tests["runs"]), tests["looked_at"]) == (5, LOOKED_AT)
    assert [(one["id"], one["flips"]) for one in tests["failing"]] == [(ODD, LOOKED_AT - 1)]
    coverage = await told(figures, "/api/coverage")
    assert (coverage["total"], coverage["run"], coverage["file_count"]) == (0.53, 4, 2)
    assert [one["share"] for one in coverage["trend"]] == [0.5, 0.51, 0.52, 0.53]
    assert coverage["files"][0] == {"path": "a.py", "share": 0.25, "missed": "2-3", "missed_count": 2, "changed": False}


async def test_a_report_that_lies_in_the_workspace_counts_where_no_run_left_one(make: Make, repo: Repository):
    repo.write({"lcov.info": "TN:\nSF:b.py\nDA:1,1\nDA:2,0\nend_of_record\n"})
    coverage = await told(make(), "/api/coverage")
    assert (coverage["total"], coverage["run"], coverage["source"]) == (0.5, 0, "lcov")


@pytest.fixture
async def desk(repo: Repository, database: Database) -> AsyncIterator[Desk]:
    git = await open_repository(repo.root)
    made, close = open_desk(git, database, writer_for(FakeProvider(), ""), None, Manners())
    yield made
    await asyncio.to_thread(close)


async def test_the_change_is_told_by_risk(make: Make, desk: Desk):
    review = await told(make(desk), "/api/review")
    assert (review["title"], review["note"], review["file_count"]) == ("Working tree", "", 3)
    assert 0 < review["score"] < 1
    assert review["sentence"]
    scores = [one["score"] for one in review["files"]]
    assert scores == sorted(scores, reverse=True)
    assert {one["path"] for one in review["files"]} == {"sub/a.py", "b.py", f"sub/{ODD}"}
    assert sum(review["threads"].values()) == review["open_threads"]


async def test_changed_files_are_known_to_the_coverage_also_below_the_top(
    make: Make, desk: Desk, database: Database, tmp_path: Path
):
    covered = Coverage(0.5, {"a.py": 0.25, "b.py": 0.5, ODD: 0.75}, {}, "lcov")
    await RunStore(database).add(Run(1.0, 1.0, "pytest", "pytest", "passed", coverage=covered))
    figures = make(desk)
    assert {one["path"] for one in (await told(figures, "/api/coverage"))["files"] if one["changed"]} == {"b.py"}
    inside = Figures(replace(figures._of, settings=load({}, {"PORT": "0"}, None, tmp_path / "repo" / "sub")))
    assert {one["path"] for one in (await told(inside, "/api/coverage"))["files"] if one["changed"]} == {"a.py", ODD}


async def test_the_index_is_counted(make: Make, repo: Repository, tmp_path: Path):
    index = open_index(repo.root, tmp_path / "state", watch=False, mild=False)
    index.start()
    try:
        async with asyncio.timeout(60):
            await index.whole()
        state = (await told(make(index=index), "/api/status"))["index"]
        assert (state["state"], state["note"], state["files"]) == ("ready", "", 3)
        assert state["symbols"] >= 1
    finally:
        await index.aclose()
    assert (await told(make(index=index, SIDECAR_INDEX="false"), "/api/status"))["index"]["state"] == "off"


@pytest.mark.parametrize(
    "target",
    [
        "/api/usage?days=0", "/api/usage?days=91", "/api/usage?days=-1", "/api/usage?days=", "/api/usage?days=1e3",
        "/api/usage?days=%D9%A3", "/api/usage?days=9999999999999", "/api/usage?limit=3", "/api/status?x=1",
        "/api/turns?limit=201", "/api/turns?limit=2&limit=0", "/api/tests?limit=201", "/api/usage?<script>",
    ],
)  # fmt: skip
async def test_a_question_that_is_none_says_what_may_be_asked(make: Make, target: str):
    with pytest.raises(BadInput, match=r"takes a number from|to ask for"):
        await make().get(target)


@pytest.mark.parametrize(
    "target", ["/", "/api", "/api/", "/api/session", "/dashboard/", "/dashboard/../page.py", "/api/usage/"]
)
async def test_there_is_nothing_else(make: Make, target: str):
    with pytest.raises(NotFound):
        await make().get(target)


async def test_the_page_is_handed_out(make: Make):
    found = await make().get("/dashboard")
    assert found.media == "text/html; charset=utf-8"
    assert found.body.startswith(b"<!doctype html>")
