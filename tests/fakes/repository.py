"""Real git repositories for tests, from strings: files, commits with authors and dates, branches, many commits at once.

`Repository.create(tmp_path / "repo", {"a.py": "x = 1\n"})` makes one with a first commit. Contents are text or
bytes; None deletes. The user's own git settings never matter here.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

Content = str | bytes | None
ADA = "Ada Lovelace <ada@example.org>"
GRACE = "Grace Hopper <grace@example.org>"
START = 1_700_000_000
"""Time of the first commit, UTC seconds; each later one is an hour younger unless a date is given."""


def isolated_environment() -> dict[str, str]:
    """This process's environment without git's variables and without the user's git settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return {**kept, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C"}


@dataclass(frozen=True)
class Commit:
    """One commit of a history that is made at once; `files` are written, those that are None deleted."""

    message: str
    files: Mapping[str, Content] = field(default_factory=dict)
    author: str = ADA
    date: int | None = None


class Repository:
    """A git repository on disk and the few acts that tests need."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._clock = START

    @classmethod
    def create(cls, root: Path, files: Mapping[str, Content] | None = None, *, bare: bool = False) -> Repository:
        """A new repository on branch main; with `files`, they are its first commit."""
        root.mkdir(parents=True, exist_ok=True)
        made = cls(root)
        made.git("init", "--quiet", "--initial-branch=main", *(["--bare"] if bare else []))
        made.git("config", "user.name", "Ada Lovelace")
        made.git("config", "user.email", "ada@example.org")
        made.git("config", "commit.gpgsign", "false")
        made.git("config", "core.autocrlf", "false")
        if files:
            made.commit("Begin", files)
        return made

    @property
    def head(self) -> str:
        """The commit that HEAD names, 40 hex digits."""
        return self.git("rev-parse", "HEAD")

    def path(self, name: str) -> Path:
        """Where a file of the work tree lies."""
        return self.root / name

    def write(self, files: Mapping[str, Content]) -> None:
        """Write files into the work tree, delete those that are None; nothing is staged."""
        for name, content in files.items():
            path = self.root / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def stage(self, files: Mapping[str, Content] | None = None) -> None:
        """Write these files, then stage everything that differs."""
        self.write(files or {})
        self.git("add", "--all", "--force")

    def commit(
        self,
        message: str,
        files: Mapping[str, Content] | None = None,
        *,
        author: str = ADA,
        date: int | None = None,
    ) -> str:
        """Commit these files and whatever else differs; an empty commit is allowed. Returns its id."""
        self.stage(files)
        self._clock = date if date is not None else self._clock + 3600
        name, _, mail = author.partition(" <")
        who = {"NAME": name, "EMAIL": mail.removesuffix(">"), "DATE": f"{self._clock} +0000"}
        env = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()}
        self.git("commit", "--quiet", "--allow-empty", "--allow-empty-message", "--no-verify", "-m", message, env=env)
        return self.head

    def import_history(self, commits: Iterable[Commit], branch: str = "main") -> list[str]:
        """Put many commits on top of a branch with one process, and check the branch out. Returns their ids."""
        out: list[bytes] = []
        tip = self.git("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}", ok=(0, 1))
        marks = 0
        for marks, commit in enumerate(commits, start=1):
            self._clock = commit.date if commit.date is not None else self._clock + 3600
            stamp = f"{commit.author} {self._clock} +0000\n"
            out.append(f"commit refs/heads/{branch}\nmark :{marks}\nauthor {stamp}committer {stamp}".encode())
            out.append(_data(commit.message.encode()))
            if marks == 1 and tip:
                out.append(f"from {tip}\n".encode())
            out.extend(_change(name, content) for name, content in commit.files.items())
        marks_file = self.root / ("marks" if self.bare else ".git/marks")
        self.git("fast-import", "--quiet", f"--export-marks={marks_file}", stdin=b"".join(out))
        ids = dict(line.split() for line in marks_file.read_text().splitlines())
        if not self.bare:
            self.git("checkout", "--quiet", "--force", branch)
        return [ids[f":{mark}"] for mark in range(1, marks + 1)]

    @property
    def bare(self) -> bool:
        """Whether there is no work tree."""
        return not (self.root / ".git").exists()

    def git(
        self, *argv: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None, ok: Iterable[int] = (0,)
    ) -> str:
        """Run git here, plainly; its output without the last line end."""
        done = subprocess.run(
            ["git", *argv],
            cwd=self.root,
            env={**isolated_environment(), **(env or {})},
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            check=False,
        )
        assert done.returncode in set(ok), f"git {' '.join(argv)}: {done.stderr.decode(errors='replace')}"
        return done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")


def _data(content: bytes) -> bytes:
    return b"data %d\n%s\n" % (len(content), content)


def _change(name: str, content: Content) -> bytes:
    path = '"' + name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    if content is None:
        return f"D {path}\n".encode("utf-8", "surrogateescape")
    return f"M 100644 inline {path}\n".encode("utf-8", "surrogateescape") + _data(
        content if isinstance(content, bytes) else content.encode()
    )
