"""Every attack, fault and flaw on our lists has a test that bears its id, so that anybody can find it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]

FLAWS = [*(f"o{n}" for n in range(1, 14)), *(f"n{n}" for n in range(1, 13))]
ATTACKS = [
    *(f"H{n:02}" for n in range(1, 25)),
    *(f"A{n:02}" for n in (*range(1, 10), 11, 12)),
    *(f"J{n:02}" for n in (*range(1, 21), 22, 27, *range(29, 35))),
    *(f"P{n:02}" for n in range(1, 24)),
    *(f"S{n:02}" for n in range(3, 10)),
]


@pytest.fixture(scope="module")
def named() -> str:
    """All names of tests, and the names of the rows in their tables."""
    sources = [path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py") if path != Path(__file__)]
    words = [re.findall(r"def (test_\w+)|\"([A-Z]\d\d-[\w-]+)\"", source) for source in sources]
    return " ".join(function or row for found in words for function, row in found)


@pytest.mark.parametrize("flaw", FLAWS)
def test_each_flaw_of_the_forerunner_has_a_test(named: str, flaw: str) -> None:
    assert re.search(rf"\btest_(?:[on]\d+_)*{flaw}_", named)


@pytest.mark.parametrize("attack", ATTACKS)
def test_each_attack_has_a_test(named: str, attack: str) -> None:
    assert re.search(rf"\b{attack}-|_{attack.lower()}_", named)
