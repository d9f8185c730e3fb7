"""Credentials are taken out of texts however they are written there; paths, hashes and plain words stay."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.core.redaction import redact, redact_code

LETTERS = "abcdefghij0123456789ABCDEFGHIJ"

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
            [sys.executable, "-c", "import sys; from sidecar.core.redaction import redact; redact(sys.stdin.read())"],
            input=text, text=True, timeout=20, check=False,
        )  # fmt: skip
        assert done.returncode == 0


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
