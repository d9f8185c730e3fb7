"""The commits that lead to a revision: one walk over parents, authors, times, messages and the names of files touched.

Only ancestors are ever looked at, so an answer is the same in a clone that was cut off at that revision.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sidecar.core.errors import GitError
from sidecar.vcs.runner import Git

_HEX = frozenset(b"0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Touch:
    """A file that a commit touched; `old` is its name before when the commit renamed it."""

    path: str
    old: str | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit. `time` is the committer's, UTC seconds; `author` an e-mail address in lower case.

    A merge has no touches: what came in by it was touched by the commits that it joins.
    """

    id: str
    parents: tuple[str, ...]
    time: int
    author: str
    message: str
    touched: tuple[Touch, ...] = ()

    @property
    def merge(self) -> bool:
        """Whether it joins several lines of history."""
        return len(self.parents) > 1


def walk_blocking(git: Git, tips: Iterable[str], *, likeness: int = 50) -> Iterator[Commit]:
    """The tips (full commit ids) and all their ancestors, each once, children before their parents; for threads.

    A file is taken as renamed when so many percent of it stay; 100 needs no content. Closing the iterator ends the
    walk. Raises GitError when a tip or an ancestor is missing, or content that is needed.
    """
    stdin = "".join(f"{tip}\n" for tip in tips).encode("ascii")
    renames = (f"--find-renames={likeness}%", "-l1000")
    asked = ("log", "--stdin", "--topo-order", "--root", "--raw", *renames, "-z", "--no-color")
    form = "--format=%H%x00%P%x00%ct%x00%ae%x00%B"
    if stdin:
        yield from _parse(git.lines_blocking(*asked, form, stdin=stdin, end=b"\0"))


def is_shallow_blocking(git: Git) -> bool:
    """Whether the repository holds only the newest part of its history; for threads."""
    return git.run_blocking("rev-parse", "--is-shallow-repository").strip() == b"true"


def _parse(fields: Iterator[bytes]) -> Iterator[Commit]:
    """Records of five fields, each followed by its raw lines (`:mode mode id id status`, then one name or two)."""
    field = next(fields, None)
    while field is not None:
        if not (len(field) in {40, 64} and _HEX.issuperset(field)):
            raise GitError("git's log is not in the form that was asked for.")
        own, parents, time, author, message = field, *(next(fields, b"") for _ in range(4))
        touched: list[Touch] = []
        field = next(fields, None)
        while field is not None and (raw := field.lstrip(b"\n")).startswith(b":"):
            first = _text(next(fields, b""))
            renamed = raw.rsplit(b" ", 1)[-1][:1] in {b"R", b"C"}
            touched.append(Touch(_text(next(fields, b"")), first) if renamed else Touch(first))
            field = next(fields, None)
        yield _commit(own, parents, time, author, message, touched)


def _commit(own: bytes, parents: bytes, time: bytes, author: bytes, message: bytes, touched: list[Touch]) -> Commit:
    names = tuple(parents.decode("ascii").split())
    return Commit(
        id=own.decode("ascii"),
        parents=names,
        time=int(time or b"0"),
        author=_text(author).strip().lower(),
        message=_text(message),
        touched=tuple(touched) if len(names) < 2 else (),
    )


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
