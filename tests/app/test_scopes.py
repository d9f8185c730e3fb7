"""The real server over a real repository: one diff after the other, and a folder that is not trusted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.editor.client import Editor
from tests.fakes.repository import Repository, isolated_environment

CALM = "def pay(order):\n    return order.price\n"
RISKY = "".join(
    f"    if order.kind == {n} and order.due != {n}: total = max(total, order.price - {n})\n" for n in range(20)
)
STAGED = f"def pay(order):\n    total = 0\n{RISKY}    return total\n"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """What is staged is risky, and then mostly taken back."""
    made = Repository.create(tmp_path / "repo", {"pay.py": CALM})
    made.stage({"pay.py": STAGED})
    made.write({"pay.py": CALM})
    return made


def environment(tmp_path: Path) -> dict[str, str]:
    return {
        **isolated_environment(),
        "SIDECAR_STATE_DIR": str(tmp_path / "state"),
        "CLAUDE_CONFIG_DIR": str(tmp_path / "claude"),
        "PORT": "0",
    }


def test_the_editor_sees_one_diff_at_a_time(repository: Repository, tmp_path: Path) -> None:
    with Editor("-m", "sidecar", "lsp", environment=environment(tmp_path)) as editor:
        editor.open(repository.root)
        assert editor.ask("sidecar/review")["openThreads"] == 0
        staged = {"kind": "staged", "ref": "", "title": ""}
        assert editor.ask("sidecar/review", {"scope": staged})["openThreads"] > 0
        change = editor.told("sidecar/threads/changed", lambda told: told["full"] and told["upserts"])
        thread = change["upserts"][0]
        revision = f"sidecar-revision:{repository.root}/pay.py?index"
        assert (thread["uri"], thread["inRevision"]["uri"]) == (revision, revision)
        assert editor.ask("sidecar/review/text", {"uri": revision})["text"] == STAGED
        outline = editor.ask("sidecar/review/outline")
        assert (outline["scope"]["kind"], [file["path"] for file in outline["files"]]) == ("staged", ["pay.py"])
        file = outline["files"][0]
        assert (file["newUri"], editor.ask("sidecar/review/text", {"uri": file["oldUri"]})["text"]) == (revision, CALM)
        refused = editor.refusal("sidecar/review", {"scope": {"kind": "commit", "ref": "gone", "title": ""}})
        assert "no commit 'gone'" in refused["message"]
        assert editor.ask("sidecar/status")["scope"]["kind"] == "staged"
        repository.write({"pay.py": "\n" + STAGED})
        editor.notify("textDocument/didSave", {"textDocument": {"uri": repository.path("pay.py").as_uri()}})
        saved = repository.path("pay.py").as_uri()
        moved = editor.told(
            "sidecar/threads/changed",
            lambda told: any((t["id"], t["uri"]) == (thread["id"], saved) for t in told["upserts"]),
        )
        (again,) = [each for each in moved["upserts"] if each["id"] == thread["id"]]
        assert again["startLine"] == thread["startLine"] + 1
        assert again["inRevision"] == thread["inRevision"]
        answered = editor.ask("sidecar/thread/reply", {"id": thread["id"], "body": "Why?"})
        assert len(answered["comments"]) == 3
        assert editor.leave() == 0


FOCUSED = "test('adds', () => {})\ntest.only('subtracts', () => {\n  expect(1 - 1).toBe(0)\n})\n"


def test_the_suggestion_of_a_finding_is_an_edit_of_the_text_that_the_editor_has(tmp_path: Path) -> None:
    made = Repository.create(tmp_path / "repo", {"sum.test.js": "test('adds', () => {})\n"})
    made.write({"sum.test.js": FOCUSED})
    uri = made.path("sum.test.js").as_uri()
    with Editor("-m", "sidecar", "lsp", environment=environment(tmp_path)) as editor:
        editor.open(made.root)
        editor.ask("sidecar/review")
        (thread,) = editor.ask("sidecar/threads/snapshot")["upserts"]
        (comment,) = thread["comments"]
        assert (thread["rules"], comment["suggestion"]) == (["disabled-test"], True)
        assert "Suggested in its place:" in comment["body"]
        wanted = {"id": thread["id"], "comment": comment["id"], "text": f"// typed\n{FOCUSED}"}
        edit = editor.ask("sidecar/suggestion/get", wanted)
        line = {"startLine": 2, "lineCount": 1, "lines": ["test('subtracts', () => {"]}
        assert edit == {"uri": uri, "edits": [line]}
        gone = editor.refusal("sidecar/suggestion/get", wanted | {"text": FOCUSED.replace("only", "skip")})
        assert gone["code"] == -32801
        # The editor makes the edit: the thread closes with its finding.
        opened = {"uri": uri, "languageId": "javascript", "version": 1, "text": FOCUSED.replace(".only", "")}
        editor.notify("textDocument/didOpen", {"textDocument": opened})
        made.write({"sum.test.js": FOCUSED.replace(".only", "")})
        editor.notify("textDocument/didSave", {"textDocument": {"uri": uri}})
        editor.without(thread["id"])
        assert editor.leave() == 0


def test_a_folder_that_is_not_trusted_is_reviewed_and_nobody_is_let_in(repository: Repository, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    repository.git("config", "core.fsmonitor", f"touch {trap}")
    repository.git("config", "diff.external", f"touch {trap}")
    trap.unlink(missing_ok=True)  # git itself runs it, even while it is configured
    repository.write({"pay.py": STAGED})
    with Editor("-m", "sidecar", "lsp", environment=environment(tmp_path)) as editor:
        status = editor.open(repository.root, restricted=True)
        assert (status["state"], status["port"], status["companionPort"], status["baseUrl"]) == ("ready", 0, 0, "")
        assert editor.ask("sidecar/review")["openThreads"] > 0
        (thread, *_) = editor.ask("sidecar/threads/snapshot")["upserts"]
        refused = editor.refusal("sidecar/thread/reply", {"id": thread["id"], "body": "Why?"})
        assert "Restricted Mode" in refused["message"]
        assert not trap.exists()
        assert not (tmp_path / "claude" / "ide").exists()
        assert editor.leave() == 0
