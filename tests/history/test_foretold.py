"""Past changes are foretold once, each by what was known before it, and what is kept tells the same."""

import pytest

from sidecar.history.foretold import Foretold
from sidecar.history.kept import KeptTraces
from sidecar.history.past import Past
from sidecar.history.traces import MemoryTraces, trace_blocking
from sidecar.risk.assess import foretell
from sidecar.risk.eras import begins_with
from sidecar.risk.model import load
from sidecar.vcs.history import walk_blocking
from sidecar.vcs.runner import Git
from tests.review.histories import made

MODEL = load()


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    return made(tmp_path_factory.mktemp("r"), seed=3, commits=70)


def past_of(repository, store, head=None):
    """A past, told what was foretold, and who told it."""
    git = Git.open_blocking(repository.root)
    head = head or repository.head
    walked = list(walk_blocking(git, [head]))
    past = Past(walked, [head], trace_blocking(git, walked[::-1], store))
    foretold = Foretold(git, MODEL, store)
    foretold.tell_blocking(past, walked, [head])
    return past, walked


def level(past, head):
    return past.at(head, author="", time=0.0).level()


def test_a_level_sets_what_was_repaired_against_what_was_foretold(repository):
    store = MemoryTraces()
    past, _ = past_of(repository, store)
    found = level(past, repository.head)
    scores = store.foretold(MODEL.name)
    assert found.changes == begins_with(found.changes) == len(scores) >= 20
    assert 0 < found.found < found.changes
    assert found.told == pytest.approx(sum(scores.values()))
    assert len(set(scores.values())) > 10


def test_each_is_asked_once(repository, tmp_path, monkeypatch):
    asked = []

    def counted(change, facts, model):
        asked.append(change.commit)
        return foretell(change, facts, model)

    monkeypatch.setattr("sidecar.history.foretold.foretell", counted)
    first, _ = past_of(repository, KeptTraces(tmp_path))
    assert len(asked) == len(set(asked)) == level(first, repository.head).changes
    again, _ = past_of(repository, KeptTraces(tmp_path))
    assert level(again, repository.head) == level(first, repository.head)
    assert len(asked) == level(first, repository.head).changes


def test_what_is_foretold_does_not_depend_on_where_one_stands(repository):
    whole, early = MemoryTraces(), MemoryTraces()
    _, walked = past_of(repository, whole)
    before = walked[len(walked) // 3].id
    past, _ = past_of(repository, early, before)
    assert level(past, before) is not None
    both = early.foretold(MODEL.name).keys() & whole.foretold(MODEL.name).keys()
    assert len(both) >= 20
    assert all(early.foretold(MODEL.name)[own] == whole.foretold(MODEL.name)[own] for own in both)


def test_messages_are_not_looked_at(repository):
    store = MemoryTraces()
    past_of(repository, store)
    other = MemoryTraces()
    git = Git.open_blocking(repository.root)
    walked = list(walk_blocking(git, [repository.head]))
    past = Past(walked, [repository.head], trace_blocking(git, walked[::-1], other))
    silent = [type(c)(c.id, c.parents, c.time, c.author, "", c.touched) for c in walked]
    Foretold(git, MODEL, other).tell_blocking(past, silent, [repository.head])
    assert other.foretold(MODEL.name) == store.foretold(MODEL.name)


def test_without_repairs_nothing_is_foretold(repository):
    git = Git.open_blocking(repository.root)
    walked = list(walk_blocking(git, [repository.head]))
    past, store = Past(walked, [repository.head]), MemoryTraces()
    Foretold(git, MODEL, store).tell_blocking(past, walked, [repository.head])
    assert level(past, repository.head) is None
    assert store.foretold(MODEL.name) == {}


def test_where_git_cannot_tell_the_changes_the_past_stays_without_levels(repository, monkeypatch):
    def broken(*_args):
        raise GitError("git broke off.")
        yield

    from sidecar.core.errors import GitError

    monkeypatch.setattr("sidecar.history.foretold.told_changes_blocking", broken)
    past, _ = past_of(repository, MemoryTraces())
    assert level(past, repository.head) is None
