"""The memory of one request serves the next one: it does not go back to the kernel in between."""

from __future__ import annotations

import subprocess
import sys

import pytest

FAULTS = """
import resource
from sidecar.app.memory import keep_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        held = [b"x" * 1_000_000 for _ in range(4)]
        del held
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

keep_memory()
first = faults()
print(first, faults())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a switch of glibc's")
def test_a_megabyte_again_and_again_takes_no_new_pages() -> None:
    done = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    _, later = map(int, done.stdout.split())
    assert later < 1000, "50 times 4 MB are 49,000 pages"


COLLECTIONS = """
import gc
from sidecar.app.memory import spare_collector

there = [[n] for n in range(50_000)]
spare_collector()
whole = gc.get_stats()[2]["collections"]
later = [[n] for n in range(60_000)]
print(gc.get_freeze_count() > 50_000, gc.get_stats()[2]["collections"] - whole)
"""


def test_what_is_there_is_not_looked_through_again() -> None:
    done = subprocess.run([sys.executable, "-c", COLLECTIONS], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "0"]
