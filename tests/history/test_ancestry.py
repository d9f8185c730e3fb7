"""Ancestors as sets of numbers."""

from sidecar.history.ancestry import follow, numbers, union
from sidecar.vcs.history import Commit


def commit(own, *parents, time=0):
    return Commit(own, parents, time, "ada", "Do")


HISTORY = [commit("a"), commit("b", "a", time=1), commit("s", "a", time=1), commit("m", "b", "s", time=2)]


def test_commits_are_numbered_by_time_whatever_order_they_come_in():
    assert numbers(HISTORY) == numbers(HISTORY[::-1]) == {"a": 0, "b": 1, "s": 2, "m": 3}


def test_each_commit_comes_with_the_ancestors_of_each_parent():
    found = {node.id: sets for node, sets in follow(HISTORY, numbers(HISTORY))}
    assert found == {"a": [], "b": [0b1], "s": [0b1], "m": [0b11, 0b101]}
    assert union(found["m"]) == 0b111
    assert union([]) == 0
