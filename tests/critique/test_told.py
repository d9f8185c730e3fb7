"""A review as people and programs read it."""

from __future__ import annotations

import json
from dataclasses import replace

from sidecar.core.critique import Critique, Dropped, NamedChange, Remark, Unread
from sidecar.core.review import Suggestion
from sidecar.critique.told import as_json, as_markdown, gravest
from tests.critique.making import scored

WHOLE = Critique(
    "model",
    "It adds `x`.",
    files={"a.py": "New\ncode."},
    checklist=("Try it.",),
    remarks=(
        Remark("b.py", 3, 3, "low", "Small", "A small thing."),
        Remark("a.py", 10, 12, "critical", "Hole", "A hole.", moved=True),
        Remark("a.py", 2, 2, "medium", "", "No title."),
    ),
    dropped=(Dropped("z.py", 7, "Else*where*", "the file is not in the change"),),
    unread=(Unread("c.py:1-9", "over the limit"),),
    notes=("1 line was masked.",),
    provider="databricks",
    model="claude-x",
    parts=2,
    requests=3,
    report=scored(score=0.4, band="high"),
    facts="- `a.py` changed",
)


def test_the_gravest_comment_comes_first_and_all_that_is_missing_is_named():
    told = as_markdown(WHOLE, NamedChange("base", "main"))
    lines = told.splitlines()
    assert lines[0] == "# Review of HEAD since main"
    assert "*By claude-x (databricks), in 2 parts, the riskiest first; 3 requests." in told
    assert [line for line in lines if line.startswith("### ")] == [
        "### Critical: `a.py:10-12`",
        "### Medium: `a.py:2`",
        "### Low: `b.py:3`",
    ]
    assert "**Hole.** *(the model named another line; the text it quoted decided)*" in told
    assert "- `a.py`: New code." in told
    assert "- [ ] Try it." in told
    assert "- `c.py:1-9`: over the limit" in told
    assert "- `z.py:7` Else\\*where\\* (the file is not in the change)" in told
    assert "*1 line was masked.*" in told
    assert told.endswith("## What is known without a model\n\n- `a.py` changed\n")
    assert "****" not in told
    assert gravest(WHOLE) == "critical"


def test_a_quiet_one_says_so():
    told = as_markdown(Critique("model", "Fine.", model="m", provider="p", requests=1, cached=True), NamedChange())
    assert "## Comments\n\nNone.\n" in told
    assert "kept from before" in told
    assert "Not read" not in told


def test_json_has_everything():
    value = json.loads(json.dumps(as_json(WHOLE, NamedChange())))
    assert value["change"] == "the uncommitted change"
    assert (value["score"], value["band"], value["by"]) == (0.4, "high", "model")
    assert value["comments"][1] == {
        "file": "a.py", "line": 10, "end_line": 12, "severity": "critical", "title": "Hole", "body": "A hole.", "moved": True,
        "suggestion": None,
    }  # fmt: skip
    assert value["unread"] == [{"place": "c.py:1-9", "why": "over the limit"}]
    assert value["dropped"][0]["line"] == 7
    assert value["requests"] == 3


def test_what_a_comment_suggests_is_shown_once():
    mend = Suggestion(("x = eval(y)",), ("x = int(y)", "z = `1`"))
    plain = Remark("a.py", 2, 2, "high", "Eval", "It runs y.", suggestion=mend)
    told = as_markdown(replace(WHOLE, remarks=(plain,)), NamedChange())
    assert "It runs y.\n\nSuggested in its place:\n\n```py\nx = int(y)\nz = `1`\n```\n" in told
    shown = replace(plain, body="Better:\n```\nx = int(y)\nz = `1`\n```")
    assert "Suggested" not in as_markdown(replace(WHOLE, remarks=(shown,)), NamedChange())
    value = json.loads(json.dumps(as_json(replace(WHOLE, remarks=(plain,)), NamedChange())))
    assert value["comments"][0]["suggestion"] == ["x = int(y)", "z = `1`"]
