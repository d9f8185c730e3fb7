"""The schema, as the ordered steps that led to it. A step is never edited once released; a new one is added at the end."""

from __future__ import annotations

STEPS: tuple[tuple[str, ...], ...] = (
    # 1: review threads. A repository is named by the bytes of its path; a thread is one JSON document.
    (
        "CREATE TABLE threads (repo BLOB NOT NULL, id TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (repo, id))",
        "CREATE TABLE reviews (repo BLOB PRIMARY KEY, revision INTEGER NOT NULL)",
    ),
    # 2: one row for each request that was answered, failed or given up; nothing of its content.
    (
        (
            "CREATE TABLE turns (id TEXT PRIMARY KEY, started REAL NOT NULL, session TEXT NOT NULL, agent TEXT NOT NULL,"
            " provider TEXT NOT NULL, asked TEXT NOT NULL, served TEXT NOT NULL, stream INTEGER NOT NULL,"
            " outcome TEXT NOT NULL, status INTEGER, error TEXT NOT NULL, stop_reason TEXT NOT NULL,"
            " input INTEGER, output INTEGER, cache_read INTEGER, cache_write INTEGER, cache_write_1h INTEGER,"
            " cost REAL, saved REAL, ms REAL NOT NULL, first_ms REAL, tools TEXT NOT NULL, cache TEXT NOT NULL,"
            " retries INTEGER NOT NULL, changes TEXT NOT NULL, upstream TEXT NOT NULL)"
        ),
        "CREATE INDEX turns_started ON turns (started)",
    ),
    # 3: what the assistant's tools leave behind: edits of files, tasks, test runs, trees whose tests passed.
    (
        (
            "CREATE TABLE edits (id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, session TEXT NOT NULL,"
            " tool TEXT NOT NULL, path TEXT NOT NULL, before BLOB, existed INTEGER NOT NULL, was TEXT NOT NULL,"
            " became TEXT NOT NULL, diff TEXT NOT NULL)"
        ),
        (
            "CREATE TABLE tasks (id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT NOT NULL, status TEXT NOT NULL,"
            " priority INTEGER NOT NULL, tags TEXT NOT NULL, files TEXT NOT NULL, body TEXT NOT NULL,"
            " created REAL NOT NULL, updated REAL NOT NULL)"
        ),
        (
            "CREATE TABLE test_runs (id INTEGER PRIMARY KEY AUTOINCREMENT, started REAL NOT NULL, seconds REAL NOT NULL,"
            " runner TEXT NOT NULL, command TEXT NOT NULL, outcome TEXT NOT NULL, passed INTEGER NOT NULL,"
            " failed INTEGER NOT NULL, skipped INTEGER NOT NULL, document TEXT NOT NULL)"
        ),
        "CREATE TABLE passed_trees (tree TEXT PRIMARY KEY, command TEXT NOT NULL, at REAL NOT NULL)",
    ),
    # 4: what people dismissed in reviews, named like the threads.
    (
        (
            "CREATE TABLE dismissals (repo BLOB NOT NULL, id TEXT NOT NULL, document TEXT NOT NULL,"
            " PRIMARY KEY (repo, id))"
        ),
    ),
)
"""Statements of each step; a database whose `user_version` is n has had the first n of them."""
