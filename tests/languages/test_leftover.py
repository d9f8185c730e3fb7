"""What an answer passes over without a sign is looked for, told in a number and in words, and not counted where it means something else."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.core.errors import BadInput
from sidecar.core.ports import SymbolSource
from sidecar.core.symbols import Answer, Location, Operation, Position, Query, Span
from sidecar.index.source import IndexSource
from sidecar.languages.chain import Chain
from sidecar.languages.jedi import jedi_source
from sidecar.languages.leftover import MOST
from sidecar.languages.servers import Servers
from tests.index.trees import build_index, write_tree

SHOP = {
    "pyproject.toml": "[tool.basedpyright]\n",
    "shop.py": (
        "class Client:\n"
        "    def open(self, path: str) -> str:\n"
        "        return path\n\n\n"
        "class Shop:\n"
        "    def client(self) -> Client:\n"
        "        return Client()\n"
    ),
    "typed.py": "from shop import Client\n\n\ndef go(client: Client) -> None:\n    client.open('/typed')\n",
    "door.py": (
        "class Door:\n"
        "    def open(self, path: str) -> str:\n"
        "        return path\n\n\n"
        "def enter(door: Door) -> None:\n"
        "    door.open('in')\n"
        "    with open('x') as file:\n"
        "        file.read()\n"
    ),
    "conftest.py": "import pytest\nfrom shop import Shop\n\n\n@pytest.fixture\ndef client():\n    return Shop().client()\n",
    "test_shop.py": (
        "def test_open(client):\n"
        "    client.open('/fixture')  # open\n\n\n"
        "def test_thing(thing):\n"
        "    thing.open('/unknown')\n"
        "    return thing.open\n"
    ),
}
OPEN = Query("references", "shop.py", Position(2, 9), deadline=60.0)
TYPED = [("shop.py", 2), ("typed.py", 5)]
FIXTURE, CALL, READ = ("test_shop.py", 2), ("test_shop.py", 6), ("test_shop.py", 7)


def places(answer: Answer) -> list[tuple[str, int]]:
    return sorted((item.span.path, item.span.start.line) for item in answer.items)


def maybe(answer: Answer) -> list[tuple[str, int]]:
    return [(place.span.path, place.span.start.line) for place in answer.maybe]


def with_pytest(root: Path) -> Path:
    """The project with an environment of its own, in which jedi finds pytest: it believes in no fixture without it."""
    packages = root / ".venv" / "lib" / "python3.11" / "site-packages"
    write_tree(root, {".venv/pyvenv.cfg": "home = /usr/bin\n"})
    packages.mkdir(parents=True)
    for name in ("pytest", "_pytest"):
        (packages / name).symlink_to(Path(pytest.__file__).parents[1] / name)
    return root


class Sources:
    """Real sources over one small project."""

    def __init__(self, root: Path, state: Path) -> None:
        self.index = IndexSource(build_index(root, state), root)
        self.jedi = jedi_source(root, env=dict(os.environ))
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.server = Servers(root, trusted=True, env=dict(os.environ) | {"PATH": path})


@pytest.fixture
async def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Sources]:
    monkeypatch.setattr("sidecar.languages.leftover.SECONDS", 60.0)  # however slow the machine is
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    root = write_tree(tmp_path / "work", SHOP)
    made = Sources(with_pytest(root), tmp_path / "state")
    yield made
    for source in (made.index, made.jedi, made.server):
        await source.aclose()


async def test_a_type_checker_tells_of_fixtures_that_it_cannot_see(sources: Sources) -> None:
    chain = Chain([sources.server, sources.index])
    answer = await chain.ask(OPEN)
    assert (answer.source, answer.status, places(answer)) == ("server:basedpyright", "partial", TYPED)
    assert (answer.unresolved, maybe(answer)) == (3, [FIXTURE, CALL, READ])
    assert answer.note == "3 more places use this name on something whose type is not known and may mean it."
    # the other `open`, which is told by its type, has none of them left over: neither the builtin nor a file's
    elsewhere = await chain.ask(replace(OPEN, path="door.py"))
    assert (places(elsewhere), elsewhere.unresolved) == ([("door.py", 2), ("door.py", 7)], 3)
    known = await chain.ask(replace(OPEN, position=Position(7, 9)))
    assert (places(known), known.status, known.unresolved, known.note) == (
        [("conftest.py", 7), ("shop.py", 7)],
        "ready",
        0,
        "",
    )


async def test_jedi_leads_to_what_a_fixture_brings(sources: Sources) -> None:
    answer = await Chain([sources.jedi, sources.server, sources.index]).ask(OPEN)
    assert (answer.source, answer.status, places(answer)) == ("server:basedpyright", "partial", TYPED)
    assert (answer.unresolved, maybe(answer)) == (3, [FIXTURE, CALL, READ])
    assert answer.note.endswith(" and may mean it. Asked about each alone, jedi leads 1 of them here.")
    # of the door jedi knows that the fixture brings something else
    door = await Chain([sources.jedi, sources.server, sources.index]).ask(replace(OPEN, path="door.py"))
    assert (door.unresolved, maybe(door)) == (2, [CALL, READ])


@pytest.mark.parametrize(("operation", "told"), [("callers", [FIXTURE, CALL]), ("rename", [FIXTURE, CALL, READ])])
async def test_callers_and_renames_say_so_too(
    sources: Sources, operation: Operation, told: list[tuple[str, int]]
) -> None:
    query = replace(OPEN, operation=operation, new_name="unlock")
    answer = await Chain([sources.server, sources.index]).ask(query)
    assert (answer.source, answer.status, answer.unresolved) == ("server:basedpyright", "partial", len(told))
    assert maybe(answer) == told


async def test_jedi_alone_says_what_it_could_not_tell(sources: Sources) -> None:
    answer = await Chain([sources.jedi, sources.index]).ask(OPEN)
    assert (answer.source, answer.status) == ("jedi", "partial")
    assert FIXTURE in places(answer)
    assert (answer.unresolved, maybe(answer)) == (2, [CALL, READ])
    assert answer.note.startswith("jedi infers where a name is used and may miss places;")


async def test_the_index_alone_counts_what_it_leaves_out(sources: Sources) -> None:
    answer = await Chain([sources.index]).ask(OPEN)
    assert (answer.source, answer.status, places(answer)) == ("index", "partial", TYPED)
    assert maybe(answer) == [FIXTURE, CALL, READ]


async def test_an_heir_of_something_unknown_may_be_one(tmp_path: Path) -> None:
    files = {
        "base.ts": "export class Base { run() {} }\n",
        "own.ts": "import { Base } from './base';\nexport class Own extends Base { run() {} }\n",
        "odd.ts": "declare const lib: any;\nexport class Odd extends lib.Base { run() {} }\n",
        "far.ts": "import { Base } from 'library';\nexport class Far extends Base { run() {} }\n",
    }
    root = write_tree(tmp_path / "work", files)
    index = IndexSource(build_index(root, tmp_path / "state"), root)
    own = Location(Span("own.ts", Position(2, 33), Position(2, 36)))

    class Server(Told):
        async def ask(self, query: Query) -> Answer:
            if query.operation == "implementations":
                return Answer("ready", self.name, (own,))
            column = {"base.ts": 21, "own.ts": 14}.get(query.path)
            if column is None:
                return Answer("ready", self.name)
            return Answer("ready", self.name, (Location(Span("base.ts", Position(1, column), Position(1, 24))),))

    query = Query("implementations", "base.ts", Position(1, 21), deadline=30)
    answer = await Chain([Server("server"), index]).ask(query)
    await index.aclose()
    assert (answer.items, answer.status, maybe(answer)) == ((own,), "partial", [("odd.ts", 2)])


# ── what goes wrong ─────────────────────────────────────────────────────────────────────────────────
def location(line: int, path: str = "a.py") -> Location:
    return Location(Span(path, Position(line, 1), Position(line, 4)))


class Told:
    """A source that gives its places for a question, and leads each other place to `leads`."""

    def __init__(
        self, name: str, items: tuple[Location, ...] = (), leads: Location | None = None, *, hangs: bool = False
    ) -> None:
        self.name = name
        self.items = items
        self.leads = leads
        self.hangs = hangs
        self.asked: list[Query] = []

    def knows(self, operation: Operation, path: str) -> bool:
        return (operation == "mentions") == (self.name == "index")

    async def ask(self, query: Query) -> Answer:
        self.asked.append(query)
        if query.operation != "definition":
            return Answer("ready", self.name, self.items)
        if self.hangs and query.position != HERE.position:
            await asyncio.Event().wait()
        leads = location(1) if query.position == HERE.position else self.leads
        return Answer("ready", self.name, () if leads is None else (leads,))

    async def aclose(self) -> None:
        return None


HERE = Query("references", "a.py", Position(1, 1), deadline=20.0)


async def asked(source: Told, index: SymbolSource, query: Query = HERE) -> Answer:
    return await Chain([source, index]).ask(query)


async def test_what_leads_somewhere_else_does_not_count() -> None:
    server = Told("server", (location(1),), leads=location(1, "elsewhere.py"))
    index = Told("index", (location(1), location(2), location(3)))
    answer = await asked(server, index)
    assert (answer.status, answer.unresolved, answer.items) == ("ready", 0, (location(1),))
    assert (index.asked[0].of, index.asked[0].meant) == ("references", (location(1).span,))


async def test_what_the_source_itself_knows_makes_its_answer_fuller() -> None:
    class Learning(Told):
        async def ask(self, query: Query) -> Answer:
            if query.operation == "definition" and query.position == Position(3, 1):
                self.items = (location(1), location(3))
            return await super().ask(query)

    server = Learning("server", (location(1),), leads=location(1))
    answer = await asked(server, Told("index", (location(2), location(3))))
    assert answer.items == (location(1), location(3))
    assert (answer.status, answer.unresolved, answer.maybe) == ("partial", 1, (location(2),))
    assert answer.note == "Asked about each alone, server leads 1 more place here that it does not list."


async def test_no_more_are_asked_about_than_so_many_and_the_rest_is_said() -> None:
    many = tuple(location(line) for line in range(2, MOST + 7))
    server = Told("server", (location(1),), leads=location(9, "elsewhere.py"))
    answer = await asked(server, Told("index", many))
    assert (answer.status, answer.unresolved) == ("partial", 0)
    assert answer.note == "5 places bear this name and could not be looked at in time; ask with a longer deadline."


async def test_a_source_that_hangs_over_it_costs_no_more_than_the_deadline() -> None:
    server = Told("server", (location(1),), hangs=True)
    answer = await asked(server, Told("index", (location(2),)), replace(HERE, deadline=0.5))
    assert (answer.items, answer.status, answer.unresolved) == ((location(1),), "partial", 0)
    assert answer.note == "1 place bears this name and could not be looked at in time; ask with a longer deadline."


async def test_an_index_that_is_being_made_is_said_and_one_without_the_file_is_not() -> None:
    class Warming(Told):
        async def ask(self, query: Query) -> Answer:
            return Answer("warming", "index", note="The workspace is being indexed.")

    class Refusing(Told):
        async def ask(self, query: Query) -> Answer:
            raise BadInput("a.py is not in the index.")

    answer = await asked(Told("server", (location(1),)), Warming("index"))
    assert (answer.status, answer.unresolved) == ("partial", 0)
    assert answer.note == (
        "There may be more places that bear this name, of which the index cannot tell yet. The workspace is being indexed."
    )
    answer = await asked(Told("server", (location(1),)), Refusing("index"))
    assert (answer.status, answer.note) == ("ready", "")


async def test_answers_that_say_that_there_is_more_are_left_alone() -> None:
    class Cut(Told):
        async def ask(self, query: Query) -> Answer:
            return replace(await super().ask(query), truncated=True)

    index = Told("index", (location(2),))
    answer = await asked(Cut("server", (location(1),)), index)
    assert (answer.status, answer.truncated, index.asked) == ("ready", True, [])
    with contextlib.suppress(BadInput):
        await asked(Told("server", (location(1),)), index, replace(HERE, operation="hover"))
    assert index.asked == []
