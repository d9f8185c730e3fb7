"""`sidecar review` as people and programs call it, before a scripted model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sidecar.cli import run
from tests.cli.processes import COMMAND, environment
from tests.critique.making import called, comment
from tests.fakes.repository import Repository
from tests.fakes.upstream import Seen, Upstream, answer, fault, stall

GOOD = comment("app.py", 2, "y = eval(x)", title="Eval of input", severity="high")

Say = Callable[..., pytest.CaptureFixture[str]]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    made = Repository.create(tmp_path / "repo", {"app.py": "x = 1\n", "b.py": "b = 1\n"})
    made.write({"app.py": "x = 1\ny = eval(x)\n"})
    monkeypatch.chdir(made.root)
    monkeypatch.setenv("SIDECAR_STATE_DIR", str(tmp_path / "state"))
    return made


@pytest.fixture
def upstream(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    with Upstream() as scripted:
        monkeypatch.setenv("PROVIDER", "anthropic")
        monkeypatch.setenv("ANTHROPIC_UPSTREAM_URL", scripted.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", "k" * 20)
        yield scripted


@pytest.fixture
def say(repository: Repository, capsys: pytest.CaptureFixture[str]):
    def call(*arguments: str, code: int = 0):
        assert run(["review", *arguments]) == code
        return capsys.readouterr()

    return call


def test_text_for_people(say, upstream: Upstream) -> None:
    upstream.add(called(GOOD, files=[("app.py", "It evaluates.")]))
    said = say()
    assert said.out.startswith("# Review of the uncommitted change\n")
    assert "### High: `app.py:2`\n\n**Eval of input.**" in said.out
    assert "- `app.py`: It evaluates." in said.out
    assert "## What is known without a model" in said.out
    assert "\x1b" not in said.out
    assert "k" * 20 not in said.out + said.err


def test_json_for_programs_and_the_kept_review(say, upstream: Upstream) -> None:
    upstream.add(called(GOOD))
    first = json.loads(say("--json").out)
    again = json.loads(say("--json").out)
    assert len(upstream.requests) == 1
    assert (first["cached"], again["cached"]) == (False, True)
    assert (first["threads"], again["threads"]) == (1, 0)
    assert first["comments"] == again["comments"]
    assert first["comments"][0]["line"] == 2
    assert 0 < first["score"] < 1
    upstream.add(called())
    assert json.loads(say("--json", "--refresh").out)["comments"] == []


def test_each_way_to_name_a_change(say, upstream: Upstream, repository: Repository) -> None:
    repository.git("switch", "-q", "-c", "topic")
    repository.commit("Evaluate")
    repository.stage({"b.py": "b = 2\n"})
    seen = []
    for arguments in (["--staged"], ["--base", "main"], ["--range", "main..topic"], ["--commit", "topic"]):
        upstream.add(called())
        seen.append(json.loads(say("--json", *arguments).out)["change"])
    assert seen == ["the staged change", "HEAD since main", "main..topic", "commit topic"]
    shown = [seen.raw.decode() for seen in upstream.requests]
    assert ["b = 2" in told for told in shown] == [True, False], "the other three are one and the same diff"


FAILS = [
    (["--fail-over", "low"], 1, "A comment is high, which is graver than low."),
    (["--fail-over", "high"], 0, ""),
    (["--fail-over", "0.0001"], 1, "is above 0.0001"),
    (["--fail-over", "1"], 0, ""),
]


@pytest.mark.parametrize(("arguments", "code", "word"), FAILS)
def test_a_negative_result_when_it_is_asked_for(say, upstream: Upstream, arguments, code, word) -> None:
    upstream.add(called(GOOD))
    assert word in say(*arguments, code=code).err


MISUSE = [
    (["--staged", "--base", "main"], "--staged and --base cannot go together"),
    (["--range", "main"], "two dots"),
    (["--base", "nowhere"], "'nowhere'"),
    (["--fail-over", "grave"], "got 'grave'"),
    (["--fail-over", "1.5"], "from 0 to 1"),
    (["--max-tokens", "3"], "--max-tokens"),
    (["--provider", "nobody"], "nobody"),
]


@pytest.mark.parametrize(("arguments", "word"), MISUSE, ids=[" ".join(row[0]) for row in MISUSE])
def test_misuse_is_a_sentence(say, upstream: Upstream, arguments, word) -> None:
    said = say(*arguments, code=2)
    assert word in said.err
    assert "Traceback" not in said.err
    assert said.out == ""
    assert upstream.requests == []


def test_what_the_provider_says_is_told(say, upstream: Upstream) -> None:
    upstream.add(fault(401))
    assert "sidecar: " in say(code=2).err
    upstream.add(answer("Looks good."), answer("Really."))
    assert "could not be used, nor could a second one" in say(code=2).err


def test_no_change_and_no_repository(say, upstream: Upstream, repository: Repository, tmp_path: Path) -> None:
    repository.commit("Done")
    assert "no change to review" in say(code=1).err
    assert "git" in say("--workspace", str(tmp_path), code=2).err


def test_without_a_model(say, upstream: Upstream) -> None:
    told = json.loads(say("--no-model", "--json").out)
    assert (told["by"], told["threads"]) == ("facts", 0)
    assert "No model was asked" in say("--provider", "offline").out
    assert upstream.requests == []


def test_what_was_not_read_is_said_on_the_way_out(say, upstream: Upstream, repository: Repository) -> None:
    repository.write({f"m{n}.py": f"m = {n}  # {'y' * 500}\n" * 5 for n in range(9)})
    upstream.add(called())
    said = say("--max-tokens", "2000", "--no-threads")
    left = said.out.count("over the limit of 2,000 tokens for one review")
    assert f"Not everything was read: {left} places" in said.err
    assert left + upstream.last.raw.decode().count("### m") + upstream.last.raw.decode().count("### app") == 10


def test_a_terminal_gets_colours(repository: Repository, upstream: Upstream, tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")
    upstream.add(called(GOOD))
    shown = []
    mine, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "review"], stdout=theirs, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, cwd=repository.root,
        env=environment(tmp_path / "state", TERM="xterm"),
    )  # fmt: skip
    os.close(theirs)
    with os.fdopen(mine, "rb", buffering=0) as screen:
        try:
            while data := screen.read(65536):
                shown.append(data)
        except OSError:
            pass
    assert process.wait(30) == 0
    assert b"### \x1b[31mHigh\x1b[0m:" in b"".join(shown)


def test_ctrl_c_ends_it_and_leaves_the_provider(repository: Repository, upstream: Upstream, tmp_path: Path) -> None:
    upstream._rule = lambda _seen: stall()
    process = subprocess.Popen(
        [*COMMAND, "review"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=repository.root, text=True,
        env=environment(tmp_path / "state"),
    )  # fmt: skip
    upstream.wait(lambda: len(upstream.requests) == 1, 30)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    upstream.wait(lambda: upstream.left == 1)


def test_the_first_part_is_the_riskiest(say, upstream: Upstream, repository: Repository) -> None:
    body = "".join(f"    if x == {n}:\n        x = x + {n}\n" for n in range(60))
    repository.write({"zzz.py": f"def f(x):\n{body}    return x\n", "README.md": "words\n" * 2_000})
    seen: list[Seen] = []

    def rule(one: Seen):
        seen.append(one)
        return called()

    upstream._rule = rule
    say("--max-tokens", "2500")
    assert "### zzz.py" in seen[0].raw.decode()
    assert "### README.md" not in seen[0].raw.decode()
