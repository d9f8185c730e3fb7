"""What Claude Code is handed: the place, the lines, the words, and nothing that a terminal acts on."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.review import Anchor, Comment, Thread
from sidecar.review.handover import MOST_LINES, MOST_SAID, handover

LINES = [f"line {n}" for n in range(1, 31)]


def thread(*said: tuple[str, str], **anchor) -> Thread:
    place = {"path": "src/a.py", "start": 10, "end": 11, "text": ("line 10", "line 11")} | anchor
    comments = [Comment("c0", "sidecar", "**High risk.** Nine repairs.", 1.0)]
    comments += [Comment(f"c{n}", author, body, n + 1.0) for n, (author, body) in enumerate(said)]
    return Thread("t", Anchor(**place), "open", 0.3, "high", tuple(comments), 1.0, 1.0)


def test_it_tells_place_reasons_conversation_and_lines():
    text = handover(thread(("user", "Why?"), ("model", "Because.")), LINES)
    assert text.startswith("It is about src/a.py, lines 10 to 11.")
    assert "Sidecar: **High risk.** Nine repairs.\n\nThe user: Why?\n\nThe model: Because." in text
    assert "    7  line 7\n" in text
    assert "   14  line 14\n</lines>" in text
    assert "smallest change" in text


def test_lines_that_are_gone_are_shown_as_they_were():
    for text in (handover(thread(outdated=True), LINES), handover(thread(), None)):
        assert "gone from the file now:\n\n<lines>\n   10  line 10\n   11  line 11\n</lines>" in text


def test_what_is_still_being_written_is_left_out():
    writing = Comment("p", "model", "half a", 3.0, partial=True)
    one = thread(("user", "Why?"))
    text = handover(Thread("t", one.anchor, "open", 0.3, "high", (*one.comments, writing), 1.0, 1.0), LINES)
    assert "half a" not in text


def test_a_long_conversation_keeps_its_beginning_and_its_end():
    text = handover(thread(*[("user", f"{n} " + "x" * 2_900) for n in range(20)]), ["y" * 9_000] * 30)
    assert "Nine repairs." in text
    assert "The user: 19 x" in text
    assert "The user: 1 x" not in text
    assert "(…)" in text
    assert len(text) < MOST_SAID + MOST_LINES + 2_000


@given(st.text(), st.text(), st.text())
def test_no_text_can_be_taken_for_a_key_or_for_the_end_of_the_quotation(path, line, said):
    text = handover(thread(("user", said), path=path), [line] * 12)
    assert all(sign in {"\n", "\t"} or not (ord(sign) < 32 or 127 <= ord(sign) < 160) for sign in text)
    assert text.count("</review") == text.count("</lines") == 1
    text.encode()
