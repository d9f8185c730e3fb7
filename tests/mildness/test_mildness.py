"""The indexer makes way where nobody waits for it, and takes what it needs where somebody does."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import psutil
import pytest

from sidecar.index.build import _CHUNK_FILES, FEW
from tests.index.test_process import indexer
from tests.index.trees import write_tree

MANY = {f"m{n}.py": f"def f{n}(): pass\n" for n in range(60)}
"""Enough that each worker has some: with the last answer both have begun."""
assert len(MANY) > max(FEW, 2 * _CHUNK_FILES)


@pytest.mark.skipif(sys.platform != "linux", reason="these classes are Linux's")
def test_parsers_come_last_and_the_writer_has_a_share(tmp_path: Path) -> None:
    root, before = write_tree(tmp_path / "work", MANY), os.nice(0)
    with indexer(root, tmp_path / "state", "mild") as it:
        it.say("all", 1)
        it.hear("done")
        writer = psutil.Process(it.process.pid)
        assert os.sched_getscheduler(writer.pid) == os.SCHED_BATCH
        assert writer.nice() == min(before + 10, 19)
        workers = writer.children()
        assert len(workers) == min(2, os.cpu_count() or 1)
        for worker in workers:
            assert (os.sched_getscheduler(worker.pid), worker.nice()) == (os.SCHED_BATCH, 19)
            assert worker.ionice().ioclass == psutil.IOPRIO_CLASS_IDLE


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no niceness")
def test_what_is_waited_for_is_done_like_anything_else(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "work", MANY)
    with indexer(root, tmp_path / "state") as it:
        it.say("all", 1)
        it.hear("done")
        writer = psutil.Process(it.process.pid)
        assert {process.nice() for process in (writer, *writer.children())} == {os.nice(0)}
