"""`sidecar risk` as people and programs call it."""

import io
import json
import math
import os
import subprocess
import sys

import pytest

from sidecar.cli import run
from tests.fakes.repository import Repository

CODE = "def retry(call):\n    for n in range(3):\n        try:\n            return call()\n        except OSError:\n            pass\n"


@pytest.fixture
def repository(tmp_path, monkeypatch):
    made = Repository.create(tmp_path / "repo", {"app.py": "x = 1\n", "README.md": "hi\n"})
    made.commit("Fix crash", {"app.py": "x = 2\n"})
    made.commit("Add retry", {"app.py": "x = 2\n" + CODE})
    monkeypatch.chdir(made.root)
    return made


@pytest.fixture
def say(capsys):
    def call(*arguments, code=0):
        assert run(["risk", *arguments]) == code
        return capsys.readouterr()

    return call


def test_the_documented_object(repository, say):
    repository.write({"app.py": "x = 2\n" + CODE + "y = retry(print)\n"})
    found = json.loads(say("--json").out)
    assert found["commit"] is None
    assert found["model"].count("@") == 1
    assert found["band"] in {"low", "medium", "high", "critical"}
    assert 0 < found["score"] < 1
    assert found["ms"] > 0
    assert found["files"] == [{"file": "app.py", "score": pytest.approx(found["score"])}]
    (hunk,) = found["hunks"]
    assert (hunk["file"], hunk["start"], hunk["end"]) == ("app.py", 8, 8)
    assert [line["line"] for line in hunk["lines"]] == [8]
    assert all({"feature", "value", "effect", "text"} == set(reason) for reason in found["reasons"])
    logit = math.log(found["score"] / (1 - found["score"]))
    assert found["base"] + sum(reason["effect"] for reason in found["reasons"]) == pytest.approx(logit, abs=0.01)


def test_the_working_tree_is_the_default(repository, say):
    assert say().out.strip() == "low 0.01  Nothing is changed, so there is nothing to score."
    repository.write({"app.py": "x = 3\n"})
    assert say().out.splitlines()[1:] == say("--working-tree").out.splitlines()[1:]
    assert "app.py:1" in say().out
    repository.write({"app.py": None})
    assert "adds no new line of code" in say().out


def test_what_is_staged(repository, say):
    repository.stage({"app.py": "x = 3\n"})
    repository.write({"app.py": "x = 3\ny = 4\n"})
    assert [h["start"] for h in json.loads(say("--staged", "--json").out)["hunks"]] == [1]


def test_ranges_and_bases(repository, say):
    repository.git("checkout", "-q", "-b", "topic")
    repository.commit("Topic", {"topic.py": "t = 1\n"})
    repository.git("checkout", "-q", "main")
    repository.commit("Main", {"main.py": "m = 1\n"})

    def files(*arguments):
        return [file["file"] for file in json.loads(say(*arguments, "--format", "json").out)["files"]]

    assert files("--range", "main..topic") == ["topic.py"]
    assert files("--range", "HEAD~1..") == ["main.py"]
    assert files("--range", "topic...main") == ["main.py"]
    assert files("--base", "topic") == ["main.py"]


def test_commits_in_the_given_order(repository, say, tmp_path):
    ids = repository.git("rev-list", "HEAD").split()
    (tmp_path / "list").write_text("\n".join([*ids, "", ids[0]]) + "\n")
    lines = [json.loads(line) for line in say("--commits", str(tmp_path / "list")).out.splitlines()]
    assert [line["commit"] for line in lines] == [*ids, ids[0]]
    assert lines[0]["score"] == lines[-1]["score"]


def test_lines_that_no_test_touches(repository, say):
    repository.write({"app.py": "x = 2\n" + CODE + "y = retry(print)\n"})
    lines = {"executed_lines": [1, 2], "missing_lines": [3, 4, 8]}
    report = json.dumps({"meta": {"version": "7"}, "files": {"app.py": lines}})
    assert "No test touches" not in say().out
    repository.write({"coverage.json": report})
    later = repository.path("app.py").stat().st_mtime + 10
    os.utime(repository.path("coverage.json"), (later, later))
    assert "No test touches this line (coverage.py, " in say().out
    os.utime(repository.path("app.py"), (later, later))
    assert "No test touches" not in say().out


def test_commits_are_told_with_their_evidence_when_more_is_to_be_said(tmp_path, say, monkeypatch):
    made = Repository.create(tmp_path / "told", {"a.py": "def pay(x):\n    return x\n", "b.py": "B = 0\n"})
    for n in range(1, 6):
        made.commit("Fix wrong sum", {"a.py": f"def pay(x):\n    return x + {n}\n", "b.py": f"B = {n}\n"})
    fix = made.git("rev-parse", "--short=7", "HEAD")
    body = "".join(f"    if x[{n}] > {n} and y:\n        x = count(x, y)[{n}]\n" for n in range(40))
    made.commit("Count", {"a.py": f"def pay(x, y):\n{body}    return x + 5\n"})
    monkeypatch.chdir(made.root)
    (tmp_path / "list").write_text("HEAD\n")

    def reasons(*more):
        (report,) = map(json.loads, say("--commits", str(tmp_path / "list"), *more).out.splitlines())
        return " ".join(reason["text"] for hunk in report["hunks"] for reason in hunk["reasons"])

    assert f"The function pay was repaired once in the last year: {fix}." in reasons("-v")
    assert "usually changes with b.py" in reasons("-v")
    assert "repaired once in the last year" not in reasons()


def test_commits_from_standard_input_on_a_bare_repository(repository, tmp_path):
    repository.git("clone", "-q", "--bare", str(repository.root), str(tmp_path / "bare.git"))
    command = [
        sys.executable,
        "-m",
        "sidecar",
        "risk",
        "--repo",
        str(tmp_path / "bare.git"),
        "--commits",
        "-",
        "--format",
        "jsonl",
    ]
    done = subprocess.run(command, input=b"HEAD\nbad\nHEAD~1\n", capture_output=True, check=False)
    assert done.returncode == 2
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["commit"] for line in lines] == [repository.head, "bad", repository.git("rev-parse", "HEAD~1")]
    assert "error" in lines[1]
    assert lines[2]["score"] > 0
    assert b"1 of 3 revisions" in done.stderr
    assert b"Traceback" not in done.stderr


def places(found):
    return [(hunk["file"], hunk["start"], hunk["end"]) for hunk in found["hunks"]]


def test_a_patch_as_if_it_were_applied_here(repository, say, tmp_path, monkeypatch):
    repository.write({"app.py": "x = 3\n" + CODE})
    patch = repository.git("diff") + "\n"
    expected = json.loads(say("--json").out)
    (tmp_path / "p.patch").write_text(patch)
    found = json.loads(say("--patch", str(tmp_path / "p.patch"), "--json").out)
    assert places(found) == places(expected)
    assert found["score"] == pytest.approx(expected["score"], rel=1e-3)  # a moment later
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(patch.encode())))
    assert places(json.loads(say("--patch", "-", "--json").out)) == places(expected)


def test_a_buffer_that_is_not_saved(repository, say, monkeypatch):
    def typed(text, *arguments, code=0):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        return say(*arguments, code=code)

    before = repository.path("app.py").read_text()
    found = json.loads(typed(before + "y = retry(print)\nbreakpoint()\n", "--buffer", "app.py", "--json").out)
    assert places(found) == [("app.py", 8, 9)]
    assert [one["rule"] for one in found["findings"]] == ["debugger"]
    assert repository.path("app.py").read_text() == before
    repository.write({"app.py": before + "y = retry(print)\n"})
    assert json.loads(typed(before, "--buffer", str(repository.path("app.py")), "--json").out)["hunks"] == []
    assert "not in this repository" in typed("x", "--buffer", "../elsewhere.py", code=2).err
    assert "--staged and --buffer" in typed("x", "--staged", "--buffer", "app.py", code=2).err


def test_fail_over(repository, say):
    repository.write({"app.py": "x = 3\n" + CODE})
    assert "is above 0.01" in say("--fail-over", "0.01", code=1).err
    say("--fail-over", "0.99")
    say("--fail-over", "1.5", code=2)


def test_each_commit_that_is_not_let_through_is_named(repository, say, tmp_path):
    repository.commit("More", {"app.py": "x = 3\n" + CODE})
    names = tmp_path / "names"
    names.write_text("HEAD\n")
    head = repository.git("rev-parse", "HEAD")
    said = say("--commits", str(names), "--fail-over", "0.001", code=1).err
    assert f"{head[:12]}: The score " in said
    names.write_text("nothing\n")
    assert "1 of 1 revision could not be scored; nothing was scored." in say("--commits", str(names), code=2).err


def test_code_that_moved_is_no_risk_and_says_so(repository, say):
    block = "def total(items):\n    if not items:\n        return fallback(0)\n    return sum(items)\n"
    repository.commit("Put it here", {"app.py": "x = 1\n\n\n" + block, "other.py": "y = 1\n"})
    repository.write({"app.py": "x = 1\n", "other.py": "y = 1\n\n\n" + block})
    found = json.loads(say("--json").out)
    assert (found["band"], found["files"], found["hunks"]) == ("low", [], [])
    why = {item["file"]: item["why"] for item in found["skipped"]}
    assert why["other.py"] == "moved code: its lines stood elsewhere before this change"


def test_a_buffer_that_is_on_no_disk_yet(repository, say, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(CODE.encode())))
    found = json.loads(say("--buffer", "fresh.py", "--json").out)
    assert [file["file"] for file in found["files"]] == ["fresh.py"]


MISUSE = [
    (("--staged", "--base", "main"), "--staged and --base"),
    (("--range", "main"), "two dots"),
    (("--range", "nothing..HEAD"), "'nothing'"),
    (("--base", "nothing"), "'nothing'"),
    (("--commits", "no such file"), "no such file"),
    (("--patch", "no such file"), "no such file"),
    (("--format", "xml"), "xml"),
    (("--repo", "no such folder"), "no such folder"),
]


@pytest.mark.parametrize(("arguments", "word"), MISUSE, ids=[" ".join(a) for a, _ in MISUSE])
def test_misuse_is_told_in_a_sentence(repository, say, arguments, word):
    said = say(*arguments, code=2)
    assert word in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


def test_no_repository(tmp_path, say, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "git" in say(code=2).err


def test_a_bare_repository_has_no_work_tree(repository, say, tmp_path):
    repository.git("clone", "-q", "--bare", str(repository.root), str(tmp_path / "bare.git"))
    bare = ("--repo", str(tmp_path / "bare.git"))
    assert "--range" in say(*bare, code=2).err
    assert "--range" in say(*bare, "--staged", code=2).err
    assert "app.py" in say(*bare, "--range", "HEAD~1..HEAD").out


def test_a_repository_without_commits(tmp_path, say, monkeypatch):
    made = Repository.create(tmp_path / "new")
    monkeypatch.chdir(made.root)
    assert "Nothing is changed" in say().out
    made.write({"a.py": CODE})
    assert "a.py:1-6" in say().out


def test_names_that_are_no_utf8(repository, say):
    name = b"caf\xe9.py".decode("utf-8", "surrogateescape")
    try:
        repository.write({name: "x = 1\n"})
    except OSError:
        pytest.skip("this file system wants UTF-8 names")
    assert json.loads(say("--json").out)["files"][0]["file"] == "caf\ufffd.py"
    assert "caf" in say().out
    say("--format", "sarif")


def test_the_history_is_read_once_and_kept_outside_the_repository(repository, say, tmp_path, monkeypatch):
    monkeypatch.setenv("SIDECAR_STATE_DIR", str(tmp_path / "state"))
    repository.write({"app.py": "x = 3\n" + CODE})
    first = json.loads(say("--json").out)
    (kept,) = tmp_path.glob("state/*/history.db")
    assert "history.db" not in repository.git("status", "--porcelain", "--ignored")
    assert json.loads(say("--json").out)["score"] == pytest.approx(first["score"], abs=1e-6)
    assert first["model"].startswith("jit-")
    assert "/" not in first["model"]
    assert kept.stat().st_size > 0


def test_a_state_folder_that_cannot_be_used_costs_no_score(repository, say, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SIDECAR_STATE_DIR", str(tmp_path / "file"))
    repository.write({"app.py": "x = 3\n" + CODE})
    assert "will not be kept" in say("-v").err
