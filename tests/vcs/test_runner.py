"""The hardened runner: nothing that a repository brings along is run, and nothing lasts or grows without limit."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from sidecar.core.errors import GitError, GitTimeout, NotARepository
from sidecar.vcs.runner import Git
from tests.fakes.repository import Repository, isolated_environment

posix = pytest.mark.skipif(sys.platform == "win32", reason="shell scripts stand in for programs")


class Canary:
    """A program that leaves a mark when it is run."""

    def __init__(self, folder: Path) -> None:
        self.mark = folder / "mark"
        self.program = folder / "canary.sh"
        self.program.write_text(f'#!/bin/sh\necho "$0 $*" >> "{self.mark}"\n')
        self.program.chmod(0o755)

    @property
    def sang(self) -> bool:
        return self.mark.exists()


@pytest.fixture
def canary(tmp_path: Path) -> Canary:
    return Canary(tmp_path)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository.create(tmp_path / "repo", {"a.txt": "one\n", "b.bin": b"\0\1"})
    made.commit("Go on", {"a.txt": "one\ntwo\n"})
    made.write({"a.txt": "one\n2\n"})
    return made


def config(*settings: tuple[str, str]):
    def plant(repository: Repository, canary: Canary) -> None:
        for key, value in settings:
            repository.git("config", key, value.replace("CANARY", str(canary.program)))

    return plant


def attributes(line: str, *settings: tuple[str, str]):
    def plant(repository: Repository, canary: Canary) -> None:
        (repository.root / ".gitattributes").write_text(line + "\n")
        config(*settings)(repository, canary)

    return plant


def filter_named(name: str):
    def plant(repository: Repository, canary: Canary) -> None:
        (repository.root / ".gitattributes").write_text(f"*.txt filter={name}\n")
        with (repository.root / ".git/config").open("a") as file:
            file.write(f'[filter "{name}"]\n\tclean = {canary.program}\n\trequired = true\n')

    return plant


def hooks(repository: Repository, canary: Canary) -> None:
    for name in ("post-index-change", "pre-commit", "reference-transaction", "post-checkout", "fsmonitor-watchman"):
        shutil.copy(canary.program, repository.root / ".git/hooks" / name)


def submodule_with_filter(repository: Repository, canary: Canary) -> None:
    inner = Repository.create(repository.root / "inner", {"c.txt": "c\n"})
    repository.git("add", "inner")
    (repository.root / ".gitmodules").write_text(
        '[submodule "inner"]\n\tpath = inner\n\turl = ./inner\n\tignore = none\n'
    )
    inner.git("config", "filter.x.clean", str(canary.program))
    (inner.root / ".gitattributes").write_text("*.txt filter=x\n")
    inner.write({"c.txt": "d\n"})
    config(("diff.submodule", "log"), ("status.submoduleSummary", "true"))(repository, canary)


def partial_clone(repository: Repository, canary: Canary) -> None:
    config(
        ("remote.origin.url", f"file://{repository.root}"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.uploadpack", "CANARY"),
        ("extensions.partialClone", "origin"),
        ("core.repositoryFormatVersion", "1"),
    )(repository, canary)
    blob = repository.git("rev-parse", "HEAD~1:a.txt")
    loose = repository.root / ".git/objects" / blob[:2] / blob[2:]
    loose.chmod(0o644)
    loose.unlink()


def included(repository: Repository, canary: Canary) -> None:
    (repository.root / "evil.cfg").write_text(f'[filter "x"]\n\tclean = {canary.program}\n')
    attributes("*.txt filter=x", ("include.path", "../evil.cfg"))(repository, canary)


def signed_commit(repository: Repository, canary: Canary) -> None:
    body = repository.git("cat-file", "commit", "HEAD")
    head, _, message = body.partition("\n\n")
    signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n none\n -----END PGP SIGNATURE-----"
    made = repository.git(
        "hash-object", "-t", "commit", "-w", "--stdin", stdin=f"{head}\n{signature}\n\n{message}\n".encode()
    )
    repository.git("update-ref", "HEAD", made)
    config(("log.showSignature", "true"), ("gpg.program", "CANARY"))(repository, canary)


READS = {
    "status": ("status", "--porcelain=v2", "-z", "--branch"),
    "diff": ("diff", "HEAD"),
    "diff-index": ("diff", "--cached"),
    "log": ("log", "-p", "--all"),
    "show": ("show", "HEAD"),
    "blame": ("blame", "a.txt"),
    "grep": ("grep", "one"),
    "ls-files": ("ls-files", "--others", "--modified", "-z"),
}

VECTORS = {
    "fsmonitor": config(("core.fsmonitor", "CANARY")),
    "hooks": hooks,
    "hooks path": lambda r, c: (
        shutil.copytree(r.root / ".git/hooks", r.root / "h", dirs_exist_ok=True),
        hooks(r, c),
        config(("core.hooksPath", "h"))(r, c),
    ),
    "diff.external": config(("diff.external", "CANARY")),
    "diff driver": attributes("*.txt diff=x", ("diff.x.command", "CANARY")),
    "textconv": attributes("*.txt diff=x", ("diff.x.textconv", "CANARY")),
    "textconv of a binary": attributes("*.bin diff=x", ("diff.x.textconv", "CANARY"), ("diff.x.binary", "true")),
    "filter clean": attributes("*.txt filter=x", ("filter.x.clean", "CANARY")),
    "filter smudge": attributes("*.txt filter=x", ("filter.x.smudge", "CANARY")),
    "filter process": attributes("*.txt filter=x", ("filter.x.process", "CANARY")),
    "filter required": attributes("*.txt filter=x", ("filter.x.clean", "CANARY"), ("filter.x.required", "true")),
    "filter with an equals sign": filter_named("x=y"),
    "filter with a dot": filter_named("x.clean"),
    "filter in an included file": included,
    "filter in a submodule": submodule_with_filter,
    "pager and editor": config(("core.pager", "CANARY"), ("core.editor", "CANARY"), ("pager.log", "CANARY")),
    "signatures": signed_commit,
    "ssh command": config(("core.sshCommand", "CANARY"), ("core.gitProxy", "CANARY")),
    "alias of a built-in": config(("alias.status", "!CANARY"), ("alias.diff", "!CANARY")),
    "trailer": config(("trailer.x.command", "CANARY"), ("trailer.x.cmd", "CANARY")),
    "alternates": config(("core.alternateRefsCommand", "CANARY")),
    "partial clone": partial_clone,
    "credential helper": config(("credential.helper", "!CANARY"), ("core.askPass", "CANARY")),
    "merge driver": attributes("*.txt merge=x", ("merge.x.driver", "CANARY")),
}


@posix
@pytest.mark.parametrize("vector", VECTORS)
async def test_reading_runs_nothing_that_the_repository_names(vector, repository, canary):
    VECTORS[vector](repository, canary)
    # a new time makes git look into the file instead of trusting the index
    os.utime(repository.root / "a.txt", (1_000_000_000, 1_000_000_000))
    git = await Git.open(repository.root)
    for argv in READS.values():
        # what cannot be read without the program is an error, never the program
        with contextlib.suppress(GitError):
            await git.run(*argv, ok=(0, 1))
    assert not canary.sang, canary.mark.read_text()


@posix
@pytest.mark.parametrize(
    ("vector", "argv"),
    [
        ("fsmonitor", ("status",)),
        ("diff.external", ("diff",)),
        ("textconv", ("blame", "a.txt")),
        ("filter clean", ("diff",)),
        ("filter process", ("diff",)),
        ("filter with an equals sign", ("diff",)),
        ("filter in a submodule", ("status",)),
        ("partial clone", ("log", "-p")),
        ("hooks", ("add", "a.txt")),
        ("signatures", ("log",)),
    ],
)
def test_the_canary_does_sing_for_plain_git(vector, argv, repository, canary):
    VECTORS[vector](repository, canary)
    os.utime(repository.root / "a.txt", (1_000_000_000, 1_000_000_000))
    subprocess.run(
        ["git", *argv], cwd=repository.root, env=isolated_environment(), capture_output=True, check=False, timeout=20
    )
    assert canary.sang


@posix
async def test_a_filter_that_appears_later_is_switched_off_too(repository, canary):
    git = await Git.open(repository.root)
    assert b"+2" in await git.run("diff")
    VECTORS["filter clean"](repository, canary)
    assert b"+2" in await git.run("diff")
    assert git.filters_blocking() >= {"x"}
    assert not canary.sang


async def test_a_repository_is_found_from_any_folder_inside(repository):
    inner = repository.root / "deep" / "er"
    inner.mkdir(parents=True)
    git = await Git.open(inner)
    assert (git.root, git.bare) == (repository.root.resolve(), False)
    assert await git.run("ls-files") == b"a.txt\nb.bin\n", "commands run at the top"


async def test_a_bare_repository_is_its_own_root(tmp_path):
    made = Repository.create(tmp_path / "bare.git", bare=True)
    git = await Git.open(made.root)
    assert (git.root, git.bare) == (made.root.resolve(), True)


async def test_a_worktree_has_its_own_top(repository, tmp_path):
    repository.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "other"))
    git = await Git.open(tmp_path / "other")
    assert git.root == (tmp_path / "other").resolve()
    assert git.common_dir.resolve() == (repository.root / ".git").resolve()


def not_a_folder(tmp_path: Path) -> Path:
    return tmp_path / "nowhere"


def plain_folder(tmp_path: Path) -> Path:
    (tmp_path / "plain").mkdir()
    return tmp_path / "plain"


def git_folder(tmp_path: Path) -> Path:
    return Repository.create(tmp_path / "repo").root / ".git"


def elsewhere(tmp_path: Path) -> Path:
    repository = Repository.create(tmp_path / "repo")
    (tmp_path / "private").mkdir()
    repository.git("config", "core.worktree", str(tmp_path / "private"))
    return repository.root


def broken(tmp_path: Path) -> Path:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/.git").write_text("gitdir: /nowhere\n")
    return tmp_path / "broken"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (not_a_folder, "is not a folder"),
        (plain_folder, "run `git init`"),
        (git_folder, "git's own folder"),
        (elsewhere, ""),
        (broken, "not in a git repository"),
    ],
)
async def test_what_is_no_repository_is_told_in_a_sentence(make, said, tmp_path):
    with pytest.raises(NotARepository) as caught:
        await Git.open(make(tmp_path))
    assert said in caught.value.sentence
    assert "Traceback" not in caught.value.sentence


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a folder away")
async def test_a_repository_of_another_user_is_refused_with_the_mend(repository):
    for path in (repository.root, repository.root / ".git"):
        os.chown(path, 12345, 12345)
    with pytest.raises(NotARepository, match=r"safe\.directory"):
        await Git.open(repository.root)


@posix
async def test_no_git_from_inside_the_workspace_is_started(repository, canary, monkeypatch):
    planted = repository.root / "bin"
    planted.mkdir()
    shutil.copy(canary.program, planted / "git")
    monkeypatch.chdir(repository.root)
    monkeypatch.setenv("PATH", os.pathsep.join(["", ".", "bin", str(planted), os.environ["PATH"]]))
    git = await Git.open(repository.root / "bin")
    assert await git.run("rev-parse", "--is-bare-repository") == b"false\n"
    assert not canary.sang


@posix
async def test_without_git_a_sentence_says_so(repository, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError, match="git was not found on PATH"):
        await Git.open(repository.root)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GIT_DIR", "/nowhere"),
        ("GIT_WORK_TREE", "/"),
        ("GIT_INDEX_FILE", "/nowhere/index"),
        ("GIT_CONFIG_PARAMETERS", "'core.bare'='true'"),
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_EXTERNAL_DIFF", "false"),
        ("GIT_TRACE", "2"),
        ("GIT_NAMESPACE", "x"),
        ("GIT_OBJECT_DIRECTORY", "/nowhere"),
    ],
)
async def test_a_surrounding_git_does_not_lead_ours_astray(name, value, repository, monkeypatch):
    plain = await (await Git.open(repository.root)).run("diff", "HEAD")
    monkeypatch.setenv(name, value)
    git = await Git.open(repository.root)
    assert await git.run("diff", "HEAD") == plain


async def test_the_users_configuration_does_not_change_answers(repository):
    git = await Git.open(repository.root)
    plain = await git.run("diff", "HEAD")
    for key, value in {
        "color.ui": "always", "diff.noprefix": "true", "diff.mnemonicPrefix": "true", "diff.context": "3",
        "core.quotePath": "false", "diff.algorithm": "patience", "diff.interHunkContext": "9",
    }.items():  # fmt: skip
        repository.git("config", key, value)
    assert await git.run("diff", "HEAD") == plain


async def test_an_exit_status_is_an_error_unless_it_is_expected(repository):
    git = await Git.open(repository.root)
    assert await git.run("grep", "nothing like that", ok=(0, 1)) == b""
    with pytest.raises(GitError, match="ended with status 1"):
        await git.run("grep", "nothing like that")
    with pytest.raises(GitError, match="bad revision 'nosuchbranch'") as caught:
        await git.run("log", "nosuchbranch", "--")
    assert len(caught.value.sentence) < 400


async def test_only_a_plain_subcommand_is_run(repository):
    git = await Git.open(repository.root)
    for argv in ((), ("-c",), ("--exec-path=/",), ("Status",), ("status;ls",)):
        with pytest.raises(GitError, match="is no git command"):
            await git.run(*argv)


async def test_an_argument_with_a_zero_byte_is_an_error(repository):
    git = await Git.open(repository.root)
    with pytest.raises(GitError, match="could not be started"):
        await git.run("log", "a\0b")


async def test_input_is_given_whole_and_output_comes_whole(repository):
    git = await Git.open(repository.root)
    big = os.urandom(3_000_000)
    name = (await git.run("hash-object", "-w", "--stdin", stdin=big)).decode().strip()
    assert await git.run("cat-file", "blob", name) == big
    assert b"".join([chunk async for chunk in git.stream("cat-file", "blob", name)]) == big
    assert b"".join(git.chunks_blocking("cat-file", "blob", name)) == big
    assert git.run_blocking("cat-file", "blob", name) == big


async def test_lines_come_without_their_ends(repository):
    git = await Git.open(repository.root)
    assert list(git.lines_blocking("ls-files")) == [b"a.txt", b"b.bin"]
    assert list(git.lines_blocking("ls-files", "-z", end=b"\0")) == [b"a.txt", b"b.bin"]
    assert list(git.lines_blocking("cat-file", "--batch-check=%(objecttype)", stdin=b"HEAD\nHEAD^{tree}\n")) == [
        b"commit",
        b"tree",
    ]


async def test_more_output_than_the_limit_is_an_error(repository):
    git = await Git.open(repository.root)
    name = (await git.run("hash-object", "-w", "--stdin", stdin=bytes(2_000_000))).decode().strip()
    with pytest.raises(GitError, match="more than 1,000 bytes"):
        await git.run("cat-file", "blob", name, limit=1000)
    assert not children()


def children() -> list[psutil.Process]:
    """Processes of ours that are alive."""
    found = psutil.Process().children(recursive=True)
    return [
        child
        for child in found
        if child.is_running() and child.status() != psutil.STATUS_ZOMBIE and "git" in child.name()
    ]


@pytest.fixture
def hanging(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A git that never answers, with a child of its own; both write down their process ids."""
    real = shutil.which("git")
    folder = tmp_path / "programs"
    folder.mkdir()
    pids = tmp_path / "pids"
    program = folder / "git"
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *"cat-file --batch"*) ;; *) exec {real} "$@" ;; esac\n'
        f'sh -c \'echo $$ >> "{pids}"; exec sleep 600\' &\necho $$ >> "{pids}"\nwait\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return pids


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def alive(pids: Path, count: int) -> list[int]:
    """The two process ids once both are written; waits until `count` of the processes live."""
    async with asyncio.timeout(20):
        while True:
            ids = [int(line) for line in pids.read_text().split()] if pids.exists() else []
            if len(ids) == 2 and sum(lives(pid) for pid in ids) == count:
                return ids
            await asyncio.sleep(0.01)


@posix
async def test_a_git_that_hangs_is_ended_with_its_children(repository, hanging):
    git = await Git.open(repository.root)
    with pytest.raises(GitTimeout, match="within 1 seconds"):
        await git.run("cat-file", "--batch", timeout=1)
    await alive(hanging, 0)


@posix
async def test_cancelling_ends_git_with_its_children(repository, hanging):
    git = await Git.open(repository.root)
    task = asyncio.get_running_loop().create_task(git.run("cat-file", "--batch"))
    await alive(hanging, 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await alive(hanging, 0)


@posix
async def test_leaving_a_stream_ends_git(repository, hanging):
    git = await Git.open(repository.root)

    async def read():
        async with contextlib.aclosing(git.stream("cat-file", "--batch")) as chunks:
            async for _ in chunks:
                pass

    task = asyncio.get_running_loop().create_task(read())
    await alive(hanging, 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await alive(hanging, 0)


async def test_leaving_lines_early_ends_git(repository):
    git = await Git.open(repository.root)
    name = (await git.run("hash-object", "-w", "--stdin", stdin=b"line\n" * 500_000)).decode().strip()
    lines = git.lines_blocking("cat-file", "blob", name)
    assert next(lines) == b"line"
    lines.close()
    assert not children()


@posix
async def test_the_event_loop_goes_on_while_git_runs(repository, hanging):
    git = await Git.open(repository.root)
    task = asyncio.get_running_loop().create_task(git.run("cat-file", "--batch", timeout=2))
    ids = await alive(hanging, 2)
    turns = 0
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 100
    assert ids
    with pytest.raises(GitTimeout):
        await task


@posix
async def test_an_act_that_writes_runs_nothing_either(repository, canary):
    hooks(repository, canary)
    VECTORS["filter clean"](repository, canary)
    git = await Git.open(repository.root)
    await git.run("add", "a.txt", mode="write")
    assert await git.run("diff", "--cached", "--name-only") == b"a.txt\n"
    assert not canary.sang


async def test_reading_takes_no_lock(repository):
    git = await Git.open(repository.root)
    (repository.root / ".git/index.lock").write_text("")
    os.utime(repository.root / "b.bin")
    assert b"a.txt" in await git.run("status", "--porcelain=v2", "-z")
    assert (repository.root / ".git/index.lock").exists()
    with pytest.raises(GitError, match=r"index\.lock"):
        await git.run("add", "a.txt", mode="write")


async def test_a_path_is_a_path_whatever_it_looks_like(repository):
    repository.commit("Odd names", {":(glob)**": "x\n", "*.txt": "y\n"})
    git = await Git.open(repository.root)
    assert await git.run("ls-files", "--", "*.txt") == b"*.txt\n"
    assert await git.run("ls-files", "--", ":(glob)**") == b":(glob)**\n"


def test_importing_the_room_starts_nothing_and_loads_no_gitpython():
    code = "import sys, sidecar.vcs.runner; print('git' in sys.modules, 'git.cmd' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "False"]


async def test_a_bare_copy_without_a_configuration_is_a_repository(tmp_path):
    made = Repository.create(tmp_path / "full", {"a.py": "x = 1\n"})
    bare = tmp_path / "copy"
    made.git("clone", "--quiet", "--bare", str(made.root), str(bare))
    (bare / "config").unlink()
    git = await Git.open(bare)
    assert (git.root, git.bare) == (bare.resolve(), True)
    assert (await git.run("rev-parse", "HEAD")).decode().strip() == made.head


async def test_replaced_objects_do_not_change_the_history(tmp_path):
    made = Repository.create(tmp_path / "r", {"a.py": "x = 1\n"})
    first = made.head
    second = made.commit("second", {"a.py": "x = 2\n"})
    made.git("replace", second, first)
    git = await Git.open(made.root)
    assert (await git.run("log", "-1", "--format=%s", second)).decode().strip() == "second"
