"""What the user approved is kept for this user alone, and holds for exactly that."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from sidecar.core.errors import StoreError
from sidecar.mcp.approvals import FILE, Approvals, RemoteTool

FACTS = {"command": "node", "args": ["a"]}
TOOL = RemoteTool("say", "Says it.", {"type": "object"})


def test_an_approval_outlives_the_process_and_is_private(tmp_path: Path) -> None:
    Approvals(tmp_path / "state").give("one", "/m", FACTS, [TOOL])
    kept = Approvals(tmp_path / "state").of("one", "/m")
    assert kept is not None
    assert kept.tools == (TOOL,)
    assert kept.same_start(dict(reversed(FACTS.items())))
    assert not kept.same_start({**FACTS, "args": ["b"]})
    if sys.platform != "win32":
        assert stat.S_IMODE((tmp_path / "state" / FILE).stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_it_holds_for_one_manifest_alone(tmp_path: Path) -> None:
    approvals = Approvals(tmp_path)
    approvals.give("one", "/m", FACTS, None)
    assert approvals.of("one", "/other") is None
    assert approvals.of("two", "/m") is None


def test_what_another_process_decides_is_seen(tmp_path: Path) -> None:
    here, there = Approvals(tmp_path), Approvals(tmp_path)
    here.give("one", "/m", FACTS, [TOOL])
    before = there.stamp()
    assert there.of("one", "/m") is not None
    assert here.take("one", "/m") is True
    assert there.stamp() != before
    assert there.of("one", "/m") is None
    assert here.take("one", "/m") is False


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"k": {"facts": 5}}', b"\xff"])
def test_a_file_that_cannot_be_understood_approves_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    approvals = Approvals(tmp_path)
    assert approvals.of("one", "/m") is None
    approvals.give("one", "/m", FACTS, None)
    assert Approvals(tmp_path).of("one", "/m") is not None


def test_without_a_state_folder_it_lasts_as_long_as_we_do() -> None:
    approvals = Approvals(None)
    approvals.give("one", "/m", FACTS, None)
    assert approvals.of("one", "/m") is not None
    assert approvals.stamp() is None


def test_where_it_cannot_be_kept_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file in the way")
    with pytest.raises(StoreError):
        Approvals(tmp_path / "state").give("one", "/m", FACTS, None)


CHANGED = [
    ([], ["tool gone: say"]),
    ([TOOL, RemoteTool("more")], ["new tool: more"]),
    ([RemoteTool("say", "Another.", {"type": "object"})], ["say: another description"]),
    ([RemoteTool("say", "Says it.", {"type": "object", "properties": {"x": {}}})], ["say: another schema"]),
    ([RemoteTool("say", "Says it.", {"type": "object"}, "Title")], ["say: another title"]),
    ([TOOL], []),
]


@pytest.mark.parametrize(("now", "lines"), CHANGED)
def test_every_change_of_a_tool_is_told(tmp_path: Path, now: list[RemoteTool], lines: list[str]) -> None:
    approvals = Approvals(tmp_path)
    approvals.give("one", "/m", FACTS, [TOOL])
    kept = approvals.of("one", "/m")
    assert kept is not None
    assert kept.changes(now) == lines
    assert (TOOL.digest in {tool.digest for tool in now}) is (not lines or "new tool" in lines[0])
