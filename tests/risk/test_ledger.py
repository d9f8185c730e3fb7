"""Repairs counted for any commit, by what its ancestors knew."""

import pytest

from sidecar.risk.ledger import Ledger, Repair, Trace
from sidecar.risk.repairs import COMMIT_SIZE, DAY, FILE_SIZE, Standing, ever

IDS = {name: number for number, name in enumerate("abcd")}
TRACES = {
    "a": Trace((("app/x.py", 10), ("lib/y.go", 5))),
    "b": Trace((("app/x.py", 3),)),
    "c": Trace((("app/x.py", 1),), (Repair("a", "app/x.py", 2), Repair("b", "app/x.py", 1))),
    "d": Trace((), (Repair("a", "lib/y.go", 1),)),
}
TIMES = [0, int(10 * DAY), int(20 * DAY), int(30 * DAY)]
NOW = 40 * DAY


def expected(lines, days, size):
    return Standing(added=((ever(lines, size), 0),)).at(days * DAY).expected


def ledger():
    return Ledger(TRACES, IDS, TIMES)


def test_a_file_counts_the_commits_whose_lines_known_fixes_took_away():
    all_known = ledger().of_file(["app/x.py"], 0b1111).at(NOW)
    usual = sum(expected(lines, days, FILE_SIZE) for lines, days in ((10, 40), (3, 30), (1, 20)))
    assert (all_known.found, all_known.fixes) == (2, ("c",))
    assert all_known.expected == pytest.approx(usual)
    assert all_known.recent == pytest.approx(2 * 2.718281828 ** (-20 / 365))


def test_what_is_not_known_does_not_count():
    before = ledger().of_file(["app/x.py"], 0b0011).at(NOW)
    assert (before.found, before.recent, before.fixes) == (0, 0.0, ())
    assert before.expected == pytest.approx(expected(10, 40, FILE_SIZE) + expected(3, 30, FILE_SIZE))


def test_all_names_of_a_file_count():
    assert ledger().of_file(["app/x.py", "lib/y.go"], 0b1111).at(NOW).found == 2
    assert ledger().of_file(["lib/y.go"], 0b1111).at(NOW).fixes == ("d",)


def test_changes_and_which_of_them_were_repaired():
    assert ledger().changes(5) == {1: "b", 2: "c"}
    assert ledger().changes(15) == {0: "a", 1: "b", 2: "c"}
    assert [ledger().repaired((0, 1, 2), known) for known in (0b0011, 0b0111, 0b1111)] == [0, 2, 2]
    assert ledger().repaired((1,), 0b1011) == 0


def test_folders_and_the_newest_commits():
    folder = ledger().of_folder("app", 0b1111).at(NOW)
    assert folder.found == 2
    assert ledger().of_folder("app", 0b0111).at(NOW).found == 2
    assert ledger().of_folder("lib", 0b0111).at(NOW).found == 1  # as a commit it was repaired, elsewhere
    newest = ledger().of_all(0b1111, 2).at(NOW)
    assert newest.found == 1
    assert newest.expected == pytest.approx(expected(3, 30, COMMIT_SIZE) + expected(1, 20, COMMIT_SIZE))
