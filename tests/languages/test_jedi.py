"""jedi in its worker: right answers, nothing of the project executed, nothing left behind."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.core.errors import BadInput
from sidecar.core.symbols import Answer, Operation, Position, Query
from sidecar.languages.jedi import jedi_source
from sidecar.languages.servers import Servers
from tests.languages.test_process import gone

TRAP = "import pathlib\npathlib.Path({place!r}).write_text('executed')\n"


@pytest.fixture
async def jedi(project: Path) -> AsyncIterator[Servers]:
    source = jedi_source(project, env=dict(os.environ))
    yield source
    await source.aclose()


async def ask(jedi: Servers, operation: Operation, path: str, line: int, column: int, **more: object) -> Answer:
    return await jedi.ask(Query(operation, path, Position(line, column), deadline=30, **more))


def places(answer: Answer) -> list[tuple[str, int, int]]:
    return [(item.span.path, item.span.start.line, item.span.start.column) for item in answer.items]


async def test_definition_and_references_count_characters(jedi: Servers) -> None:
    defined = await ask(jedi, "definition", "cart.py", 14, 40)  # the third `add`, behind the emoji
    assert (defined.status, defined.source, places(defined)) == ("ready", "jedi", [("cart.py", 7, 9)])
    used = await ask(jedi, "references", "cart.py", 7, 9)
    assert places(used) == [
        ("cart.py", 7, 9), ("cart.py", 14, 10), ("cart.py", 14, 25), ("cart.py", 14, 40), ("shop.py", 5, 19),
    ]  # fmt: skip
    assert used.status == "partial"
    assert (
        used.note
        == "jedi infers where a name is used and may miss places; basedpyright finds them (`pip install basedpyright`)."
    )


async def test_what_it_tells_of_a_symbol(jedi: Servers) -> None:
    hover = await ask(jedi, "hover", "cart.py", 7, 9)
    assert "add(self, item: str) -> str" in hover.items[0].text
    assert "Add one." in hover.items[0].text
    kind = await ask(jedi, "type_definition", "cart.py", 15, 12)
    assert places(kind) == [("cart.py", 4, 7)]
    outline = await jedi.ask(Query("document_symbols", "cart.py", deadline=30))
    assert [(s.path, s.kind) for s in outline.items] == [
        ("Cart", "class"),
        ("Cart.add", "method"),
        ("main", "function"),
    ]
    found = await jedi.ask(Query("workspace_symbols", name="Cart", deadline=30))
    assert ("Cart", "class", "cart.py") in [(s.path, s.kind, s.span.path) for s in found.items]
    assert found.status == "partial"
    assert "in Python files alone" in found.note


async def test_names_that_were_cut_are_said_to_be_more(jedi: Servers, project: Path) -> None:
    for name in ("one", "two", "three"):
        (project / f"{name}.py").write_text("def twin(): pass\n")
    for limit, truncated in ((3, False), (2, True)):
        found = await jedi.ask(Query("workspace_symbols", name="twin", limit=limit, deadline=30))
        assert (len(found.items), found.truncated) == (limit, truncated)


async def test_who_calls_it_and_what_a_rename_would_change(jedi: Servers) -> None:
    callers = await ask(jedi, "callers", "cart.py", 7, 9)
    assert [(call.symbol.name, len(call.places)) for call in callers.items] == [("main", 3), ("other", 1)]
    edits = await ask(jedi, "rename", "cart.py", 4, 7, new_name="Basket")
    assert places(edits) == [
        ("cart.py", 4, 7),
        ("cart.py", 12, 15),
        ("cart.py", 13, 12),
        ("shop.py", 1, 18),
        ("shop.py", 5, 12),
    ]
    assert {edit.text for edit in edits.items} == {"Basket"}
    refused = await ask(jedi, "rename", "cart.py", 4, 7, new_name="no name")
    assert (refused.status, refused.items) == ("partial", ())
    assert "no identifier" in refused.note
    assert (await ask(jedi, "callees", "cart.py", 12, 5)).status == "unsupported"


async def test_it_sees_what_changed_on_the_disk(jedi: Servers, project: Path) -> None:
    assert len((await ask(jedi, "references", "cart.py", 4, 7)).items) == 5
    (project / "third.py").write_text("import cart\ncart.Cart()\n")
    assert len((await ask(jedi, "references", "cart.py", 4, 7)).items) == 6
    (project / "third.py").unlink()
    assert len((await ask(jedi, "references", "cart.py", 4, 7)).items) == 5


@pytest.mark.parametrize("text", ["def broken(:\n", "\0\0", "x = (\n" * 500, "", "\ufeffimport cart\ncart.main\n"])
async def test_any_text_is_answered(jedi: Servers, project: Path, text: str) -> None:
    (project / "odd.py").write_text(text, encoding="utf-8")
    answer = await ask(jedi, "definition", "odd.py", 1, 1)
    assert answer.status in {"ready", "partial"}
    assert (await ask(jedi, "definition", "shop.py", 1, 18)).items
    with pytest.raises(BadInput):
        await ask(jedi, "definition", "odd.py", 9_999, 1)


@pytest.fixture
def trapped(project: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A project that runs code of its own as soon as anybody runs Python in it, or its interpreter, or imports from it."""
    mark = tmp_path / "executed"
    trap = TRAP.format(place=str(mark))
    for name in (
        "sitecustomize.py",
        "usercustomize.py",
        "conftest.py",
        "setup.py",
        "orjson.py",
        "jedi.py",
        "encodings.py",
    ):
        (project / name).write_text(trap)
    packages = project / ".venv/lib/python3.11/site-packages"
    packages.mkdir(parents=True)
    (project / ".venv/pyvenv.cfg").write_text("home = /usr/bin\n")
    (packages / "trap.pth").write_text(f"import pathlib; pathlib.Path({str(mark)!r}).write_text('executed')\n")
    (packages / "sitecustomize.py").write_text(trap)
    (packages / "library.py").write_text(f"{trap}\ndef helper():\n    return 1\n")
    (project / ".venv/bin").mkdir()
    for name in ("python", "python3", "git", "basedpyright-langserver"):
        program = project / ".venv/bin" / name
        program.write_text(f"#!/bin/sh\necho executed > {mark}\n")
        program.chmod(0o755)
    (project / ".jedi").mkdir()
    (project / ".jedi/config.json").write_text(
        f'[1, {{"environment_path": "{project}/.venv", "load_unsafe_extensions": true, "sys_path": ["{project}"]}}]'
    )
    (project / "use.py").write_text("from library import helper\nhelper()\nimport numpy_like\nnumpy_like.x\n")
    (project / "numpy_like.so").write_bytes(b"\x7fELF no library")
    return project, mark


async def test_nothing_of_the_project_is_executed(trapped: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    project, mark = trapped
    monkeypatch.chdir(project)
    env = {**os.environ, "PYTHONPATH": str(project), "PYTHONSTARTUP": str(project / "setup.py")}
    env |= {"VIRTUAL_ENV": str(project / ".venv"), "PATH": f"{project}/.venv/bin:{os.environ['PATH']}"}
    source = jedi_source(project, env=env)
    defined = await ask(source, "definition", "use.py", 2, 1)
    assert places(defined) == [(".venv/lib/python3.11/site-packages/library.py", 4, 5)]
    for operation in ("hover", "type_definition", "references", "definition"):
        await ask(source, operation, "use.py", 4, 12)
        await ask(source, operation, "use.py", 2, 1)
    await source.ask(Query("workspace_symbols", name="helper", deadline=30))
    await source.aclose()
    assert not mark.exists()


async def test_the_worker_ends_with_us_and_comes_again_after_a_crash(jedi: Servers) -> None:
    await ask(jedi, "definition", "shop.py", 1, 18)
    (slot,) = jedi._slots.values()
    os.kill(slot.session.child.pid, 9)
    broken = await ask(jedi, "definition", "shop.py", 1, 18)
    while broken.status != "ready":
        await asyncio.sleep(0.05)
        broken = await ask(jedi, "definition", "shop.py", 1, 18)
    pid = slot.session.child.pid
    await jedi.aclose()
    assert await asyncio.to_thread(gone, pid)


async def test_what_takes_too_long_is_told_and_does_not_stop_the_rest(jedi: Servers, project: Path) -> None:
    await ask(jedi, "definition", "shop.py", 1, 18)
    (project / "long.py").write_text("import cart\n" + "".join(f"x{n} = [cart.Cart().add]\n" for n in range(1_500)))
    began = time.monotonic()
    answer = await jedi.ask(Query("references", "cart.py", Position(7, 9), deadline=0.05))
    assert time.monotonic() - began < 2
    assert (answer.status, answer.note) == ("warming", "jedi did not answer within 0.05 s; ask again.")
    assert (await ask(jedi, "definition", "shop.py", 1, 18)).status == "ready"


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and sockets are no files there")
async def test_what_is_only_called_like_a_file_stops_no_search(
    jedi: Servers, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)  # the name of a socket must be short
    os.mkfifo(project / "pipe.py")
    (project / "zero.py").symlink_to("/dev/zero")
    (project / "around.py").symlink_to("around.py")
    (project / "huge.py").write_text("def add(): pass\n" * 70_000)
    odd = Path(os.fsdecode(os.fsencode(project) + b"/n\xe4me.py"))
    odd.write_text("import cart\ncart.Cart().add('x')\n")  # no answer can name it
    with socket.socket(socket.AF_UNIX) as door:
        door.bind("door.py")
        used = await ask(jedi, "references", "cart.py", 7, 9)
    assert (used.status, len(used.items)) == ("partial", 5)


async def test_parsed_files_are_kept_only_where_they_may_be(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "own"
    env = {**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home)}
    for cache in (None, tmp_path / "cache"):
        source = jedi_source(project, env=env, cache=cache)
        await ask(source, "definition", "shop.py", 1, 18)
        await source.aclose()
        assert not home.exists()
    assert any((tmp_path / "cache").rglob("*.pkl"))


def test_only_python_is_its_business(project: Path) -> None:
    source = jedi_source(project, env={})
    assert source.knows("definition", "a.py")
    assert not source.knows("definition", "a.ts")
    assert replace(Query("definition")).path == ""
