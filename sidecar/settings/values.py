"""Kinds of values that settings have: addresses, keys, lists, pairs; each check says what is wrong in half a sentence."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

import orjson

from sidecar.core.secret import SecretStr
from sidecar.settings.fields import AfterValidator, BeforeValidator


def check_url(value: str) -> str:
    """A base address without its closing slash."""
    if quoted(value):
        raise ValueError("stands in quotation marks; leave them out")
    if not re.match(r"https?://", value, re.IGNORECASE):
        # `localhost:11434` would count as scheme `localhost`.
        raise ValueError(f"has no http:// or https:// in front; did you mean https://{value.rpartition('://')[2]}?")
    try:
        parts = urlsplit(value)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        parts, usable = urlsplit(""), False
    if not usable or re.search(r"[\s\x00-\x1f<>\"{}|\\^`]", value):
        raise ValueError("is no address that a request could be sent to; write for example https://host.example.com")
    if "@" in parts.netloc:
        raise ValueError("carries a user name or password; give the credential in its own setting")
    return value.rstrip("/")


def quoted(text: str) -> bool:
    """Whether a value came with the quotation marks around it, as `docker --env-file` hands them on."""
    return len(text) > 1 and text[0] == text[-1] and text[0] in "'\""


def check_path(value: str) -> str:
    """A path on a host that another setting names."""
    if not re.fullmatch(r"/(?!/)[\w.~%:@+/-]*", value.replace("{model}", "model")) or ".." in value.split("/"):
        raise ValueError("is no path; it must begin with a slash and name no host")
    return value


def check_secret(value: Any) -> Any:
    """A key without the blanks that copying adds."""
    raw = value.get_secret_value() if isinstance(value, SecretStr) else value
    if not isinstance(raw, str):
        return value
    key = raw.strip()
    if quoted(key):
        raise ValueError("stands in quotation marks; leave them out")
    if not re.fullmatch(r"[\x21-\x7e]+", key):
        raise ValueError("has spaces, line breaks or letters that cannot travel in a header; copy the key again")
    return SecretStr(key)


def header_pairs(text: str) -> dict[str, str]:
    """Headers written `name=value, name=value`, percent-encoded, as OpenTelemetry's variables are."""
    found: dict[str, str] = {}
    for part in split(text):
        name, mark, value = part.partition("=")
        told = unquote(value.strip())
        if not (mark and re.fullmatch(r"[\w!#$%&'*+.^`|~-]+", name.strip()) and told.isascii() and told.isprintable()):
            raise ValueError("is not of the form name=value, name=value, with %20 for a blank")
        found[name.strip().lower()] = told
    return found


def check_headers(value: Any) -> Any:
    """Headers, kept as they were written: they may hold a key."""
    raw = value.get_secret_value() if isinstance(value, SecretStr) else value
    if not isinstance(raw, str):
        return value
    header_pairs(raw)
    return SecretStr(raw.strip())


def check_pattern(value: str) -> str:
    """A regular expression."""
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from None
    return value


def split(value: Any) -> Any:
    """`a, b` as a list, so that a variable can hold one; what has commas of its own stands in a list of JSON: `["a, b"]`."""
    if not isinstance(value, str):
        return value
    if not re.match(r"\s*\[\s*\"", value):
        return [part.strip() for part in value.split(",") if part.strip()]
    try:
        parts = orjson.loads(value)
    except orjson.JSONDecodeError:
        parts = [None]
    if not all(isinstance(part, str) for part in parts):
        raise ValueError('begins as a list of JSON and is none; write ["a", "b"], or a, b')
    return parts


def listed(*parts: str) -> str:
    """These parts as `split` reads them back."""
    plain = all(part == part.strip() and part and "," not in part and part[0] != "[" for part in parts)
    return ",".join(parts) if plain else orjson.dumps(parts).decode()


def pairs(value: Any) -> Any:
    """`a=b, c=d` as a table; also where a line holds each, or where it is an object of JSON."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("{"):
        return _object(value)
    pairs = [part.partition("=") for part in split(",".join(value.splitlines()))]
    if any(not (key.strip() and mark and name.strip()) for key, mark, name in pairs):
        raise ValueError("is not of the form asked-name=provider-name, …")
    return {key.strip(): name.strip() for key, _, name in pairs}


def _object(text: str) -> dict[str, str]:
    try:
        told = orjson.loads(text)
    except orjson.JSONDecodeError:
        told = {"": ""}
    if not all(key.strip() and isinstance(name, str) and name.strip() for key, name in told.items()):
        raise ValueError('begins as an object of JSON and names no models; write {"asked": "name"}, or asked=name, …')
    return {key.strip(): name.strip() for key, name in told.items()}


def spelled(value: Any) -> Any:
    """A name as we spell it: `Azure-Anthropic` is `azure_anthropic`."""
    return value.strip().lower().replace("-", "_") if isinstance(value, str) else value


def lower(value: Any) -> Any:
    """A word in lower case."""
    return value.strip().lower() if isinstance(value, str) else value


def expand(value: Path) -> Path:
    """A folder with `~` resolved."""
    try:
        return value.expanduser()
    except RuntimeError:
        raise ValueError("begins with ~, but no home folder is known; write the whole path") from None


PRICED = ("input", "output", "cache_read", "cache_write", "cache_write_1h")
"""The kinds of tokens that have a price; the first two must have one."""


def check_prices(value: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Prices by model, in dollars a million tokens."""
    for model, row in value.items():
        wrong = [name for name in row if name not in PRICED] or [n for n in PRICED[:2] if n not in row]
        if wrong:
            raise ValueError(
                f"has for {model} no usable {wrong[0]}: give input and output, and if need be {PRICED[2:]}"
            )
        if any(not 0 <= price < 1e6 for price in row.values()):
            raise ValueError(f"has for {model} a price that is none; give dollars a million tokens")
    return value


Prices = Annotated[dict[str, dict[str, float]], AfterValidator(check_prices)]
Url = Annotated[str, AfterValidator(check_url)]
Key = Annotated[SecretStr, BeforeValidator(check_secret)]
Headers = Annotated[SecretStr, BeforeValidator(check_headers)]
Names = Annotated[tuple[str, ...], BeforeValidator(split)]
Folder = Annotated[Path, AfterValidator(expand)]
