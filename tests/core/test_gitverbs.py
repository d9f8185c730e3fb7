"""Verbs of git with their words, as acts."""

import pytest

from sidecar.core.gitverbs import act_of
from sidecar.core.policy import GitAct

MERGE = GitAct("merge", untested=True)
SETTINGS = GitAct("settings")
DISCARD = GitAct("discard", force=True)
REWRITE = GitAct("rewrite", force=True)


@pytest.mark.parametrize(
    ("line", "act"),
    [
        ("push --all", GitAct("push", targets=("*",))),
        ("push origin @", GitAct("push")),
        ("push origin x:heads/main", GitAct("push", targets=("heads/main",))),
        ("fetch . +a:main", GitAct("rewrite", force=True, targets=("main",))),
        ("fetch -f . a:main", GitAct("rewrite", force=True, targets=("main",))),
        ("fetch origin +refs/heads/*:refs/remotes/origin/*", None),
        ("fetch origin main", None),
        ("merge -m --squash x", MERGE),
        ("merge --no-commit --commit x", MERGE),
        ("merge --squash --no-squash x", MERGE),
        ("merge --no-ff --no-commit x", None),
        ("cherry-pick -n x", None),
        ("cherry-pick -X -n x", MERGE),
        ("pull --ff-only --rebase", GitAct("pull", untested=True)),
        ("reset --h", REWRITE),
        ("stash drop", DISCARD),
        ("stash push", None),
        ("checkout .", DISCARD),
        ("checkout -- a.py", None),
        ("restore :/", DISCARD),
        ("restore --staged .", None),
        ("reflog expire --all", REWRITE),
        ("worktree remove -f x", DISCARD),
        ("read-tree --reset -u HEAD", DISCARD),
        ("remote set-url origin x", SETTINGS),
        ("remote -v", None),
        ("config --unset core.hooksPath", SETTINGS),
        ("config --remove-section core", SETTINGS),
        ("config -e", SETTINGS),
        ("config filter.x.clean y", SETTINGS),
        ("config remote.origin.pushurl x", SETTINGS),
        ("config include.path x", SETTINGS),
        ("config get alias.x", None),
        ("config user.name x", None),
        ("config --unset user.name", None),
        ("lfs push origin main", GitAct("push")),
    ],
)  # fmt: skip
def test_what_a_verb_does(line: str, act: GitAct | None) -> None:
    verb, *rest = line.split()
    assert act_of(verb, rest) == act
