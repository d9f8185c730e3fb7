"""Manifests in every form, from every place, and with everything that can be wrong with one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.core.errors import BadInput
from sidecar.mcp.manifest import MOST_BYTES, MOST_SERVERS, Entry, differences, discover, read

STDIO = {"command": "node", "args": ["server.js"], "env": {"A": "1"}}


def write(folder: Path, value: Any, name: str = ".mcp.json") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


FORMS = [
    pytest.param({"mcpServers": {"one": STDIO}}, "one", id="claude"),
    pytest.param({"servers": {"one": {"type": "stdio", **STDIO}}, "inputs": []}, "one", id="vscode"),
    pytest.param({"servers": [{"id": "one", **STDIO}]}, "one", id="predecessor"),
    pytest.param([{"name": "one", "transport": "stdio", **STDIO}], "one", id="bare-list"),
    pytest.param([{"label": "one", **STDIO}], "one", id="label"),
    pytest.param([STDIO], "server-1", id="nameless"),
    pytest.param('{// mine\n"mcpServers": {"one": {"command": "node", "args": ["server.js"], "env": {"A": 1},},},}', "one", id="comments"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "name"), FORMS)
def test_every_form_is_understood(tmp_path: Path, value: Any, name: str) -> None:
    path = write(tmp_path, value)
    found = read(path)
    assert found.problems == ()
    assert found.entries == (Entry(name, str(path), "node", ("server.js",), {"A": "1"}),)


def test_a_text_with_slashes_is_no_comment(tmp_path: Path) -> None:
    path = write(tmp_path, '{"mcpServers": {"one": {"url": "http://127.0.0.1:9/mcp", /* here */ }}}')
    assert read(path).entries[0].url == "http://127.0.0.1:9/mcp"


WRONG = [
    pytest.param("{", "is not JSON (line 1", id="json"),
    pytest.param(b"\xff\xfe{}", "UTF-8", id="encoding"),
    pytest.param("[" * 100_000, "is not JSON", id="depth"),
    pytest.param({"other": {}}, "needs mcpServers or servers", id="no-servers"),
    pytest.param({"mcpServers": "x"}, "must be a map or a list", id="servers-text"),
    pytest.param({"mcpServers": {"one": "x"}}, "'one' is no table", id="entry-text"),
    pytest.param({"mcpServers": {"one": {}}}, "either a command or a url", id="neither"),
    pytest.param({"mcpServers": {"one": {**STDIO, "url": "http://x"}}}, "either a command or a url", id="both"),
    pytest.param({"mcpServers": {"one": {"command": ["node"]}}}, "a command that is no text", id="command-list"),
    pytest.param({"mcpServers": {"one": {"command": "node", "args": "a b"}}}, "args that are no list", id="args-text"),
    pytest.param({"mcpServers": {"one": {"command": "node", "env": ["A"]}}}, "env that is no map", id="env-list"),
    pytest.param({"mcpServers": {"one": {"command": "no\0de"}}}, "holds a NUL character", id="nul"),
    pytest.param('{"mcpServers": {"one": {"command": "node", "args": ["\\ud800"]}}}', "UTF-8", id="half-a-character"),
    pytest.param(
        {"mcpServers": {"one": {"command": "node", "args": ["a\0b"]}}}, "holds a NUL character", id="nul-in-args"
    ),
    pytest.param({"mcpServers": {"one": {"url": "file:///etc/passwd"}}}, "none of http", id="scheme"),
    pytest.param({"mcpServers": {"one": {"url": "https://me:key@host/mcp"}}}, "a password in it", id="userinfo"),
    pytest.param({"mcpServers": {"one": {"type": "sse", "url": "http://x/sse"}}}, "speaks sse", id="sse"),
    pytest.param(" " * (MOST_BYTES + 1), "larger than 1024 KB", id="large"),
]


@pytest.mark.parametrize(("value", "words"), WRONG)
def test_what_is_wrong_is_a_sentence_that_names_the_place(tmp_path: Path, value: Any, words: str) -> None:
    path = tmp_path / ".mcp.json"
    path.write_bytes(value) if isinstance(value, bytes) else write(tmp_path, value)
    found = read(path)
    assert found.entries == ()
    assert len(found.problems) == 1
    assert str(path) in found.problems[0]
    assert words in found.problems[0]


def test_one_bad_server_does_not_hide_the_others(tmp_path: Path) -> None:
    found = read(write(tmp_path, {"mcpServers": {"bad": {}, "good": STDIO, "off": {**STDIO, "disabled": True}}}))
    assert [entry.name for entry in found.entries] == ["good"]
    assert len(found.problems) == 1


def test_every_place_is_looked_at_the_users_own_first(tmp_path: Path) -> None:
    workspace, folder = tmp_path / "work", tmp_path / "mine"
    single = write(tmp_path, {"mcpServers": {"a": STDIO}}, "single.json")
    write(folder, {"servers": [{"id": "b", **STDIO}]}, "b.json")
    write(folder, "not looked at", "notes.txt")
    for name, key in ((".mcp.json", "mcpServers"), ("mcp.json", "servers"), (".vscode/mcp.json", "servers"), (".cursor/mcp.json", "mcpServers")):  # fmt: skip
        write(workspace, {key: {"same": STDIO}}, name)
    found = discover(single, [folder, tmp_path / "not there"], workspace)
    assert found.problems == ()
    assert [entry.name for entry in found.entries] == ["a", "b", "same", "same-2", "same-3", "same-4"]
    assert found.entries[2].source == str(workspace / ".mcp.json")


def test_a_manifest_that_is_named_and_not_there_is_told(tmp_path: Path) -> None:
    found = discover(tmp_path / "nothing.json", [], tmp_path)
    assert "cannot be read" in found.problems[0]


def test_a_workspaces_link_to_elsewhere_is_not_followed(tmp_path: Path) -> None:
    target = write(tmp_path, {"mcpServers": {"one": STDIO}}, "elsewhere.json")
    workspace = tmp_path / "work"
    workspace.mkdir()
    (workspace / ".mcp.json").symlink_to(target)
    assert discover(None, [], workspace).entries == ()


def test_too_many_servers_are_told(tmp_path: Path) -> None:
    write(tmp_path, {"mcpServers": {f"s{number}": STDIO for number in range(MOST_SERVERS + 5)}})
    found = discover(None, [], tmp_path)
    assert len(found.entries) == MOST_SERVERS
    assert "only the first 100" in found.problems[0]


def test_variables_are_filled_in_and_named(tmp_path: Path) -> None:
    entry = Entry(
        "one",
        "m",
        "${workspaceFolder}/run",
        ("${env:KEY}", "$PLAIN"),
        {"A": "${KEY}", "B": "${NOT:-spare}"},
        "${userHome}",
    )
    filled = entry.filled({"KEY": "value"}, tmp_path)
    assert filled.command == f"{tmp_path}/run"
    assert filled.args == ("value", "$PLAIN")
    assert filled.env == {"A": "value", "B": "spare"}
    assert filled.cwd == str(Path.home())
    assert entry.variables() == ["KEY", "NOT"]


@pytest.mark.parametrize(
    ("text", "words"), [("${KEY}", "needs the variable KEY"), ("${input:key}", "which is not known")]
)
def test_a_variable_that_cannot_be_filled_in_is_told(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        Entry("one", "m", text).filled({}, tmp_path)


def test_facts_show_what_is_started_and_no_secret() -> None:
    entry = Entry("one", "/m", "node", ("a",), {"KEY": "s3cr3t", "OTHER": "${OTHER}"})
    facts = entry.facts("not sandboxed")
    assert facts["environment"]["OTHER"] == "${OTHER}"
    assert "s3cr3t" not in json.dumps(facts)
    other = Entry("one", "/m", "node", ("b",), {"KEY": "changed", "OTHER": "${OTHER}"}).facts("sandboxed")
    changed = differences(facts, other)
    assert [line.split(":")[0] for line in changed] == ["args", "environment", "sandbox"]


_WORDS = st.sampled_from(["command", "args", "env", "url", "headers", "cwd", "type", "disabled", "name", "one"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_WORDS, inner, max_size=4)),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["mcpServers", "servers", "inputs"]), ANYTHING, max_size=2) | ANYTHING)
def test_whatever_it_holds_it_is_told_and_never_raised(tmp_path: Path, value: Any) -> None:
    found = read(write(tmp_path, json.dumps(value)))
    for entry in found.entries:
        assert bool(entry.command) != bool(entry.url)
        json.dumps(entry.facts("x"))
    assert all(problem.startswith(str(tmp_path)) for problem in found.problems)
