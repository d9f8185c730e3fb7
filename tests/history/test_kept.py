"""Traces in the state folder are those that were put there."""

from sidecar.history.deltas import FileDelta
from sidecar.history.kept import KeptTraces
from sidecar.risk.ledger import Repair, Trace
from sidecar.store.commits import FILE, CommitFile

DELTA = (FileDelta("é\udcff.py", "a.py", "renamed", ((0, 1, 2),), b"\x01\x04", (3,)),)
TRACE = Trace((("é\udcff.py", 2),), (Repair("b" * 40, "a.py", 1),))


def test_traces_outlive_the_process(tmp_path):
    KeptTraces(tmp_path).keep({"a" * 40: DELTA}, {"a" * 40: TRACE})
    again = KeptTraces(tmp_path)
    assert again.traces() == {"a" * 40: TRACE}
    assert again.deltas() == {"a" * 40: DELTA}
    again.keep({"c" * 40: ()}, {"c" * 40: Trace()})
    assert set(again.traces()) == {"a" * 40, "c" * 40}


def test_scores_outlive_the_process_and_are_a_models_own(tmp_path):
    KeptTraces(tmp_path).keep_foretold("m@1", {"a" * 40: 1 / 3})
    KeptTraces(tmp_path).keep_foretold("m@2", {"a" * 40: 0.5})
    KeptTraces(tmp_path).keep_foretold("m@1", {"b" * 40: 0.25})
    assert KeptTraces(tmp_path).foretold("m@1") == {"a" * 40: 1 / 3, "b" * 40: 0.25}
    assert KeptTraces(tmp_path).foretold("m@3") == {}


def test_a_row_that_cannot_be_read_is_not_there(tmp_path):
    CommitFile(tmp_path / FILE).keep([("a" * 40, b"[1]", b"1"), ("b" * 40, b"no json", b"")])
    assert KeptTraces(tmp_path).traces() == {}
    assert KeptTraces(tmp_path).deltas() == {}
