"""Sockets to listen on: only the address that was asked for, and a clear word when its port is taken."""

from __future__ import annotations

import errno
import ipaddress
import socket
import sys
from typing import Final, Literal

from sidecar.core.errors import Conflict, SetupError

PortPolicy = Literal["exact", "next-free"]

_TRIES: Final = 100
_LAST_PORT: Final = 65535
_TAKEN: Final = frozenset({errno.EADDRINUSE, 10013, 10048})  # Windows: access to an exclusive port, address in use


def listen(host: str, port: int, policy: PortPolicy) -> list[socket.socket]:
    """Bound sockets for an IP address or `localhost` (both of its addresses, as far as the machine has them).

    Port 0 takes any free one. Raises Conflict when the port (with `next-free`: also the 99 after it) is taken,
    SetupError when the address cannot be listened on.
    """
    hosts = _addresses(host)
    if not 0 <= port <= _LAST_PORT:
        raise SetupError(f"The port must lie between 0 and {_LAST_PORT}, not {port}; set PORT or --port.", "PORT")
    last = port if policy == "exact" or port == 0 else min(port + _TRIES - 1, _LAST_PORT)
    for candidate in range(port, last + 1):
        try:
            return _bind_all(hosts, candidate)
        except _TakenError:
            continue
    if last == port:
        raise Conflict(
            f"Port {port} on {host} is taken by another program. Stop that one, or choose another port: "
            "--port N, or the variable PORT."
        )
    raise Conflict(f"The ports {port} to {last} on {host} are all taken; choose another one: --port N, or PORT.")


class _TakenError(Exception):
    pass


def _addresses(host: str) -> list[str]:
    if host == "localhost":
        return ["127.0.0.1", "::1"]
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise SetupError(f"--host takes an IP address or localhost, not {host!r}.", "--host") from None
    return [host]


def _bind_all(hosts: list[str], port: int) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    try:
        for host in hosts:
            bound = _bind(host, port if not sockets else sockets[0].getsockname()[1])
            if bound is not None:
                sockets.append(bound)
    except BaseException:
        for bound in sockets:
            bound.close()
        raise
    if not sockets:
        raise SetupError(f"This machine has no address {hosts[0]}; choose another --host.", "--host")
    return sockets


def _bind(host: str, port: int) -> socket.socket | None:
    """A bound socket, or None when the machine does not have the address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        bound = socket.socket(family, socket.SOCK_STREAM)
    except OSError:
        return None
    try:
        if sys.platform == "win32":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        if error.errno in _TAKEN:
            raise _TakenError from None
        if error.errno == errno.EADDRNOTAVAIL:
            return None
        why = error.strerror or str(error)
        raise SetupError(f"Cannot listen on {host} port {port}: {why}; choose another --port.", "PORT") from None
    return bound
