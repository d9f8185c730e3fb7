"""Command lines, and what they would make git do."""

import time

import pytest

from sidecar.core.policy import GitAct
from sidecar.core.shell import git_acts, is_single

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


@pytest.mark.parametrize(
    "command",
    [
        "git 2>/dev/null push", "git >x push", "git </dev/null push", "git <<<x push", "git 2>&1 -C . push", "git &>x push",
        "git pu\\\nsh", "g\\\nit push", "git $'push'", "git $'\\x70ush'", "git${IFS}push", "git$IFS'push'",
        "# it's\ngit push\n# it's", "cat <<'E'\ndon't\nE\ngit push\necho 'x'", "echo x # it's\ngit push",
        "hub push", "nix-shell --run 'git push'", "nix develop -c git push", "pkexec sh -c 'git push'",
        "bash <<< 'git push'", "echo git push | bash", "printf 'git push' | sh -s", "at now <<< 'git push'",
        "bash -c -- 'git push'", "bash -c -x 'git push'", "bash -c $'git\\x20push'", "env -S 'git push'", "rbash -c 'git push'",
        "watch 'git push'", "ssh host 'git push'", "trap 'git push' EXIT", "su -c 'git push'", 'cmd /c "git push"',
        "awk 'BEGIN{system(\"git push\")}'", "source <(echo git push)", "alias gp='git push'; gp", "GIT push",
        "c='git push'; $c", "c='git push'; eval $c", "c='git push'; bash -c \"$c\"", "read c <<< 'git push'; $c",
        "${x:-git push}", "git submodule foreach 'git push'", "git bisect run sh -c 'git push'", "git rebase -x 'git push' y",
        "git difftool --extcmd='git push'", "git grep -O'git push' x", "git -c core.pager='git push' -p log",
        "GIT_SSH_COMMAND='git push' git fetch", "EDITOR='git push' git rebase -i x", "git lfs push origin main",
        'echo "$(case x in x) git push;; esac)"', "python - <<< 'import os; os.system(\"git push\")'",
    ],
)  # fmt: skip
def test_a_push_is_found_behind_whatever_a_shell_takes_away(command: str) -> None:
    assert any(act.verb == "push" for act in git_acts(command)), git_acts(command)


@pytest.mark.parametrize("wrapped", [
    'echo "$(case x in x) {};; esac)"', "x=$(case $y in a | b) {}; esac)", "$(case x in y) ;; (x) {} ;; esac)",
    "if $(case x in x) case y in z);; *) {};; esac esac); then :; fi", "cat <(case x in x) {};& y) esac)",
    "x=`case x in x) {};; esac`",
])  # fmt: skip
@pytest.mark.parametrize("command", [
    "git push -uf origin topic", "git push origin +a:b", "git push --mirror", "git push origin :old", "git checkout -f",
    "git branch -D old", "git branch -f main x", "git fetch -f . a:b", "git worktree remove -f x", "git clean -xdf",
])  # fmt: skip
def test_an_act_in_a_case_in_a_substitution_is_read_as_it_is_elsewhere(wrapped: str, command: str) -> None:
    assert set(git_acts(command)) <= set(git_acts(wrapped.format(command)))


@pytest.mark.parametrize(
    "command",
    [
        "git $(echo push)", "git `echo push`", "P=push; git $P", 'git "$P"', "git pus{h,}", "git p*h", "git ${P:-x}",
        'set -- push; git "$@"', "sh -c 'git \"$@\"' x push", "echo push | xargs git", "printf push | xargs -I{} git {}",
        "parallel git ::: push", "alias g=git; g push", "env git $P", "if true; then git $P; fi", "git -C . $P",
    ],
)  # fmt: skip
def test_a_verb_that_only_a_shell_knows_is_hidden(command: str) -> None:
    assert GitAct("hidden") in git_acts(command)


@pytest.mark.parametrize(
    "command", ["/usr/bin/g?t push", "/usr/bin/gi[t] push", "$(which git) push", "`which git` push"]
)
def test_a_program_that_may_be_git_counts_as_git(command: str) -> None:
    assert PUSH in git_acts(command)


@pytest.mark.parametrize(
    ("command", "act"),
    [
        ("GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=alias.p GIT_CONFIG_VALUE_0=push git p", GitAct("settings")),
        ("export GIT_CONFIG_PARAMETERS=\"'alias.p=push'\"", GitAct("settings")),
        ("git --config-env=alias.p=X p", GitAct("settings")),
        ("POLICY_GIT_ALLOW_PUSH=true sidecar serve", GitAct("rules")),
        ("export POLICY_GIT_ALLOW_PUSH=true", GitAct("rules")),
        ("sidecar hooks remove", GitAct("rules")),
        ("python -m sidecar hooks remove --git", GitAct("rules")),
        ('# "\ngit branch -D main', GitAct("delete", force=True, targets=("main",))),
        ("# '\ngit clean -fdx", GitAct("discard", force=True)),
        ("x 'git update-ref -d y", GitAct("rewrite", force=True)),
        ("x 'git push -uf y", GitAct("push", force=True)),
        ("x 'git push y :z", GitAct("push", force=True)),
        ("x 'git push y z; rm -d", GitAct("push")),
        ("x 'git checkout -qf", GitAct("discard", force=True)),
    ],
)
def test_other_ways_round(command: str, act: GitAct) -> None:
    assert act in git_acts(command)


@pytest.mark.parametrize(
    "command",
    [
        "git log $X", "git -C $D status", 'git -C "$D" log --oneline', "git log $(git merge-base a b)", "git checkout $B", "git -c core.pager=cat log",
        "git -c core.editor=true rebase --abort", "GIT_PAGER=cat git log", "$PYTHON -m pytest", '"$VENV/bin/python" x.py', "ls | xargs cat", "git stash list",
        "find . -name '*.py' -exec grep git {} \\;", "GIT_EDITOR=true git rebase --abort", "cat x | git apply --check", "git fetch --all",
        "git log --format='%h %s' | head", "docker run x sh -c 'ls'", "sidecar hooks status", "git remote -v", "for f in *; do git log $f; done",
    ],
)  # fmt: skip
def test_what_is_not_guarded_passes(command: str) -> None:
    assert git_acts(command) == ()


def test_a_long_message_is_read_as_git_will_get_it() -> None:
    command = 'git commit -m "$(cat <<\'END\'\nfix: don\'t "push"\n\nWhy not.\nEND\n)"'
    assert list(git_acts(command)) == [GitAct("commit", message='fix: don\'t "push"\n\nWhy not.')]
    assert not is_single(command)
    assert is_single("git commit -m 'a $(b)' 2>&1")
    assert list(git_acts('git commit -m "$X"')) == [GitAct("commit")]
