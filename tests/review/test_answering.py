"""Answers under way: shown as they grow but not too often, stopped when nobody wants them."""

from __future__ import annotations

import asyncio

import pytest

from sidecar.review.answering import Answers, Told
from sidecar.review.reply import Answer

DONE = Answer("all of it", "model", "m")


async def test_the_first_piece_is_shown_at_once_and_the_newest_later():
    shown = []
    told = Told(shown.append, 0.02)
    for text in ("a", "ab", "abc"):
        told(text)
    assert shown == ["a"]
    while len(shown) < 2:
        await asyncio.sleep(0)
    told.close()
    assert shown == ["a", "abc"]


async def test_many_pieces_are_shown_some_ten_times_a_second():
    shown = []
    told, loop = Told(shown.append, 0.1), asyncio.get_running_loop()
    begun = loop.time()
    count = 0
    while loop.time() - begun < 0.35:
        count += 1
        told("x" * count)
        await asyncio.sleep(0)
    told.close()
    passed = loop.time() - begun
    assert count > 20
    assert 1 <= len(shown) <= 1 + passed / 0.1


async def test_an_answer_and_what_was_told_before_it():
    async def work(tell):
        tell("all")
        return DONE

    answers = Answers()
    assert await answers.give("t", work, lambda _: None) == (DONE, "all")
    answers.stop("t")


async def test_stopping_ends_the_work_and_keeps_what_was_told():
    began, left = asyncio.Event(), asyncio.Event()

    async def work(tell):
        tell("half")
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            left.set()

    answers, shown = Answers(), []
    task = asyncio.get_running_loop().create_task(answers.give("t", work, shown.append))
    await began.wait()
    answers.stop("other")
    answers.stop("t")
    assert await task == (None, "half")
    assert left.is_set()
    assert shown == ["half"]


async def test_who_leaves_ends_the_work_too():
    began, left = asyncio.Event(), asyncio.Event()

    async def work(tell):
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            left.set()

    task = asyncio.get_running_loop().create_task(Answers().give("t", work, lambda _: None))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert left.is_set()


async def test_a_fault_of_ours_is_not_hidden():
    async def work(tell):
        raise ValueError("ours")

    with pytest.raises(ValueError, match="ours"):
        await Answers().give("t", work, lambda _: None)
