"""Command lines, and what they would make git do."""

import time

import pytest

from sidecar.core.policy import GitAct
from sidecar.core.shell import git_acts

PUSH = GitAct("push")
FORCED = GitAct("push", force=True)


@pytest.mark.parametrize(
    ("command", "acts"),
    [
        ("git push", [PUSH]),
        ("git push origin main", [GitAct("push", targets=("main",))]),
        ("git push origin HEAD:refs/heads/x", [GitAct("push", targets=("refs/heads/x",))]),
        ("git push -f", [FORCED]),
        ("git push --forc", [FORCED]),
        ("git push -uf origin x", [GitAct("push", force=True, targets=("x",))]),
        ("git push origin +x", [GitAct("push", force=True, targets=("x",))]),
        ("git push origin :x", [GitAct("push", force=True, targets=("x",))]),
        ("git push --mirror", [GitAct("push", force=True, targets=("*",))]),
        ("/usr/bin/git push", [PUSH]),
        ("git -C /elsewhere push", [PUSH]),
        ("git --no-pager -c user.name=x push", [PUSH]),
        ("GIT_DIR=x git push", [PUSH]),
        ("env -u X git push", [PUSH]),
        ("sudo -E git push", [PUSH]),
        ("cd x && git push", [PUSH]),
        ("true || git push; false", [PUSH]),
        ("make\ngit push", [PUSH]),
        ("(git push)", [PUSH]),
        ("if true; then git push; fi", [PUSH]),
        ("sh -c 'git push'", [PUSH]),
        ('bash -lc "cd x; git push"', [PUSH]),
        ("sh -c \"sh -c 'git push'\"", [PUSH]),
        ("eval git push", [PUSH]),
        ("eval 'git push'", [PUSH]),
        ("x=$(git push 2>&1)", [PUSH]),
        ('echo "$(git push)"', [PUSH]),
        ("echo `git push`", [PUSH]),
        ("git \\\n push", [PUSH]),
        ('g"it" pu\'sh\'', [PUSH]),
        ("$GIT push", [PUSH]),
        ("xargs git push", [PUSH]),
        ("find . -exec git push \\;", [PUSH]),
        ("git-push", [PUSH]),
        ("git send-pack origin", [PUSH]),
        ("git subtree push --prefix x origin y", [PUSH]),
        ("python3 -c \"import os; os.system('git push')\"", [PUSH]),
        ("cat <<EOF\nit's\nEOF\ngit push", [PUSH]),
        ("bash <<EOF\ngit push\nEOF", [PUSH]),
        ("git p", [PUSH]),
        ("git bang", [PUSH]),
        ("git -c alias.x=push x", [GitAct("settings")]),
        ("git config alias.x push", [GitAct("settings")]),
        ("git config core.hooksPath /dev/null", [GitAct("settings")]),
        ("git pull --rebase", [GitAct("pull", untested=True)]),
        ("git pull --ff-only", [GitAct("pull")]),
        ("git commit -m 'a b'", [GitAct("commit", message="a b")]),
        ("git commit -am x", [GitAct("commit", message="x", whole=False)]),
        ("git commit --message=x --amend", [GitAct("commit", message="x", whole=False)]),
        ("git commit -m a -m b", [GitAct("commit", message="a\n\nb")]),
        ("git commit", [GitAct("commit")]),
        ("git reset --hard HEAD~1", [GitAct("rewrite", force=True)]),
        ("git reset --har", [GitAct("rewrite", force=True)]),
        ("git branch -D x", [GitAct("delete", force=True, targets=("x",))]),
        ("git branch -d x", [GitAct("delete", targets=("x",))]),
        ("git checkout -f", [GitAct("discard", force=True)]),
        ("git switch -C x", [GitAct("rewrite", force=True, targets=("x",))]),
        ("git clean -fdx", [GitAct("discard", force=True)]),
        ("git merge topic", [GitAct("merge", untested=True)]),
        ("git merge -n topic", [GitAct("merge", untested=True)]),
        ("git merge --ff-only topic", [GitAct("merge")]),
        ("git merge --continue", [GitAct("merge", untested=True)]),
        ("git am x.patch", [GitAct("merge", untested=True)]),
        ("git subtree add -P x url main", [GitAct("merge", untested=True)]),
        ("git cherry-pick abc && git revert x", [GitAct("merge", untested=True)]),
        ("git rebase main", [GitAct("rewrite", untested=True)]),
        ("git filter-branch x", [GitAct("rewrite", force=True)]),
    ],
)  # fmt: skip
def test_guarded_acts_are_found(command: str, acts: list[GitAct]) -> None:
    assert list(git_acts(command, {"p": "push", "bang": "!git push"})) == acts


@pytest.mark.parametrize(
    "command",
    [
        "git status", "git log --grep=push", "git diff", "git stash push", "grep -rn 'git push' .", "echo git push", "ls push",
        "git show push", "git reset a.py", "git checkout main", "git branch", "git fetch origin", "git config --get alias.x",
        "npm run push", "git rebase --abort", "git merge --abort", "git cherry-pick -n x", "git revert --no-commit x", "git merge --no-commit x", "git merge --squash x", "git am --abort", "cat git push", "", "   ", "git", "git -C", "git lfs pull --help | cat",
    ],
)  # fmt: skip
def test_the_rest_is_left_alone(command: str) -> None:
    assert git_acts(command) == ()


def test_what_is_nested_too_deeply_is_guessed() -> None:
    command = "git push"
    for _ in range(8):
        command = f"eval {command}"
    assert PUSH in git_acts(command)


@pytest.mark.parametrize(
    "command",
    ["git " * 20_000, "'" + "git x " * 20_000, "$(" * 5_000, "eval " * 5_000, "a" * 1_000_000, "$(git " * 3_000, "`git`" * 5_000],
    ids=["gits", "open quote", "nested", "evals", "long", "open", "ticks"],
)  # fmt: skip
def test_no_command_takes_long_to_read(command: str) -> None:
    began = time.process_time()
    git_acts(command, {"q": "!git q"})
    assert time.process_time() - began < 3
