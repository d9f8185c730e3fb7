"""Threads and anchors are values."""

import dataclasses

import pytest

from sidecar.core.review import Anchor, Comment, Finding, Thread


def test_a_moved_thread_is_another_value_with_the_same_words():
    old = Anchor("a.py", 1, 1, ("x",))
    thread = Thread("t", old, "open", 0.3, "high", (), created=1, updated=1)
    moved = thread.moved(Anchor("a.py", 5, 5, ("x",)))
    assert (moved.id, moved.anchor.start, moved.state) == ("t", 5, "open")
    assert thread.anchor is old


def test_a_findings_plain_text_has_no_marks():
    found = Finding("force", "a.sh", 1, 1, "warning", "a force", "It forces.", "It matters.", "Use `git push` for it.")
    assert found.text == "It forces. It matters. Use git push for it."
    assert found.advice == "Use git push for it."


def test_a_comment_takes_the_place_of_its_draft():
    thread = Thread("t", Anchor("a.py", 1, 2, ("x", "y")), "open", 0.3, "high", (), created=1, updated=1)
    asked, draft = Comment("c", "user", "Why?", 2.0), Comment("d", "model", "Bec", 3.0, partial=True)
    said = thread.saying(asked).saying(draft).saying(Comment("d", "model", "Because.", 4.0))
    assert [(each.id, each.body) for each in said.comments] == [("c", "Why?"), ("d", "Because.")]
    assert said.updated == 4.0
    assert said.anchor.place == ("a.py", 1, 2)


def test_values_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Anchor("a.py", 1, 1, ("x",)).start = 2
