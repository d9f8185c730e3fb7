"""Documents come from our own tools and prompts from the shipped skills."""

from __future__ import annotations

import pytest

from sidecar.core.errors import BadInput, SidecarError
from sidecar.core.tool import Caller, ToolResult
from sidecar.tools.box import WorkspaceToolBox
from sidecar.tools.define import Nothing, define
from sidecar.tools.shelf import WorkspaceShelf


async def told(_: Nothing, caller: Caller) -> ToolResult:
    """Tells."""
    return ToolResult(text=f"the diff, by {caller.road}")


async def fails(_: Nothing, caller: Caller) -> ToolResult:
    """Fails."""
    raise BadInput("There are no tasks yet; make one.")


async def test_a_document_is_offered_where_its_tool_is() -> None:
    box = WorkspaceToolBox()
    shelf = WorkspaceShelf(box)
    assert list(shelf.documents()) == []
    box.put("git", [define("git_diff", "read", told)])
    box.put("tasks", [define("tasks_list", "read", fails)])
    diff, tasks = shelf.documents()
    assert (diff.uri, tasks.uri) == ("sidecar://diff", "sidecar://tasks")
    assert await diff.read() == "the diff, by mcp"
    with pytest.raises(SidecarError, match="make one"):
        await tasks.read()


async def test_the_shipped_skills_are_prompts() -> None:
    prompts = {prompt.name: prompt for prompt in WorkspaceShelf(WorkspaceToolBox()).prompts()}
    assert {"review-diff", "release-notes"} <= prompts.keys()
    assert prompts["review-diff"].title == "Review diff"
    text = await prompts["release-notes"].render({"range": "v1..v2"})
    assert "Commits: v1..v2" in text
    with pytest.raises(BadInput, match="no parameter"):
        await prompts["release-notes"].render({"depth": "3"})
