"""`sidecar notes`: each text, by the model or from facts, with links; and what does not go together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.cli import run
from tests.fakes.repository import Repository
from tests.fakes.upstream import Upstream, answer


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    made = Repository.create(tmp_path / "repo", {"app.py": "x = 1\n"})
    made.git("tag", "v1")
    made.commit("feat: fees", {"fees.py": "fee = 1\n"})
    made.git("remote", "add", "origin", "https://ada:s3cr3t-t0ken@github.com/o/r.git")
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
        assert run(["notes", *arguments]) == code
        said = capsys.readouterr()
        assert "s3cr3t" not in said.out + said.err
        return said

    return call


def test_release_notes_by_the_model_with_links(say, upstream: Upstream, repository: Repository) -> None:
    own = repository.head
    upstream.add(answer(f"## 2.0\n\n- Fees ({own[:10]})"))
    said = say("v1..HEAD", "--version", "2.0")
    assert said.out == f"## 2.0\n\n- Fees ([{own[:10]}](https://github.com/o/r/commit/{own}))\n"
    assert said.err == ""
    asked = upstream.last.raw.decode()
    assert "feat: fees" in asked or "- fees" in asked
    assert "heading `## 2.0`" in asked


def test_from_facts(say, upstream: Upstream, repository: Repository) -> None:
    link = f"[{repository.head[:10]}](https://github.com/o/r/commit/{repository.head})"
    assert say("--no-model").out == f"## Unreleased\n\n### Added\n\n- fees ({link})\n"
    assert say("v1", "--kind", "changelog", "--no-model").out.startswith(f"## Unreleased\n\n- feat: fees ({link}, Ada")
    offline = say("--provider", "offline", "--json")
    assert json.loads(offline.out)["by"] == "facts"
    assert upstream.requests == []


def test_the_other_texts(say, upstream: Upstream, repository: Repository) -> None:
    repository.git("switch", "-q", "-c", "topic")
    repository.commit("feat: topic", {"topic.py": "t = 1\n"})
    upstream.add(answer("## Summary\n\nA topic."), answer("Add a number"))
    assert say("main..topic", "--kind", "pull-request").out == "## Summary\n\nA topic.\n"
    assert "+ t = 1" in upstream.last.raw.decode()
    repository.write({"topic.py": "t = 2\n"})
    assert say("--kind", "commit-message").out == "Add a number\n"
    value = json.loads(say("--kind", "commit-message", "--no-model", "--json").out)
    assert value == {"kind": "commit-message", "text": "Change topic.py", "by": "facts", "note": ""}


def test_what_is_left_out_is_said(say, upstream: Upstream, repository: Repository) -> None:
    repository.commit("fix: more", {"b.py": "b = 1\n"})
    said = say("--no-model", "--limit", "1")
    assert "1 older commits are left out; name a larger limit." in said.err
    assert "fees" not in said.out


MISUSE = [
    (["a...b"], "two dots"),
    (["..b"], "needs its beginning"),
    (["nowhere..HEAD"], "'nowhere'"),
    (["v1", "--kind", "commit-message"], "takes no range"),
    (["--staged"], "--staged does not go with release-notes"),
    (["--kind", "commit-message"], "nothing to describe"),
    (["HEAD..HEAD"], "no commit in that range"),
    (["--kind", "poem"], "poem"),
]


@pytest.mark.parametrize(("arguments", "word"), MISUSE, ids=[" ".join(row[0]) for row in MISUSE])
def test_misuse_is_a_sentence(say, upstream: Upstream, arguments, word) -> None:
    said = say(*arguments, code=2)
    assert word in said.err
    assert "Traceback" not in said.err
    assert said.out == ""
    assert upstream.requests == []


def test_a_provider_that_is_away_leaves_the_facts(say, upstream: Upstream) -> None:
    upstream.add(answer(" "))
    said = say()
    assert "### Added" in said.out
    assert "From facts alone: anthropic answered without text; try again." in said.err
