"""What the provider is asked when a user replies, and what the thread says when there is no answer."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from sidecar.core.diff import Hunk
from sidecar.core.errors import UpstreamCut, UpstreamError, UpstreamUnreachable
from sidecar.core.events import error_event
from sidecar.core.review import Anchor, Comment, Finding, HunkRisk, LineRisk, Reason, RiskReport, Thread
from sidecar.review import reply as room
from sidecar.review.reply import Answer, FactsWriter, Matter, ReplyWriter
from tests.fakes.provider import FakeProvider, fails, message, says, streams

LINES = [f"line {n}" for n in range(1, 101)]


def ignore(_: str) -> None:
    """For who waits for the whole answer."""


def thread(*said: tuple[str, str], **anchor) -> Thread:
    place = {"path": "a.py", "start": 50, "end": 52, "text": ("line 50", "line 51", "line 52")} | anchor
    comments = [Comment("c0", "sidecar", "**High risk.** Look here.", 1.0)]
    comments += [Comment(f"c{n}", author, body, n + 1.0) for n, (author, body) in enumerate(said)]
    return Thread("t", Anchor(**place), "open", 0.3, "high", tuple(comments), 1.0, 1.0)


async def asked(of: Thread, lines=LINES) -> dict:
    provider = FakeProvider(says("Because."))
    await ReplyWriter(provider).answer(of, Matter(lines), ignore)
    return provider.exchanges[0].request.body


async def test_the_answer_is_the_models_and_names_the_provider():
    for script in (says("  Because\nof that. "), streams("  Because\n", "of that. ")):
        provider = FakeProvider(script)
        answer = await ReplyWriter(provider).answer(thread(("user", "why?")), Matter(LINES, workspace="/w"), ignore)
        assert answer == Answer("  Because\nof that. ", "model", "fake")
        assert provider.exchanges[0].closed.is_set()
        assert provider.exchanges[0].turn.workspace == "/w"


async def test_the_request_is_plain_and_ends_with_the_question():
    body = await asked(thread(("user", "why?")))
    assert set(body) == {"model", "max_tokens", "stream", "system", "messages"}
    assert body["stream"] is True
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user"]
    assert body["messages"][-1]["content"] == "why?"
    assert body["messages"][1]["content"] == "**High risk.** Look here."


async def test_the_excerpt_has_the_lines_with_their_numbers_and_some_around():
    first = (await asked(thread(("user", "why?"))))["messages"][0]["content"]
    assert "about lines 50 to 52 of a.py." in first
    assert "   30  line 30\n" in first
    assert "   72  line 72\n" in first
    assert "line 29\n" not in first
    assert "line 73" not in first


@pytest.mark.parametrize(("lines", "outdated"), [(None, False), (LINES, True)])
async def test_lines_that_are_gone_are_shown_as_they_were(lines, outdated):
    first = (await asked(thread(("user", "why?"), outdated=outdated), lines))["messages"][0]["content"]
    assert "as they were" in first
    assert "   50  line 50\n   51  line 51\n   52  line 52\n" in first


async def test_turns_alternate_whoever_spoke():
    said = [("user", "one"), ("user", "two"), ("model", "three"), ("sidecar", "four"), ("user", "five")]
    turns = (await asked(thread(*said)))["messages"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user", "assistant", "user"]
    assert [turn["content"] for turn in turns[2:]] == ["one\n\ntwo", "three\n\nfour", "five"]


async def test_a_long_thread_is_cut_to_its_newest_comments():
    said = [("user" if n % 2 else "model", f"comment {n}") for n in range(100)]
    turns = (await asked(thread(*said)))["messages"]
    assert len(turns) <= room.MOST_COMMENTS + 1
    assert turns[-1]["content"].endswith("comment 99")
    assert turns[0]["role"] == "user"


async def test_names_and_lines_with_any_bytes_can_be_sent():
    body = await asked(thread(("user", "why?"), path="\udcff.py"), ["\u2028", "\x00", "ü"] * 30)
    assert "of ?.py" in body["messages"][0]["content"]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (fails(UpstreamUnreachable("No connection to the provider.")), "No connection to the provider."),
        (fails(UpstreamError("Too many requests.", status=429)), "Too many requests."),
        (says(""), "fake answered without text."),
        (says(" \n"), "fake answered without text."),
    ],
)
async def test_a_provider_that_fails_is_told_in_a_sentence(script, said):
    answer = await ReplyWriter(FakeProvider(script)).answer(thread(("user", "why?")), Matter(LINES), ignore)
    assert answer.author == "sidecar"
    assert answer.body == f"There is no answer: {said} Your comment is kept; reply again to ask again."


async def test_a_provider_that_does_not_answer_is_given_up(monkeypatch):
    monkeypatch.setattr(room, "_PATIENCE", 0.01)
    script = says("late")
    script.before = asyncio.Event()
    provider = FakeProvider(script)
    answer = await ReplyWriter(provider).answer(thread(("user", "why?")), Matter(LINES), ignore)
    assert "fake did not answer within 0.01 seconds." in answer.body
    assert provider.exchanges[0].cancelled


async def test_leaving_lets_go_of_the_provider():
    script = streams("half", asyncio.Event())
    provider = FakeProvider(script)
    task = asyncio.get_running_loop().create_task(
        ReplyWriter(provider).answer(thread(("user", "why?")), Matter(LINES), ignore)
    )
    exchange = await provider.next_exchange()
    while exchange.brought < 3:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert exchange.closed.is_set()


def test_the_fakes_message_is_a_message():
    assert message("x").body["content"][0]["text"] == "x"


def report(*hunks: HunkRisk) -> RiskReport:
    up, down = (
        Reason("nfix_max", 9, 0.8, "This file was repaired 9 times before."),
        Reason("exp", 90, -0.3, "Its author knows it."),
    )
    return RiskReport(0.55, "critical", -1.0, "m@1", hunks=hunks, reasons=(up, down, Reason("silent", 1, 0.9, "")))


async def test_without_a_model_the_analysers_facts_answer():
    here = HunkRisk(
        "a.py", 51, 52, 0.37, (LineRisk(51, 0.2), LineRisk(52, 0.3)), (Reason("len", 29, 0.1, "It is *long*."),)
    )
    elsewhere = HunkRisk("a.py", 90, 95, 0.9)
    answer = await FactsWriter().answer(thread(("user", "why?")), Matter(LINES, report=report(elsewhere, here)), ignore)
    assert answer.author == "sidecar"
    assert "not a model" in answer.body
    assert "Their score is 0.37, that of the whole change 0.55." in answer.body
    assert "- This file was repaired 9 times before.\n- It is \\*long\\*." in answer.body
    assert "What lowers it:\n\n- Its author knows it." in answer.body
    assert "- line 52: `line 52`\n- line 51: `line 51`" in answer.body


@pytest.mark.parametrize(
    "change", [None, report(), report(HunkRisk("b.py", 50, 52, 0.4)), report(HunkRisk("a.py", 60, 61, 0.4))]
)
async def test_without_facts_that_is_said(change):
    answer = await FactsWriter().answer(thread(("user", "why?")), Matter(LINES, report=change), ignore)
    assert "not part of the uncommitted change" in answer.body


async def test_facts_survive_a_file_that_is_gone_or_shorter():
    here = HunkRisk("a.py", 50, 52, 0.37, (LineRisk(52, 0.3),))
    for lines in (None, LINES[:10]):
        answer = await FactsWriter().answer(thread(("user", "why?")), Matter(lines, report=report(here)), ignore)
        assert "Look first" not in answer.body
        assert "0.37" in answer.body


async def test_a_finding_is_answered_with_what_is_known_of_it_where_no_score_is():
    found = Finding(
        "secret", "a.py", 51, 51, "danger", "a secret", "This line holds one.", "It matters.", "Out with it."
    )
    report = RiskReport(0.01, "low", -4.0, "m@1", findings=(found, replace(found, start=9, end=9, what="Elsewhere.")))
    answer = await FactsWriter().answer(thread(("user", "why?")), Matter(LINES, report=report), ignore)
    assert "**Hazard: a secret.** This line holds one. It matters. Out with it." in answer.body
    assert "Elsewhere" not in answer.body
    assert "Their score" not in answer.body


async def test_an_answer_is_told_as_it_grows():
    heard = []
    answer = await ReplyWriter(FakeProvider(streams("It ", "is ", "so."))).answer(
        thread(("user", "why?")), Matter(LINES), heard.append
    )
    assert heard == ["It ", "It is ", "It is so."]
    assert answer.body == "It is so."


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (UpstreamCut("The answer broke off."), "The answer broke off."),
        (error_event("overloaded_error", "Too much *now*."), "Too much \\*now\\*."),
    ],
)
async def test_what_came_before_an_answer_broke_off_is_kept_with_the_reason(fault, told):
    answer = await ReplyWriter(FakeProvider(streams("half", fault))).answer(
        thread(("user", "why?")), Matter(LINES), ignore
    )
    assert answer.author == "model"
    assert answer.body == f"half\n\n*The answer ends here: {told} Reply again to ask again.*"


async def test_the_model_is_shown_what_changed_and_what_is_known():
    provider = FakeProvider(says("Because."))
    here = HunkRisk("a.py", 51, 52, 0.37, (), (Reason("len", 29, 0.1, "It is long."),))
    hunks = [Hunk(40, 51, ("was one", "was two"), ("line 51", "line 52")), Hunk(90, 95, ("other",), ("line 95",))]
    matter = Matter(LINES, hunks, report(here))
    await ReplyWriter(provider).answer(thread(("user", "why?")), matter, ignore)
    first = provider.exchanges[0].request.body["messages"][0]["content"]
    assert "<replaced>\n-was one\n-was two\n</replaced>" in first
    assert "score 0.37, the whole change 0.55" in first
    assert "- It is long." in first
    assert "Lowers the risk:\n\n- Its author knows it." in first
    assert "other" not in first


async def test_what_is_still_being_written_is_not_sent():
    one = thread(("user", "why?"))
    draft = Comment("d", "model", "half", 9.0, partial=True)
    turns = (await asked(replace(one, comments=(*one.comments, draft))))["messages"]
    assert turns[-1]["content"] == "why?"
