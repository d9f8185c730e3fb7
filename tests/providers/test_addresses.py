"""Addresses as users set them."""

from __future__ import annotations

import pytest

from sidecar.core.errors import SetupError
from sidecar.providers.addresses import base_url, joined, messages_url


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("https://x.azuredatabricks.net", "https://x.azuredatabricks.net"),
        (" https://x.azuredatabricks.net/ ", "https://x.azuredatabricks.net"),
        ("adb-1.2.azuredatabricks.net", "https://adb-1.2.azuredatabricks.net"),
        ("http://127.0.0.1:9", "http://127.0.0.1:9"),
        ("http://[::1]:9/a/", "http://[::1]:9/a"),
    ],
)
def test_usable(given: str, expected: str) -> None:
    assert base_url(given, "X") == expected


@pytest.mark.parametrize(
    "given",
    ["", "https://", "ftp://x", "file:///etc/passwd", "https://u:p@x", "https://x/#f", "https://x\r\nh: 1", "https://a b", "http://x:99999", "http://[::1", "https://ü.de"],
)  # fmt: skip
def test_unusable_names_the_variable(given: str) -> None:
    with pytest.raises(SetupError, match="DATABRICKS_API_BASE") as caught:
        base_url(given, "DATABRICKS_API_BASE")
    assert caught.value.variable == "DATABRICKS_API_BASE"


@pytest.mark.parametrize(
    ("base", "path", "expected"),
    [
        ("https://x", "/a/b", "https://x/a/b"),
        ("https://x", "a/b/", "https://x/a/b"),
        ("https://x/a/b", "/a/b", "https://x/a/b"),
        ("https://x", "", "https://x"),
    ],
)
def test_joined(base: str, path: str, expected: str) -> None:
    assert joined(base, path) == expected


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("https://x", "https://x/v1/messages"),
        ("https://x/anthropic", "https://x/anthropic/v1/messages"),
        ("https://x/anthropic/v1", "https://x/anthropic/v1/messages"),
        ("https://x/anthropic/v1/messages", "https://x/anthropic/v1/messages"),
        ("https://x/anthropic?api-version=1", "https://x/anthropic/v1/messages?api-version=1"),
        ("https://x/v1/messages?a=b", "https://x/v1/messages?a=b"),
    ],
)
def test_messages_url(base: str, expected: str) -> None:
    assert messages_url(base) == expected
