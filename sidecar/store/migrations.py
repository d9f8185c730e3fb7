"""The schema, as the ordered steps that led to it. A step is never edited once released; a new one is added at the end."""

from __future__ import annotations

STEPS: tuple[tuple[str, ...], ...] = (
    # 1: review threads. A repository is named by the bytes of its path; a thread is one JSON document.
    (
        "CREATE TABLE threads (repo BLOB NOT NULL, id TEXT NOT NULL, document TEXT NOT NULL, PRIMARY KEY (repo, id))",
        "CREATE TABLE reviews (repo BLOB PRIMARY KEY, revision INTEGER NOT NULL)",
    ),
)
"""Statements of each step; a database whose `user_version` is n has had the first n of them."""
