"""Secrets: what is told as one, what is not, and that none is ever repeated."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sidecar.risk.hazards.secret import RULE, STARS, entropy, veiled
from tests.risk.hazards.cases import check_words, findings, lines

TAIL = "Zq7Rk2Wm9Xv4Bt6Lp1Nd8Hs3Jf5Gc0YaQwErTyUi"
"""Made up; put together here so that no scanner takes this file's own text for a key."""
KEYS = {
    "an AWS access key": "AKIA" + "Q7RK2WM9XV4BT6LP",
    "a GitHub token": "ghp_" + TAIL[:36],
    "a GitLab token": "glpat-" + TAIL[:20],
    "a Slack token": "xoxb-" + "2718281828-" + TAIL[:24],
    "a Stripe key": "sk_live_" + TAIL[:24],
    "a Google API key": "AIza" + TAIL[:35],
    "an Anthropic key": "sk-ant-" + "api03-" + TAIL,
    "an OpenAI key": "sk-proj-" + TAIL,
    "a Databricks token": "dapi" + "3f9c1b7e5a2d8046" * 2,
    "an npm token": "npm_" + TAIL[:36],
    "a Hugging Face token": "hf_" + TAIL[:34],
    "a JSON web token": ".".join(("eyJ" + TAIL[:20], "eyJ" + TAIL[10:34], TAIL[:30])),
}
KEY = KEYS["a GitHub token"]
PEM = [
    "-----BEGIN RSA PRIVATE KEY-----",
    *("MIIEow" + TAIL + TAIL[:18] for _ in range(3)),
    "-----END RSA PRIVATE KEY-----",
]


@pytest.mark.parametrize("what", [what for what in KEYS if what != "a JSON web token"])
@pytest.mark.parametrize(
    "path", ["app.py", "src/app.ts", "main.go", "App.java", "src/lib.rs", "deploy.sh", "README.md"]
)
def test_keys_of_known_shape(what, path):
    (found,) = findings(RULE, path, "x = 1", f'token = "{KEYS[what]}"')
    assert found.what == f"This line holds what looks like {what}."
    assert KEYS[what] not in repr(found)


@pytest.mark.parametrize(("path", "found"), [("app.go", [1]), ("README.md", []), ("tests/test_a.py", [])])
def test_web_tokens_are_shown_in_documents_on_purpose(path, found):
    assert lines(RULE, path, KEYS["a JSON web token"]) == found


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("app.py", 'PASSWORD = "hunter2-Zq7R!k2Wm"'),
        ("app.js", "const apiKey = 'Zq7Rk2Wm9Xv4Bt6L'"),
        ("conf.yml", 'client_secret: "Zq7Rk2Wm9Xv4Bt6L"'),
        ("app.go", 'dsn := "postgres://admin:Zq7Rk2Wm9@db.internal/prod"'),
        ("App.java", 'String accessToken = "Zq7Rk2Wm9Xv4Bt6L";'),
        ("main.rs", 'let secret_key = "Zq7Rk2Wm9Xv4Bt6L";'),
        ("app.rb", "api_key => 'Zq7Rk2Wm9Xv4Bt6L'"),
        ("app.py", f"# {KEY}"),
    ],
)
def test_secrets_that_a_name_or_an_address_gives_away(path, line):
    assert lines(RULE, path, line) == [1]


@pytest.mark.parametrize(
    "line",
    [
        'password = "changeme"',
        'password = "your-password-here"',
        'api_key = "XXXXXXXXXXXXXXXX"',
        'secret = os.environ["SECRET_KEY_42"]',
        'password = "${DB_PASSWORD_1}"',
        'password = "{{ vault.db1 }}"',
        'password: "%(password1)s"',
        'token_type = "bearer"',
        'url = "http://user:password@localhost/db"',
        'url = "https://user:{token1}@host/x"',
        'aws = "AKIAIOSFODNN7EXAMPLE"',
        'key = "ghp_' + "x" * 36 + '"',
        'secret_name = "projects/42/secrets/db"',
        'password_hash = sha256_secret = "Zq7Rk2Wm9Xv4Bt6L"',
        'API_KEY = "development"',
        'passwordField = "user_password_2"',
        "AccountName=devstoreaccount1;AccountKey=" + TAIL + TAIL + "==",
    ],
)
def test_placeholders_and_references_are_none(line):
    assert lines(RULE, "app.py", line) == []


@pytest.mark.parametrize(
    "path", ["tests/test_a.py", "docs/use.md", "examples/a.js", "src/app.test.ts", "dummyserver/a.py"]
)
def test_made_up_ones_are_usual_in_tests_and_documents(path):
    assert lines(RULE, path, 'password = "hunter2-Zq7Rk2Wm"', *PEM, "postgres://admin:Zq7Rk2Wm9@db/prod") == []
    assert lines(RULE, path, f"token = '{KEY}'") == [1], "but not a real provider's"


def test_a_private_key_is_told_once():
    assert lines(RULE, "app/keys.py", 'KEY = """' + PEM[0], *PEM[1:]) == [1]
    assert lines(RULE, "app/Keys.java", 'append("' + PEM[0] + '\\n")', "append(encoded);") == []
    assert lines(RULE, "app/Keys.java", " * " + PEM[0], " * " + PEM[1]) == [], "a comment that shows the form"
    assert lines(RULE, "app/keys.py", 'if "-----BEGIN RSA PRIVATE KEY-----" in text:') == []


def test_what_only_moved_is_not_new():
    line = f'token = "{KEY}"'
    assert lines(RULE, "app.py", "    " + line, removed=(line,)) == []


def test_two_on_a_line_are_one_finding():
    (found,) = findings(RULE, "a.py", f'use("{KEY}", "{KEYS["an npm token"]}")')
    assert found.what == "This line holds what looks like a GitHub token and an npm token."


def test_words():
    check_words(RULE)


def test_a_veil_covers_secrets_and_nothing_else():
    text = ["import os", f'token = "{KEY}"  # ours', 'url = "postgres://admin:Zq7Rk2Wm9@db/prod"', *PEM, "done = 1"]
    assert veiled(text) == [
        "import os",
        f'token = "{STARS}"  # ours',
        f'url = "postgres://admin:{STARS}@db/prod"',
        PEM[0],
        *[STARS] * 3,
        PEM[-1],
        "done = 1",
    ]


def test_a_key_without_an_end_is_covered_no_further_than_its_first_line():
    assert veiled([PEM[0], "x = 1", "y = 2"]) == [PEM[0], "x = 1", "y = 2"]


@given(st.lists(st.text(max_size=40)), st.integers(0, 5), st.sampled_from(sorted(KEYS.values())))
def test_no_secret_comes_through_a_veil(texts, at, key):
    texts = [text.replace("\n", " ") for text in texts]
    texts.insert(min(at, len(texts)), f"a {key} b")
    covered = veiled(texts)
    assert len(covered) == len(texts)
    assert key not in "\n".join(covered)
    assert veiled(covered) == covered


GIVEN_AWAY = [
    'api_key = "{}"',
    "password: '{}'",
    "ACCESS_TOKEN := `{}`",
    'url = "postgres://admin:{}@db.internal/prod"',
    "use({})",
]


@given(st.text(alphabet="ab c=(),;# ", max_size=30), st.sampled_from(GIVEN_AWAY), st.sampled_from(sorted(KEYS)), st.text(alphabet="ab c=(),;# ", max_size=60))  # fmt: skip
@example("", 'api_key = "{}"', "a GitHub token", "  # ours, and the rest of this line is nothing secret")
@example("", 'url = "postgres://admin:{}@db.internal/prod"', "a Databricks token", "")
@example("", 'password = "x-{}"', "a GitHub token", "; more(of, it)")
def test_a_secret_is_covered_once_and_what_stands_around_it_stays(before, form, what, after):
    """Also one that is known by its shape, and at the same time by the name that it is given."""
    head, tail = form.split("{}")
    (covered,) = veiled([f"{before} {head}{KEYS[what]}{tail} {after}"])
    assert covered in {
        f"{before} {head}{STARS}{tail} {after}",
        f"{before} {head.removesuffix('x-')}{STARS}{tail} {after}",
    }


HASH = st.text("0123456789abcdef", min_size=7, max_size=128)
PLACE = st.lists(st.text("abcXYZ019_-.", min_size=1, max_size=20) | HASH, min_size=1, max_size=6).map("/".join)
SAID = st.sampled_from(
    ["token", "key:", "secret", "bearer", "commit", "password in", "sk-learn", "=", "import", "dapi", "://"]
)


@given(st.lists(st.lists(PLACE | HASH | SAID, max_size=6).map(" ".join), max_size=5))
def test_a_veil_leaves_paths_and_hashes_alone(lines):
    assert veiled(lines) == lines


BODY = "MIIEow" + TAIL * 3


def test_a_private_key_on_one_line_is_found_and_covered():
    """As cloud providers hand them out in JSON, and as they are copied into code."""
    begin, end = "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----"
    line = f'  "private_key": "{begin}\\n{BODY}\\n{end}\\n",'
    assert veiled([line, "x = 1"]) == [f'  "private_key": "{begin}{STARS}{end}\\n",', "x = 1"]
    assert veiled([f'KEY = "{begin}\\n{BODY}"', "x = 1"]) == [f'KEY = "{begin}{STARS}', "x = 1"]
    (found,) = findings(RULE, "app/account.py", line)
    assert found.what == "This line holds what looks like a private key."
    assert BODY not in repr(found)
    assert lines(RULE, "tests/account.json", line) == []
    assert lines(RULE, "app/account.py", f'check("{begin}", "{end}")') == []


def test_entropy():
    assert entropy("aaaa") == 0
    assert entropy("abcd") == 2
    assert entropy(TAIL) > 4
