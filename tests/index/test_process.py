"""The indexer's own side: what it is asked, what it tells, and that nothing that comes in makes it fall over."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing, contextmanager

import pytest

from sidecar.index.build import _AHEAD_MILD, _CHUNK_FILES
from sidecar.store.lock import Lock
from sidecar.store.symbols import SymbolReader
from tests.index.trees import build_index, content, write_tree


class Asked:
    """A real indexer on two pipes."""

    def __init__(self, root, state, *more):
        state.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "sidecar.index.process", str(root), str(state), *more]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def say(self, do, number=0, asked=(), listed=None):
        body = b"" if listed is None else b"".join(path.encode() + b"\0" for path in listed)
        size = {} if listed is None else {"size": len(body)}
        head = {"do": do, "number": number, "asked": list(asked), **size}
        self.process.stdin.write(json.dumps(head).encode() + b"\n" + body)
        self.process.stdin.flush()

    def hear(self, event):
        while line := self.process.stdout.readline():
            told = json.loads(line)
            if told["event"] == event:
                return told
        raise AssertionError(f"it ended without {event}")


@contextmanager
def indexer(root, state, *more):
    asked = Asked(root, state, *more)
    try:
        yield asked
    finally:
        asked.process.kill()
        asked.process.communicate()


@pytest.fixture
def root(tmp_path):
    return write_tree(tmp_path / "work", {"a.py": "def a(): pass\n", "b.py": "def b(): pass\n"})


def test_everything_some_paths_and_anew(root, tmp_path):
    with indexer(root, tmp_path / "state") as it:
        assert it.hear("role")["writer"] is True
        it.say("all", 1)
        assert it.hear("done") == {"event": "done", "number": 1, "changed": 2}
        it.say("all", 2, listed=["a.py"])
        assert it.hear("done")["changed"] == 1
        it.say("paths", 3, ["b.py", "a.py"], ["b.py"])
        assert it.hear("done")["changed"] == 2
        it.say("rebuild", 4)
        assert it.hear("done")["changed"] == 2
        it.say("cancel", 5)
        assert it.hear("done")["number"] == 5
        it.process.stdin.close()
        it.process.stdin = None
        assert it.process.wait(10) == 0
    assert content(tmp_path / "state" / "index.db") == content(build_index(root, tmp_path / "fresh"))


def test_while_another_has_the_lock_it_waits_and_says_who(root, tmp_path):
    (tmp_path / "state").mkdir()
    lock = Lock(tmp_path / "state" / "index.lock")
    assert lock.take()
    with indexer(root, tmp_path / "state") as it:
        assert it.hear("role")["writer"] is False
        it.say("all", 1)
        assert it.hear("done")["other"] is True
        lock.release()
        assert it.hear("role") == {"event": "role", "writer": True, "again": True}


def test_a_folder_that_cannot_be_used_is_told(root, tmp_path):
    (tmp_path / "state" / "index.db").mkdir(parents=True)
    with indexer(root, tmp_path / "state") as it:
        assert it.hear("fault")["note"]
        assert it.process.wait(10) == 1


def test_a_folder_that_is_gone_cannot_be_watched(tmp_path):
    with indexer(tmp_path / "gone", tmp_path / "state", "watch") as it:
        assert it.hear("unwatched")["note"]
        it.say("all", 1)
        assert it.hear("done")["changed"] == 0


def test_it_rests_but_looks_at_what_is_saved_meanwhile(tmp_path):
    many = {f"m{n:03}.py": f"def f{n}(): pass\n" for n in range(400)}
    root = write_tree(tmp_path / "work", many)
    with indexer(root, tmp_path / "state", "mild") as it:
        it.hear("role")
        it.say("rest", 600_000)
        it.say("all", 1)
        it.hear("progress")  # the workers were given something before; no more is given now
        write_tree(root, {"saved.py": "def saved(): pass\n"})
        it.say("paths", 2, ["saved.py"])
        path = tmp_path / "state" / "index.db"
        while not named(path, "saved"):
            assert it.process.poll() is None
        assert 0 < files_in(path) <= _AHEAD_MILD * 2 * _CHUNK_FILES + 1
        it.say("rest", 0)
        it.say("paths", 3, ["saved.py"])
        assert [it.hear("done")["number"] for _ in range(3)] == [1, 2, 3]
        assert files_in(path) == len(many) + 1


def test_what_rests_can_be_left_off(tmp_path):
    root = write_tree(tmp_path / "work", {f"m{n:03}.py": "" for n in range(400)})
    with indexer(root, tmp_path / "state", "mild") as it:
        it.hear("role")
        it.say("rest", 600_000)
        it.say("all", 1)
        it.hear("progress")
        it.say("cancel", 2)
        assert it.hear("done") == {"event": "done", "number": 1, "cancelled": True}


def named(path, name):
    with closing(SymbolReader(path)) as reader:
        return reader.symbols_named(name)


def files_in(path):
    with closing(SymbolReader(path)) as reader:
        return sum(1 for _ in reader.all_files())
