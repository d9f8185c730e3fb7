"""Which mend a comment suggests."""

from __future__ import annotations

import pytest

from sidecar.core.review import Anchor, Comment, Suggestion, Thread
from sidecar.core.suggestion import suggestion_of

TEXT = ("a = 1", "b = 2")


def said(body: str, told: Suggestion | None = None) -> Suggestion | None:
    comment = Comment("c", "model", body, 1.0, suggestion=told)
    return suggestion_of(Thread("t", Anchor("a.py", 3, 4, TEXT), "open", 0.4, "high", (comment,), 1.0, 1.0), comment)


@pytest.mark.parametrize(
    ("body", "now"),
    [
        ("Rather:\n\n```suggestion\na = 2\nb = 3\n```\nSo.", ("a = 2", "b = 3")),
        ("```suggestion\r\na = 2\r\n```", ("a = 2",)),
        ("```suggestion\n```", ()),
        ("```suggestion\n\n```", ("",)),
        ("````suggestion\n```\nx\n```\n````", ("```", "x", "```")),
        ("~~~suggestion python\nx\n~~~", ("x",)),
        ("```suggestion\na = 1\nb = 2\n```", None),
        ("```suggestion\none\n```\nor\n```suggestion\ntwo\n```", None),
        ("```suggestion\nnever closed", None),
        ("```python\na = 2\n```", None),
        ("no block: ```suggestion", None),
    ],
)
def test_a_block_replaces_the_threads_lines(body: str, now: tuple[str, ...] | None) -> None:
    assert said(body) == (None if now is None else Suggestion(TEXT, now))


def test_what_a_comment_carries_comes_first() -> None:
    told = Suggestion(("b = 2",), ("b = 3",))
    assert said("```suggestion\nother\n```", told) == told
    assert said("x", Suggestion((), ("new",))) is None
    assert said("x", Suggestion(("b",), ("b",))) is None
