"""Tasks for the model."""

from dataclasses import replace

import pytest

from sidecar.store.database import Database
from sidecar.tools.bench import Bench
from sidecar.tools.box import WorkspaceToolBox
from sidecar.tools.tasks import TaskTools
from tests.tools.conftest import Call


@pytest.fixture(autouse=True)
def family(box: WorkspaceToolBox, bench: Bench) -> None:
    box.put("tasks", TaskTools(bench).tools())


async def test_a_task_from_its_making_to_its_end(call: Call) -> None:
    made = await call(
        "workspace_task_create", title="Mend it", tags="bug, now", file="./src/b.py", priority=3, status="TODO"
    )
    assert made.text == "1. [todo] Mend it #bug #now (src/b.py) !3"
    assert made.value["files"] == ("src/b.py",)
    assert (await call("tasks_list", file="src/b.py")).text == made.text
    assert (await call("tasks_list", status="done")).text == "There are no such tasks."
    assert "[doing] Mend it" in (await call("workspace_task_set_status", id=1, status="doing")).text
    assert (await call("tasks_update", id=1, body="More.", tags=[])).text == "1. [doing] Mend it (src/b.py) !3\n\nMore."
    assert "More." in (await call("workspace_task_get", id=1)).text
    assert "Deleted task 1" in (await call("workspace_task_delete", id=1)).text
    assert (await call("tasks_get", id=1)).error


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("tasks_create", {}), ("tasks_create", {"title": ""}), ("tasks_create", {"title": "x" * 501}),
        ("tasks_create", {"title": "x", "status": "\0"}), ("tasks_create", {"title": "x", "files": ["../../etc/passwd"]}),
        ("tasks_create", {"title": "x", "priority": "high"}), ("tasks_get", {"id": 0}), ("tasks_get", {"id": "1; DROP"}),
        ("tasks_set_status", {"id": 1}), ("tasks_delete", {"id": 99}), ("tasks_list", {"order": "title; --"}),
    ],
)  # fmt: skip
async def test_wrong_ones_are_refused_in_a_sentence(call: Call, name: str, arguments: dict[str, object]) -> None:
    result = await call(name, **arguments)
    assert result.error
    assert "Traceback" not in result.text


@pytest.mark.parametrize("text", ["'; DROP TABLE tasks; --", 'a" OR 1=1', "NEAR(a b)", "*", "\u202e", "ü\n"])
async def test_odd_texts_are_stored_and_found(call: Call, text: str) -> None:
    await call("tasks_create", title=text)
    assert (await call("tasks_list", text=text)).value["tasks"][0]["title"] == text


async def test_what_will_be_forgotten_is_said_to_be_so_by_every_answer(
    call: Call, box: WorkspaceToolBox, bench: Bench
) -> None:
    memory = await Database.open(None, "A newer version wrote the file.")

    async def opened() -> Database:
        return memory

    box.put("tasks", TaskTools(replace(bench, database=opened)).tools())
    asked = [
        ("tasks_create", {"title": "One"}), ("tasks_list", {}), ("tasks_list", {"status": "done"}), ("tasks_get", {"id": 1}),
        ("tasks_update", {"id": 1, "priority": 3}), ("tasks_set_status", {"id": 1, "status": "done"}), ("tasks_delete", {"id": 1}),
    ]  # fmt: skip
    for name, given in asked:
        told = await call(name, **given)
        note = "Tasks are kept in memory only and are lost when this Sidecar ends. A newer version wrote the file."
        assert told.text.endswith(f"\n\nNote: {note}"), name
        assert told.value["note"] == note, name
    await memory.aclose()
