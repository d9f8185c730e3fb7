"""Core values as protocol values: lines, names, numbers; requests against a working desk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from sidecar.core.errors import BadInput, NotFound
from sidecar.core.ports import EndpointStatus
from sidecar.core.review import Anchor, Author, Comment, Evidence, Thread
from sidecar.editor.places import Places
from sidecar.editor.protocol import ReplyParams, ReviewParams, ScopeItem, SetStateParams, TextParams
from sidecar.editor.review import Review, status_of, thread_item
from tests.fakes.services import FakeDesk

PLACES = Places(PurePosixPath("/r"), PurePosixPath("/r"))


def thread(anchor: Anchor, *comments: Comment) -> Thread:
    return Thread("t1", anchor, "open", 0.25, "medium", comments, 1.0, 2.0, 7, "Title")


@pytest.mark.parametrize(("start", "end", "shown"), [(1, 1, (0, 0)), (10, 14, (9, 13)), (0, 0, (0, 0)), (5, 3, (4, 4))])
def test_lines_count_from_zero_and_never_backwards(start: int, end: int, shown: tuple[int, int]) -> None:
    item = thread_item(thread(Anchor("a b/ü.py", start, end, ("x",), outdated=True)), PLACES)
    assert (item.start_line, item.end_line) == shown
    assert item.outdated
    assert (item.uri, item.revision, item.title) == ("file:///r/a%20b/%C3%BC.py", 7, "Title")


@pytest.mark.parametrize(
    ("author", "name", "shown"),
    [("sidecar", "", "Sidecar"), ("user", "", "You"), ("model", "", "Model"), ("model", "claude-x", "claude-x")],
)
def test_everybody_has_a_name(author: Author, name: str, shown: str) -> None:
    comment = Comment("c1", author, "*hi*", 3.0, name)
    item = thread_item(thread(Anchor("a", 1, 1, ("x",)), comment), PLACES).comments[0]
    assert (item.author, item.name, item.body, item.created) == (author, shown, "*hi*", 3.0)


async def test_a_desk_behind_requests(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("risky\nrisky too\n")
    (tmp_path / "b.py").write_text("risky three\n")
    review = Review(FakeDesk(tmp_path), Places.of(str(tmp_path), tmp_path))
    assert (await review.look(ReviewParams(paths=["a.py"]))).open_threads == 2
    result = await review.look(ReviewParams())
    assert (result.open_threads, result.score, result.band) == (3, 0.5, "high")
    everything = review.changes(0)
    assert (everything.full, len(everything.upserts), everything.removes) == (True, 3, [])
    one = everything.upserts[0]
    assert len((await review.reply(ReplyParams(id=one.id, body="why"))).comments) == 3
    assert (await review.set_state(SetStateParams(id=one.id, state="resolved"))).state == "resolved"
    (tmp_path / "b.py").unlink()
    await review.look(ReviewParams(paths=["b.py"]))
    later = review.changes(everything.revision)
    assert (later.full, [t.id for t in later.upserts]) == (False, [one.id])
    assert later.removes == [t.id for t in everything.upserts if t.uri.endswith("b.py")]
    with pytest.raises(NotFound, match="no thread"):
        await review.set_state(SetStateParams(id="gone", state="open"))


@pytest.mark.parametrize(
    ("side", "standing", "shown", "inside"),
    [
        ("", None, ("file:///r/a.py", 4, 5), None),
        ("index", (8, 9), ("file:///r/a.py", 7, 8), ("sidecar-revision:/r/a.py?index", 4, 5)),
        ("index", None, ("sidecar-revision:/r/a.py?index", 4, 5), ("sidecar-revision:/r/a.py?index", 4, 5)),
    ],
)
def test_a_thread_stands_in_the_file_while_its_lines_do(side, standing, shown, inside) -> None:  # type: ignore[no-untyped-def]
    made = replace(thread(Anchor("a.py", 5, 6, ("x", "y"))), standing=standing)
    item = thread_item(made, PLACES, side)
    assert (item.uri, item.start_line, item.end_line) == shown
    own = item.in_revision
    assert (own and (own.uri, own.start_line, own.end_line)) == inside


async def test_the_change_by_risk_and_the_texts_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("risky\n")
    review = Review(FakeDesk(tmp_path), Places.of(str(tmp_path), tmp_path))
    await review.look(ReviewParams())
    outline = await review.outline()
    (file,) = outline.files
    assert (outline.root, outline.scope.title, outline.band) == (tmp_path.as_uri(), "Working tree", "high")
    assert (file.path, file.uri, file.new_uri) == ("a.py", (tmp_path / "a.py").as_uri(), file.uri)
    assert file.old_uri == f"sidecar-revision:{tmp_path}/a.py?none"
    assert [(hunk.start_line, hunk.end_line) for hunk in file.hunks] == [(0, 0)]
    assert (await review.text(TextParams(uri=file.old_uri))).text == "a.py at none\n"
    assert [scope.kind for scope in (await review.choices()).scopes] == ["working"]
    assert await review.turn(ScopeItem(kind="working", ref="", title="")) is review
    for uri in (file.uri, "sidecar-revision:/etc/passwd?none", f"sidecar-revision:{tmp_path}/a.py", "x"):
        with pytest.raises(BadInput, match="no text"):
            await review.text(TextParams(uri=uri))


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a/../../x", "C:\\x", "file:///etc/passwd", "a\0b"])
async def test_paths_outside_are_refused(tmp_path: Path, path: str) -> None:
    desk = FakeDesk(tmp_path)
    with pytest.raises(BadInput, match="not in this repository"):
        await Review(desk, Places.of(str(tmp_path), tmp_path)).look(ReviewParams(paths=[path]))
    assert desk.looks == []


def test_a_status_without_a_review_has_no_numbers() -> None:
    status = status_of(EndpointStatus("degraded", "offline", 0, 8080, "", "/w", "Mend it."), "1.0", None)
    assert status.model_dump(by_alias=True) == {
        "state": "degraded", "provider": "offline", "port": 0, "requestedPort": 8080, "baseUrl": "", "version": "1.0",
        "workspace": "/w", "message": "Mend it.", "companionPort": 0, "score": None, "band": None, "openThreads": 0,
        "scope": None, "revision": 0,
    }  # fmt: skip


def test_only_evidence_that_can_be_opened_is_told() -> None:
    told = (
        Evidence("commit", "a1b2c3d", "a1b2c3d"),
        Evidence("commit", "--help", "--help"),
        Evidence("test", "test_it", "tests/test_a.py", 7),
        Evidence("file", "passwd", "../../etc/passwd"),
        Evidence("function", "f", "/etc/passwd", 3),
    )
    comment = Comment("c1", "sidecar", "hi", 3.0, evidence=told)
    (item,) = thread_item(thread(Anchor("a", 1, 1, ("x",)), comment), PLACES).comments
    assert [(each.kind, each.label, each.commit, each.uri, each.line) for each in item.evidence] == [
        ("commit", "a1b2c3d", "a1b2c3d", "", 0),
        ("test", "test_it", "", "file:///r/tests/test_a.py", 6),
    ]


def test_a_suggestion_is_offered_while_its_lines_are_there() -> None:
    comment = Comment("c1", "model", "```suggestion\ny\n```", 3.0)
    for anchor, offered in ((Anchor("a", 1, 1, ("x",)), True), (Anchor("a", 1, 1, ("x",), outdated=True), False)):
        assert thread_item(thread(anchor, comment), PLACES).comments[0].suggestion is offered
    writing = replace(comment, partial=True)
    (item,) = thread_item(thread(Anchor("a", 1, 1, ("x",)), writing), PLACES).comments
    assert (item.partial, item.suggestion) == (True, False)
