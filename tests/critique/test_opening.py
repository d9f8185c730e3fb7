"""Who reviews, put together from settings."""

from __future__ import annotations

from sidecar.assistant.turn import AnswerTurn
from sidecar.core.critique import NamedChange, Wish
from sidecar.critique.opening import open_reviewer
from sidecar.settings import load
from sidecar.store.answers import Answers
from tests.critique.making import said
from tests.fakes.provider import FakeProvider, says
from tests.fakes.repository import Repository


async def test_the_configured_model_is_asked_and_the_repository_opened_once(tmp_path):
    import json

    repo = Repository.create(tmp_path / "r", {"a.py": "a = 1\n"})
    repo.write({"a.py": "a = 2\n"})
    settings = load({"server.workspace": str(repo.root)}, {"MODEL_DEFAULT": "claude-mine"}, None)
    model = FakeProvider(says(json.dumps(said())))

    async def desk():
        raise AssertionError("no comment, no desk")

    more = {"who": "me", "kept": Answers(None), "desk": desk}
    reviewer = open_reviewer(repo.root, AnswerTurn(model), settings, **more)
    for _ in range(2):
        found = await reviewer.review(NamedChange(), Wish(), lambda *_: None)
        assert (found.summary, found.model) == ("It adds a thing.", "claude-mine")
    assert len(model.exchanges) == 1
    assert model.exchanges[0].request.model == "claude-mine"
    assert model.exchanges[0].turn.workspace == str(repo.root)
    alone = open_reviewer(repo.root, None, settings, **more)
    assert (await alone.review(NamedChange(), Wish(), lambda *_: None)).by == "facts"
