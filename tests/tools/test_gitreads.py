"""Git for the model, looking: real repositories with traps in their configuration, and arguments that try to be options."""

from dataclasses import replace

import pytest

from sidecar.tools.bench import Bench
from sidecar.tools.box import WorkspaceToolBox
from sidecar.tools.fence import Fence
from sidecar.tools.gitreads import GitReads, without_secrets
from tests.fakes.repository import GRACE, Repository
from tests.tools.conftest import Call


@pytest.fixture(autouse=True)
def family(box: WorkspaceToolBox, bench: Bench) -> None:
    box.put("git", GitReads(bench).tools())


async def test_status_tells_what_differs(call: Call, repo: Repository) -> None:
    assert (await call("git_status")).text == "On branch main\nThe working tree is clean"
    repo.stage({"new file.py": "x"})
    repo.write({"a.py": "changed", "pkg/util.py": "u"})
    told = await call("workspace_git_status")
    assert told.text == "On branch main\nstaged: new file.py\nunstaged: a.py\nuntracked: pkg/util.py"
    assert told.value["unstaged"] == ("a.py",)


async def test_diffs_of_each_scope(call: Call, repo: Repository) -> None:
    assert (await call("git_diff")).text == "No change there."
    repo.stage({"a.py": "one\n2\nthree\n"})
    repo.write({"src/b.py": "def b():\n    return 2\n", "new.txt": "x"})
    working = (await call("git_diff")).text
    assert "+2" in working
    assert "+    return 2" in working
    assert working.endswith("untracked: new.txt\n")
    staged = (await call("workspace_diff", staged=True)).text
    assert "+2" in staged
    assert "return 2" not in staged
    only = (await call("git_diff", paths=["src"], context=0)).text
    assert "return 2" in only
    assert "a.py" not in only
    assert "a.py" in (await call("git_diff", stat=True)).text
    old = repo.head
    repo.commit("Second")
    ranged = (await call("git_diff", scope="range", base=old, head="main", path="a.py")).text
    assert "-two\n+2" in ranged
    assert "needs `base`" in (await call("git_diff", scope="range")).text


async def test_before_the_first_commit(call: Call, box: WorkspaceToolBox, bench: Bench, repo: Repository) -> None:
    fresh = Repository.create(repo.root.parent / "fresh")

    async def git():
        from sidecar.vcs.runner import Git

        return await Git.open(fresh.root)

    box.put("git", GitReads(replace(bench, fence=Fence(fresh.root), git=git)).tools())
    fresh.write({"a": "x\n"})
    fresh.git("add", "a")
    assert "without a commit" in (await call("git_status")).text
    assert "+x" in (await call("git_diff")).text
    assert "+x" in (await call("git_diff", scope="staged")).text
    assert (await call("git_log")).error


async def test_history_is_listed_and_shown(call: Call, repo: Repository) -> None:
    repo.commit("Second: more", {"a.py": "one\n"}, author=GRACE)
    repo.commit("Third", {"src/b.py": None, "src/c.py": "c"})
    log = await call("git_log")
    assert [line.split(" ", 2)[2] for line in log.text.splitlines()] == [
        "Ada Lovelace: Third", "Grace Hopper: Second: more", "Ada Lovelace: Begin",
    ]  # fmt: skip
    assert log.value["commits"][0]["id"] == repo.head
    first = await call("git_log", limit=1)
    assert first.next == "1"
    assert "Second" in (await call("git_log", limit=1, start=1)).text
    assert "Third" not in (await call("git_log", path="a.py")).text
    assert (await call("git_log", revision="HEAD~1..HEAD")).text.count("\n") == 0
    assert "No commits" in (await call("git_log", since="2100-01-01")).text
    stat = (await call("workspace_diff_by_commit", stat=True)).text
    assert "src/b.py" in stat
    assert "a.py" in stat.splitlines()[3]
    shown = (await call("git_show", revision="HEAD~1")).text
    assert "Grace Hopper" in shown
    assert "-two" in shown
    assert (await call("git_show", revision="HEAD~2", path="a.py")).text == "one\ntwo\nthree\n"
    assert (await call("git_show", path="none.py")).error


async def test_blame_names_commit_and_author(call: Call, repo: Repository) -> None:
    second = repo.commit("Second", {"a.py": "one\n2\nthree\n"}, author=GRACE)
    lines = (await call("git_blame", path="a.py", start=2)).text.splitlines()
    assert lines[0].startswith(f"     2 {second[:10]} 2023-11-")
    assert lines[0].endswith("Grace Hopper: 2")
    assert "Ada Lovelace: three" in lines[1]
    assert (await call("git_blame", path="a.py", end=1)).text.count("\n") == 0
    assert (await call("git_blame", path="a.py", start=99)).error


async def test_conflicts_are_named_with_their_places(call: Call, repo: Repository) -> None:
    assert (await call("git_conflicts")).text == "No conflicts."
    repo.git("switch", "-q", "-c", "other")
    repo.commit("Theirs", {"a.py": "one\nzwei\nthree\n"})
    repo.git("switch", "-q", "main")
    repo.commit("Ours", {"a.py": "one\ndeux\nthree\n"})
    repo.git("merge", "other", ok=(1,))
    told = await call("workspace_git_conflicts")
    assert told.text == "In the middle of a merge. a.py: conflicts begin at lines 2"


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("git_diff", {"scope": "range", "base": "--output=canary"}),
        ("git_diff", {"scope": "range", "base": "HEAD", "head": "--output=canary"}),
        ("git_diff", {"paths": ["../../etc"]}),
        ("git_diff", {"path": ".env"}),
        ("git_log", {"revision": "--output=canary"}),
        ("git_log", {"revision": "--all"}),
        ("git_log", {"revision": "HEAD..--output=canary"}),
        ("git_show", {"revision": "-p"}),
        ("git_show", {"revision": "HEAD", "path": "../x"}),
        ("git_show", {"revision": "HEAD:a.py\0"}),
        ("git_blame", {"path": "a.py", "revision": "--contents=/etc/passwd"}),
        ("git_blame", {"path": "/etc/passwd"}),
        ("git_blame", {"path": "--output=canary"}),
        ("git_diff", {"scope": "range", "base": "ext::sh -c touch%20canary"}),
    ],
)  # fmt: skip
async def test_nothing_becomes_an_option(call: Call, repo: Repository, tool: str, arguments: dict[str, object]) -> None:
    before = {p for p in repo.root.rglob("*") if ".git" not in p.parts}
    result = await call(tool, **arguments)
    assert result.error
    assert {p for p in repo.root.rglob("*") if ".git" not in p.parts} == before
    assert "root:" not in result.text


async def test_traps_in_the_repository_never_run(call: Call, repo: Repository) -> None:
    canary = repo.root.parent / "canary"
    program = repo.root / "trap.sh"
    program.write_text(f"#!/bin/sh\ntouch {canary}\ncat\n")
    program.chmod(0o755)
    for key in ("core.fsmonitor", "diff.external", "diff.x.textconv", "diff.x.command", "filter.x.clean", "filter.x.smudge", "core.pager", "pager.log"):  # fmt: skip
        repo.git("config", key, str(program))
    repo.write({".gitattributes": "*.py diff=x filter=x\n", "a.py": "changed\n"})
    hooks = repo.path(".git/hooks")
    hooks.mkdir(exist_ok=True)
    for name in ("post-index-change", "pre-commit", "reference-transaction"):
        (hooks / name).write_text(program.read_text())
        (hooks / name).chmod(0o755)
    for tool, arguments in (
        ("git_status", {}), ("git_diff", {}), ("git_log", {"stat": True}), ("git_show", {}), ("git_conflicts", {}),
        ("git_blame", {"path": "a.py"}), ("git_diff", {"scope": "staged"}),
    ):  # fmt: skip
        await call(tool, **arguments)
        assert not canary.exists(), tool


async def test_keys_in_a_diff_are_left_out(call: Call, repo: Repository) -> None:
    repo.commit("Oops", {".env": "TOKEN=abc\n", "b.txt": "b\n"})
    repo.write({".env": "TOKEN=new-value\n", "b.txt": "bb\n"})
    told = (await call("git_diff")).text
    assert "+bb" in told
    assert "new-value" not in told
    assert "left out" in told
    assert "TOKEN" not in (await call("git_show")).text
    assert without_secrets(b"nothing") == b"nothing"


async def test_no_view_of_a_file_shows_a_stretch_of_a_key(call: Call, repo: Repository) -> None:
    row = "MIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn/ygWyF0a1b2c3d4e5f6g7h8i9j0k1l2m3"
    key = ["-----BEGIN RSA PRIVATE KEY-----", *[row] * 9, "-----END RSA PRIVATE KEY-----"]
    repo.commit("A key", {"conf.txt": "\n".join(["a", *key, "b"]) + "\n"})
    repo.write({"conf.txt": "\n".join(["a", *key[:5], row[::-1], *key[5:], "b"]) + "\n"})
    for tool, more in (("git_diff", {}), ("git_diff", {"context": 0}), ("git_blame", {"path": "conf.txt", "start": 4, "end": 6}),
                       ("git_blame", {"path": "conf.txt", "start": 4, "end": 6, "revision": "HEAD"})):  # fmt: skip
        shown = (await call(tool, **more)).text
        assert "[private key left out]" in shown, shown
        assert row not in shown
        assert row[::-1] not in shown
