"""What is read from a command line is what a real bash does with it: every git that it starts is among the acts."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sidecar.core.shell import git_acts
from tests.explore import share

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="bash and a script in the place of git")

RUNS = [
    ["push"], ["push", "-f"], ["push", "origin", "main"], ["push", "origin", "+x:y"], ["reset", "--hard", "HEAD"],
    ["clean", "-fdx"], ["branch", "-D", "old"], ["checkout", "-f"], ["commit", "-m", "it's (done); git rm"],
    ["merge", "topic"], ["rebase", "main"], ["status"], ["pull"], ["-C", ".", "push"], ["-c", "core.hooksPath=x", "commit"],
]  # fmt: skip
PLAIN = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./+:=")


@st.composite
def word(draw, text: str) -> str:
    how = draw(st.sampled_from(["plain", "single", "double", "cut", "escaped", "dollar"]))
    if how == "plain" and set(text) <= PLAIN:
        return text
    if how == "double":
        return '"' + text + '"'
    if how == "cut" and len(text) > 1:
        return shlex.quote(text[0]) + '""' + shlex.quote(text[1:])
    if how == "escaped":
        return "".join("\\" + c if not c.isalnum() else c for c in text)
    if how == "dollar":
        return "$'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
    return "'" + text.replace("'", "'\\''") + "'"


WRAPS = ["", "", "", "command ", "env ", "env -u X ", "A=b ", "A='b c' ", "nohup ", "time ", "timeout 50 ", "nice -n 1 ", "! ", "exec ",
         "2>/dev/null ", ">/dev/null ", "</dev/null ", "stdbuf -o0 "]  # fmt: skip
AFTER = ["", "", " >/dev/null", " 2>&1", " </dev/null", " &>/dev/null", " # it's done", ' # "so', " # (x"]


@st.composite
def simple(draw) -> str:
    argv = ["git", *draw(st.sampled_from(RUNS))]
    words = [draw(word(one)) for one in argv]
    gap = draw(st.sampled_from([" ", "  ", "\t", " \\\n "]))
    return draw(st.sampled_from(WRAPS)) + gap.join(words) + draw(st.sampled_from(AFTER))


def block(inner):
    return st.one_of(
        st.builds(
            lambda a, sep, b: f"{a}\n{b}" if "#" in a else f"{a}{sep}{b}",
            inner,
            st.sampled_from(["; ", " && ", " || ", " | ", "\n", " & "]),
            inner,
        ),
        inner.map(lambda a: f"({a}\n)"),
        inner.map(lambda a: f"{{ {a}\n}}"),
        inner.map(lambda a: f"if true; then {a}\nfi"),
        inner.map(lambda a: f"if {a}\nthen :; fi"),
        inner.map(lambda a: f"for x in 1; do {a}\ndone"),
        inner.map(lambda a: f"case x in (x) {a}\n;; esac"),
        inner.map(lambda a: f"case x in y) ;; x | z) {a}\n;; esac"),
        inner.map(lambda a: f"case x\nin\n# don't\n(y | x) {a}\nesac"),
        inner.map(lambda a: f"shopt -s extglob\ncase x in +(x|y)) {a}\n;; esac"),
        inner.map(lambda a: f"if case x in x) true;& case) {a}\n;; esac then :; fi"),
        inner.map(lambda a: f'echo "$(case x in x) {a}\nesac)"'),
        inner.map(lambda a: f"x=`case x in x) {a}\n;; esac`" if not set("`\\$") & set(a) else a),
        inner.map(lambda a: f"f() {{ {a}\n}}; f"),
        inner.map(lambda a: f"x=$({a}\n)"),
        inner.map(lambda a: f'echo "$({a}\n)"'),
        inner.map(lambda a: f"bash -c {shlex.quote(a)}"),
        inner.map(lambda a: ("bash" if "$'" in a else "sh") + f" -c {shlex.quote(a)} x"),  # sh may not know $'…'
        inner.map(lambda a: f"eval {shlex.quote(a)}"),
        inner.map(lambda a: f"cat <<'EOF'\nit's \"one\nEOF\n{a}"),
        inner.map(lambda a: f"cat > /dev/null <<EOF\ndon't\nEOF\n{a}"),
        inner.map(lambda a: f"bash <<'EOF'\n{a}\nEOF"),
        inner.map(lambda a: f"echo 'it is'; {a}"),
        inner.map(lambda a: f"trap {shlex.quote(a)} EXIT"),
        inner.map(lambda a: f"[[ -n x ]] && {a}"),
        inner.map(lambda a: f"cat <({a}\n)"),
        inner.map(lambda a: f"# don't\n{a}"),
    )


COMMANDS = st.recursive(simple(), block, max_leaves=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("bash")
    stub = made / "bin" / "git"
    stub.parent.mkdir()
    stub.write_text('#!/bin/sh\nfor a in "$@"; do printf "%s\\0" "$a" >>"$LOG.$$"; done; printf "" >>"$LOG.$$"\n')
    stub.chmod(0o755)
    return made


@share(60)
@given(command=COMMANDS)
@example(command="if trap 'git push' EXIT\nthen :; fi")
@example(command="git clean -fdx # don't")
@example(command='echo "$(case x in x) git branch -D old;; esac)"')
@example(command="x=$(case x in x) { git push -f; } esac)")
@example(command="x=$(case x in esac); git push -f")
@example(command="cat <<EOF\nit's\nEOF\ngit branch -D old")
def test_every_git_that_bash_starts_was_read(folder: Path, command: str) -> None:
    for old in folder.glob("log.*"):
        old.unlink()
    env = {"PATH": f"{folder / 'bin'}:/usr/bin:/bin", "LOG": str(folder / "log"), "HOME": str(folder)}
    bash = [shutil.which("bash") or "bash", "-c", f"{command}\nwait"]
    subprocess.run(bash, cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    found = git_acts(command)
    for log in folder.glob("log.*"):
        argv = log.read_text().split("\0")[:-1]
        for act in git_acts(shlex.join(["git", *argv])):
            same = [one for one in found if one.verb == act.verb]
            like = [one for one in same if one.force >= act.force and one.untested >= act.untested]
            assert like, "each is found, as forceful as it is"
            assert act.verb != "push" or any(set(act.targets) <= set(one.targets) for one in like)


def test_the_reference_sees_what_is_started(folder: Path) -> None:
    test_every_git_that_bash_starts_was_read.hypothesis.inner_test(folder, "x=$(git push origin main)")
    assert [log.read_text() for log in folder.glob("log.*")] == ["push\0origin\0main\0"]
