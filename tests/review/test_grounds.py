"""What can be opened beside a comment, over real repositories: functions, tests that name them, lines that no test ran."""

from __future__ import annotations

import asyncio

from sidecar.core.review import Evidence, HunkRisk, Reason, RiskReport
from sidecar.review.grounds import Grounds
from sidecar.review.opening import open_desk
from sidecar.review.reply import FactsWriter
from sidecar.store.database import Database
from sidecar.vcs.runner import Git
from sidecar.vcs.worktree import working_tree
from tests.fakes.repository import Repository
from tests.fakes.scorer import WordScorer

SOURCE = "import os\n\n\ndef total(items):\n    risky = sum(items)\n    return risky\n\n\ndef other():\n    return 1\n"
TEST = "from cart import total\n\n\ndef test_total():\n    assert total([1]) == 1\n"


class World:
    """A repository with a change, and what is known of it."""

    def __init__(self, root, **files: str) -> None:
        self.repository = Repository.create(
            root, {"cart.py": "", **{k.replace("__", "/") + ".py": v for k, v in files.items()}}
        )
        self.repository.write({"cart.py": SOURCE})
        self.git = Git.open_blocking(root)
        self.grounds = Grounds(self.git)

    async def told(self, start: int = 5, end: int = 5, *reasons: Reason, source: str = SOURCE) -> HunkRisk:
        """The place of a report, once with what is known at once and once more when all is learned."""
        change = await working_tree(self.git)
        report = RiskReport(0.4, "high", -1.0, "m@1", hunks=(HunkRisk("cart.py", start, end, 0.4, reasons=reasons),))
        texts = {"cart.py": source.splitlines()}
        first = self.grounds.under(change, report, texts)
        assert first is not None
        await self.grounds.learn()
        found = self.grounds.under(change, first, texts)
        assert found == self.grounds.under(change, found, texts)
        (hunk,) = found.hunks
        return hunk


async def test_the_tests_that_name_the_function_are_told_that_of_its_own_file_first(tmp_path):
    others = {f"tests__test_{name}": TEST for name in ("a", "b", "c", "d", "e", "f")}
    world = World(tmp_path / "r", tests__test_cart=TEST, helpers="total = 1\n", **others)
    assert (await world.told()).evidence == (
        Evidence("test", "tests/test_cart.py (names total)", "tests/test_cart.py", 5),
    )


async def test_a_few_tests_of_other_files_are_told_and_many_mean_another_thing(tmp_path):
    two = World(tmp_path / "two", tests__test_a=TEST, tests__test_b="from cart import total\n")
    assert [(each.target, each.line) for each in (await two.told()).evidence] == [
        ("tests/test_a.py", 5),
        ("tests/test_b.py", 1),
    ]
    many = World(tmp_path / "many", **{f"tests__test_{name}": TEST for name in ("a", "b", "c", "d", "e", "f")})
    assert (await many.told()).evidence == ()
    assert (await World(tmp_path / "none", tests__test_a="subtotal = totals\n").told()).evidence == ()


async def test_a_test_of_the_change_itself_is_told_at_once_and_before_others(tmp_path):
    world = World(tmp_path / "r", tests__test_cart=TEST)
    world.repository.write({"tests/test_new.py": TEST})
    assert [each.target for each in (await world.told()).evidence] == ["tests/test_new.py", "tests/test_cart.py"]


async def test_the_function_is_linked_where_a_reason_speaks_of_it(tmp_path):
    world = World(tmp_path / "r")
    spoken = Reason("function_repairs", 1.0, 0.0, "The function total was repaired once in the last year: abc1234.")
    assert (await world.told(5, 5, spoken)).evidence == (Evidence("function", "total", "cart.py", 4),)
    assert [each.target for each in (await world.told(4, 10, spoken)).evidence] == ["cart.py"]
    of_another = Reason(
        "function_repairs", 1.0, 0.0, "The function totally was repaired once in the last year: abc1234."
    )
    assert (await world.told(5, 5, of_another)).evidence == ()


async def test_lines_outside_of_functions_have_none(tmp_path):
    assert (await World(tmp_path / "r", tests__test_cart=TEST).told(1, 1)).evidence == ()


async def test_a_thread_gets_its_evidence_when_it_is_learned_and_keeps_it(tmp_path):
    repository = Repository.create(tmp_path / "r", {"cart.py": "", "tests/test_cart.py": TEST})
    repository.write({"cart.py": SOURCE})
    database = await Database.open(None)
    desk, close = open_desk(await Git.open(repository.root), database, FactsWriter(), None)
    desk._scorer = WordScorer()
    learned = asyncio.Event()
    desk.subscribe(lambda state: learned.set() if any(c.evidence for t in state.threads for c in t.comments) else None)
    first = await desk.refresh()
    await asyncio.wait_for(learned.wait(), 30)
    (thread,) = desk.state().threads
    assert [thread.id for thread in first.threads] == [thread.id]
    (link,) = thread.comments[0].evidence
    assert (link.kind, link.target, link.line) == ("test", "tests/test_cart.py", 5)
    repository.write({"cart.py": "new = 1\n" + SOURCE})
    assert [each.comments[0].evidence for each in (await desk.refresh()).threads] == [(link,)]
    close()
    await database.aclose()
