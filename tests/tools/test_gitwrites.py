"""Git for the model, acting: on real repositories and remotes, with the rules, in trusted workspaces alone."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.core.policy import GitRules
from sidecar.tools.bench import Bench
from sidecar.tools.box import WorkspaceToolBox
from sidecar.tools.gitwrites import GitWrites
from tests.fakes.repository import Repository
from tests.tools.conftest import Call, untrusted


@pytest.fixture(autouse=True)
def family(box: WorkspaceToolBox, bench: Bench) -> None:
    box.put("git", GitWrites(bench).tools())


@pytest.fixture
def remote(repo: Repository) -> Repository:
    far = Repository.create(repo.root.parent / "far.git", bare=True)
    repo.git("remote", "add", "origin", str(far.root))
    repo.git("push", "-q", "-u", "origin", "main")
    return far


def ruled(box: WorkspaceToolBox, bench: Bench, **rules: object) -> None:
    box.put("git", GitWrites(replace(bench, rules=GitRules(**rules))).tools())  # type: ignore[arg-type]


async def test_stage_unstage_commit(call: Call, repo: Repository) -> None:
    repo.write({"a.py": "changed\n", "odd [name] ü.txt": "x", "new.txt": "x"})
    assert "nothing to commit" in (await call("git_commit", message="x")).text
    assert (
        await call("git_stage", paths=["a.py", "odd [name] ü.txt"])
    ).text == "Done. On branch main: 2 staged, 1 untracked."
    assert "1 staged" in (await call("git_unstage", path="odd [name] ü.txt")).text
    assert "Name the files" in (await call("git_stage")).text
    assert (await call("workspace_git_commit", message="Change it\n\nBecause.")).text.startswith("Committed ")
    assert repo.git("log", "-1", "--format=%B") == "Change it\n\nBecause.\n"
    assert repo.git("show", "--name-only", "--format=") == "a.py"
    await call("git_stage", everything=True)
    assert repo.git("diff", "--cached", "--name-only").count("\n") == 1


async def test_a_message_is_a_message(call: Call, repo: Repository) -> None:
    repo.stage({"a.py": "x"})
    assert not (await call("git_commit", message="--amend")).error
    assert repo.git("log", "-1", "--format=%s") == "--amend"
    assert repo.git("rev-list", "--count", "HEAD") == "2"


async def test_the_users_hooks_run_and_may_refuse(call: Call, repo: Repository) -> None:
    hook = repo.path(".git/hooks/pre-commit")
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'fatal: not on a Friday' >&2\nexit 1\n")
    hook.chmod(0o755)
    repo.stage({"a.py": "x"})
    told = await call("git_commit", message="x")
    assert told.error
    assert "not on a Friday" in told.text


async def test_the_users_filters_run_as_by_hand(call: Call, repo: Repository) -> None:
    """As git-lfs does: what is committed is another form of what lies there."""
    repo.git("config", "filter.up.clean", "tr a-z A-Z")
    repo.write({".gitattributes": "*.up filter=up\n", "x.up": "loud\n"})
    await call("git_stage", everything=True)
    await call("git_commit", message="Filtered")
    assert repo.git("show", "HEAD:x.up") == "LOUD"


@pytest.mark.parametrize(
    "tool",
    ["git_stage", "git_unstage", "git_commit", "git_checkout", "git_stash", "git_fetch", "git_merge", "git_rebase", "git_pull"],
)  # fmt: skip
async def test_an_untrusted_workspace_is_only_looked_at(
    call: Call, box: WorkspaceToolBox, bench: Bench, repo: Repository, remote: Repository, tool: str
) -> None:
    box.put("git", GitWrites(untrusted(bench)).tools())
    repo.stage({"a.py": "x"})
    arguments = {
        "git_commit": {"message": "x"}, "git_checkout": {"branch": "x", "create": True}, "git_merge": {"source": "main"},
        "git_rebase": {"onto": "main"}, "git_stage": {"everything": True}, "git_unstage": {"everything": True},
    }.get(tool, {})  # fmt: skip
    before = repo.git("status", "--porcelain"), repo.git("for-each-ref")
    told = await call(tool, **arguments)
    assert "SIDECAR_TRUSTED_FOLDERS" in told.text
    assert (repo.git("status", "--porcelain"), repo.git("for-each-ref")) == before


async def test_pushing_is_off_unless_allowed(
    call: Call, box: WorkspaceToolBox, bench: Bench, repo: Repository, remote: Repository
) -> None:
    repo.commit("More")
    old = remote.git("rev-parse", "main")
    for name in ("git_push", "workspace_git_push", "push", "Git_Push"):
        told = await call(name)
        assert "POLICY_GIT_ALLOW_PUSH" in told.text
    assert remote.git("rev-parse", "main") == old
    ruled(box, bench, allow_push=True)
    assert (await call("git_push")).text == "Pushed main to origin."
    assert remote.git("rev-parse", "main") == repo.head


@pytest.mark.parametrize(
    "arguments",
    [
        {"branch": "+main"}, {"branch": ":main"}, {"branch": "--mirror"}, {"branch": "main:other"}, {"branch": "-f"},
        {"remote": "--receive-pack=touch canary"}, {"remote": "ext::sh -c touch% canary"}, {"remote": "../far.git"},
        {"remote": "https://example.com/x"}, {"remote": ""}, {"branch": "refs/../x"}, {"force": True}, {"branch": "nowhere"},
    ],
)  # fmt: skip
async def test_a_push_cannot_become_another(
    call: Call, box: WorkspaceToolBox, bench: Bench, repo: Repository, remote: Repository, arguments: dict[str, object]
) -> None:
    ruled(box, bench, allow_push=True)
    repo.commit("More")
    before = remote.git("for-each-ref")
    assert (await call("git_push", **arguments)).error
    assert remote.git("for-each-ref") == before
    assert not list(repo.root.rglob("canary"))


async def test_a_forced_push_needs_a_word_and_what_was_fetched(
    call: Call, box: WorkspaceToolBox, bench: Bench, repo: Repository, remote: Repository
) -> None:
    ruled(box, bench, allow_push=True, allow_force=True)
    repo.git("commit", "-q", "--amend", "-m", "Begun otherwise")
    assert (await call("git_push")).error
    assert not (await call("git_push", force=True)).error
    ruled(box, bench, allow_push=True, allow_force=True, protected=("main",))
    assert "protected" in (await call("git_push", force=True)).text


async def test_fetch_and_pull(
    call: Call, box: WorkspaceToolBox, bench: Bench, repo: Repository, remote: Repository
) -> None:
    other = Repository(repo.root.parent / "other")
    other.root.mkdir()
    other.git("clone", "-q", str(remote.root), ".")
    other.git("config", "user.name", "x")
    other.git("config", "user.email", "x@example.org")
    newest = other.commit("Theirs", {"theirs.txt": "x"})
    other.git("push", "-q")
    assert "Done" in (await call("git_fetch")).text
    assert repo.git("rev-parse", "origin/main") == newest
    ruled(box, bench, allow_pull=False)
    assert "POLICY_GIT_ALLOW_PULL" in (await call("git_pull")).text
    ruled(box, bench)
    assert not (await call("git_pull")).error
    assert repo.head == newest
    for wrong in ("--upload-pack=touch canary", "ext::sh -c x", "."):
        assert (await call("git_pull", remote=wrong)).error


async def test_branches_and_checkout(call: Call, box: WorkspaceToolBox, bench: Bench, repo: Repository) -> None:
    assert "Made the branch topic" in (await call("git_branch", action="create", name="topic")).text
    assert "* main" in (await call("workspace_git_branches")).text
    assert "branch topic" in (await call("git_checkout", branch="topic")).text
    assert "branch fresh" in (await call("git_checkout", branch="fresh", create=True, start="main")).text
    repo.commit("Only here")
    await call("git_checkout", branch="main")
    assert (await call("git_branch", action="delete", name="fresh")).error
    assert "POLICY_GIT_ALLOW_FORCE" in (await call("git_branch", action="delete", name="fresh", force=True)).text
    assert not (await call("git_branch", action="delete", name="topic")).error
    for wrong in ("--orphan", "-", "a..b", "@{-1}", "x y", "HEAD~1", ""):
        assert (await call("git_checkout", branch=wrong)).error, wrong


async def test_stash_and_back(call: Call, repo: Repository) -> None:
    repo.write({"a.py": "changed\n"})
    assert "clean" in (await call("git_stash", message="--note")).text
    assert "--note" in (await call("git_stash", action="list")).text
    assert "1 unstaged" in (await call("git_stash", action="pop")).text
    assert (await call("git_stash", action="pop")).error
    await call("git_stash")
    assert "POLICY_GIT_ALLOW_FORCE" in (await call("git_stash", action="drop")).text


async def test_merge_and_rebase_tell_of_conflicts(
    call: Call, box: WorkspaceToolBox, bench: Bench, repo: Repository
) -> None:
    repo.git("switch", "-q", "-c", "other")
    repo.commit("Theirs", {"a.py": "one\nzwei\nthree\n"})
    repo.git("switch", "-q", "-c", "easy", "main")
    repo.commit("Easy", {"easy.txt": "x"})
    repo.git("switch", "-q", "main")
    repo.commit("Ours", {"a.py": "one\ndeux\nthree\n"})
    assert not (await call("git_merge", source="easy")).error
    told = await call("git_merge", source="other")
    assert "conflicts in a.py" in told.text
    assert not (await call("git_merge", abort=True)).error
    told = await call("git_rebase", onto="other")
    assert "conflicts in a.py" in told.text
    repo.write({"a.py": "one\nboth\nthree\n"})
    await call("git_stage", path="a.py")
    assert not (await call("git_rebase", action="continue")).error
    assert repo.path("a.py").read_text() == "one\nboth\nthree\n"
    ruled(box, bench, protected=("main",))
    assert "protected" in (await call("git_rebase", onto="other")).text
    ruled(box, bench, allow_commit=False)
    assert "POLICY_GIT_ALLOW_COMMIT" in (await call("git_merge", source="other")).text


async def test_policies_on_commits(call: Call, box: WorkspaceToolBox, bench: Bench, repo: Repository) -> None:
    repo.stage({"a.py": "x"})
    ruled(box, bench, commit_regex="^(feat|fix): ")
    assert "POLICY_GIT_COMMIT_REGEX" in (await call("git_commit", message="wip")).text
    assert not (await call("git_commit", message="fix: it")).error
    ruled(box, bench, allow_commit=False)
    assert "POLICY_GIT_ALLOW_COMMIT" in (await call("commit", message="fix: x")).text
    ruled(box, bench, protected=("main",))
    assert "protected" in (await call("git_commit", message="x", amend=True)).text


async def test_a_lock_of_somebody_else_is_left_alone(call: Call, repo: Repository) -> None:
    lock: Path = repo.path(".git/index.lock")
    lock.write_text("")
    told = await call("git_stage", everything=True)
    assert told.error
    assert "another git is at work here (index.lock)" in told.text
    assert lock.exists()


async def test_what_another_git_does_in_a_moment_is_waited_for(call: Call, repo: Repository) -> None:
    repo.stage({"a.py": "x"})
    lock: Path = repo.path(".git/index.lock")
    lock.write_text("")
    asyncio.get_running_loop().call_later(0.3, lock.unlink)
    assert (await call("git_commit", message="x")).text.startswith("Committed ")
