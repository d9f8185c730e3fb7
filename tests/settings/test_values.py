"""Kinds of values: what they let through, and what they make of it."""

from pathlib import Path

import pytest

from sidecar.core.secret import SecretStr
from sidecar.settings.values import (
    check_headers,
    check_path,
    check_pattern,
    check_prices,
    check_secret,
    check_url,
    expand,
    header_pairs,
    listed,
    lower,
    pairs,
    spelled,
    split,
)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("https://a.example.com", "https://a.example.com"),
        ("https://a.example.com///", "https://a.example.com"),
        ("HTTP://127.0.0.1:8080/x/", "HTTP://127.0.0.1:8080/x"),
        ("https://[::1]:9/v1", "https://[::1]:9/v1"),
        ("https://a.example.com/x?y=1", "https://a.example.com/x?y=1"),
    ],
)
def test_urls(value, kept):
    assert check_url(value) == kept


@pytest.mark.parametrize(
    "value",
    ["", "a.example.com", "//a.example.com", "https://", "https:///x", "https://u@a", "https://a:0", "https://a:99999",
     "https://a b", "https://a\nb", "https://a\\b", "javascript://a", "https://[", "file:///etc/passwd"],
)  # fmt: skip
def test_no_urls(value):
    with pytest.raises(ValueError, match=r"."):
        check_url(value)


@pytest.mark.parametrize(("check", "value"), [(check_url, '"https://a.example.com"'), (check_secret, "'key'")])
def test_quotation_marks_that_came_along_are_told(check, value):
    with pytest.raises(ValueError, match="quotation marks"):
        check(value)


@pytest.mark.parametrize("value", ["/", "/serving-endpoints/a_b-c.d/invocations", "/v1/models/x:y@z%20"])
def test_paths(value):
    assert check_path(value) == value


@pytest.mark.parametrize(
    "value", ["", "a", "//host/x", "/a/../b", "/a b", "/a?b", "/a#b", "/a\\b", "/a\r\nb", "https://a"]
)
def test_no_paths(value):
    with pytest.raises(ValueError, match="no path"):
        check_path(value)


def test_headers_are_read_as_opentelemetry_writes_them():
    written = " Authorization=Bearer%20a%3Db, x-team=one,"
    assert header_pairs(written) == {"authorization": "Bearer a=b", "x-team": "one"}
    assert check_headers(written) == SecretStr(written.strip())
    assert check_headers(SecretStr("a=b")) == SecretStr("a=b")


@pytest.mark.parametrize("value", ["a", "a b=c", "=b", "a=%0d%0ax", "a=ä", "a:b=c"])
def test_no_headers(value):
    with pytest.raises(ValueError, match="name=value"):
        check_headers(value)


@pytest.mark.parametrize("value", [" key\n", "key", SecretStr("key\r\n")])
def test_secrets(value):
    assert check_secret(value) == SecretStr("key")


@pytest.mark.parametrize("value", ["", "a b", "a\nb", "ä", "\x7f"])
def test_no_secrets(value):
    with pytest.raises(ValueError, match="header"):
        check_secret(value)


@pytest.mark.parametrize(
    ("change", "value", "made"),
    [
        (split, " a, b,,c ", ["a", "b", "c"]),
        (split, "", []),
        (split, ["a"], ["a"]),
        (split, ' ["/a, b", "/c "] ', ["/a, b", "/c "]),
        (split, "[ab]*, c", ["[ab]*", "c"]),
        (pairs, "a=b, c = d=e", {"a": "b", "c": "d=e"}),
        (pairs, {"a": "b"}, {"a": "b"}),
        (pairs, "a=b\nc=d\r\n", {"a": "b", "c": "d"}),
        (pairs, ' {"a": "b", "c ": " d=e"}', {"a": "b", "c": "d=e"}),
        (spelled, " Azure-Anthropic ", "azure_anthropic"),
        (spelled, 3, 3),
        (lower, " Token ", "token"),
        (lower, None, None),
        (check_pattern, "^a+$", "^a+$"),
        (expand, Path("/a"), Path("/a")),
        (check_prices, {"m": {"input": 1.0, "output": 2.0}}, {"m": {"input": 1.0, "output": 2.0}}),
    ],
)
def test_changes(change, value, made):
    assert change(value) == made


@pytest.mark.parametrize(
    ("change", "value"),
    [
        (split, '["a"'),
        (split, '["a", 1]'),
        (pairs, "a"),
        (pairs, "a="),
        (pairs, "=b"),
        (pairs, '{"a": "b"'),
        (pairs, '{"a": 1}'),
        (pairs, '{"a": " "}'),
        (check_pattern, "("),
        (expand, Path("~no-such-user/x")),
        (check_prices, {"m": {"input": 1.0}}),
        (check_prices, {"m": {"input": 1.0, "output": -2.0}}),
        (check_prices, {"m": {"input": 1.0, "output": 2.0, "tax": 1.0}}),
        (check_prices, {"m": {"input": float("nan"), "output": 2.0}}),
    ],
)
def test_refusals(change, value):
    with pytest.raises(ValueError, match=r"."):
        change(value)


@pytest.mark.parametrize("part", ["/a", "/a, b", " a", "[a", '"a"', "ä b:c%20#", "a\\b"])
def test_a_list_that_is_written_is_read_back(part):
    assert split(listed(part)) == [part]
    assert split(listed("/x", part)) == ["/x", part]


def test_expand_knows_home():
    assert expand(Path("~/x")) == Path.home() / "x"
