"""One file's entry; and the worker's pipe, which takes values whole or not at all."""

from __future__ import annotations

import io
import marshal
import os
import sys

import pytest

from sidecar.index.reading import is_same, read_entry, receive, send
from sidecar.store.symbolwriter import Entry
from tests.index.trees import write_tree


def test_an_entry_has_the_files_state_and_facts(tmp_path):
    write_tree(tmp_path, {"in/a.py": '"""About."""\nimport os\nclass A(B):\n    def f(self, x): return os.path\n'})
    read = read_entry(tmp_path, "in/a.py")
    entry = Entry(*read)
    facts = (tmp_path / "in" / "a.py").stat()
    assert (entry.path, entry.size, entry.modified, entry.language, entry.skipped) == (
        "in/a.py",
        facts.st_size,
        facts.st_mtime_ns,
        "python",
        "",
    )
    assert [s[0] for s in entry.symbols] == ["A", "f"]
    assert set(entry.uses) == {"os", "path", "B"}
    assert entry.imports == [(2, "os", "", "os")]
    assert entry.bases == [("B", "A")]
    assert [name for name, *_ in marshal.loads(entry.locals)] == ["self", "x"]
    assert entry.doc == "About."
    assert not is_same(read)
    assert is_same(read_entry(tmp_path, "in/a.py", entry.hash))
    assert read_entry(tmp_path, "gone.py") is None
    assert read_entry(tmp_path, "in/a.py/more.py") is None


@pytest.mark.parametrize(
    ("path", "language", "facts"),
    [("notes.md", "markdown", ()), ("requirements.txt", "text", [("dependency", "x", "")]), ("unknown.zzz", "", ())],
)
def test_what_has_no_grammar_is_known_by_its_type_and_read_only_for_facts(tmp_path, path, language, facts):
    write_tree(tmp_path, {path: "x\n"})
    entry = Entry(*read_entry(tmp_path, path))
    assert (entry.language, entry.skipped, entry.facts) == (language, "", facts)
    assert bool(entry.hash) == bool(facts)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="needs a file that cannot be read")
def test_what_cannot_be_read_says_why(tmp_path):
    write_tree(tmp_path, {"a.py": "x\n"})
    (tmp_path / "a.py").chmod(0)
    assert Entry(*read_entry(tmp_path, "a.py")).skipped == "cannot be read (Permission denied)"


def test_a_missing_grammar_is_a_reason(tmp_path, monkeypatch):
    write_tree(tmp_path, {"a.rb": "def f; end\n"})
    monkeypatch.setitem(sys.modules, "tree_sitter_ruby", None)
    from sidecar.index import extract, grammars

    grammars.loaded.cache_clear()
    extract._tools.cache_clear()
    assert "tree_sitter_ruby" in Entry(*read_entry(tmp_path, "a.rb")).skipped


@pytest.mark.parametrize("value", [[], ["x" * 100_000], {"a": (1, b"\0" * 70_000)}, None])
def test_values_cross_a_pipe_whole(value):
    stream = io.BytesIO()
    send(stream, value)
    send(stream, 1)
    stream.seek(0)
    assert (receive(stream), receive(stream)) == (value, 1)
    with pytest.raises(EOFError):
        receive(stream)
    whole = stream.getvalue()
    for cut in (1, 7, 8):
        with pytest.raises(EOFError):
            receive(io.BytesIO(whole[:cut]))
