"""Scores on real repositories: nothing later or elsewhere moves them, reasons add up, warm calls are fast."""

import asyncio
import io
import math
import threading
import time
import tokenize
from dataclasses import replace

import pytest

from sidecar.core.diff import Change, FileDiff, Hunk
from sidecar.history.kept import KeptTraces
from sidecar.review.scorer import RiskScorer, Unscored
from sidecar.risk.features import MESSAGE
from sidecar.vcs import worktree
from sidecar.vcs.runner import Git
from tests.fakes.repository import ADA, GRACE, START, Commit, Repository

NAMES = ("app/core.py", "app/util.py", "lib/fast.go", "web/main.ts", "tests/test_core.py")


def body(name, n):
    return "".join(f"value_{i} = compute({i}, {n if i % 7 == n % 7 else 0})\n" for i in range(40)) + f"# {name}\n"


def commits(count):
    for n in range(count):
        name = NAMES[n % len(NAMES)]
        message = ("Fix crash in compute", "Add a value", "Refactor", "Handle wrong input, see #4")[n % 4]
        yield Commit(message, {name: body(name, n)}, author=(ADA, GRACE)[n % 3 == 0], date=START + n * 50_000)


@pytest.fixture
def repository(tmp_path):
    made = Repository.create(tmp_path / "repo")
    made.import_history(commits(60))
    made.git("checkout", "-q", "-b", "side", "HEAD~5")
    made.commit("Fix leak on the side", {"app/core.py": body("app/core.py", 100)}, date=START + 59 * 50_000)
    made.git("checkout", "-q", "main")
    made.git("merge", "-q", "--no-ff", "-s", "ours", "-m", "Join", "side")
    moved = made.path("app/util.py").read_text()
    made.commit("Move", {"app/util.py": None, "app/tool.py": moved + "extra = compute(1)\n"})
    made.commit("Fix crash after the move", {"app/tool.py": moved + "extra = compute(2)\n"})
    return made


def scorer(root):
    return RiskScorer(Git.open_blocking(root))


def ids(repository):
    return repository.git("rev-list", "HEAD").split()


def scored(root, revisions):
    return list(scorer(root).score_commits_blocking(revisions))


def timeless(report):
    return replace(report, ms=0.0)


async def test_many_at_once_score_as_each_alone(repository):
    every = ids(repository)
    git = Git.open_blocking(repository.root)
    together = [timeless(report) for report in RiskScorer(git).score_commits_blocking(every)]
    backwards = [timeless(report) for report in RiskScorer(git).score_commits_blocking(every[::-1])][::-1]
    alone = [timeless(await RiskScorer(git).score(await worktree.commit(git, own))) for own in every[::6]]
    assert together == backwards
    assert together[::6] == alone
    assert [report.commit for report in together] == every
    assert len({report.score for report in together}) > 30


def test_time_a_clone_cut_off_at_the_commit_gives_the_same_score(repository, tmp_path):
    every = ids(repository)
    whole = scored(repository.root, every)
    for at in (0, 1, 2, 9, 40, len(every) - 1):
        cut = tmp_path / f"cut{at}.git"
        repository.git("branch", "-f", "cut", every[at])
        repository.git(
            "clone", "-q", "--bare", "--no-local", "--single-branch", "-b", "cut", str(repository.root), str(cut)
        )
        (report,) = scored(cut, [every[at]])
        assert report.score == pytest.approx(whole[at].score, abs=1e-12)
        assert timeless(report) == timeless(whole[at])


def test_what_is_kept_of_the_history_changes_no_score(repository, tmp_path):
    every = ids(repository)
    git = Git.open_blocking(repository.root)

    def kept(revisions):
        return [
            timeless(r)
            for r in RiskScorer(git, traces=KeptTraces(tmp_path / "state")).score_commits_blocking(revisions)
        ]

    afresh = [timeless(report) for report in scored(repository.root, every)]
    assert kept(every[30:]) == afresh[30:]
    assert kept(every) == afresh
    assert kept(every) == afresh
    assert {report.model for report in afresh} == {"jit-lr@7"}
    assert len({r.value for report in afresh for r in report.reasons if r.feature == "rep_file"}) > 10


def test_how_earlier_changes_fared_is_held_still_for_an_era(repository):
    """Told of every commit, oldest first along the main line: few values, each for a stretch, and then never again."""
    line = repository.git("rev-list", "--first-parent", "--reverse", "HEAD~4").split()
    reports = [report for report in scored(repository.root, line) if report.files]
    levels = [next((r for r in report.reasons if r.feature == "level"), None) for report in reports]
    assert all(levels)
    values = [level.value for level in levels]
    changed = [at for at in range(1, len(values)) if values[at] != values[at - 1]]
    assert len(changed) == len(set(values)) - 1 >= 2
    assert values[0] == 0.0
    assert all(level.effect for level in levels)
    assert "earlier changes here" in levels[-1].text


async def test_the_level_is_made_beside_while_the_history_is_read(repository, tmp_path):
    repository.import_history(commits(79))
    git, store, told = Git.open_blocking(repository.root), KeptTraces(tmp_path / "state"), threading.Event()
    change = await worktree.commit(git, "HEAD")
    beside = RiskScorer(git, traces=store, learned=told.set)
    assert beside.score_blocking(change).reasons[-1].feature == "repairs"
    assert await asyncio.to_thread(told.wait, 30)
    kept = store.foretold(beside.score_blocking(change).model)
    assert len(kept) >= 20
    (afresh,) = scored(repository.root, ["HEAD"])
    assert timeless(beside.score_blocking(change)) == timeless(afresh)
    beside.close()


def test_label_what_comes_later_does_not_move_a_score(repository):
    head = repository.head
    before = scored(repository.root, [head])
    repository.commit("Fix regression")
    repository.commit("Fix crash in tool", {"app/tool.py": "other = 1\n"})
    repository.git("branch", "elsewhere", "HEAD")
    after = scored(repository.root, [head])
    assert timeless(after[0]) == timeless(before[0])


async def test_message_moves_a_score_by_no_more_than_its_stated_effects(repository):
    git = Git.open_blocking(repository.root)
    change = await worktree.commit(git, "HEAD")
    said = await RiskScorer(git).score(change)
    silent = await RiskScorer(git).score(replace(change, message=""))
    stated = sum(r.effect for r in said.reasons if r.feature in MESSAGE)
    moved = math.log(said.score / (1 - said.score)) - math.log(silent.score / (1 - silent.score))
    assert moved == pytest.approx(stated, abs=1e-9)
    assert moved != 0


def test_reasons_and_base_add_up_for_every_commit(repository):
    for report in scored(repository.root, ids(repository)):
        logit = math.log(report.score / (1 - report.score))
        assert report.base + math.fsum(r.effect for r in report.reasons) == pytest.approx(logit, abs=1e-6)


async def test_cost_a_warm_score_of_500_lines_is_like_reading_them_twice(repository):
    """In time of the processor, beside Python's own tokenizer: 30 ms is some twice of what that takes on the same machine."""
    lines = [f"    if value_{n} > {n} and ready: result = compute(value_{n}, [{n}])" for n in range(500)]
    text = "def run():\n" + "\n".join(lines) + "\n"
    repository.write({"app/core.py": text})
    git = Git.open_blocking(repository.root)
    change = await worktree.working_tree(git)
    warm = RiskScorer(git)
    warm.score_blocking(change)
    ours, plain = [], []
    for _ in range(20):
        begun = time.thread_time()
        warm.score_blocking(change)
        scored_at = time.thread_time()
        assert len(list(tokenize.generate_tokens(io.StringIO(text).readline))) > 8_000
        ours.append(scored_at - begun)
        plain.append(time.thread_time() - scored_at)
    assert sorted(ours)[10] < 2 * sorted(plain)[10]


def test_revisions_that_are_no_commits_lose_nothing_of_the_others(repository):
    head = repository.head
    found = scored(repository.root, ["nothing", head, "HEAD:app", head])
    assert [type(item) for item in (found[0], found[2])] == [Unscored, Unscored]
    assert "'nothing'" in found[0].why
    assert timeless(found[1]) == timeless(found[3])
    assert found[1].commit == head
    assert scored(repository.root, []) == []
    assert [item.revision for item in scored(repository.root, ["x", "y"])] == ["x", "y"]


async def test_what_the_attributes_of_its_tree_call_generated_is_not_scored(repository):
    git = Git.open_blocking(repository.root)
    more = {"app/core.py": body("app/core.py", 3), "gen/a.py": body("gen/a.py", 1)}
    repository.commit("Add both", more | {".gitattributes": "gen/* linguist-generated\n"})
    (whole,) = scored(repository.root, ["HEAD"])
    assert [file.file for file in whole.files] == ["app/core.py"]
    why = {skipped.file: skipped.why for skipped in whole.skipped}
    assert why["gen/a.py"] == "generated code (.gitattributes)"
    own = repository.head
    repository.write({".gitattributes": "# linguist-\n", "gen/a.py": body("gen/a.py", 2)})
    assert timeless(scored(repository.root, [own])[0]) == timeless(whole)
    warm = scorer(repository.root)
    assert timeless(await warm.score(await worktree.commit(git, own))).score == whole.score
    seen = [await warm.score(await worktree.working_tree(git))]
    repository.git("checkout", "-q", ".gitattributes")
    seen.append(await warm.score(await worktree.working_tree(git)))
    assert [[file.file for file in report.files] for report in seen] == [["gen/a.py"], []]


def test_a_shallow_clone_has_no_history(repository, tmp_path):
    repository.git("clone", "-q", "--depth", "3", repository.root.as_uri(), str(tmp_path / "s"))
    shallow = Repository(tmp_path / "s")
    (report,) = scored(shallow.root, [shallow.head])
    assert report.reasons[-1].feature == "history"
    assert "nuc" not in {reason.feature for reason in report.reasons}
    (oldest,) = scored(shallow.root, [shallow.git("rev-list", "--max-parents=0", "HEAD").split()[0]])
    assert oldest.reasons[-1].feature == "history"


def test_content_that_is_missing_costs_only_its_own_commit(repository):
    lost = repository.commit("Big", {"big.txt": "text\n" * 50, "app/core.py": "x = 1\n"})
    blob = repository.git("rev-parse", "HEAD:big.txt")
    repository.commit("Away", {"big.txt": None})
    after = repository.commit("Fix crash", {"app/core.py": "x = compute(2)\n"})
    repository.path(f".git/objects/{blob[:2]}/{blob[2:]}").unlink()
    first, second = scored(repository.root, [after, lost])
    assert isinstance(second, Unscored)
    assert lost[:12] in second.why
    assert first.model == "jit-lr@7"


async def test_a_first_commit_has_a_history_that_is_empty(tmp_path):
    repository = Repository.create(tmp_path / "r", {"a.py": "x = compute(1)\n"})
    (bulk,) = scored(repository.root, ["HEAD"])
    git = Git.open_blocking(repository.root)
    alone = await RiskScorer(git).score(await worktree.commit(git, "HEAD"))
    assert timeless(bulk) == timeless(alone)
    assert "nuc" in {reason.feature for reason in bulk.reasons}


async def test_before_the_first_commit_the_diff_alone_is_scored(tmp_path):
    repository = Repository.create(tmp_path / "r")
    repository.write({"a.py": "x = compute(1)\n"})
    git = Git.open_blocking(repository.root)
    report = await RiskScorer(git).score(await worktree.working_tree(git))
    assert report.reasons[-1].feature == "history"
    assert [file.file for file in report.files] == ["a.py"]


async def test_a_history_with_holes_is_no_history(repository):
    change = await worktree.commit(Git.open_blocking(repository.root), "HEAD")
    lost = replace(change, base="1" * 40, files=(FileDiff("a.py", "added", (Hunk(0, 1, (), ("x = 1",)),)),))
    report = await scorer(repository.root).score(lost)
    assert report.reasons[-1].feature == "history"


async def test_odd_files_are_scored_or_skipped_but_never_fail(tmp_path):
    repository = Repository.create(
        tmp_path / "r", {"l.py": b"s = '\xe9'\n", "b.py": b"\0\1", "old name.py": body("o", 1)}
    )
    repository.git("mv", "old name.py", "néw\tname.py")
    repository.stage({
        "l.py": b"s = '\xe8'\r\nt = 1\r\n", "b.py": b"\0\2", "big.lock": "x\n", "gone.py": "x = 1\n",
    })  # fmt: skip
    repository.write({"gone.py": None})
    git = Git.open_blocking(repository.root)
    report = await RiskScorer(git).score(await worktree.working_tree(git))
    assert [file.file for file in report.files] == ["l.py"]
    assert {item.file for item in report.skipped} == {"b.py", "big.lock", "néw\tname.py"}


async def test_tasks_at_once_get_the_same_score(repository):
    repository.write({"app/core.py": "x = compute(1)\n"})
    git = Git.open_blocking(repository.root)
    change = await worktree.working_tree(git)
    shared = RiskScorer(git)
    reports = await asyncio.gather(*(shared.score(change) for _ in range(6)))
    assert len({report.score for report in reports}) == 1


async def test_an_empty_change(repository):
    report = await scorer(repository.root).score(Change((), base=repository.head))
    assert (report.files, report.skipped, report.band) == ((), (), "low")
