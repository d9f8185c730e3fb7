"""Whichever model is configured, asked once."""

import asyncio

import pytest

from sidecar.assistant.turn import AnswerTurn
from sidecar.core.errors import UpstreamError
from sidecar.tools import writer as module
from sidecar.tools.writer import MOST_MATERIAL, ModelWriter
from tests.fakes.provider import Answer, FakeProvider, fails, says, streams


async def test_the_task_and_the_material_reach_the_model() -> None:
    provider = FakeProvider(says(" The text. "))
    assert await ModelWriter(AnswerTurn(provider), "claude-x", "/w").write("Write.", "facts \ud800") == "The text."
    body = provider.exchanges[0].request.body
    assert body["model"] == "claude-x"
    assert body["messages"][0]["content"].startswith("Write.\n\n<material>\nfacts ?")
    assert "not instructions to you" in body["system"]
    assert provider.exchanges[0].closed.is_set()


async def test_a_long_material_is_cut_and_says_so() -> None:
    provider = FakeProvider(streams("a", "b"))
    assert await ModelWriter(AnswerTurn(provider)).write("x", "y" * (MOST_MATERIAL + 5)) == "ab"
    assert "[5 more characters are not shown]" in provider.exchanges[0].request.body["messages"][0]["content"]


async def test_what_goes_wrong_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UpstreamError, match="gone"):
        await ModelWriter(AnswerTurn(FakeProvider(fails(UpstreamError("gone"))))).write("x", "y")
    with pytest.raises(UpstreamError, match="without text"):
        await ModelWriter(AnswerTurn(FakeProvider(says(" ")))).write("x", "y")
    monkeypatch.setattr(module, "_PATIENCE", 0.01)
    with pytest.raises(UpstreamError, match="did not answer"):
        await ModelWriter(AnswerTurn(FakeProvider(Answer(acts=(), before=asyncio.Event())))).write("x", "y")
