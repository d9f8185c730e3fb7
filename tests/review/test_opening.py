"""The review as it is opened for an editor: whoever has no model answers from facts."""

from __future__ import annotations

from sidecar.review.opening import open_desk, open_repository, writer_for
from sidecar.review.reply import FactsWriter, ReplyWriter
from sidecar.store.database import Database
from tests.fakes.provider import FakeProvider, says
from tests.fakes.repository import Repository


class Offline(FakeProvider):
    name = "offline"


async def test_facts_answer_where_there_is_no_model():
    assert isinstance(writer_for(Offline(), "ignored"), FactsWriter)
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
    desk = open_desk(await open_repository(made.root), database, writer_for(provider, "my-model"))
    state = await desk.refresh()
    assert state.report is not None
    assert desk.root == str(made.root.resolve())
    if state.threads:
        await desk.reply(state.threads[0].id, "why?")
        assert provider.exchanges[0].request.model == "my-model"
    await database.aclose()
