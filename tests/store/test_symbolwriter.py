"""Writing the index: whole batches, nothing twice, begun anew when it is damaged or of another form."""

from __future__ import annotations

import contextlib
import sqlite3
import stat
import sys
from array import array

import pytest

from sidecar.core.errors import StoreError
from sidecar.store.symbols import SymbolReader
from sidecar.store.symbolwriter import Entry, SymbolWriter
from tests.index.trees import content

PLACES = array("I", [1, 5, 0]).tobytes()
SYMBOL = ("total", "function", "", 1, 5, 10, 1, 1, 2, 1, "def total()", "")


def entry(path="a.py", name="total", **more) -> Entry:
    symbol = (name, *SYMBOL[1:])
    return Entry(
        path,
        9,
        1,
        2,
        b"h",
        "python",
        "",
        "doc",
        [symbol],
        {"used": PLACES},
        [(1, "os", "", "os")],
        [("B", "A")],
        b"",
        [],
        **more,
    )


@pytest.fixture
def where(tmp_path):
    return tmp_path / "state" / "index.db"


def test_a_file_is_put_in_replaced_and_taken_out(where):
    with contextlib.closing(SymbolWriter(where)) as writer:
        assert writer.write([entry(), entry("b.py", "rate")]) == 1
        first = writer.known()["a.py"].id
        assert writer.write([entry(name="sum")]) == 2
        assert writer.known()["a.py"].id == first
        assert writer.write([]) == 2
        assert writer.write([], ["b.py", "gone.py"]) == 3
    held = content(where)
    assert [row[2] for row in held["symbols"]] == ["sum"]
    assert len(held["uses"]) == len(held["imports"]) == len(held["bases"]) == len(held["files"]) == 1
    assert held["orphans"] == []
    assert held["searched"] == held["defined"]


def test_a_batch_that_fails_leaves_nothing(where):
    with contextlib.closing(SymbolWriter(where)) as writer:
        writer.write([entry()])
        broken = entry("b.py")._replace(symbols=[(*SYMBOL[:-1], object())])
        with pytest.raises((StoreError, sqlite3.Error)):
            writer.write([entry(name="other"), broken])
        assert set(writer.known()) == {"a.py"}
        writer.write([entry("c.py", "other")])
    assert content(where)["searched"] == content(where)["defined"]
    assert [row[2] for row in content(where)["symbols"]] == ["total", "other"]


def test_states_below_a_folder(where):
    with contextlib.closing(SymbolWriter(where)) as writer:
        writer.write([entry("d/a.py"), entry("d/e/b.py"), entry("d2/c.py"), entry("d*/x.py")])
        assert set(writer.state_of(["d"])) == {"d/a.py", "d/e/b.py"}
        assert set(writer.state_of(["d*"])) == {"d*/x.py"}
        writer.touch([("d/a.py", 7, 8, 9)])
        assert writer.known()["d/a.py"][1:4] == (7, 8, 9)


@pytest.mark.parametrize("fault", ["header", "middle", "version", "foreign"])
def test_what_cannot_be_used_is_put_aside_and_begun_anew(where, fault):
    with contextlib.closing(SymbolWriter(where)) as writer:
        writer.write([entry(f"m{n}.py", f"name{n}") for n in range(400)])
    if fault in {"version", "foreign"}:
        with contextlib.closing(sqlite3.connect(where)) as db:
            db.execute(f"PRAGMA {'user_version' if fault == 'version' else 'application_id'} = 77")
    else:
        raw = bytearray(where.read_bytes())
        at = 0 if fault == "header" else len(raw) // 2
        raw[at : at + 8192] = b"\xa5" * 8192
        where.write_bytes(raw)
    with contextlib.closing(SymbolWriter(where)) as writer:
        assert writer.known() == {}
        writer.write([entry()])
    assert where.with_name("index.db.damaged").exists()
    with contextlib.closing(SymbolReader(where)) as reader:
        assert [s.name for s in reader.symbols_named("total")] == ["total"]


def test_readers_see_whole_batches_while_it_is_written(where):
    with contextlib.closing(SymbolWriter(where)) as writer, contextlib.closing(SymbolReader(where)) as reader:
        before = reader.changed()
        writer.write([entry()])
        assert reader.changed() != before
        assert reader.notes()["revision"] == 1
        writer.settle()
        assert len(reader.symbols_named("total")) == 1


def test_a_batch_is_one_segment_of_the_search_whatever_the_order_of_its_names(where):
    """Names get their numbers when they are first used, which need not be the order in which they are defined."""
    names = [f"name{n}" for n in range(50)]
    later = [entry(f"m{n}.py", name) for n, name in enumerate(reversed(names))]
    with contextlib.closing(SymbolWriter(where)) as writer:
        writer.write([entry()._replace(uses=dict.fromkeys(names, PLACES)), *later])
    with contextlib.closing(sqlite3.connect(where)) as db:
        assert db.execute("SELECT count(DISTINCT segid) FROM search_idx").fetchone() == (1,)


def test_many_names_do_not_stay_in_memory(where, monkeypatch):
    monkeypatch.setattr("sidecar.store.symbolwriter._CACHED_NAMES", 10)
    with contextlib.closing(SymbolWriter(where)) as writer:
        for start in (0, 50, 0):
            writer.write([entry(f"m{n}.py", f"name{n}") for n in range(start, start + 50)])
        assert len(writer._ids) <= 60  # what is remembered, and one batch
    held = content(where)
    assert held["searched"] == held["defined"]
    assert len(held["symbols"]) == 100


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")
def test_the_file_is_the_users_alone_and_a_bad_folder_is_told(where, tmp_path):
    SymbolWriter(where).close()
    assert stat.S_IMODE(where.stat().st_mode) == 0o600
    (tmp_path / "file").write_text("")
    with pytest.raises((StoreError, OSError)):
        SymbolWriter(tmp_path / "file" / "index.db")
