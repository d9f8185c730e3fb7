"""Dismissals outlive the process, by repository, and what cannot be read does no harm."""

from __future__ import annotations

from sidecar.core.review import Anchor, Comment, Dismissal, Evidence, Suggestion, Thread
from sidecar.store.database import Database
from sidecar.store.dismissals import DismissalStore


def made(id_: str, created: float = 1.0) -> Dismissal:
    mend = Suggestion(("x",), ("y", ""))
    told = Comment("c", "sidecar", "Höre.", 1.0, suggestion=mend, evidence=(Evidence("commit", "abc", "a" * 40),))
    anchor = Anchor("a b/ü.py", 3, 4, ("x", "y"), ("u",), ("v",))
    thread = Thread("t", anchor, "open", 0.4, "high", (told,), 1.0, 2.0, 3, "High risk", tags=("one",), kind="rule")
    return Dismissal(id_, "rule", "folder", "a b/*.py", "generated", created, thread)


async def test_what_was_kept_comes_back_in_order(tmp_path) -> None:
    database = await Database.open(tmp_path / "sidecar.db")
    store = DismissalStore(database)
    await store.save("/r", [made("late", 5.0), made("early", 1.0)])
    await store.save("/other", [made("elsewhere")])
    await database.aclose()
    database = await Database.open(tmp_path / "sidecar.db")
    store = DismissalStore(database)
    assert await store.all("/r") == (made("early", 1.0), made("late", 5.0))
    await store.save("/r", removed=["late", "unknown"])
    assert await store.all("/r") == (made("early", 1.0),)
    assert await store.all("/nowhere") == ()
    await database.aclose()


async def test_a_document_that_cannot_be_understood_is_passed_over() -> None:
    database = await Database.open(None)
    store = DismissalStore(database)
    await store.save("/r", [made("fine")])
    for number, document in enumerate(("", "[]", "{}", '{"thread": 1}', '{"thread": {"anchor": {}}}')):
        await database.write(
            lambda connection, n=number, text=document: connection.execute(
                "INSERT INTO dismissals (repo, id, document) VALUES (?, ?, ?)", (b"/r", f"odd{n}", text)
            )
        )
    assert [each.id for each in await store.all("/r")] == ["fine"]
    await database.aclose()
