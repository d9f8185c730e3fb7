"""A provider that lacks a setting says so to whoever asks."""

import pytest

from sidecar.core.errors import SetupError
from sidecar.core.messages import MessagesRequest
from sidecar.core.turn import Turn
from sidecar.providers.unready import UnreadyProvider

REQUEST = MessagesRequest.parse(b'{"model":"claude-x","messages":[{"role":"user","content":"hi"}]}')


async def test_every_question_is_answered_with_what_is_missing() -> None:
    provider = UnreadyProvider("databricks", SetupError("Set DATABRICKS_TOKEN.", "DATABRICKS_TOKEN"))
    with pytest.raises(SetupError, match="DATABRICKS_TOKEN") as raised:
        await provider.send(REQUEST, Turn("t"))
    assert raised.value.variable == "DATABRICKS_TOKEN"
    assert provider.name == "databricks"
    assert await provider.count_tokens(REQUEST, Turn("t")) is None
    assert list(await provider.models()) == []
    await provider.aclose()
