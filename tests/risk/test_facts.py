"""Facts as values: unknown files, ranks."""

import pytest

from sidecar.risk.facts import Facts, FileFacts


def test_a_file_that_nothing_is_known_of():
    assert Facts().of("a.py") == FileFacts()


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, 1 / 6), (1, 2 / 6), (2, 3.5 / 6), (9, 5 / 6)],
)
def test_rank_counts_ties_half(value, expected):
    facts = Facts(history=True, recent={"sexp": (1.0, 1.0, 2.0, 3.0)})
    assert facts.rank("sexp", value) == pytest.approx(expected)


def test_rank_among_nothing_is_the_middle():
    assert Facts().rank("sexp", 5) == 0.5
