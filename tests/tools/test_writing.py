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


class Writer:
    """Writes what it is told to, and keeps what it was asked."""

    def __init__(self, text: str = "", error: Exception | None = None) -> None:
        self.text = text
        self.error = error
        self.asked: list[tuple[str, str]] = []

    async def write(self, task: str, material: str) -> str:
        self.asked.append((task, material))
        if self.error is not None:
            raise self.error
        return self.text


@pytest.fixture(autouse=True)
def family(box: WorkspaceToolBox, bench: Bench, repo: Repository) -> None:
    repo.git("tag", "v1.0.0")
    repo.commit("feat(api)!: new fees", {"src/fees.py": "x = 1\n"})
    repo.commit("fix: rounding", {"a.py": "one\n"}, author=GRACE)
    repo.commit("Tidy up")
    box.put("review", WritingTools(bench).tools())


async def test_release_notes_and_changelog_from_facts(call: Call, repo: Repository) -> None:
    notes = await call("workspace_release_notes", version="1.1.0", model=True)
    assert notes.text.startswith("## 1.1.0\n\n### Added\n\n- **Breaking:** new fees (")
    assert "### Fixed\n\n- rounding (" in notes.text
    assert "### Changed\n\n- Tidy up (" in notes.text
    assert "From facts alone: no model is configured" in notes.text
    assert "Begin" not in notes.text
    assert "model" not in (await call("review_release_notes")).text
    log = await call("workspace_changelog_generate", since="v1.0.0", limit=2)
    assert log.text.count("\n- ") == 2
    assert f"- Tidy up ({repo.head[:10]}, Ada Lovelace, 2023-" in log.text
    for wrong in ({"since": "HEAD"}, {"since": "--output=x"}, {"until": "nowhere"}, {"limit": 0}):
        assert (await call("review_release_notes", **wrong)).error


async def test_a_model_writes_from_the_facts(call: Call, box: WorkspaceToolBox, bench: Bench) -> None:
    writer = Writer("# Notes")
    box.put("review", WritingTools(replace(bench, writer=writer)).tools())
    assert (await call("review_release_notes")).value["by"] == "facts"
    told = await call("review_release_notes", model=True)
    assert (told.text, told.value["by"]) == ("# Notes", "model")
    assert "new fees" in writer.asked[0][1]
    box.put("review", WritingTools(replace(bench, writer=Writer(error=UpstreamError("Away.")))).tools())
    told = await call("review_release_notes", model=True)
    assert told.text.endswith("(From facts alone: Away.)")
    assert "new fees" in told.text


async def test_a_pull_request(call: Call, repo: Repository, box: WorkspaceToolBox, bench: Bench) -> None:
    repo.git("switch", "-q", "-c", "topic")
    repo.commit("feat: topic", {"tests/test_x.py": "x\n", "migrations/1.sql": "x\n", "src/x.py": "y = 1\n"})
    told = await call("workspace_pr_template_generate")
    assert f"## Summary\n\n- feat: topic ({repo.head[:10]})\n" in told.text
    assert "Tests that change with it: tests/test_x.py." in told.text
    assert "It changes data or its schema" in told.text
    writer = Writer("Body")
    box.put("review", WritingTools(replace(bench, writer=writer)).tools())
    assert (await call("review_pull_request", base="main", model=True)).text == "Body"
    assert "+ y = 1" in writer.asked[0][1]
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
    assert (await call("review_commit_message", model=True)).text == "fix: fees"
    assert "^fix: " in writer.asked[0][0]
    assert "src/new.py" not in writer.asked[0][1]


async def test_a_patch_plan(call: Call, repo: Repository) -> None:
    assert (await call("review_patch_plan")).error
    repo.write({"src/fees.py": "x = 2\n", "docs/a.md": "x\n", "a.py": "two\n"})
    told = (await call("workspace_git_patch_plan")).text
    assert told.startswith("1. ")
    assert "src: src/fees.py (risk 0." in told
    assert "No test changes with it" in told


LINKED = "https://github.com/o/r/commit/"


async def test_commits_are_linked_by_the_remote_and_no_credential_is_shown(
    call: Call, repo: Repository, box: WorkspaceToolBox, bench: Bench
) -> None:
    assert "](" not in (await call("review_release_notes")).text
    repo.git("remote", "add", "origin", "https://me:hunter2hunter2@github.com/o/r.git")
    notes = await call("review_release_notes")
    own = repo.head
    assert f"([{own[:10]}]({LINKED}{own}))" in notes.text
    assert f"([{own[:10]}]({LINKED}{own}), Ada" in (await call("review_changelog")).text
    text = f"## Next\n\n- Tidied ({own[:10]}) [elsewhere](https://evil.example/{own[:10]}) 1234567 `{own[:7]}`\n"
    box.put("review", WritingTools(replace(bench, writer=Writer(text))).tools())
    told = (await call("review_release_notes", model=True)).text
    assert f"([{own[:10]}]({LINKED}{own}))" in told
    assert f"[`{own[:7]}`]({LINKED}{own})" in told
    assert "](https://evil" not in told
    assert told.count("](") == 2
    assert "hunter2" not in notes.text + told


async def test_what_does_not_fit_is_said(call: Call, repo: Repository, box: WorkspaceToolBox, bench: Bench) -> None:
    assert "2 older commits are left out" in (await call("review_changelog", limit=1)).text
    repo.write(
        {"src/big.py": "".join(f"x{n} = {n}  # {'y' * 90}\n" for n in range(3_000)), ".env": "TOKEN=letmein99\n"}
    )
    writer = Writer("Change much")
    box.put("review", WritingTools(replace(bench, writer=writer)).tools())
    told = await call("review_commit_message", model=True)
    assert told.value["text"] == "Change much"
    assert "Not shown to the model: .env (looks like a place of keys" in told.value["note"]
    assert "src/big.py:" in told.value["note"]
    assert "letmein99" not in writer.asked[0][1]
    assert "Last subjects:\nTidy up\n" in writer.asked[0][1]


async def test_a_fence_around_a_commit_message_goes(
    call: Call, repo: Repository, box: WorkspaceToolBox, bench: Bench
) -> None:
    repo.write({"src/fees.py": "x = 2\n"})
    box.put("review", WritingTools(replace(bench, writer=Writer("```\nfix: Vec<T>\n```"))).tools())
    assert (await call("review_commit_message", model=True)).value["text"] == "fix: Vec<T>"
