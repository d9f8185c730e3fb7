"""Names of servers' tools: always in letters that every model takes, never twice, and the same each time."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.tool import Caller, ToolResult
from sidecar.mcp.approvals import RemoteTool
from sidecar.mcp.manifest import Entry
from sidecar.mcp.tools import LONGEST_NAME, McpTool, tool_name

PLAIN = [
    ("github", "create_issue", "github__create_issue"),
    ("my server", "do.it", "my_server__do_it"),
    ("größe", "é", "gr_e__x"),
    ("", "", "x__x"),
]


@pytest.mark.parametrize(("server", "tool", "name"), PLAIN)
def test_a_name_says_server_and_tool(server: str, tool: str, name: str) -> None:
    assert tool_name(server, tool, set()) == name


def test_what_is_too_long_gets_a_fingerprint() -> None:
    name = tool_name("a-very-long-server-name", "a_tool_with_quite_a_long_name_too", set())
    assert len(name) == LONGEST_NAME
    assert name.startswith("a-very-long-server-name__")
    assert name != tool_name("a-very-long-server-name", "a_tool_with_quite_a_long_name_two", set())


@given(st.lists(st.tuples(st.text(max_size=80), st.text(max_size=80)), unique=True, max_size=40))
def test_names_are_valid_unique_and_steady(pairs: list[tuple[str, str]]) -> None:
    def every() -> list[str]:
        taken: set[str] = set()
        for server, tool in pairs:
            taken.add(name := tool_name(server, tool, taken))
            names.append(name)
        return names[-len(pairs) :] if pairs else []

    names: list[str] = []
    first = every()
    assert len(set(first)) == len(pairs)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,50}", name) for name in first)
    assert every() == first


async def test_a_tool_tells_where_it_comes_from_and_hands_its_call_on() -> None:
    calls: list[tuple] = []

    async def call(*given: object) -> ToolResult:
        calls.append(given)
        return ToolResult(text="done")

    remote = RemoteTool("say", "Says it.")
    here = McpTool(call, Entry("one", "/m", "node"), remote, "one__say")
    there = McpTool(call, Entry("two", "/m", url="http://127.0.0.1:9/"), remote, "two__say")
    assert (here.spec.effect, there.spec.effect) == ("run", "send")
    assert here.stands_for("one", "say")
    assert not here.stands_for("two", "say")
    caller = Caller()
    assert (await here.call({"a": 1}, caller)).text == "done"
    assert calls == [("one", remote, {"a": 1}, caller)]
