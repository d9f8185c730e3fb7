"""The address guard of web fetches: a URL is parsed once, resolved once, and may lead to nothing but the public internet."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from yarl import URL

from sidecar.core.errors import BadInput, NotFound, Refused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host, as text."""

_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
_ODD: Final = tuple(map(ipaddress.ip_network, ("192.88.99.0/24", "3fff::/20", "5f00::/16")))
"""Not of the public internet, though not every Python in use knows that."""
_ISATAP: Final = frozenset({0x00005EFE, 0x02005EFE})
_LONGEST: Final = 4_000


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request may go: the URL as it is asked for, and the only addresses that may be connected to."""

    url: URL
    host: str
    port: int
    addresses: tuple[str, ...]


async def resolve(host: str, port: int) -> Sequence[str]:
    """A host's addresses by the system's resolver. Raises NotFound when it has none."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NotFound(f"The host {host[:100]} is not known; check the address.") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(text: str) -> bool:
    """Whether an address is one of the public internet, looked at through every way of writing another one in it."""
    try:
        address: Address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    for inner in _inside(address):
        if any(inner in network for network in _ODD):
            return False
        odd = inner.is_multicast or inner.is_reserved or inner.is_unspecified or getattr(inner, "is_site_local", False)
        if odd or not inner.is_global:
            return False
    return True


def _inside(address: Address) -> list[Address]:
    """The address, and those that it carries (mapped, 6to4, Teredo, ISATAP, NAT64)."""
    found: list[Address] = [address]
    if isinstance(address, ipaddress.IPv6Address):
        teredo = address.teredo
        found += [inner for inner in (address.ipv4_mapped, address.sixtofour, *(teredo or ())) if inner is not None]
        if int(address) >> 32 & 0xFFFFFFFF in _ISATAP:
            found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if address in _NAT64:
            found[0:1] = [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
        elif address.ipv4_mapped is not None:
            found.pop(0)
    return found


class AddressGuard:
    """Checks URLs. `hosts` are those that the user allowed (`docs.python.org`, `*.example.org`, `*`)."""

    def __init__(
        self, hosts: Sequence[str], resolver: Resolve = resolve, public: Callable[[str], bool] = is_public
    ) -> None:
        self._hosts = hosts
        self._resolve = resolver
        self._public = public

    def parse(self, text: str | URL) -> URL:
        """A URL that may be asked for. Raises BadInput for what is none, Refused for a scheme, a user or a host that is off."""
        url = _parsed(text)
        if url.scheme not in {"http", "https"}:
            raise Refused(f"Only http and https addresses are fetched, not {url.scheme[:20] or 'this'}.")
        if url.user is not None or url.password is not None:
            raise Refused("An address with a user name or password in it is not fetched.")
        host = (url.host or "").rstrip(".").lower()
        if not host:
            raise BadInput("The address names no host; give a whole one, such as https://docs.python.org/3/.")
        if not any(fnmatchcase(host, allowed.lower()) for allowed in self._hosts):
            raise Refused(
                f"The host {host[:100]} was not allowed to be fetched from. The user can allow it: "
                f"WEB_FETCH_ALLOWED_HOSTS={','.join([*self._hosts, host[:100]])}."
            )
        return url

    async def check(self, text: str | URL) -> Target:
        """Where to connect to for a URL. Refused unless every address that its host has is a public one."""
        url = self.parse(text)
        host, port = str(url.host), url.port or (443 if url.scheme == "https" else 80)
        addresses = tuple(await self._resolve(host, port))
        if not addresses or not all(self._public(address) for address in addresses):
            raise Refused(f"{host[:100]} leads to this machine or its own network, which is never fetched from.")
        return Target(url, host, port, addresses)


def _parsed(text: str | URL) -> URL:
    if isinstance(text, URL):
        return text
    if len(text) > _LONGEST or any(ord(letter) <= 32 or ord(letter) == 127 for letter in text) or "\\" in text:
        raise BadInput("This is no address: it is too long, or has spaces, line breaks or backslashes in it.")
    try:
        return URL(text)
    except (ValueError, TypeError, UnicodeError):
        raise BadInput(f"{text[:100]!r} is no address; give a whole one, such as https://docs.python.org/3/.") from None
