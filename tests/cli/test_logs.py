"""`sidecar logs`: newest lines, by level and request, past rotations, and as they are written."""

from __future__ import annotations

import contextlib
import json
import subprocess
from pathlib import Path

import pytest

from sidecar.cli import run
from sidecar.cli.logs import Reader, wanted_of
from sidecar.settings import from_machine
from tests.cli.processes import COMMAND, environment


def line(event: str, level: str = "info", **fields: object) -> str:
    return (
        json.dumps({"timestamp": "2026-11-01T00:00:00.000Z", "level": level, "logger": "x", "event": event, **fields})
        + "\n"
    )


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIDECAR_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    file = from_machine({}).log_file
    assert file is not None
    file.parent.mkdir(parents=True)
    return file


def test_the_newest_lines_oldest_first(log: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["logs"]) == 1
    assert "sidecar serve" in capsys.readouterr().err
    log.with_name("sidecar.log.1").write_text(line("first") + line("second"))
    log.write_text(line("third", note="\x1b[31m") + "not json\n" + line("last", exception="Traceback\n  here"))
    assert run(["logs", "--json"]) == 0
    assert [json.loads(x)["event"] for x in capsys.readouterr().out.splitlines()] == [
        "first", "second", "third", "not json", "last",
    ]  # fmt: skip
    assert run(["logs", "-n", "1"]) == 0
    shown = capsys.readouterr().out
    assert shown.splitlines()[0].split()[3] == "last"
    assert "  | Traceback" in shown
    assert run(["logs"]) == 0
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("level", "request_id", "expected"),
    [
        ("warning", None, ["b", "c"]),
        ("debug", "req_1", ["a", "b"]),
        ("debug", "up_1", ["c"]),
        ("error", "req_1", []),
    ],
)
def test_by_level_and_request(log: Path, level: str, request_id: str | None, expected: list[str]):
    log.write_text(
        line("a", request="req_1") + line("b", "warning", turn="req_1") + line("c", "error", upstream="up_1")
    )
    wanted = wanted_of(level, request_id)
    with contextlib.closing(Reader(log)) as reader:
        assert [event["event"] for event in reader.all() if wanted(event)] == expected


def test_a_level_that_is_none(log: Path, capsys: pytest.CaptureFixture[str]):
    assert run(["logs", "--level", "loud"]) == 2
    assert "--level" in capsys.readouterr().err


def test_a_reader_goes_on_past_half_lines_and_rotations(log: Path):
    reader = Reader(log)
    assert list(reader.all()) == []
    log.write_text(line("a") + line("b")[:20])
    assert [event["event"] for event in reader.new()] == ["a"]
    with log.open("a") as file:
        file.write(line("b")[20:])
    assert [event["event"] for event in reader.new()] == ["b"]
    with log.open("a") as file:
        file.write(line("c"))
    log.rename(log.with_name("sidecar.log.1"))
    log.write_text(line("d"))
    assert [event["event"] for event in reader.new()] == ["c", "d"]
    assert list(reader.new()) == []
    reader.close()


def test_following_shows_what_is_written(log: Path, tmp_path: Path):
    log.write_text(line("before"))
    command = [*COMMAND, "logs", "--follow", "--json", "--level", "warning"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(tmp_path / "state"), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        with log.open("a") as file:
            file.write(line("quiet") + line("loud", "warning"))
        assert json.loads(process.stdout.readline())["event"] == "loud"
        process.terminate()
