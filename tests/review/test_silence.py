"""What a dismissal reaches: these lines, this file, files like it."""

from __future__ import annotations

import pytest

from sidecar.core.review import Anchor, DismissalScope, Thread
from sidecar.review.silence import dismissal, kind_of, near, renamed, silenced


def thread(path: str = "src/a.py", kind: str = "", **anchor: object) -> Thread:
    place = {"path": path, "start": 10, "end": 12, "text": ("x", "y", "z"), **anchor}
    return Thread("t", Anchor(**place), "open", 0.4, "high", (), 1.0, 1.0, title="High risk", kind=kind)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("scope", "path", "place", "silent"),
    [
        ("lines", "src/a.py", ("src/a.py", 10, 12), True),
        ("lines", "src/a.py", ("src/a.py", 15, 15), True),
        ("lines", "src/a.py", ("src/a.py", 16, 16), False),
        ("lines", "src/a.py", ("src/b.py", 10, 12), False),
        ("file", "src/a.py", ("src/a.py", 500, 501), True),
        ("file", "src/a.py", ("src/a.pyi", 10, 12), False),
        ("file", "src/[a].py", ("src/[a].py", 1, 1), True),
        ("file", "src/[a].py", ("src/a.py", 1, 1), False),
        ("folder", "src/a.py", ("src/b.py", 1, 1), True),
        ("folder", "src/a.py", ("src/deep/b.py", 1, 1), True),
        ("folder", "src/a.py", ("src/b.ts", 1, 1), False),
        ("folder", "src/a.py", ("other/src/b.py", 1, 1), False),
        ("folder", "a.py", ("src/b.py", 1, 1), True),
        ("folder", "src/*x/a.py", ("src/*x/b.py", 1, 1), True),
        ("folder", "src/*x/a.py", ("src/yx/b.py", 1, 1), False),
    ],
)
def test_how_far_a_dismissal_reaches(scope: DismissalScope, path: str, place, silent: bool) -> None:
    made = dismissal(thread(path), scope, "not here", "d", 2.0)
    assert silenced("risk", place, [made]) is silent


def test_only_the_same_kind_is_silenced() -> None:
    made = dismissal(thread(kind="broad-except"), "file", "not here", "d", 2.0)
    assert kind_of(thread(kind="broad-except")) == "broad-except"
    assert silenced("broad-except", ("src/a.py", 1, 1), [made])
    assert not silenced("risk", ("src/a.py", 1, 1), [made])


def test_lines_that_are_gone_silence_nothing() -> None:
    made = dismissal(thread(outdated=True), "lines", "not here", "d", 2.0)
    assert not silenced("risk", ("src/a.py", 10, 12), [made])


def test_a_file_keeps_its_dismissals_under_another_name() -> None:
    of_file = renamed(dismissal(thread(), "file", "r", "d", 2.0), "src/new.py")
    assert silenced("risk", ("src/new.py", 1, 1), [of_file])
    of_folder = renamed(dismissal(thread(), "folder", "r", "d", 2.0), "lib/new.py")
    assert (of_folder.pattern, of_folder.thread.anchor.path) == ("src/*.py", "lib/new.py")


@pytest.mark.parametrize(("other", "shared"), [(("a", 13, 14), True), (("a", 6, 7), True), (("a", 14, 14), False)])
def test_places_nearby_share_a_comment(other, shared) -> None:
    assert near(("a", 10, 10), other) is shared
