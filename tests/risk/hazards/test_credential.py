"""Files of credentials."""

import pytest

from sidecar.core.diff import Change, FileDiff
from sidecar.risk.hazards.credential import RULE
from sidecar.risk.hazards.seen import see
from tests.risk.hazards.cases import check_words, lines


@pytest.mark.parametrize(
    ("path", "text", "found"),
    [
        (".env", ["PORT=80", "API_TOKEN=Zq7Rk2Wm"], [2]),
        (".env", ["PORT=80", "DEBUG=1"], []),
        (".env", ["API_TOKEN=", "SECRET_KEY=changeme", "TOKEN=${TOKEN}"], []),
        (".env.example", ["API_TOKEN=Zq7Rk2Wm"], []),
        ("deploy/.npmrc", ["//registry.example.org/:_authToken=Zq7Rk2Wm"], [1]),
        ("id_rsa", ["-----BEGIN OPENSSH PRIVATE KEY-----", "x"], [1]),
        ("id_rsa.pub", ["ssh-rsa AAAA"], []),
        ("certs/site.pem", ["-----BEGIN CERTIFICATE-----"], []),
        ("certs/site.key", ["-----BEGIN PRIVATE KEY-----"], [1]),
        ("tests/certs/site.key", ["-----BEGIN PRIVATE KEY-----"], []),
        ("docs/.env", ["API_TOKEN=Zq7Rk2Wm"], []),
        ("app.py", ["API_TOKEN=1234567"], []),
    ],
)
def test_cases(path, text, found):
    assert lines(RULE, path, *text, status="added") == found


def test_a_file_that_was_there_is_no_news():
    assert lines(RULE, ".env", "API_TOKEN=Zq7Rk2Wm", status="modified") == []


def test_a_binary_store_of_keys():
    change = Change((FileDiff("release.jks", "added", binary=True),))
    (found,) = [one for file in see(change) for one in RULE.on(file)]
    assert (found.start, found.end) == (1, 1)


def test_words():
    check_words(RULE)
