"""What was read of commits outlives the process; a file that cannot be used costs nothing but time."""

import sqlite3

from sidecar.store.commits import CommitFile

ROWS = [("a" * 40, b"trace", b"delta"), ("b" * 40, b"", b"\0\xff")]


def test_rows_are_kept(tmp_path):
    path = tmp_path / "state" / "history.db"
    assert CommitFile(path).traces() == {}
    assert not path.exists()
    CommitFile(path).keep(ROWS)
    CommitFile(path).keep([(ROWS[0][0], b"other", b"delta")])
    assert CommitFile(path).traces() == {"a" * 40: b"other", "b" * 40: b""}
    assert CommitFile(path).deltas()["b" * 40] == b"\0\xff"
    assert path.stat().st_mode & 0o777 == 0o600


def test_scores_are_kept_beside_them_to_the_last_bit(tmp_path):
    path = tmp_path / "history.db"
    assert CommitFile(path).scores("m") == {}
    CommitFile(path).keep_scores("m", {"a" * 40: 0.1 + 0.2})
    CommitFile(path).keep(ROWS)
    assert CommitFile(path).scores("m") == {"a" * 40: 0.1 + 0.2}
    assert CommitFile(path).scores("other") == {}


def test_a_file_of_an_older_version_keeps_its_rows_and_takes_scores(tmp_path):
    path = tmp_path / "history.db"
    CommitFile(path).keep(ROWS)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE scores")
    CommitFile(path).keep_scores("m", {"a" * 40: 0.5})
    assert CommitFile(path).scores("m") == {"a" * 40: 0.5}
    assert len(CommitFile(path).traces()) == 2


def test_rows_of_another_form_are_made_again(tmp_path):
    path = tmp_path / "history.db"
    CommitFile(path).keep(ROWS)
    CommitFile(path).keep_scores("m", {"a" * 40: 0.5})
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    assert CommitFile(path).traces() == {}
    assert CommitFile(path).scores("m") == {}


def test_a_damaged_file_is_begun_anew(tmp_path):
    path = tmp_path / "history.db"
    path.write_bytes(b"no database at all" * 100)
    assert CommitFile(path).traces() == {}
    CommitFile(path).keep(ROWS)
    assert len(CommitFile(path).traces()) == 2


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path):
    (tmp_path / "state").write_text("a file")
    file = CommitFile(tmp_path / "state" / "history.db")
    file.keep(ROWS)
    assert file.traces() == {}
