"""Texts about changes, from facts and from a model."""

from dataclasses import replace

import pytest

from sidecar.core.errors import UpstreamError
from sidecar.core.policy import GitRules
from sidecar.tools.bench import Bench
from sidecar.tools.box import WorkspaceToolBox
from sidecar.tools.writing import WritingTools
from tests.fakes.repository import GRACE, Repository
from tests.tools.conftest import Call
from tests.tools.test_review import Writer


@pytest.fixture(autouse=True)
def family(box: WorkspaceToolBox, bench: Bench, repo: Repository) -> None:
    repo.git("tag", "v1.0.0")
    repo.commit("feat(api)!: new fees", {"src/fees.py": "x = 1\n"})
    repo.commit("fix: rounding", {"a.py": "one\n"}, author=GRACE)
    repo.commit("Tidy up")
    box.put("review", WritingTools(bench).tools())


async def test_release_notes_and_changelog_from_facts(call: Call, repo: Repository) -> None:
    notes = await call("workspace_release_notes", version="1.1.0")
    assert notes.text.startswith("## 1.1.0\n\n### Added\n\n- **Breaking:** new fees (")
    assert "### Fixed\n\n- rounding (" in notes.text
    assert "### Changed\n\n- Tidy up (" in notes.text
    assert "From facts alone: no model is configured" in notes.text
    assert "Begin" not in notes.text
    log = await call("workspace_changelog_generate", since="v1.0.0", limit=2)
    assert log.text.count("\n- ") == 2
    assert f"- Tidy up ({repo.head[:10]}, Ada Lovelace, 2023-" in log.text
    for wrong in ({"since": "HEAD"}, {"since": "--output=x"}, {"until": "nowhere"}, {"limit": 0}):
        assert (await call("review_release_notes", **wrong)).error


async def test_a_model_writes_from_the_facts(call: Call, box: WorkspaceToolBox, bench: Bench) -> None:
    writer = Writer("# Notes")
    box.put("review", WritingTools(replace(bench, writer=writer)).tools())
    told = await call("review_release_notes")
    assert (told.text, told.value["by"]) == ("# Notes", "model")
    assert "new fees" in writer.asked[0][1]
    box.put("review", WritingTools(replace(bench, writer=Writer(error=UpstreamError("Away.")))).tools())
    told = await call("review_release_notes")
    assert told.text.endswith("(From facts alone: Away.)")
    assert "new fees" in told.text


async def test_a_pull_request(call: Call, repo: Repository, box: WorkspaceToolBox, bench: Bench) -> None:
    repo.git("switch", "-q", "-c", "topic")
    repo.commit("feat: topic", {"tests/test_x.py": "x\n", "migrations/1.sql": "x\n", "src/x.py": "y = 1\n"})
    told = await call("workspace_pr_template_generate")
    assert "## Summary\n\n- feat: topic\n" in told.text
    assert "Tests that change with it: tests/test_x.py." in told.text
    assert "It changes data or its schema" in told.text
    writer = Writer("Body")
    box.put("review", WritingTools(replace(bench, writer=writer)).tools())
    assert (await call("review_pull_request", base="main")).text == "Body"
    assert "+y = 1" in writer.asked[0][1]
    assert (await call("review_pull_request", base="-x")).error


async def test_a_commit_message(call: Call, repo: Repository, box: WorkspaceToolBox, bench: Bench) -> None:
    assert (await call("review_commit_message")).error
    repo.write({"src/new.py": "x\n"})
    assert (await call("review_commit_message")).text == "Add src/new.py"
    repo.write({"src/fees.py": "x = 2\n"})
    assert (await call("review_commit_message")).text.startswith("Change 2 files in src\n\nsrc/fees.py: +1 -1")
    repo.git("add", "src/fees.py")
    assert (await call("review_commit_message")).text == "Change src/fees.py"
    writer = Writer("fix: fees")
    box.put("review", WritingTools(replace(bench, writer=writer, rules=GitRules(commit_regex="^fix: "))).tools())
    assert (await call("review_commit_message")).text == "fix: fees"
    assert "^fix: " in writer.asked[0][0]
    assert "src/new.py" not in writer.asked[0][1]


async def test_a_patch_plan(call: Call, repo: Repository) -> None:
    assert (await call("review_patch_plan")).error
    repo.write({"src/fees.py": "x = 2\n", "docs/a.md": "x\n", "a.py": "two\n"})
    told = (await call("workspace_git_patch_plan")).text
    assert told.startswith("1. ")
    assert "src: src/fees.py (risk 0." in told
    assert "No test changes with it" in told
