"""`sidecar traces`: what was traced, listed, shown and removed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sidecar.cli import run
from sidecar.settings import from_machine
from sidecar.store.traces import TRACES, TraceFolder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TraceFolder:
    monkeypatch.setenv("SIDECAR_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    state = from_machine({}).state
    assert state is not None
    return TraceFolder(state / TRACES)


def test_list_show_and_clear(folder: TraceFolder, capsys: pytest.CaptureFixture[str]):
    assert run(["traces"]) == 0
    assert "SIDECAR_TRACE=full" in capsys.readouterr().err
    folder.write("req_1", [{"kind": "turn", "id": "req_1"}, {"kind": "end", "ms": 1.5, "text": "\x1b[31mred\u202e"}])
    assert run(["traces", "list"]) == 0
    assert "req_1" in capsys.readouterr().out
    assert run(["traces", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["id"] == "req_1"
    assert run(["traces", "show", "req_1"]) == 0
    shown = capsys.readouterr().out
    assert "── end  1.5 ms" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert run(["traces", "show", "req_1", "--json"]) == 0
    assert [json.loads(line)["kind"] for line in capsys.readouterr().out.splitlines()] == ["turn", "end"]
    assert run(["traces", "clear", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"removed": 1}
    assert folder.all() == []


@pytest.mark.parametrize(
    ("arguments", "code"), [(["show"], 2), (["list", "req_1"], 2), (["burn"], 2), (["show", "req_9"], 1)]
)
def test_misuse_is_told(folder: TraceFolder, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int):
    assert run(["traces", *arguments]) == code
    assert "sidecar traces" in capsys.readouterr().err
