"""What is read of a model's answer: the tool's call, JSON in a fence, JSON alone; junk is told in a sentence."""

from __future__ import annotations

import json

import pytest

from sidecar.core.messages import Message
from sidecar.critique.answer import Unusable, read
from sidecar.critique.prompt import MOST_COMMENTS, TOOL
from tests.critique.making import comment, said

WHOLE = said(comment("a.py", 3, "x = 1", end_line=4, suggestion="x = 2"), files=[("a.py", "It is new.")])


def message(*blocks, stop="tool_use"):
    return Message.of({"content": list(blocks), "stop_reason": stop}).body


def tool(value):
    return {"type": "tool_use", "id": "t", "name": TOOL, "input": value}


def text(words):
    return {"type": "text", "text": words}


WAYS = [
    ("the tool", [text("I look."), tool(WHOLE)]),
    ("a fence", [text(f"Sure.\n```json\n{json.dumps(WHOLE)}\n```\nDone.")]),
    ("a fence without a name", [text(f"```\n{json.dumps(WHOLE, indent=1)}\n```")]),
    ("JSON alone", [text(json.dumps(WHOLE))]),
    ("JSON in prose", [text(f"The review is {json.dumps(WHOLE)} as you asked.")]),
    ("lists as texts", [tool({**WHOLE, "comments": json.dumps(WHOLE["comments"]), "files": json.dumps(WHOLE["files"])})]),
]  # fmt: skip


@pytest.mark.parametrize("blocks", [row[1] for row in WAYS], ids=[row[0] for row in WAYS])
def test_an_answer_is_read(blocks):
    answer = read(message(*blocks))
    assert answer.summary == "It adds a thing."
    assert answer.files == (("a.py", "It is new."),)
    assert answer.checklist == ("Try it.",)
    (claim,) = answer.claims
    assert (claim.file, claim.line, claim.end, claim.quote) == ("a.py", 3, 4, "x = 1")
    assert (claim.severity, claim.title) == ("high", "Unchecked")
    assert answer.odd == 0


JUNK = [
    ("nothing", [], "end_turn", "holds no report_review call"),
    ("prose", [text("Looks good to me!")], "end_turn", "holds no report_review call"),
    ("broken JSON", [text('```json\n{"summary": "x", \n```')], "max_tokens", "cut off at its limit"),
    ("another tool", [{"type": "tool_use", "id": "t", "name": "other", "input": {}}], "tool_use", "holds no"),
    ("empty input", [tool({})], "tool_use", "holds no"),
    ("empty words", [tool({"summary": " ", "comments": []})], "tool_use", "neither a summary nor"),
    ("wrong types", [tool({"summary": 3, "comments": "none", "files": 1, "checklist": {}})], "tool_use", "neither"),
    ("a refusal", [text("")], "refusal", "refused"),
    ("JSON of something else", [text('{"verdict": "ok"}')], "end_turn", "holds no"),
]


@pytest.mark.parametrize(("blocks", "stop", "why"), [row[1:] for row in JUNK], ids=[row[0] for row in JUNK])
def test_junk_is_told_in_a_sentence(blocks, stop, why):
    with pytest.raises(Unusable, match=why):
        read(message(*blocks, stop=stop))


def test_what_is_odd_in_an_answer_is_counted_and_the_rest_is_taken():
    odd = [7, None, {}, {"file": "a.py"}, {"file": 3, "body": "x"}, {"file": "a.py", "line": 1, "body": "  "}]
    good = [
        {"file": "a.py", "line": "12", "comment": "As text.", "severity": "BLOCKER"},
        {"file": "a.py", "line": True, "body": "No line.", "severity": "odd", "end_line": "x"},
    ]
    answer = read(
        message(tool({**WHOLE, "comments": [*odd, *good], "files": ["x", {"file": "a.py"}], "checklist": [1, "Do."]}))
    )
    assert [(c.line, c.severity) for c in answer.claims] == [(12, "critical"), (0, "medium")]
    assert answer.odd == len(odd)
    assert answer.checklist == ("Do.",)


def test_a_flood_is_bounded_and_told():
    answer = read(message(tool(said(*[comment("a.py", n + 1, title=f"t{n}") for n in range(200)]))))
    assert len(answer.claims) == MOST_COMMENTS
    assert answer.odd == 200 - MOST_COMMENTS
    long = read(message(tool(said(comment("a.py", 1, body="x" * 100_000, title="y" * 999)))))
    assert len(long.claims[0].body) < 7_000
    assert len(long.claims[0].title) <= 120


def test_what_a_model_writes_can_lead_nowhere():
    body = "See ![x](https://evil.example/?q=1) and [y](command:run) <img src=x>\x1b[31m but `a[0](b)` stays"
    (claim,) = read(message(tool(said(comment("a.py", 1, body=body))))).claims
    assert "](" not in claim.body.replace("`a[0](b)`", "")
    assert "<img" not in claim.body
    assert "\x1b" not in claim.body
    assert "`a[0](b)`" in claim.body


SUGGESTED = [
    ("lines", "    y = int(x)\n    return y", ("    y = int(x)", "    return y")),
    ("line ends", "\ny = 1\r\nz = 2\r\n", ("y = 1", "z = 2")),
    ("a fence around them", "```python\n    y = 1\n```", ("    y = 1",)),
    ("tabs", "\ty = 1", ("\ty = 1",)),
    ("nothing", "", ()),
    ("blanks", " \n\t\n", ()),
    ("no text", 5, ()),
    ("no lines", ["y = 1"], ()),
    ("rows as they were shown", "     3 + y = 1\n     4   z = 2", ()),
    ("too many", "y = 1\n" * 61, ()),
    ("too long", "y" * 601, ()),
    ("what nobody sees", "y = 1 \u202e# ok", ()),
    ("control characters", "y = 1\x1b[2J", ()),
]


@pytest.mark.parametrize(("given", "wanted"), [row[1:] for row in SUGGESTED], ids=[row[0] for row in SUGGESTED])
def test_a_suggestion_is_a_few_lines_of_plain_text(given, wanted):
    (claim,) = read(message(tool(said(comment("a.py", 3, "x = 1", suggestion=given))))).claims
    assert claim.suggestion == wanted
    assert claim.body == "It is not checked; check it."


@pytest.mark.parametrize("blocks", [row[1] for row in WAYS], ids=[row[0] for row in WAYS])
def test_a_suggestion_comes_in_every_form_of_an_answer(blocks):
    assert read(message(*blocks)).claims[0].suggestion == ("x = 2",)


def test_a_block_in_the_text_is_a_suggestion_and_marked_as_one_no_more():
    body = "Check it:\n```suggestion\n\ty = int(x)\n```\nThen go on."
    (claim,) = read(message(tool(said(comment("a.py", 3, "x = 1", body=body))))).claims
    assert claim.suggestion == ("\ty = int(x)",)
    assert claim.body == "Check it:\n```\n    y = int(x)\n```\nThen go on."
    (other,) = read(message(tool(said(comment("a.py", 3, "x = 1", body=body, suggestion="y = 2"))))).claims
    assert other.suggestion == ("y = 2",)
    assert "suggestion" not in other.body
