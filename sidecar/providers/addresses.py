"""From what a user sets as a provider's address to the one URL that is asked. Pure."""

from __future__ import annotations

from urllib.parse import urlsplit

from sidecar.core.errors import SetupError


def base_url(text: str, variable: str) -> str:
    """A usable base without a final `/`; `https://` is added where no scheme is given.

    Raises SetupError, naming the variable, for anything but an http(s) address with a host and without credentials.
    """
    value = text.strip()
    if "://" not in value:
        value = f"https://{value}"
    try:
        parts = urlsplit(value)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        raise _unusable(variable) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_fine:
        raise _unusable(variable)
    if parts.username or parts.password or parts.fragment:
        raise SetupError(
            f"{variable} must not hold credentials or a fragment; give the key in its own setting.", variable
        )
    if not value.isascii() or not value.isprintable() or " " in value:
        raise _unusable(variable)
    return value.rstrip("/")


def joined(base: str, path: str) -> str:
    """Base and path as one URL; a path that the base already ends with is not added twice."""
    tail = "/" + path.strip().strip("/")
    return base if tail == "/" or base.endswith(tail) else base + tail


def messages_url(base: str) -> str:
    """The Messages URL for a base: it gets `/v1/messages`, or what of it is missing."""
    head, mark, query = base.partition("?")
    if not head.endswith("/messages"):
        head = joined(head, "messages" if head.endswith("/v1") else "v1/messages")
    return head + mark + query


def _unusable(variable: str) -> SetupError:
    return SetupError(f"{variable} is no usable address; it should look like https://host.example.com.", variable)
