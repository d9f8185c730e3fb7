"""The golden schema says what `protocol.py` says, and real values are valid under it."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from sidecar.editor import protocol
from tests.editor.protocol_schema import GOLDEN, protocol_schema, protocol_schema_text

COMMENT = protocol.CommentItem(id="c1", author="sidecar", name="Sidecar", body="**Why**", created=1.5)
THREAD = protocol.ThreadItem(
    id="t1", uri="file:///a", start_line=0, end_line=2, state="open", outdated=False, band="low", score=0.1,
    title="Risk", comments=[COMMENT], revision=3,
)  # fmt: skip
STATUS = protocol.Status(
    state="ready", provider="offline", port=1, requested_port=1, base_url="http://x", version="1", workspace="/w"
)


def test_the_golden_file_is_true() -> None:
    assert GOLDEN.read_text(encoding="utf-8") == protocol_schema_text(), (
        "protocol.py changed: run `python -m tests.editor.protocol_schema`, and bring vscode-extension/src/protocol.ts along"
    )


def test_every_method_of_the_module_is_in_its_table() -> None:
    names = {value for value in vars(protocol).values() if isinstance(value, str) and value.startswith("sidecar/")}
    assert names == {*protocol.REQUESTS, *protocol.NOTIFICATIONS, *protocol.HOST_REQUESTS}
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert names == {*golden["requests"], *golden["notifications"], *golden["hostRequests"]}


@pytest.mark.parametrize(
    "value",
    [
        STATUS,
        STATUS.model_copy(update={"score": 0.3, "band": "medium"}),
        protocol.ThreadsChanged(revision=3, upserts=[THREAD], removes=["t0"]),
        protocol.ReviewResult(revision=1, score=None, band=None, open_threads=0),
        THREAD,
        protocol.HostQuery(
            what="rename",
            uri="file:///a",
            position=protocol.HostPosition(line=0, character=2),
            query="b",
            deadline_ms=3000,
            limit=10,
        ),
        protocol.HostQuery(what="languages", deadline_ms=3000, limit=10),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_we_send_is_valid(value: BaseModel) -> None:
    schema = protocol_schema()
    Draft202012Validator.check_schema(schema)
    whole = {"$ref": f"#/$defs/{type(value).__name__}", "$defs": schema["$defs"]}
    sent = value.model_dump(by_alias=True)
    Draft202012Validator(whole).validate(sent)
    assert type(value).model_validate(json.loads(json.dumps(sent))) == value
    assert not any("_" in key for key in sent)


def test_what_a_newer_client_adds_is_ignored() -> None:
    params = protocol.ReplyParams.model_validate({"id": "t1", "body": "x", "mood": "good"})
    assert params == protocol.ReplyParams(id="t1", body="x")
