"""The review as it is opened for an editor: whoever has no model answers from facts."""

from __future__ import annotations

import asyncio

from sidecar.review.opening import open_desk, open_repository, writer_for
from sidecar.review.reply import FactsWriter, ReplyWriter
from sidecar.store.database import Database
from tests.fakes.provider import FakeProvider, says
from tests.fakes.repository import Commit, Repository


async def test_facts_answer_where_there_is_no_model():
    assert isinstance(writer_for(None, "ignored"), FactsWriter)
    assert isinstance(writer_for(FakeProvider(), None), ReplyWriter)


async def test_the_wanted_model_is_asked_for(tmp_path):
    provider = FakeProvider(says("Because."))
    made = Repository.create(tmp_path / "r", {"a.py": "x = 1\n"})
    made.write(
        {
            "a.py": "def f(x):\n    while x:\n        try:\n            x = g(x)\n        except ValueError:\n            raise\n"
            * 9
        }
    )
    database = await Database.open(None)
    desk, close = open_desk(
        await open_repository(made.root), database, writer_for(provider, "my-model"), tmp_path / "s"
    )
    state = await desk.refresh()
    assert state.report is not None
    assert desk.root == str(made.root.resolve())
    if state.threads:
        await desk.reply(state.threads[0].id, "why?")
        assert provider.exchanges[0].request.model == "my-model"
    close()
    await database.aclose()


async def test_the_review_looks_again_once_the_history_is_read(tmp_path):
    repository = Repository.create(tmp_path / "r")
    repository.import_history(
        Commit(("Fix crash", "Add")[n % 2], {"a.py": "".join(f"x{i} = f({i}, {n})\n" for i in range(20))})
        for n in range(90)
    )
    repository.write({"a.py": "def f(x):\n    while x:\n        x = g(x)\n" * 20})
    database = await Database.open(None)
    desk, close = open_desk(await open_repository(repository.root), database, FactsWriter(), tmp_path / "s")
    told = asyncio.Event()
    desk.subscribe(lambda state: told.set() if state.report and state.report.model == "jit-lr@7" else None)
    first = await desk.refresh()
    assert first.report is not None
    assert first.report.model == "jit-lr@7/history"
    await asyncio.wait_for(told.wait(), 30)
    close()
    again, close = open_desk(await open_repository(repository.root), database, FactsWriter(), tmp_path / "s")
    kept = await again.refresh()
    assert kept.report is not None
    assert kept.report.model == "jit-lr@7"
    close()
    await database.aclose()
