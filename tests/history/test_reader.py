"""Reading a history once: at once, or beside while scores do without."""

import threading

from sidecar.history.reader import Reader
from sidecar.history.traces import MemoryTraces
from sidecar.vcs.history import Commit, walk_blocking
from sidecar.vcs.runner import Git
from tests.fakes.repository import Commit as Made
from tests.fakes.repository import Repository


def repository(tmp_path, commits):
    made = Repository.create(tmp_path / "r")
    made.import_history(Made("Add", {"a.py": f"x = {n}\n"}) for n in range(commits))
    git = Git.open_blocking(made.root)
    return git, list(walk_blocking(git, [made.head]))


def test_who_wants_no_word_waits(tmp_path):
    git, commits = repository(tmp_path, 70)
    found = Reader(git, MemoryTraces(), None).traces(commits)
    assert found is not None
    assert len(found) == 70


def test_a_long_history_is_read_beside_and_a_short_one_at_once(tmp_path):
    git, commits = repository(tmp_path, 70)
    done = threading.Event()
    reader = Reader(git, MemoryTraces(), done.set)
    assert reader.traces(commits[-5:]) is not None
    assert not done.is_set()
    assert reader.traces(commits) is None
    assert done.wait(30)
    found = reader.traces(commits)
    assert found is not None
    assert len(found) == 70
    reader.close()


def test_what_is_read_beside_is_handed_on_before_it_is_done(tmp_path):
    git, commits = repository(tmp_path, 70)
    done, handed = threading.Event(), []
    reader = Reader(git, MemoryTraces(), done.set, lambda *read: handed.append((*read, done.is_set())))
    assert reader.traces(commits[-5:]) is not None
    assert handed == []
    reader.traces(commits)
    assert done.wait(30)
    ((read, traces, was_done),) = handed
    assert (read, len(traces), was_done) == (commits, 70, False)
    reader.close()


def test_a_reading_can_be_given_up(tmp_path):
    git, commits = repository(tmp_path, 70)
    held, go = threading.Event(), threading.Event()

    class Held(MemoryTraces):
        def traces(self):
            if threading.current_thread() is not threading.main_thread():
                held.set()
                go.wait(30)
            return super().traces()

    told = threading.Event()
    reader = Reader(git, Held(), told.set)
    assert reader.traces(commits) is None
    assert held.wait(30)
    threading.Timer(0.1, go.set).start()
    reader.close()
    assert not told.is_set()


def test_a_history_that_git_cannot_tell_is_left_alone(tmp_path):
    git, _ = repository(tmp_path, 1)
    strange = [Commit(f"{n:040x}", (), n, "ada", "Fix") for n in range(1, 80)]
    reader = Reader(git, MemoryTraces(), None)
    assert reader.traces(strange) is None
    assert reader.traces([]) is None
