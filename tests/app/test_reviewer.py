"""A review by the model in its place: a whole sidecar, its records, its kept reviews, its threads; and each provider's settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from sidecar.app import Sidecar
from sidecar.core.critique import Scope, Wish
from sidecar.core.tool import Caller
from sidecar.settings import load
from sidecar.store.database import DATABASE, Database
from sidecar.store.turns import TurnStore
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
GOOD = comment("a.py", 2, "two = eval(x)", title="Eval")


@pytest.fixture
def repo(tmp_path: Path) -> Repository:
    made = Repository.create(tmp_path / "project", {"a.py": "one\ntwo\nthree\n"})
    made.write({"a.py": "one\ntwo = eval(x)\nthree\n"})
    return made


@asynccontextmanager
async def sidecar_for(
    repo: Repository, way: str, upstream: Upstream | None = None, **more: str
) -> AsyncIterator[Sidecar]:
    env = {name: value.format(url=upstream.url) for name, value in WAYS[way].items()} if upstream else {}
    env |= {"SIDECAR_STATE_DIR": str(repo.root.parent / "state"), "SIDECAR_INDEX": "false", **more}
    settings = load({"server.workspace": str(repo.root)}, env, None)
    async with Sidecar(settings, version="1", listening=False) as sidecar:
        yield sidecar


async def review(sidecar: Sidecar, **wish):
    return await sidecar.reviewer.review(Scope(), Wish(**wish), lambda *_: None)


@pytest.mark.parametrize("way", WAYS)
async def test_the_configured_provider_reviews_is_recorded_and_not_asked_twice(repo: Repository, way: str) -> None:
    async with Upstream([called(GOOD)]) as upstream:
        async with sidecar_for(repo, way, upstream) as sidecar:
            first = await review(sidecar)
            assert (first.by, first.threads, len(first.remarks)) == ("model", 1, 1)
        async with sidecar_for(repo, way, upstream) as sidecar:  # another process, as the editor beside a terminal
            second = await review(sidecar)
            assert (second.cached, second.threads, second.remarks) == (True, 0, first.remarks)
        assert len(upstream.requests) == 1
        sent = upstream.last
    native = "system" in sent.body
    assert ("cache_control" in sent.raw.decode()) == native
    (state,) = (repo.root.parent / "state").iterdir()
    database = await Database.open(state / DATABASE)
    (record,) = await TurnStore(database).since(0)
    await database.aclose()
    assert record.id.startswith("review_")
    assert (record.outcome, record.provider) == ("done", first.provider)
    assert record.input == 12
    assert record.tools == ("report_review",)
    assert repo.git("status", "--porcelain") == "M a.py".rjust(7)


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
