"""A program that leaves a mark when it is run, and the ways in which a repository makes plain git run one."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.fakes.repository import Repository


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
