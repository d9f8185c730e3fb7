"""The log: never on standard output, one line an event, no credential, nothing a reader could mistake for another event."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.processors import JSONRenderer

from sidecar.trace import bind, configure, get_logger, neutralise


class Shown:
    """What has been written to standard error since the test began."""

    def __init__(self, capsys):
        self._capsys = capsys
        self._text = ""

    def getvalue(self) -> str:
        self._text += self._capsys.readouterr().err
        return self._text


@pytest.fixture
def err(capsys):
    return Shown(capsys)


@pytest.fixture
def log_file(tmp_path):
    return tmp_path / "logs" / "sidecar.log"


def events(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text(encoding="ascii").splitlines()]


# ── redaction ───────────────────────────────────────────────────────────────────────────────────────
def test_hides_given_values(err, log_file):
    stop = configure("info", log_file, secrets=["a strange / secret"])
    get_logger("x").info("sent", url="https://a/?q=a strange / secret")
    stop()
    assert "strange" not in err.getvalue() + log_file.read_text()


def test_hides_fields_by_name(err, log_file):
    stop = configure("info", log_file)
    get_logger("x").info("sent", api_key="abc", headers={"Authorization": "q", "X-Api-Key": "q", "n": "1"}, tokens=3)
    stop()
    event = events(log_file)[0]
    assert event["api_key"] == "[redacted]"
    assert event["headers"] == {"Authorization": "[redacted]", "X-Api-Key": "[redacted]", "n": "1"}
    assert event["tokens"] == 3
    assert "abc" not in err.getvalue()


# ── one line each ───────────────────────────────────────────────────────────────────────────────────
FORGED = "x\n2026-01-01T00:00:00Z [error] forged\r\n\x1b[2J\x1b]0;t\x07\x9b31m\u2028\u202e\u2066\ud800end"


@pytest.mark.parametrize("where", ["event", "field", "key", "nested", "foreign"])
def test_an_event_cannot_forge_another(err, log_file, where):
    stop = configure("info", log_file)
    log = get_logger("x")
    match where:
        case "event":
            log.info(FORGED)
        case "field":
            log.info("e", text=FORGED)
        case "key":
            log.info("e", **{FORGED: 1})
        case "nested":
            log.info("e", deep={FORGED: [FORGED]})
        case _:
            # pytest's own report of this record could not be sent to another process with half a character in it.
            logging.getLogger("other").warning("%s", FORGED.replace("\ud800", ""))
    stop()
    assert len(events(log_file)) == 1
    lines = err.getvalue().splitlines()
    assert len(lines) == 1, lines
    assert not set("\x1b\x07\x9b\u2028\u202e\u2066\ud800\r") & set(
        err.getvalue() + log_file.read_text(encoding="ascii")
    )


def test_a_traceback_cannot_forge_an_event(err, log_file):
    stop = configure("info", log_file)
    try:
        int(FORGED + " Bearer abcdefghij0123456789ABCDEFGHIJ")
    except ValueError:
        get_logger("x").exception("failed", file="a.py")
    stop()
    first, *rest = err.getvalue().splitlines()
    assert "failed" in first
    assert rest
    assert all(line.startswith("  | ") for line in rest)
    assert "ValueError" in events(log_file)[0]["exception"]
    assert "abcdefghij0123456789" not in err.getvalue() + log_file.read_text()


@given(st.text())
def test_neutralised_text_is_one_safe_line(text):
    safe = neutralise(text)
    assert len(safe.splitlines()) <= 1
    assert "\x1b" not in safe
    assert neutralise(safe) == safe


# ── where it goes ───────────────────────────────────────────────────────────────────────────────────
def test_the_end_puts_the_levels_back(err, log_file):
    before = logging.getLogger().level, logging.getLogger("sidecar").level
    stop = configure("error", log_file)
    assert logging.getLogger("sidecar").level == logging.ERROR
    stop()
    stop()
    assert (logging.getLogger().level, logging.getLogger("sidecar").level) == before


def test_an_event_has_time_level_room_and_fields(err, log_file):
    stop = configure("info", log_file)
    get_logger("providers").warning("retry", status=429, wait=1.5, path=Path("a/b"), error=ValueError("no"), some={1})
    stop()
    event = events(log_file)[0]
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "level": "warning", "logger": "providers", "event": "retry", "status": 429, "wait": 1.5, "path": "a/b",
        "error": "ValueError: no", "some": [1],
    }  # fmt: skip
    assert "retry [providers]" in err.getvalue()


@pytest.mark.parametrize(("level", "seen"), [("debug", 4), ("info", 3), ("warning", 2), ("error", 1)])
def test_levels(err, log_file, level, seen):
    stop = configure(level, log_file)
    log = get_logger("x")
    log.debug("a"), log.info("b"), log.warning("c"), log.error("d")
    stop()
    assert len(events(log_file)) == seen


def test_other_libraries_come_along_from_warnings_up(err, log_file):
    stop = configure("debug", log_file)
    logging.getLogger("aiohttp.access").info("quiet")
    logging.getLogger("aiohttp.server").warning("loud %s", "one")
    stop()
    assert [(e["logger"], e["event"]) for e in events(log_file)] == [("aiohttp.server", "loud one")]


async def test_bound_fields_follow_the_task(err, log_file):
    stop = configure("info", log_file)
    log = get_logger("x")

    async def turn(number: int) -> None:
        with bind(request=f"req_{number}"):
            await asyncio.sleep(0)
            log.info("a")
            with bind(session="s"):
                await asyncio.to_thread(log.info, "b")
            logging.getLogger("other").warning("c")

    await asyncio.gather(turn(1), turn(2))
    log.info("d")
    stop()
    found = {(e["event"], e.get("request"), e.get("session")) for e in events(log_file)}
    assert found == {(n, f"req_{i}", "s" if n == "b" else None) for n in "abc" for i in (1, 2)} | {("d", None, None)}


def test_long_values_are_cut(err, log_file):
    stop = configure("info", log_file)
    get_logger("x").info("e", text="y" * 100_000)
    stop()
    assert len(log_file.read_text()) < 10_000
    assert events(log_file)[0]["text"].endswith("(91808 characters more)")


def test_configuring_again_replaces(err, tmp_path):
    one, other = tmp_path / "1.log", tmp_path / "2.log"
    configure("info", one)
    stop = configure("info", other)
    get_logger("x").info("e")
    stop()
    stop()
    assert one.read_text() == ""
    assert len(events(other)) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="modes as POSIX has them")
def test_the_file_is_this_users_alone(err, log_file):
    configure("info", log_file)()
    assert stat.S_IMODE(log_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(log_file.parent.stat().st_mode) == 0o700


def test_a_file_that_cannot_be_written_is_told_once(err, tmp_path):
    (tmp_path / "occupied").write_text("")
    stop = configure("info", tmp_path / "occupied" / "sidecar.log")
    get_logger("x").info("goes_on")
    stop()
    assert "log_file_unusable" in err.getvalue()
    assert "goes_on" in err.getvalue()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_costs_events_and_no_more(err, log_file):
    log_file.parent.mkdir(parents=True, exist_ok=True)
    log_file.symlink_to("/dev/full")
    stop = configure("info", log_file)
    get_logger("x").info("goes_on")
    stop()
    stop()
    assert "goes_on" in err.getvalue()


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be moved there")
def test_goes_on_after_another_process_has_rotated_the_file(err, log_file):
    stop = configure("info", log_file)
    log = get_logger("x")
    log.info("before")
    configure_again = configure("info", log_file)  # writes what waits
    log_file.rename(log_file.with_suffix(".1"))
    log.info("after")
    configure_again()
    stop()
    assert [e["event"] for e in events(log_file)] == ["after"]


def test_rotates(err, log_file, monkeypatch):
    monkeypatch.setattr("sidecar.trace._FILE_BYTES", 2_000)
    stop = configure("info", log_file)
    for number in range(100):
        get_logger("x").info("e", number=number, text="y" * 100)
    stop()
    kept = sorted(file.name for file in log_file.parent.iterdir())
    assert kept == ["sidecar.log", "sidecar.log.1", "sidecar.log.2", "sidecar.log.3"]
    assert all(file.stat().st_size <= 2_000 for file in log_file.parent.iterdir())


# ── in a process of its own ─────────────────────────────────────────────────────────────────────────
def run(code: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, timeout=60, check=False
    )


def test_nothing_on_standard_output():
    done = run(
        "from sidecar import trace; log = trace.get_logger('x'); log.warning('early', token='hunter2', a='b\\nc')\n"
        "trace.configure('debug'); log.debug('late'); log.error('worse')"
    )
    assert done.stdout == ""
    assert "early token=[redacted] a=b\\nc" in done.stderr
    assert "late" in done.stderr  # written at exit without a call
    assert "hunter2" not in done.stderr


def test_importing_is_cheap():
    done = run("import sys; from sidecar import trace; trace.get_logger('x'); print('structlog' in sys.modules)")
    assert done.stdout.strip() == "False"


def test_json_lines_are_those_of_structlog_and_need_none_of_it(log_file):
    done = run(
        "import sys, pathlib; from sidecar import trace\n"
        f"stop = trace.configure('info', pathlib.Path({str(log_file)!r})); log = trace.get_logger('x')\n"
        "log.info('odd', text='h\u00e9 \\n \u2028', many=[1, 2.5, None, True], deep={'a': {'b': ()}}, thing=object)\n"
        "log.error('plain'); stop(); print('structlog' in sys.modules)"
    )
    assert done.stdout.strip() == "False"
    lines = log_file.read_text(encoding="ascii").splitlines()
    renderer = JSONRenderer(ensure_ascii=True)
    assert [str(renderer(None, "", json.loads(line))) for line in lines] == lines
    assert [json.loads(line)["event"] for line in lines] == ["odd", "plain"]


def test_a_reader_that_does_not_read_holds_nothing_up():
    """Standard error is a full pipe: 20,000 events are still logged at once, the surplus is dropped and counted."""
    read, write = os.pipe()
    code = (
        "import time, sys, os; from sidecar import trace; stop = trace.configure('info'); log = trace.get_logger('x')\n"
        "begun = time.monotonic()\n"
        "for n in range(20000): log.info('e', text='y' * 50)\n"
        "print(time.monotonic() - begun, flush=True); os._exit(0)"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=write, text=True, timeout=60, check=False
        )
    finally:
        os.close(read)
        os.close(write)
    assert done.returncode == 0
    assert float(done.stdout) < 30
