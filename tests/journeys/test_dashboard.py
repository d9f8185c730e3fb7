"""The dashboard as a person sees it: in a real browser by its link, and in the real editor's panel."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import random
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path

import pytest

from sidecar.settings import load
from sidecar.store.database import DATABASE, Database
from sidecar.store.runs import Case, Coverage, Run, RunStore
from sidecar.store.runtime import open_folder
from sidecar.store.turns import TurnJournal, TurnRecord
from tests.conftest import Rig
from tests.journeys.processes import Running, Sidecar
from tests.journeys.robot import Robot, at_the_browser, at_the_editor
from tests.rig import sample

ODD = "<img src=x onerror=document.title='owned'>.py"
DAY = 86_400.0
WIDE, NARROW = {"width": 1600, "height": 1000}, {"width": 400, "height": 900}


def past(now: float) -> list[TurnRecord]:
    """A month of requests at two models: weekdays busier, a bad day, some from our own cache."""
    dice = random.Random(7)
    made: list[TurnRecord] = []
    for back in range(29, -1, -1):
        for _ in range(dice.randint(2, 9) + (12 if back % 7 > 1 else 0)):
            small = dice.random() < 0.3
            model = "claude-haiku-4-5" if small else "claude-sonnet-4-6"
            failed = dice.random() < (0.4 if back == 12 else 0.02)
            ms = dice.lognormvariate(8.2 if small else 9.0, 0.5)
            sizes = {} if failed else {
                "input": dice.randint(200, 4_000), "output": dice.randint(50, 2_500),
                "cache_read": dice.randint(20_000, 90_000), "cache_write": dice.randint(0, 6_000),
            }  # fmt: skip
            record = TurnRecord(
                id=f"req_{len(made):024x}", started=now - back * DAY - dice.random() * 3_600, session="s", provider="databricks",
                asked=model, served=model, stream=True, outcome="error" if failed else "done", status=529 if failed else 200,
                error="overloaded_error" if failed else "", ms=ms, first_ms=ms * 0.2, **sizes,
                cost=None if failed else dice.uniform(0.002, 0.01) if small else dice.uniform(0.01, 0.08),
            )  # fmt: skip
            made.append(record)
    return made


def runs(now: float) -> list[Run]:
    """Two weeks of test runs: one test flips, one is broken for a while, one bears an odd name."""
    made = []
    for number in range(14):
        outcomes = {
            "tests/test_money.py::test_rounds": "passed",
            "tests/test_settlement.py::test_settles_twice": "failed" if number % 3 == 1 else "passed",
            "tests/test_journal.py::test_is_ordered": "failed" if 4 <= number <= 6 else "passed",
            f"tests/{ODD}::test_it": "failed" if number == 9 else "passed",
            "tests/test_slow.py::test_on_windows": "skipped",
        }
        cases = tuple(Case(name, outcome, 0.2 + index / 3, name.partition("::")[0], "AssertionError: 3 != 4" if outcome == "failed" else "") for index, (name, outcome) in enumerate(outcomes.items()))  # fmt: skip
        failed = any(case.outcome == "failed" for case in cases)
        covered = Coverage(
            0.7 + number / 80, {sample.FRAGILE: 0.61, "tally/money.py": 0.97, f"tally/{ODD}": 0.4}, {sample.FRAGILE: [12, 13, 14, 40], f"tally/{ODD}": [1]}, "coverage.py"
        )  # fmt: skip
        made.append(Run(now - (14 - number) * DAY, 12.0 + number, "pytest", "python -m pytest", "failed" if failed else "passed", cases, coverage=covered))  # fmt: skip
    return made


async def remember(environment: Mapping[str, str], workspace: Path) -> None:
    """Put a past into the workspace's state, as earlier sidecars would have."""
    state = load({"server.workspace": str(workspace)}, dict(environment), None).state
    assert state is not None
    open_folder(state)
    database = await Database.open(state / DATABASE)

    async def opened() -> Database:
        return database

    journal = TurnJournal(opened, keep_days=1_000, keep_count=100_000)
    now = time.time()
    for record in past(now):
        journal.add(lambda record=record: record)
    await journal.aclose()
    for run in runs(now):
        await RunStore(database).add(run)
    await database.aclose()


@contextlib.contextmanager
def another_site(target: str) -> Iterator[str]:
    """A page on another port with a link to the target; its address."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f'<a href="{target}">look</a>'.encode()
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


async def link_of(start: Callable[..., Awaitable[Running]]) -> str:
    """What `sidecar dashboard` prints."""
    done = await (await start(sys.executable, "-m", "sidecar", "dashboard", "--json")).outcome()
    return str(done.json["url"])


def text_of(browser: Robot, section: str) -> str:
    return "\n".join(browser.do("texts", selector=f"#{section}"))


def drawn(browser: Robot) -> None:
    """Wait until every section has its figures."""
    browser.do("waitFor", selector="#as-of", text="As of")
    assert browser.do("texts", selector="main .error") == []


async def test_a_browser_shows_a_month_of_figures(
    serve: Callable[..., Awaitable[Sidecar]], start: Callable[..., Awaitable[Running]], environment: dict[str, str],
    rig: Rig, tally: Path,
) -> None:  # fmt: skip
    (tally / "tally" / ODD).write_text("def odd():\n    return 1\n", encoding="utf-8")
    await remember(environment, tally)
    sidecar = await serve("--auth", "token")
    with at_the_browser(rig, environment) as browser:
        await asyncio.to_thread(browser.visit, await link_of(start), WIDE)
        await asyncio.to_thread(drawn, browser)
        now, usage, tests, coverage, risk = (
            text_of(browser, name) for name in ("now", "usage", "tests", "coverage", "risk")
        )
        assert "Offline" in now
        assert f":{sidecar.base_url.rpartition(':')[2]}" in now
        assert any(word in now for word in ("Low risk", "Some risk", "High risk", "Very high risk"))
        for said in ("claude-sonnet-4-6", "claude-haiku-4-5", "overloaded_error", "req_0000"):
            assert said in usage
        assert "test_settles_twice" in tests
        assert f"tests/{ODD}::test_it" in tests
        assert sample.FRAGILE in coverage
        assert f"tally/{ODD}" in coverage
        assert sample.FRAGILE in risk
        assert f"tally/{ODD}" in risk
        assert browser.do("evaluate", script="document.querySelectorAll('main img').length") == 0
        assert browser.do("evaluate", script="location.href") == f"{sidecar.base_url}/dashboard"
        assert browser.do("evaluate", script="document.title") == "Sidecar · tally"
        labels = browser.do("labels", selector="svg[role=img]")
        assert len(labels) == 7
        assert all(labels)
        for name, viewport, scheme in (("light", WIDE, "light"), ("dark", WIDE, "dark"), ("narrow", NARROW, "light"), ("narrow-dark", NARROW, "dark")):  # fmt: skip
            browser.do("look", viewport=viewport, scheme=scheme)
            wide = browser.do("evaluate", script="new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(document.documentElement.scrollWidth))))")  # fmt: skip
            assert wide <= viewport["width"], "the page itself never scrolls sideways"
            browser.portrait(f"dashboard-{name}")
        browser.do("look", viewport=WIDE, scheme="light")
        browser.do("select", selector="#days", value="7")
        browser.do("waitFor", selector="#usage details tbody tr:nth-child(7):last-child", state="attached")
        browser.do("click", selector="#usage summary", text="Day by day")
        browser.do("waitFor", selector="#usage table", text="Day by day")
        assert len(browser.do("texts", selector="#usage details tbody tr")) == 7
        browser.do("evaluate", script="sessionStorage.clear()")
        browser.do("click", selector="#refresh")
        browser.do("waitFor", selector="#notice", text="sidecar dashboard --open")
        browser.portrait("dashboard-refused")
        complaints = [said for said in browser.do("complaints") if "401" not in said]
        assert complaints == [], "no fault of the script and nothing that its policy forbids"


async def test_a_link_works_once_and_other_sites_have_none(
    serve: Callable[..., Awaitable[Sidecar]], start: Callable[..., Awaitable[Running]], environment: dict[str, str], rig: Rig
) -> None:  # fmt: skip
    sidecar = await serve("--auth", "token")
    link = await link_of(start)
    with at_the_browser(rig, environment) as browser:
        await asyncio.to_thread(browser.visit, link)
        await asyncio.to_thread(drawn, browser)
        assert "sidecar claude" in text_of(browser, "usage")
        assert "sidecar test" in text_of(browser, "tests")
        assert "coverage report" in text_of(browser, "coverage")
        browser.portrait("dashboard-empty")
        await asyncio.to_thread(browser.visit, link)
        browser.do("waitFor", selector="#notice", text="used already")
        assert "Offline" not in text_of(browser, "now")
        with another_site(f"{sidecar.base_url}/dashboard") as elsewhere:
            browser.visit(elsewhere)
            browser.do("click", selector="a")
            browser.do("waitFor", selector="body", text="permission_error")


async def test_on_linux_the_same_user_needs_no_link(
    serve: Callable[..., Awaitable[Sidecar]], environment: dict[str, str], rig: Rig
) -> None:
    if sys.platform != "linux":
        pytest.skip("elsewhere the owner of a connection cannot be told")
    sidecar = await serve()
    with at_the_browser(rig, environment) as browser:
        await asyncio.to_thread(browser.visit, f"{sidecar.base_url}/dashboard")
        await asyncio.to_thread(drawn, browser)
        assert "Offline" in text_of(browser, "now")


def test_the_editor_shows_it_in_a_panel(rig: Rig, clean_environment: Mapping[str, str], tmp_path: Path) -> None:
    repository = sample.build(tmp_path / "tally")
    environment = {**clean_environment, "SIDECAR_STATE_DIR": str(tmp_path / "editor" / "state")}
    (tmp_path / "editor").mkdir()
    asyncio.run(remember(environment, repository))
    dark = {"workbench.colorTheme": "Default Dark Modern"}  # while the browser itself is set to light
    with at_the_editor(rig, clean_environment, repository, tmp_path / "editor", settings=dark) as editor:
        editor.do("waitForStatus", r"Offline :\d+ · [\w ]+ risk")
        editor.do("runCommand", "Sidecar: Show Dashboard")
        shown = editor.do("waitForPreview", text=r"As of[\s\S]*test_settles_twice[\s\S]*settlement\.py")
        for said in ("Offline", "claude-sonnet-4-6", "Tokens a day", "Open threads"):
            assert said in shown
        editor.picture("dashboard-panel")
        editor.do("waitFor", selector=".tab.active", text="Dashboard: tally")
        scheme = editor.do(
            "evaluateInPreview", selector="#figures", script="getComputedStyle(document.documentElement).colorScheme"
        )
        assert scheme == "dark", "it follows the editor's theme"
