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
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.processors import JSONRenderer

from sidecar.trace import bind, configure, get_logger, neutralise, redact, redact_code

LETTERS = "abcdefghij0123456789ABCDEFGHIJ"


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
HIDDEN = [
    # text, the part that must be gone
    (f"Authorization: Bearer {LETTERS}", LETTERS),
    (f"authorization: bearer dapi-{LETTERS}", LETTERS),
    ('{"Authorization": "Basic dXNlci9wOmEvYg"}', "dXNlci9wOmEvYg"),
    ("authorization: bearer 27cc689f1d2e3c4b5a69", "27cc689f1d2e3c4b5a69"),
    ("basic dXNlcjE/cGFzczE=", "dXNlcjE"),
    ("bearer 27cc689f1d2e3c4b5a69788796a5b4c3", "27cc689f1d2e"),
    (f"Authorization: Basic {LETTERS}==", LETTERS),
    (f"{{'x-api-key': '{LETTERS}'}}", LETTERS),
    (f'"api_key": "{LETTERS}"', LETTERS),
    ("token=hunter2hunter2", "hunter2"),
    ("DATABRICKS_TOKEN=hunter2hunter2 make run", "hunter2"),
    ("AZURE_ANTHROPIC_API_KEY=hunter2hunter2", "hunter2"),
    ("https://a.example.com/?access_token=hunter2&b=1", "hunter2"),
    ("password: hunter2", "hunter2"),
    ("client_secret=hunter2hunter2", "hunter2"),
    ("Cookie: a=hunter2; b=hunter2", "hunter2"),
    ("the key sk-ant-api03-abcdefghijklmnop-qrs is bad", "abcdefghijklmnop"),
    ("sk-proj0abcdefghijkl", "abcdefghijkl"),
    ("dapi0123456789abcdef0123456789abcdef", "0123456789abcdef"),
    ("dapi0123456789abcdef0123456789abcdef-2", "0123456789abcdef"),
    ("dkea0123456789abcdef0123456789abcdef", "0123456789abcdef"),
    ("AKIAIOSFODNN7EXAMPLE", "IOSFODNN7EXAMPLE"),
    ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "wJalrXUtnFEMI"),
    (f"ghp_{LETTERS}", LETTERS),
    (f"github_pat_{LETTERS}", LETTERS),
    (f"glpat-{LETTERS}", LETTERS),
    (f"xoxb-{LETTERS}", LETTERS),
    (f"hf_{LETTERS}", LETTERS),
    ("eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.abc-def", "eyJzdWIiOiIxMjM0"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----", "MIIEow"),
    ("-----BEGIN PRIVATE KEY-----\nMIIEow cut off", "MIIEow"),
    ("https://user:hunter2@example.com/a", "hunter2"),
    ("https://ghtoken-hunter2@example.com/a", "hunter2"),
    ("redis://:hunter2@127.0.0.1/0", "hunter2"),
    (f"sk_live_{LETTERS}", LETTERS),
    (f"rk_live_{LETTERS}", LETTERS),
    (f"whsec_{LETTERS}", LETTERS),
    (f"pypi-AgEIcHlwaS5vcmc{LETTERS}", LETTERS),
    (f"xai-{LETTERS}{LETTERS}", LETTERS),
    (f"GOCSPX-{LETTERS}", LETTERS),
    (f"SG.{LETTERS}.{LETTERS}", LETTERS),
    (f"AccountKey={LETTERS}{LETTERS}==;EndpointSuffix=x", LETTERS),
    (f"https://a.blob.core.windows.net/b?sp=r&sig={LETTERS}{LETTERS}%3D", LETTERS),
    (f"https://hooks.slack.com/services/T0/B1/{LETTERS}", LETTERS),
    ("-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQOYBGE\n-----END PGP PRIVATE KEY BLOCK-----", "lQOYBGE"),
    ("tool --api-key hunter2hunter2 run", "hunter2"),
    ("passphrase: hunter2hunter2", "hunter2"),
    ('secretKey="hunter2hunter2"', "hunter2"),
    ('"private_key": "hunter2hunter2"', "hunter2"),
    ("DB_PASS=hunter2hunter2", "hunter2"),
    # as they stand in JSON that is a text in JSON, in a coloured line and in an address
    (f"a\\nghp_{LETTERS}\\nb", LETTERS),
    (f"a\\tsk-ant-api03-{LETTERS}", LETTERS),
    (f"\\u0022ghp_{LETTERS}\\u0022", LETTERS),
    (f"\x1b[01;31m\x1b[Kghp_{LETTERS}\x1b[m", LETTERS),
    (f"\x1b[31mghp_{LETTERS}\x1b[0m", LETTERS),
    (f"https://a/?q=%22ghp_{LETTERS}%22", LETTERS),
    ('{\\"api_key\\": \\"hunter2hunter2\\"}', "hunter2"),
    ('{\\"Authorization\\": \\"Bearer hunter2hunter2\\"}', "hunter2"),
    ("a\\nPASSWORD=hunter2hunter2\\nPATH=/usr/bin", "hunter2"),
    ("mysql:\\/\\/u:hunter2@h\\/", "hunter2"),
]


def test_what_stands_behind_an_escaped_value_stays():
    assert redact("a\\nPASSWORD=hunter2hunter2\\nPATH=/usr/bin") == "a\\nPASSWORD=[redacted]\\nPATH=/usr/bin"
    assert redact('{\\"token\\": \\"hunter2hunter2\\", \\"n\\": 1}') == '{\\"token\\": \\"[redacted]\\", \\"n\\": 1}'


@pytest.mark.parametrize(("text", "secret"), HIDDEN)
def test_hides(text, secret):
    assert secret not in redact(text)
    assert "[redacted]" in redact(text)
    assert redact(redact(text)) == redact(text)


KEPT = [
    "src/cookie:12: error",
    "C:\\app\\Cookie:12",
    "/app/bearer 27cc689f1d2e",
    "a basic 27cc689f1d2e3c4b",
    "basic tests/unit/test_a1.py",
    "bearer src/v2/header.py",
    "token: src/sidecar/token.py",
    "secret=tests/data/a1.pem",
    "/srv/projects/task-sk-learn/src/sidecar/providers/databricks.py",
    "/opt/sk-something-with-a-long-name-2024/file.py",
    "C:\\Users\\me\\AppData\\Local\\sidecar\\token",
    "27cc689f1d2e3c4b5a69788796a5b4c3d2e1f00f",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "https://example.com/serving-endpoints/databricks-claude-sonnet-4-5/invocations?x=1#y@z",
    "git@github.com:me/project.git",
    "ssh://git@github.com/me/project.git",
    "max_tokens: 64000, input_tokens=12, output_tokens=3",
    "token: 12",
    "token_file=/var/lib/sidecar/x/token",
    "bearer authentication is wanted",
    "person@example.org wrote to other@example.org",
    "msg_0123456789abcdef01234567 req_abc toolu_01A09q90qw90lq917835lq9",
    "sk-learn is a library; task-runner-2024-edition-long",
    "claude-sonnet-4-5-20250929",
    "-----BEGIN CERTIFICATE-----",
    "git commit --token-file conf/a1.txt --password-stdin",
    "the half_verylongnameofafunctionthatsomebodywrote1",
    "pnpm_0123456789abcdefghijklmnopqrstuvwxyz",
]


@pytest.mark.parametrize("text", KEPT)
def test_keeps_paths_hashes_and_plain_words(text):
    assert redact(text) == text


LETTER = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
HASH = st.text("0123456789abcdef", min_size=7, max_size=128) | st.uuids().map(str)
DIGEST = st.text(f"{LETTER}+/", min_size=20, max_size=90).map("sha512-{}==".format)
PART = st.text(f"{LETTER}_-.", min_size=1, max_size=60) | HASH | st.sampled_from(
    ["token", "secrets", "password", "cookie", "COOKIE", "Set-Cookie", "Authorization", "bearer", "sk-learn", "api_key.py", "dapi", "npm_packages"]
)  # fmt: skip
PATH = st.builds(
    lambda root, parts, place: root + "/".join(parts) + place,
    st.sampled_from(["/", "./", "~/", "C:\\", "src/", "file:///"]),
    st.lists(PART, min_size=1, max_size=6),
    st.sampled_from(["", ":12", ":12:3", "#L1"]),
)
TOLD = st.sampled_from(["see", "in", "commit", "at", "error:", "diff --git a/x", "index", "blob"])


@settings(deadline=None)
@given(st.lists(PATH | HASH | DIGEST | TOLD, min_size=1, max_size=5).map(" ".join))
def test_keeps_any_path_and_any_hash(text):
    """What the forerunner destroyed in answers: long paths, commits, digests."""
    assert redact(text) == text


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


@given(st.text(max_size=300))
def test_redaction_never_fails_nor_hangs(text):
    redact(text)


def test_redaction_is_quick_on_hostile_text():
    """No pattern backtracks its way through a long line."""
    for text in (
        "a" * 16_000,
        "a_" * 8_000,
        "eyJ" * 5_000,
        "-----BEGIN " * 1_500,
        "x://" * 4_000,
        "Bearer " * 2_000,
        "\\" * 16_000,
        "x_pass" * 2_000,
        "secret\\" * 2_000,
    ):
        done = subprocess.run(
            [sys.executable, "-c", "import sys; from sidecar.trace import redact; redact(sys.stdin.read())"],
            input=text, text=True, timeout=20, check=False,
        )  # fmt: skip
        assert done.returncode == 0


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
        int(FORGED + f" Bearer {LETTERS}")
    except ValueError:
        get_logger("x").exception("failed", file="a.py")
    stop()
    first, *rest = err.getvalue().splitlines()
    assert "failed" in first
    assert rest
    assert all(line.startswith("  | ") for line in rest)
    assert "ValueError" in events(log_file)[0]["exception"]
    assert LETTERS not in err.getvalue() + log_file.read_text()


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


CODE = [
    ("token = read_token(path)", "token = read_token(path)"),
    ('password="hunter2hunter2"', 'password="[redacted]"'),
    ("{'api_key': 'abcdef123456'}", "{'api_key': '[redacted]'}"),
    ("key = AKIAIOSFODNN7EXAMPLE", "key = [redacted]"),
    ("given-value here", "[redacted] here"),
    ('text = "{\\"password\\": \\"hunter2hunter2\\"}"', 'text = "{\\"password\\": \\"[redacted]\\"}"'),
    (f'text = "a\\nghp_{LETTERS}"', 'text = "a\\n[redacted]"'),
]


@pytest.mark.parametrize(("line", "shown"), CODE)
def test_code_keeps_its_names_and_loses_its_keys(line, shown):
    assert redact_code(line, ["given-value"]) == shown
