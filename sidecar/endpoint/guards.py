"""Who may come in: exact Host, nothing from web pages, JSON only, and a token or a process of the same user.

Web pages are kept out by what browsers add and pages cannot take away: Host (against DNS rebinding), Origin,
Sec-Fetch-Site, and a content type that a form cannot send. No answer carries a CORS header.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from aiohttp import web

from sidecar.core.errors import Refused, SetupError, Unauthenticated
from sidecar.endpoint.connection import Connection
from sidecar.endpoint.errors import Rejected
from sidecar.endpoint.peer import is_own_process

Mode = Literal["auto", "token", "none"]

_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")
_OWN_SITE: Final = frozenset({"none", "same-origin"})
_UNPROVEN: Final = (
    "This request carries no valid token for the sidecar. Start the CLI with `sidecar claude`, or put what "
    "`sidecar env` prints into your shell."
)


@dataclass(frozen=True, slots=True)
class Access:
    """How a request proves that it may come in.

    `auto`: by the token, or because it comes over loopback from a process of the same user. `token`: by the token
    alone. `none`: no proof. `token` is a secret and is kept out of the value's text.
    """

    mode: Mode = "auto"
    token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.mode == "token" and not self.token:
            raise SetupError("Access by token needs a token: set SIDECAR_TOKEN.", "SIDECAR_TOKEN")


class HostRule:
    """Which Host headers name this server: for a loopback address exactly these; else addresses and our own name."""

    def __init__(self, hosts: Iterator[str] | tuple[str, ...], port: int, *, loopback: bool) -> None:
        self.loopback = loopback
        reachable = ("127.0.0.1", "localhost", "::1", *(host for host in hosts if _is_address(host)))
        names = {f"[{host}]" if ":" in host else host for host in reachable}
        self._exact = {f"{name}:{port}" for name in names} | (names if port == 80 else set())
        self._own_names = {"localhost", socket.gethostname().lower()}

    @property
    def exact(self) -> list[str]:
        """The names with their port that hold in any case."""
        return sorted(self._exact)

    def allows(self, host: str) -> bool:
        """Whether a Host header may have this value."""
        host = host.lower()
        if host in self._exact:
            return True
        if self.loopback:
            return False
        # Behind a container's port mapping neither address nor port are ours. A page that rebinds DNS needs a name.
        name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
        return name in self._own_names or _is_address(name)


def check_head(request: web.BaseRequest, rule: HostRule) -> None:
    """Refuse what no client of ours sends. Raises Rejected (400) or Refused; the body is not looked at."""
    headers = request.headers
    hosts = headers.getall("host", [])
    if not request.raw_path.startswith("/"):
        raise Rejected(400, "The request's target must be a path; this server is no proxy.")
    if len(hosts) != 1:
        raise Rejected(400, "The request must carry exactly one Host header.")
    if not rule.allows(hosts[0]):
        raise Refused("The Host header does not name this server; use the address that `sidecar env` prints.")
    if rule.loopback and any(name in headers for name in _FORWARDED):
        raise Refused("This server is for this machine only and answers no request that was forwarded.")
    if "origin" in headers:
        raise Refused("Web pages may not talk to this server (the request has an Origin header).")
    if not _OWN_SITE.issuperset(headers.getall("sec-fetch-site", [])):
        raise Refused("Web pages may not talk to this server (Sec-Fetch-Site says that another site asks).")
    if "upgrade" in headers and "websocket" in headers["upgrade"].lower():
        raise Refused("This server does not speak WebSocket.")


def check_content(request: web.BaseRequest, media: frozenset[str]) -> None:
    """Refuse a body that is encoded or of a type that the route does not take. Raises Rejected (415)."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Rejected(415, "Compressed request bodies are not accepted; send it without Content-Encoding.")
    given = request.headers.getall("content-type", [])
    if len(given) != 1 or given[0].partition(";")[0].strip().lower() not in media:
        raise Rejected(415, f"The Content-Type must be {' or '.join(sorted(media))}.")


async def admit(request: web.BaseRequest, access: Access) -> None:
    """Let the request in, or raise Unauthenticated."""
    if access.mode == "none" or carries_token(request, access.token):
        return
    if access.mode == "auto" and await _is_own(request):
        return
    raise Unauthenticated(_UNPROVEN)


def carries_token(request: web.BaseRequest, token: str | None) -> bool:
    """Whether one of the credentials that came is the token; compared in constant time."""
    if not token:
        return False
    wanted = _bytes(token)
    return any(hmac.compare_digest(_bytes(given), wanted) for given in _credentials(request))


def is_loopback(host: str) -> bool:
    """Whether a host to listen on can be reached from this machine only."""
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _credentials(request: web.BaseRequest) -> Iterator[str]:
    headers = request.headers
    for value in headers.getall("authorization", []):
        scheme, _, given = value.partition(" ")
        if scheme.lower() == "bearer":
            yield given.strip()
    yield from headers.getall("x-api-key", [])


def _bytes(text: str) -> bytes:
    # As HTTP brought it: aiohttp turns bytes that are no UTF-8 into surrogates.
    return text.encode("utf-8", "surrogateescape")


def _is_address(text: str) -> bool:
    try:
        return not ipaddress.ip_address(text).is_unspecified
    except ValueError:
        return False


async def _is_own(request: web.BaseRequest) -> bool:
    """Whether the connection's other end belongs to our user; looked up once a connection, off the loop."""
    connection = request.protocol
    if not isinstance(connection, Connection):
        return False
    if connection.own is None:
        peer, here = connection.peername, connection.sockname
        if not isinstance(peer, tuple) or not isinstance(here, tuple):
            return False
        connection.own = await asyncio.to_thread(is_own_process, peer[:2], here[:2])
    return connection.own
