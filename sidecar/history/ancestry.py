"""Commits as numbers, sets of commits as integers with a bit for each, and the ancestors of every commit as such sets."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar


class Node(Protocol):
    """What a commit must tell."""

    @property
    def id(self) -> str:
        """The full id."""

    @property
    def parents(self) -> tuple[str, ...]:
        """The full ids of its parents."""

    @property
    def time(self) -> int:
        """UTC seconds."""


N = TypeVar("N", bound=Node)


def numbers(commits: Iterable[Node]) -> dict[str, int]:
    """A number for each commit, by time: of two commits the same one comes first in every clone that has both."""
    ordered = sorted(commits, key=lambda commit: (commit.time, commit.id))
    return {commit.id: index for index, commit in enumerate(ordered)}


def follow(parents_first: Sequence[N], at: Mapping[str, int]) -> Iterator[tuple[N, list[int]]]:
    """Each commit with the sets of all commits that led to each of its parents, the parents included."""
    waiting = Counter(parent for commit in parents_first for parent in commit.parents)
    open_ends: dict[str, int] = {}
    for commit in parents_first:
        before: list[int] = []
        for parent in commit.parents:
            before.append(open_ends.get(parent, 0))
            waiting[parent] -= 1
            if not waiting[parent]:
                open_ends.pop(parent, None)
        yield commit, before
        if waiting[commit.id]:
            open_ends[commit.id] = union(before) | 1 << at[commit.id]


def union(sets: Iterable[int]) -> int:
    """All commits of these sets."""
    found = 0
    for commits in sets:
        found |= commits
    return found
