"""The analyst that is made late: once, when it is asked, and with every question handed on."""

from __future__ import annotations

import asyncio

from sidecar.tools.late import LateAnalyst


class Answers:
    """Says which question came."""

    async def summarize_diff(self) -> str:
        return "summary"

    async def review_diff(self) -> str:
        return "review"

    async def find_symbol(self, name: str) -> str:
        return f"symbol {name}"

    async def status(self) -> str:
        return "status"


async def test_it_is_made_once_when_the_first_question_comes() -> None:
    made: list[Answers] = []

    def make() -> Answers:
        made.append(Answers())
        return made[-1]

    late = LateAnalyst(make)
    assert not made
    told = await asyncio.gather(
        late.summarize_diff(), late.review_diff(), late.find_symbol("f"), late.status(), late.status()
    )
    assert told == ["summary", "review", "symbol f", "status", "status"]
    assert len(made) == 1
