"""An editor that looks at a part of the project only is asked again about the files that the index knows."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from sidecar.core.errors import BadInput
from sidecar.core.symbols import Answer, Call, Location, Operation, Position, Query, TextEdit
from sidecar.languages.chain import Chain
from sidecar.languages.crosscheck import MOST
from tests.languages.test_chain import place, symbol

ASKED = Query("references", "a.py", Position(1, 1), new_name="", deadline=2.0)


class Known:
    """A source that knows a use in each of these files: at once, or of those beyond `own` only when they are named."""

    def __init__(self, name: str, files: list[str], own: int, *, delay: float = 0.0) -> None:
        self.name = name
        self.files = files
        self.own = own
        self.delay = delay
        self.status = "ready"
        self.asked: list[Query] = []

    def knows(self, operation: Operation, path: str) -> bool:
        return operation != "mentions"

    async def ask(self, query: Query) -> Answer:
        self.asked.append(query)
        if len(self.asked) > 1:
            await asyncio.sleep(self.delay)
        seen = [file for n, file in enumerate(self.files) if n < self.own or file in query.also]
        status = self.status if query.also else "ready"
        if query.operation == "callers":
            return Answer(status, self.name, tuple(Call(symbol("f", 1, each), (place(2, each),)) for each in seen))
        made = (lambda span: TextEdit(span, "x")) if query.operation == "rename" else Location
        return Answer(status, self.name, tuple(made(place(2, each)) for each in seen))

    async def aclose(self) -> None:
        return None


def files_of(answer: Answer) -> list[str]:
    return [item.places[0].path if isinstance(item, Call) else item.span.path for item in answer.items]


FILES = ["a.py", "b.py", "tests/c.py"]


@pytest.mark.parametrize("operation", ["references", "callers", "rename"])
async def test_what_it_passed_over_is_opened_for_it(operation: Operation) -> None:
    editor, index = Known("editor", FILES, 2), Known("index", ["b.py", "tests/c.py"], 2)
    answer = await Chain([editor, index]).ask(replace(ASKED, operation=operation, new_name="x"))
    assert (answer.source, answer.status, files_of(answer)) == ("editor", "ready", FILES)
    assert [query.also for query in editor.asked] == [(), ("tests/c.py",)]
    assert {query.operation for query in index.asked} == {"references"}


async def test_where_the_index_knows_no_more_it_is_asked_once() -> None:
    editor = Known("editor", FILES, 3)
    answer = await Chain([editor, Known("index", ["a.py"], 1)]).ask(ASKED)
    assert (answer.status, len(editor.asked)) == ("ready", 1)
    assert (await Chain([Known("editor", FILES, 2)]).ask(ASKED)).status == "ready"
    definition = Known("editor", FILES, 2)
    await Chain([definition, Known("index", FILES, 3)]).ask(replace(ASKED, operation="definition"))
    assert len(definition.asked) == 1


async def test_an_index_without_the_file_is_no_reason() -> None:
    class Refusing(Known):
        async def ask(self, query: Query) -> Answer:
            raise BadInput("a.py is not in the index.")

    answer = await Chain([Known("editor", FILES, 2), Refusing("index", FILES, 3)]).ask(ASKED)
    assert (answer.status, files_of(answer)) == ("ready", FILES[:2])


async def test_what_the_index_took_for_a_use_and_is_none_changes_nothing() -> None:
    editor = Known("editor", FILES[:2], 2)
    answer = await Chain([editor, Known("index", FILES, 3)]).ask(ASKED)
    assert (answer.status, files_of(answer), len(editor.asked)) == ("ready", FILES[:2], 2)


async def test_too_many_to_be_opened_are_said() -> None:
    many = ["a.py", *(f"tests/{n:03}.py" for n in range(MOST + 5))]
    editor = Known("editor", many, 1)
    answer = await Chain([editor, Known("index", many, len(many))]).ask(ASKED)
    assert (answer.status, len(answer.items)) == ("partial", MOST + 1)
    assert answer.note == "The editor looks at a part of the project; 5 more files may use it, as the index has it."


async def test_an_editor_that_does_not_know_them_in_time_is_partial() -> None:
    editor = Known("editor", FILES, 2)
    editor.status = "warming"
    answer = await Chain([editor, Known("index", FILES, 3)]).ask(ASKED)
    assert (answer.status, files_of(answer)) == ("partial", FILES[:2])
    assert answer.note == "The editor looks at a part of the project; 1 more file may use it, as the index has it."


async def test_a_second_look_that_hangs_loses_nothing() -> None:
    editor = Known("editor", FILES, 2, delay=60)
    answer = await Chain([editor, Known("index", FILES, 3)]).ask(replace(ASKED, deadline=0.5))
    assert files_of(answer) == FILES[:2]
    assert answer.status == "partial"
