"""A review by the model in its place: a whole sidecar, its records, its kept reviews, its threads; and each provider's settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sidecar.app import Sidecar
from sidecar.core.critique import NamedChange, Wish
from sidecar.core.review import LineEdit, Suggestion
from sidecar.core.tool import Caller
from sidecar.settings import load
from sidecar.store.database import DATABASE, Database
from sidecar.store.turns import TurnRecord, TurnStore
from tests.critique.making import called, comment
from tests.fakes.repository import Repository
from tests.fakes.upstream import Upstream, answer, text

KEY = "k" * 20
INVOCATIONS = "/serving-endpoints/claude/invocations"
WAYS = {
    "databricks": {"DATABRICKS_API_BASE": "{url}", "DATABRICKS_API_KEY": KEY},
    "databricks-chat": {
        "DATABRICKS_API_BASE": "{url}",
        "DATABRICKS_API_KEY": KEY,
        "DATABRICKS_ENDPOINT_PATH": INVOCATIONS,
    },
    "azure": {"PROVIDER": "azure_anthropic", "ANTHROPIC_ENDPOINT": "{url}/anthropic", "ANTHROPIC_API_KEY": KEY},
    "anthropic": {"PROVIDER": "anthropic", "ANTHROPIC_UPSTREAM_URL": "{url}", "ANTHROPIC_API_KEY": KEY},
    "openai": {"PROVIDER": "openai", "OPENAI_BASE_URL": "{url}/v1", "OPENAI_API_KEY": KEY},
}
GOOD = comment("a.py", 2, "two = eval(x)", title="Eval", suggestion="two = int(x)")
MEND = Suggestion(("two = eval(x)",), ("two = int(x)",))


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    made = Repository.create(tmp_path / "project", {"a.py": "one\ntwo\nthree\n"})
    made.write({"a.py": "one\ntwo = eval(x)\nthree\n"})
    return made


@asynccontextmanager
async def sidecar_for(
    repo: Repository, way: str, upstream: Upstream | None = None, *, editor: bool = False, **more: str
) -> AsyncIterator[Sidecar]:
    env = {name: value.format(url=upstream.url) for name, value in WAYS[way].items()} if upstream else {}
    env |= {"SIDECAR_STATE_DIR": str(repo.root.parent / "state"), "SIDECAR_INDEX": "false", **more}
    settings = load({"server.workspace": str(repo.root)}, env, None)
    async with Sidecar(settings, version="1", listening=False, editor=editor) as sidecar:
        yield sidecar


async def review(sidecar: Sidecar, **wish):
    return await sidecar.reviewer.review(NamedChange(), Wish(**wish), lambda *_: None)


async def records(repo: Repository) -> list[TurnRecord]:
    (state,) = (repo.root.parent / "state").iterdir()
    database = await Database.open(state / DATABASE)
    found = await TurnStore(database).since(0)
    await database.aclose()
    return found


@pytest.mark.parametrize("way", WAYS)
async def test_the_configured_provider_reviews_is_recorded_and_not_asked_twice(repo: Repository, way: str) -> None:
    async with Upstream([called(GOOD)]) as upstream:
        async with sidecar_for(repo, way, upstream) as sidecar:
            first = await review(sidecar)
            assert (first.by, first.threads, len(first.remarks)) == ("model", 1, 1)
            assert first.remarks[0].suggestion == MEND
        async with sidecar_for(repo, way, upstream) as sidecar:  # another process, as the editor beside a terminal
            second = await review(sidecar)
            assert (second.cached, second.threads, second.remarks) == (True, 0, first.remarks)
        assert len(upstream.requests) == 1
        sent = upstream.last
    native = "system" in sent.body
    assert ("cache_control" in sent.raw.decode()) == native
    (record,) = await records(repo)
    assert record.id.startswith("review_")
    assert (record.outcome, record.provider) == ("done", first.provider)
    assert record.input == 12
    assert record.tools == ("report_review",)
    assert repo.git("status", "--porcelain") == "M a.py".rjust(7)


@pytest.mark.parametrize("way", WAYS)
async def test_an_answer_in_a_thread_is_recorded_as_other_turns_are(repo: Repository, way: str) -> None:
    more = {"MODEL_DEFAULT": "claude-sonnet-4-5"}
    script = [called(GOOD), answer(text("It runs what x says."))]
    async with Upstream(script) as upstream, sidecar_for(repo, way, upstream, editor=True, **more) as sidecar:
        await review(sidecar)
        assert sidecar.desk is not None
        (thread,) = [each for each in sidecar.desk.state().threads if each.origin == "review"]
        assert await sidecar.desk.suggested(
            thread.id, thread.comments[0].id, "zero\none\ntwo = eval(x)\nthree\n"
        ) == LineEdit(3, 1, MEND.now)
        said = (await sidecar.desk.reply(thread.id, "why?")).comments[-1]
        assert (said.author, said.body) == ("model", "It runs what x says.")
    reviewed, answered = await records(repo)
    assert reviewed.id.startswith("review_")
    assert answered.id.startswith("thread_")
    assert (answered.outcome, answered.provider, answered.asked) == ("done", reviewed.provider, "claude-sonnet-4-5")
    assert (answered.input, answered.output) == (reviewed.input, reviewed.output) == (12, answered.output)
    assert (answered.served, answered.cost) == (reviewed.served, reviewed.cost)


async def test_offline_reviews_from_facts_and_says_so(repo: Repository) -> None:
    async with sidecar_for(repo, "", PROVIDER="offline") as sidecar:
        found = await review(sidecar)
    assert found.by == "facts"
    assert "No model was asked" in found.notes[0]


async def test_another_model_is_another_review(repo: Repository) -> None:
    async with Upstream([called(GOOD), called(GOOD)]) as upstream:
        for model in ("model-a", "model-b", "model-a"):
            async with sidecar_for(repo, "openai", upstream, MODEL_DEFAULT=model) as sidecar:
                assert (await review(sidecar)).model == model
        assert [seen.body["model"] for seen in upstream.requests] == ["model-a", "model-b"]


async def test_texts_go_the_same_way_without_the_other_tools(repo: Repository) -> None:
    async with Upstream([answer(text("fix: eval"))]) as upstream, sidecar_for(repo, "anthropic", upstream) as sidecar:
        box = await sidecar.reviewing_tools()
        assert {spec.name.partition("_")[0] for spec in box.specs()} == {"review", "more"}
        told = await box.call("review_commit_message", {}, Caller(road="command"))
        assert told.value == {"text": "fix: eval", "by": "model", "note": ""}
        assert upstream.last.tools == []
        assert "+ two = eval(x)" in upstream.last.raw.decode()
