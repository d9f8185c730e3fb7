"""The tools around skills: listing, loading, and the narrowing of a session while one is active."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar.assistant.skills import Skills
from sidecar.core.tool import Caller, ToolResult
from sidecar.tools.box import WorkspaceToolBox
from sidecar.tools.define import Nothing, define
from sidecar.tools.skills import SkillTools

NARROW = "---\ndescription: Looks only.\nallowed-tools: [git_*, fs_read]\n---\nLook at it.\n"
WIDE = "---\ndescription: Says nothing of tools.\nparameters: [path]\n---\nDo {{path}}.\n"
ME, OTHER = Caller("me", "mcp"), Caller("other", "mcp")


async def ran(_: Nothing, caller: Caller) -> ToolResult:
    """Runs."""
    return ToolResult(text="ran")


@pytest.fixture
def box(tmp_path: Path) -> WorkspaceToolBox:
    for name, text in (("narrow", NARROW), ("wide", WIDE), ("broken", "nothing")):
        (tmp_path / "user" / name).mkdir(parents=True)
        (tmp_path / "user" / name / "SKILL.md").write_text(text, encoding="utf-8")
    (tmp_path / "user" / "narrow" / "more.md").write_text("more of it", encoding="utf-8")
    (tmp_path / "work" / ".claude" / "skills" / "theirs").mkdir(parents=True)
    (tmp_path / "work" / ".claude" / "skills" / "theirs" / "SKILL.md").write_text(WIDE, encoding="utf-8")
    made = WorkspaceToolBox()
    made.put("git", [define("git_diff", "read", ran), define("git_push", "send", ran)])
    made.put("files", [define("files_read", "read", ran), define("files_write", "write", ran)])
    skills = SkillTools(Skills(user=tmp_path / "user", workspace=tmp_path / "work", trusted=False), made)
    made.put("skills", skills.tools())
    made.guard(skills.check)
    return made


async def test_they_are_listed_by_description(box: WorkspaceToolBox) -> None:
    result = await box.call("skills_list", {}, ME)
    assert {"narrow", "wide", "review-diff"} <= {row["name"] for row in result.value["skills"]}
    assert "- narrow: Looks only." in result.text
    assert "- wide: Says nothing of tools. Parameters: path?." in result.text
    assert "broken/SKILL.md has no front matter" in result.text
    assert "1 more come with this workspace, which is not trusted" in result.text


async def test_one_is_loaded_with_its_parameters_and_files(box: WorkspaceToolBox) -> None:
    assert (await box.call("skills_load", {"name": "wide", "parameters": {"path": "it"}}, ME)).text == "Do it."
    loaded = await box.call("skills_load", {"name": "narrow"}, ME)
    assert "Look at it." in loaded.text
    assert "more.md" in loaded.text
    assert (await box.call("skills_load", {"name": "narrow", "file": "more.md"}, ME)).text == "more of it"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": "nothing"}, "There is no skill 'nothing'"),
        ({"name": "wide", "parameters": {"depth": "1"}}, "has no parameter 'depth'"),
        ({"name": "narrow", "file": "../wide/SKILL.md"}, "has no file"),
        ({"name": "theirs"}, "There is no skill 'theirs'"),
        ({}, "was called wrongly"),
    ],
)
async def test_what_cannot_be_loaded_is_told(box: WorkspaceToolBox, arguments: dict, words: str) -> None:
    result = await box.call("skills_load", arguments, ME)
    assert result.error
    assert words in result.text


async def test_while_one_is_active_only_its_tools_are_run_for_that_session(box: WorkspaceToolBox) -> None:
    loaded = await box.call("skills_load", {"name": "narrow"}, ME)
    assert "Until skills_finish, these tools are run: git_*, fs_read." in loaded.text
    outcomes = {
        name: (await box.call(name, {}, ME)).error for name in ("git_diff", "files_read", "files_write", "fs_write")
    }
    assert outcomes == {"git_diff": False, "files_read": False, "files_write": True, "fs_write": True}
    refused = await box.call("files_write", {}, ME)
    assert "The skill narrow is active and allows these tools only: git_*, fs_read" in refused.text
    assert not (await box.call("files_write", {}, OTHER)).error
    assert not (await box.call("files_write", {}, Caller("me", "loop"))).error
    assert (await box.call("skills_finish", {}, ME)).text == "The skill narrow is done."
    assert not (await box.call("files_write", {}, ME)).error
    assert (await box.call("skills_finish", {}, ME)).text == "No skill was active."


async def test_a_skill_never_widens_what_is_switched_off(tmp_path: Path) -> None:
    box = WorkspaceToolBox(disallowed_tools=["git_push"])
    box.put("git", [define("git_push", "send", ran)])
    skills = SkillTools(Skills(user=None, workspace=tmp_path, trusted=True), box)
    box.put("skills", skills.tools())
    box.guard(skills.check)
    await box.call("skills_load", {"name": "review-diff"}, ME)
    assert "POLICY_DISALLOWED_TOOLS" in (await box.call("git_push", {}, ME)).text


async def test_without_a_session_nothing_is_narrowed(box: WorkspaceToolBox) -> None:
    nobody = Caller("", "mcp")
    loaded = await box.call("skills_load", {"name": "narrow"}, nobody)
    assert "Until skills_finish" not in loaded.text
    assert not (await box.call("files_write", {}, nobody)).error
