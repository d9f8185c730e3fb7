"""The change in words, for real repositories in every state."""

from __future__ import annotations

import pytest

from sidecar.critique.summary import BARE, NO_REPOSITORY, review_text, summarize
from sidecar.review.scorer import RiskScorer
from sidecar.vcs.runner import Git
from tests.fakes.repository import Repository
from tests.fakes.scorer import WordScorer


async def told(repository: Repository, tell=summarize) -> str:
    return await tell(await Git.open(repository.root), WordScorer())


@pytest.fixture
def repository(tmp_path) -> Repository:
    return Repository.create(tmp_path / "repo", {"a.py": "one\ntwo\n", "old.py": "".join(f"{n}\n" for n in range(9))})


async def test_a_change_file_by_file_the_risky_ones_first(repository):
    repository.git("mv", "old.py", "new name.py")
    repository.write({"a.py": "one\nrisky\nrisky\n", "pic.png": b"\0\1", "z.py": "z\n"})
    assert await told(repository) == (
        "**Uncommitted change** on branch `main`: 4 files, +3 -1 lines.\n"
        "\n"
        "- `a.py` changed, +2 -1 in 1 place\n"
        "- `z.py` added, +1 -0 in 1 place\n"
        "- `old.py` → `new name.py` renamed (renamed only)\n"
        "- `pic.png` added (binary)\n"
        "\n"
        "**High risk.** Changes like this one were repaired later in about 42 of 100 cases.\n"
        "- It uses the word.\n"
        "\n"
        "**Look here first:**\n"
        "\n"
        "- `a.py`, lines 2 to 3\n"
        "  - 2 risky lines"
    )


async def test_a_review_tells_the_places(repository):
    repository.write({"a.py": "one\nrisky\n"})
    text = await told(repository, review_text)
    assert "- `a.py`, line 2\n  - 1 risky lines" in text
    assert "one place" not in text


async def test_a_review_of_a_quiet_change_says_so(repository):
    repository.write({"a.py": "one\ncalm\n"})
    text = await told(repository, review_text)
    assert "**Low risk.** Changes like this one were repaired later in about 5 of 100 cases." in text
    assert text.endswith("No place stands out: nothing here is worth a comment of its own.")


@pytest.mark.parametrize("tell", [summarize, review_text])
async def test_where_there_is_nothing_to_tell_it_says_why(tell, repository, tmp_path):
    assert await tell(None, WordScorer()) == NO_REPOSITORY
    assert await told(Repository.create(tmp_path / "bare.git", bare=True), tell) == BARE
    repository.commit("nothing")
    assert await told(repository, tell) == (
        "There is no uncommitted change: the working tree is the same as the last commit (branch `main`)."
    )
    assert await told(Repository.create(tmp_path / "empty"), tell) == (
        "There is no change yet: branch `main` has no commit, and no file to commit."
    )


async def test_before_the_first_commit_all_is_new(tmp_path):
    repository = Repository.create(tmp_path / "repo")
    repository.write({"a.py": "x\n"})
    assert "1 file, +1 -0 lines, all of it new: there is no commit yet." in await told(repository)


async def test_a_detached_head_and_a_merge_are_named(repository):
    base = repository.head
    repository.commit("Main", {"a.py": "main\n"})
    repository.git("checkout", "--quiet", "--detach", base)
    repository.commit("Side", {"a.py": "side\n"})
    repository.git("merge", "main", ok=(1,))
    text = await told(repository)
    assert f"on a detached HEAD ({repository.head[:10]}), in the middle of a merge: 1 file" in text
    assert "1 file with conflicts." in text


async def test_only_documents_changed(repository):
    repository.write({"pic.png": b"\0"})
    assert "**Risk: none to tell.**" in await told(repository)


async def test_a_name_cannot_become_markup(repository):
    repository.write({"`[x](command:evil)`\n.py": "x\n"})
    text = await told(repository)
    assert "`` `[x](command:evil)`(U+000A).py ``" in text


async def test_a_very_large_change_is_cut(repository):
    repository.write({f"n{n:03}.py": "x\n" for n in range(80)})
    text = await told(repository)
    assert "80 files" in text
    assert "- and 30 more files" in text


@pytest.mark.parametrize("tell", [summarize, review_text])
async def test_a_clean_working_tree_tells_of_the_last_commit(tell, repository):
    sha = repository.commit("Make it *risky*\n\nbody", {"a.py": "one\nrisky\n"})
    text = await told(repository, tell)
    assert text.startswith("Nothing is uncommitted, so this is the **last commit**, " + sha[:10])
    assert "(Make it \\*risky\\*), on branch `main`: 1 file" in text
    assert "a.py" in text


@pytest.mark.parametrize("tell", [summarize, review_text])
async def test_findings_are_told_before_the_risk(tell, repository):
    repository.write({"a.py": "one\nbreakpoint()\n", "deploy.sh": "git push --force\n"})
    git = await Git.open(repository.root)
    text = await tell(git, RiskScorer(git))
    assert (
        "- `a.py`, line 2: **Hazard: a debugger's stop is left in.** This line stops for a debugger. Where nobody"
        in text
    )
    assert "- `deploy.sh`, line 1: **Hazard: a guard is overridden.** This line pushes with force." in text
    assert text.index("Hazard") < text.index("risk.**")
    assert "No place stands out" not in text
