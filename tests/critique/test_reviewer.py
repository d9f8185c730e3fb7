"""A change of a real repository reviewed, from its name to threads that are moved and closed like all others."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sidecar.assistant.turn import AnswerTurn
from sidecar.core.critique import Limits, NamedChange, Wish
from sidecar.core.errors import NotFound
from sidecar.critique.critic import Critic
from sidecar.critique.reviewer import ChangeReviewer
from sidecar.providers.transport import Transport
from sidecar.review.desk import ReviewDesk
from sidecar.review.dismissed import Dismissed
from sidecar.review.reply import FactsWriter
from sidecar.review.scorer import RiskScorer
from sidecar.review.settled import Keeping
from sidecar.store.database import Database
from sidecar.store.dismissals import DismissalStore
from sidecar.store.threads import ThreadStore
from sidecar.vcs.runner import Git
from tests.critique.making import asked_text, called, comment
from tests.fakes.repository import Repository
from tests.fakes.upstream import Upstream
from tests.providers.asking import QUICK, provider

BASE = "".join(f"line {n}\n" for n in range(1, 31))
CHANGED = BASE.replace("line 10\n", "value = eval(text)\n")


def hear(_done: int, _total: int, _said: str) -> None:
    pass


class Bench:
    """A repository, a desk over a database on disk, and a reviewer before a scripted model."""

    def __init__(
        self, repo: Repository, git: Git, database: Database, upstream: Upstream, transport: Transport
    ) -> None:
        self.repo = repo
        self.upstream = upstream
        self.git = git
        self.database = database
        self.critic = Critic(AnswerTurn(provider("anthropic", upstream.url, transport)))
        self.desk = self.new_desk()
        self.reviewer = ChangeReviewer(self.opened, self.critic, desk=self.at_desk, clock=lambda: 5.0)

    def new_desk(self) -> ReviewDesk:
        dismissed = Dismissed(DismissalStore(self.database), str(self.git.root), lambda: 6.0)
        keeping = Keeping(ThreadStore(self.database), dismissed)
        return ReviewDesk(self.git, keeping, RiskScorer(self.git), FactsWriter())

    async def opened(self) -> Git:
        return self.git

    async def at_desk(self) -> ReviewDesk:
        return self.desk

    async def review(self, scope: NamedChange | None = None, **wish):
        return await self.reviewer.review(scope or NamedChange(), Wish(**wish), hear)

    async def threads(self):
        state = await self.desk.refresh()
        return [thread for thread in state.threads if thread.origin == "review"]


@pytest.fixture
async def bench(tmp_path) -> AsyncIterator[Bench]:
    repo = Repository.create(tmp_path / "repo", {"a.py": BASE, "b.py": "b = 1\n"})
    database = await Database.open(tmp_path / "state" / "sidecar.db")
    transport = Transport(limits=QUICK)
    async with Upstream() as upstream:
        yield Bench(repo, await Git.open(repo.root), database, upstream, transport)
        await transport.aclose()
    await database.aclose()


def on_eval(**more):
    return comment("a.py", 10, "value = eval(text)", **more)


async def test_comments_of_the_working_tree_become_threads_once(bench: Bench) -> None:
    bench.repo.write({"a.py": CHANGED})
    bench.upstream.add(called(on_eval()), called(on_eval(title="In other words", body="It is odd.")))
    found = await bench.review()
    assert (found.threads, len(found.remarks)) == (1, 1)
    assert "`a.py` changed, +1 -1" in found.facts
    assert found.report is not None
    (thread,) = await bench.threads()
    assert (thread.anchor.path, thread.anchor.start, thread.band) == ("a.py", 10, "high")
    assert thread.comments[0].author == "model"
    again = await bench.review(refresh=True)
    assert again.threads == 0
    assert [each.id for each in await bench.threads()] == [thread.id]
    await bench.desk.set_state(thread.id, "resolved")
    bench.upstream.add(called(on_eval()))
    await bench.review(refresh=True)
    assert [(each.id, each.state) for each in await bench.threads()] == [(thread.id, "resolved")]


async def test_a_thread_moves_with_its_text_and_goes_with_it(bench: Bench) -> None:
    bench.repo.write({"a.py": CHANGED})
    bench.upstream.add(called(on_eval()))
    await bench.review()
    bench.repo.write({"a.py": "new = 1\nnew = 2\n" + CHANGED})
    (thread,) = await bench.threads()
    assert thread.anchor.start == 12
    bench.repo.commit("Keep it")
    assert [each.id for each in await bench.threads()] == [thread.id]
    bench.desk = bench.new_desk()  # a restart
    assert [(each.id, each.anchor.start) for each in await bench.threads()] == [(thread.id, 12)]
    answered = await bench.desk.reply(thread.id, "Why?")
    assert [each.author for each in answered.comments] == ["model", "user", "sidecar"]
    bench.repo.write({"b.py": "b = 2\n", "a.py": BASE})
    (kept,) = await bench.threads()
    assert (kept.anchor.outdated, kept.anchor.text) == (True, ("value = eval(text)",))
    assert kept.state == "resolved", "its text is gone, but what the user wrote is never thrown away"


async def test_mending_the_line_closes_what_was_said_of_it(bench: Bench) -> None:
    bench.repo.write({"a.py": CHANGED})
    bench.upstream.add(called(on_eval()), called(comment("a.py", 10, "value = parse(text)", title="Now this")))
    await bench.review()
    assert len(await bench.threads()) == 1
    bench.repo.write({"a.py": CHANGED.replace("eval", "parse")})
    assert await bench.threads() == []
    assert (await bench.review()).threads == 1, "another text can be spoken of again"


async def test_what_was_dismissed_is_not_said_again(bench: Bench) -> None:
    bench.repo.write({"a.py": CHANGED})
    bench.upstream.add(called(on_eval()), called(on_eval(title="In other words")))
    await bench.review()
    (thread,) = await bench.threads()
    await bench.desk.dismiss(thread.id, "it is ours", "lines")
    found = await bench.review(refresh=True)
    assert (len(found.remarks), found.threads) == (1, 0)
    assert await bench.threads() == []


async def test_a_thread_on_a_line_with_a_key_keeps_none_of_it(bench: Bench) -> None:
    key = "ghp_" + "Zq7Rk2Wm9Xv4Bt6Lp1Nd8Hs3Jf5Gc0YaQwEr"
    bench.repo.write({"a.py": BASE.replace("line 10\n", f'token = "{key}"\n')})
    bench.upstream.add(called(comment("a.py", 10, 'token = "[redacted]"', title="A key")))
    found = await bench.review()
    assert found.threads == 1
    assert key not in bench.upstream.last.raw.decode()
    (thread,) = await bench.threads()
    assert (thread.anchor.start, thread.anchor.outdated) == (10, False)
    assert key not in repr(thread)


async def test_a_comment_is_no_thread_where_its_text_is_not_in_the_file_now(bench: Bench) -> None:
    bench.repo.stage({"a.py": CHANGED})
    bench.repo.write({"a.py": BASE})
    bench.upstream.add(called(on_eval()))
    found = await bench.review(NamedChange("staged"))
    assert (found.threads, len(found.remarks)) == (0, 1)


SCOPES = [
    ("staged", NamedChange("staged")),
    ("base", NamedChange("base", "main")),
    ("range", NamedChange("range", "main", "topic")),
    ("parted", NamedChange("range", "main...", "topic")),
    ("commit", NamedChange("commit", head="topic")),
]


@pytest.mark.parametrize("scope", [row[1] for row in SCOPES], ids=[row[0] for row in SCOPES])
async def test_each_scope_is_shown_with_its_own_text(bench: Bench, scope: NamedChange) -> None:
    bench.repo.git("switch", "-q", "-c", "topic")
    if scope.kind == "staged":
        bench.repo.stage({"a.py": CHANGED})
    else:
        bench.repo.commit("Evaluate", {"a.py": CHANGED})
    bench.repo.write({"a.py": "# not this\n" + CHANGED})
    bench.upstream.add(called(on_eval()))
    found = await bench.review(scope)
    told = asked_text(bench.upstream.last)
    assert "    10 + value = eval(text)" in told
    assert "     9   line 9" in told
    assert "not this" not in told
    assert found.threads == 1
    (thread,) = await bench.threads()
    assert thread.anchor.start == 11, "it stands where the text is in the file now"


async def test_a_patch_has_no_text_around_and_makes_threads_of_nothing(bench: Bench) -> None:
    patch = "--- a/a.py\n+++ b/a.py\n@@ -10 +10 @@\n-line 10\n+value = eval(text)\n"
    bench.upstream.add(called(on_eval()))
    found = await bench.review(NamedChange("patch", patch=patch))
    assert (len(found.remarks), found.threads) == (1, 0)
    assert "line 9" not in asked_text(bench.upstream.last)


@pytest.mark.parametrize(
    "scope", [NamedChange(), NamedChange("staged"), NamedChange("commit"), NamedChange("range", "HEAD")]
)
async def test_nothing_to_review_is_told(bench: Bench, scope: NamedChange) -> None:
    bench.repo.commit("Empty")
    with pytest.raises(NotFound, match="no change to review"):
        await bench.review(scope)
    assert bench.upstream.requests == []


async def test_facts_where_no_model_is_wanted_or_there_is_none(bench: Bench) -> None:
    bench.repo.write({"a.py": CHANGED})
    alone = ChangeReviewer(bench.opened, None)
    for found in (await bench.review(by_model=False), await alone.review(NamedChange(), Wish(), hear)):
        assert found.by == "facts"
        assert "No model was asked" in found.notes[0]
        assert "`a.py` changed" in found.facts
    assert bench.upstream.requests == []
    assert await bench.threads() == []


async def test_300_hunks_of_a_real_repository_are_shown_once_each_with_their_numbers(bench: Bench) -> None:
    names = [f"src/m{n}.py" for n in range(30)]
    base = {name: "".join(f"line_{n} = {n}  # {'z' * 40}\n" for n in range(400)) for name in names}
    bench.repo.commit("Many", base)
    changed = {}
    for name, text in base.items():
        lines = text.splitlines()
        for at in range(20, 400, 40):
            lines[at] = f"if x == {at}: line_{at} = compute({at}, {name!r})"
        changed[name] = "\n".join(lines) + "\n"
    bench.repo.write(changed)
    bench.upstream._rule = lambda _: called()
    found = await bench.review(limits=Limits(part_tokens=20_000))
    shown = [asked_text(seen) for seen in bench.upstream.requests[:-1]]
    assert found.unread == ()
    assert found.parts == len(shown) > 3
    rows = [line for told in shown for line in told.splitlines() if " + if x == " in line]
    assert len(rows) == len(set(rows)) == 300
    assert all(int(row.split()[0]) == int(row.split()[5].rstrip(":")) + 1 for row in rows)
    scores = [float(line.rpartition("risk ")[2]) for line in shown[0].splitlines() if line.startswith("@@ ")]
    later = [
        float(line.rpartition("risk ")[2]) for told in shown[1:] for line in told.splitlines() if line.startswith("@@ ")
    ]
    assert min(scores) >= max(later) - 0.01
