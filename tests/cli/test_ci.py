"""The hook and the pipeline of docs/ci.md, run as they stand there; and SARIF by its own schema."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

from sidecar.cli import run
from tests.fakes.repository import Repository, isolated_environment

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
SCHEMA = json.loads((ROOT / "tests" / "golden" / "sarif-2.1.0.schema.json").read_text(encoding="utf-8"))
SECRET = 'URL = "postgres://admin:' + 'Zq7Rk2Wm9Xv@db.internal/prod"\n'


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def repository(tmp_path) -> Repository:
    made = Repository.create(tmp_path / "repo", {"app.py": "x = 1\n"})
    made.commit("Fix crash", {"app.py": "x = 2\n"})
    return made


@pytest.fixture
def commit(repository, tmp_path):
    """`git commit` with a `sidecar` on the path, as a user has it; what it said, and whether it was let through."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "sidecar").write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m sidecar "$@"\n')
    (programs / "sidecar").chmod(0o755)
    env = {
        **isolated_environment(),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "SIDECAR_STATE_DIR": str(tmp_path / "state"),
    }

    def make(message: str, *more: str) -> tuple[int, str]:
        done = subprocess.run(
            ["git", "commit", "-m", message, *more],
            cwd=repository.root,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    return make


@pytest.mark.skipif(sys.platform == "win32", reason="the hook is a shell script")
def test_the_hook_of_the_page_refuses_hazards_and_nothing_else(repository, commit):
    (script,) = [block for block in blocks("sh") if block.startswith("#!")]
    hook = repository.root / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(script)
    hook.chmod(0o755)
    before = repository.head
    repository.stage({"app.py": "x = 2\n" + SECRET})
    code, said = commit("Talk to the database")
    assert (code, repository.head) == (1, before)
    assert "Hazard: a secret in the code  app.py:2" in said
    assert "There is 1 plain hazard in it." in said
    assert "Zq7Rk2" not in said
    repository.stage({"app.py": 'x = 2\nURL = os.environ["DATABASE_URL"]\n'})
    code, said = commit("Read the address from the environment")
    assert (code, repository.head != before) == (0, True), said


@pytest.mark.skipif(sys.platform == "win32", reason="the hook is a shell script")
@pytest.mark.parametrize(
    ("more", "staged", "refused"),
    [(["--all"], None, True), (["app.py"], None, True), (["--include", "app.py"], None, True), (["--amend", "--all"], None, True),
     (["other.py"], "app.py", False), ([], "app.py", True)],
    ids=["all", "a file", "a file with what is staged", "amended", "a file without what is staged", "what is staged"],
)  # fmt: skip
def test_the_hook_sees_what_this_commit_will_hold(repository, commit, more, staged, refused):
    (script,) = [block for block in blocks("sh") if block.startswith("#!")]
    hook = repository.root / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    repository.commit("Another file", {"other.py": "y = 1\n"})
    hook.write_text(script)
    hook.chmod(0o755)
    before = repository.head
    repository.write({"app.py": "x = 2\n" + SECRET, "other.py": "y = 2\n"})
    if staged is not None:
        repository.git("add", staged)
    code, said = commit("Talk to the database", *more)
    assert (code != 0, repository.head == before) == (refused, refused), said
    assert ("Hazard: a secret in the code  app.py:2" in said) is refused


def test_an_index_of_another_repository_is_nobodys(repository, monkeypatch, capsys, tmp_path):
    other = Repository.create(tmp_path / "other", {"b.py": "x = 1\n"})
    other.stage({"b.py": SECRET})
    repository.stage({"app.py": "x = 3\n"})
    monkeypatch.chdir(repository.root)
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.root / ".git" / "index"))
    assert run(["risk", "--staged", "--json"]) == 0
    assert [file["file"] for file in json.loads(capsys.readouterr().out)["files"]] == ["app.py"]


def test_the_configuration_for_pre_commit_names_our_command(repository, monkeypatch, capsys):
    (config,) = [yaml.safe_load(block) for block in blocks("yaml") if block.startswith("repos:")]
    (hook,) = config["repos"][0]["hooks"]
    name, *arguments = hook["entry"].split()
    assert name == "sidecar"
    monkeypatch.chdir(repository.root)
    repository.stage({"app.py": "x = 2\n" + SECRET})
    assert run(arguments) == 1
    assert hook["pass_filenames"] is False


def test_the_action_of_the_page_runs(repository, monkeypatch, capsys):
    (action,) = [yaml.safe_load(block) for block in blocks("yaml") if block.startswith("name: risk")]
    steps = action["jobs"]["risk"]["steps"]
    assert next(step for step in steps if "checkout" in step.get("uses", ""))["with"]["fetch-depth"] == 0
    repository.git("update-ref", "refs/remotes/origin/main", "HEAD")
    repository.git("checkout", "-q", "-b", "topic")
    repository.commit("Topic", {"app.py": "x = 2\n" + SECRET, "deploy.sh": "git push --force\n"})
    monkeypatch.chdir(repository.root)
    wanted = [
        step["run"].replace('"origin/$GITHUB_BASE_REF"', "origin/main")
        for step in steps
        if "sidecar risk" in step.get("run", "")
    ]
    codes = []
    for line in wanted:
        command, _, target = line.partition(" > ")
        codes.append(run(command.split()[1:]))
        if target:
            sarif = json.loads(capsys.readouterr().out)
            jsonschema.Draft7Validator(SCHEMA).validate(sarif)
            assert {result["ruleId"] for result in sarif["runs"][0]["results"]} >= {"secret", "force"}
    assert codes == [0, 1]


@pytest.mark.parametrize("arguments", [[], ["--staged"], ["--commits", "list"], ["--range", "HEAD~1..HEAD"]])
def test_sarif_is_valid_by_its_schema(repository, monkeypatch, capsys, arguments):
    code = "".join(f"def f{n}(a):\n    if a and {n}:\n        return a[{n} + 1].copy()\n" for n in range(40))
    repository.commit("Add much", {"pkg/a b.py": code, "é.py": code, "deploy.sh": "rm -rf /\n"})
    repository.stage({"app.py": code + SECRET})
    repository.write({"new.py": code + "breakpoint()\n", "list": "HEAD\nHEAD~1\nHEAD~2\n"})
    monkeypatch.chdir(repository.root)
    assert run(["risk", "--format", "sarif", *arguments]) == 0
    sarif = json.loads(capsys.readouterr().out)
    jsonschema.Draft7Validator(SCHEMA).validate(sarif)
    assert sarif["runs"][0]["results"]


def test_fail_on_hazard(repository, monkeypatch, capsys):
    monkeypatch.chdir(repository.root)
    repository.write({"app.py": "x = 2\ny = 3\n"})
    assert run(["risk", "--fail-on-hazard"]) == 0
    repository.write({"app.py": "x = 2\nbreakpoint()\n" + SECRET})
    capsys.readouterr()
    assert run(["risk", "--fail-on-hazard", "--fail-over", "0.001"]) == 1
    said = capsys.readouterr().err
    assert "There are 2 plain hazards in it." in said
    assert "is above 0.001" in said
    repository.commit("Do it")
    (repository.root / "list").write_text("HEAD\n")
    assert run(["risk", "--commits", "list", "--fail-on-hazard"]) == 1
