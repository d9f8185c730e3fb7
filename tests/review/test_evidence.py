"""Evidence of the history: repairs that stand in the function, a file that usually comes along and does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sidecar.core.review import Reason, Touched
from sidecar.review.evidence import FEATURES
from sidecar.review.scorer import RiskScorer
from sidecar.review.words import comment
from sidecar.vcs.runner import Git
from sidecar.vcs.worktree import working_tree
from tests.fakes.repository import START, Repository

DAY = 86400


def texts(rate: str = "1", other: str = "1") -> dict[str, str]:
    body = "".join(f"    if item > {n}:\n        item = item * {n}\n" for n in range(2, 12))
    return {
        "cart.py": f"import os\n\n\ndef total(item, rate={rate}):\n{body}    return item\n\n\ndef other():\n    return {other}\n",
        "price.py": f"RATE = {rate}\n",
    }


@pytest.fixture
def repository(tmp_path) -> Repository:
    made = Repository.create(tmp_path / "repo")
    made.commit("Add carts", texts(), date=START)
    for n in range(2, 8):
        made.commit(("Set the rate", "Fix wrong rate")[n % 2], texts(str(n)), date=START + n * DAY)
    made.commit("Fix crash of other", {"cart.py": texts("7", "2")["cart.py"]}, date=START + 9 * DAY)
    return made


def edited(repository: Repository) -> str:
    more = "".join(f"    if item == {n} and rate:\n        item = compute(item, {n})[item - 1]\n" for n in range(30))
    return repository.path("cart.py").read_text().replace("    return item\n", more + "    return item\n")


async def said(repository: Repository, days: float = 20) -> dict[str, Reason]:
    git = Git.open_blocking(repository.root)
    change = replace(await working_tree(git), time=START + days * DAY)
    report = await RiskScorer(git).score(change)
    assert report.band != "low"
    return {reason.feature: reason for hunk in report.hunks for reason in hunk.reasons if reason.feature in FEATURES}


async def test_the_repairs_that_stand_in_the_function_are_named(repository):
    repository.write({"cart.py": edited(repository)})
    newest = repository.git("log", "--format=%h", "--abbrev=7", "--grep=wrong rate", "-1")
    found = (await said(repository))["function_repairs"]
    assert found.text == f"The function total was repaired once in the last year: {newest}."
    assert (found.value, found.effect) == (1.0, 0.0)


async def test_repairs_of_long_ago_are_none_of_the_last_year(repository):
    repository.write({"cart.py": edited(repository)})
    assert "function_repairs" not in await said(repository, days=500)


async def test_a_file_that_usually_comes_along(repository):
    repository.write({"cart.py": edited(repository)})
    found = (await said(repository))["companion"]
    assert found.text == "This file usually changes with price.py (7 of 8 times), which this change leaves alone."


async def test_nothing_is_missed_where_it_comes_along_or_is_gone(repository):
    repository.write({"cart.py": edited(repository), "price.py": "RATE = 77\n"})
    assert "companion" not in await said(repository)
    repository.git("checkout", "-q", "price.py")
    repository.git("stash", "-q")
    repository.commit("Without prices", {"price.py": None}, date=START + 10 * DAY)
    repository.write({"cart.py": edited(repository)})
    assert "companion" not in await said(repository)


async def test_the_comment_has_three_reasons_at_most_the_evidence_among_them(repository):
    repository.write({"cart.py": edited(repository)})
    git = Git.open_blocking(repository.root)
    report = await RiskScorer(git).score(replace(await working_tree(git), time=START + 20 * DAY))
    text = comment(max(report.hunks, key=lambda hunk: hunk.score), report, report.band)
    assert "The function total was repaired once" in text
    assert "usually changes with price.py" in text
    assert text.count("\n- ") == 2, "the first reason leads"
    assert "%" not in text


async def test_without_a_history_nothing_is_told(tmp_path, repository):
    repository.git("clone", "-q", "--depth=1", f"file://{repository.root}", str(tmp_path / "shallow"))
    clone = Repository(tmp_path / "shallow")
    clone.write({"cart.py": edited(clone)})
    git = Git.open_blocking(clone.root)
    report = await RiskScorer(git).score(await working_tree(git))
    assert not [reason for hunk in report.hunks for reason in hunk.reasons if reason.feature in FEATURES]


async def test_lines_that_no_test_touches_are_told_first(repository):
    repository.write({"cart.py": edited(repository)})
    git = Git.open_blocking(repository.root)

    class Seen:
        def of(self, file):
            lines = range(1, 400)
            return Touched(frozenset(), frozenset(lines), "lcov", START) if file.path == "cart.py" else None

    change = replace(await working_tree(git), time=START + 20 * DAY)
    report = await RiskScorer(git, tests=Seen()).score(change)
    text = comment(max(report.hunks, key=lambda hunk: hunk.score), report, report.band)
    assert "No test touches these lines (lcov, 2023-11-14 22:13 UTC)." in text
    assert "The function total was repaired once" in text
    assert report.score == (await RiskScorer(git).score(change)).score


def test_commits_are_told_with_it_where_that_is_asked_for(repository, tmp_path):
    newest = repository.git("log", "--format=%h", "--abbrev=7", "--grep=wrong rate", "-1")
    repository.commit("Carts of many items", {"cart.py": edited(repository)}, date=START + 20 * DAY)
    repository.git("clone", "-q", "--bare", str(repository.root), str(tmp_path / "bare.git"))
    scorer = RiskScorer(Git.open_blocking(tmp_path / "bare.git"))
    (told,) = scorer.score_commits_blocking(["HEAD"], evident=True)
    (plain,) = scorer.score_commits_blocking(["HEAD"])
    found = {reason.feature: reason for hunk in told.hunks for reason in hunk.reasons if reason.feature in FEATURES}
    assert newest in found["function_repairs"].text
    assert "price.py" in found["companion"].text
    assert not FEATURES & {reason.feature for hunk in plain.hunks for reason in hunk.reasons}
    assert told.score == plain.score
    assert told.reasons == plain.reasons


async def test_the_repairs_of_a_function_are_not_told_of_a_new_one_below_it(repository):
    more = "".join(f"    if item == {n} and rate:\n        item = compute(item, {n})[item - 1]\n" for n in range(30))
    put_in = f"    return item\n\n\ndef charge(item, rate):\n{more}    return item\n"
    repository.write({"cart.py": repository.path("cart.py").read_text().replace("    return item\n", put_in, 1)})
    found = await said(repository)
    assert "function_repairs" not in found
    assert "companion" in found
