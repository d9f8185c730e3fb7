"""Addresses that lead inside, in every spelling, and hosts that were not allowed."""

import pytest
from yarl import URL

from sidecar.core.errors import BadInput, NotFound, Refused, SidecarError
from sidecar.tools.addresses import AddressGuard, is_public, resolve

PRIVATE = [
    "127.0.0.1", "127.8.9.1", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "224.0.0.1", "240.0.0.1", "255.255.255.255", "198.18.0.1", "::1", "::", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "fe80::1",
    "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1", "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "2001:0:4136:e378:8000:63bf:80ff:fffe", "", "localhost", "127.1", "192.88.99.1",
    "3fff::1", "5f00::1", "2001:4860::5efe:127.0.0.1", "2001:4860::200:5efe:10.0.0.1",
]  # fmt: skip
PUBLIC = ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "64:ff9b::101:101", "::ffff:1.1.1.1"]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_ones(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_ones(address: str) -> None:
    assert is_public(address)


SPELLINGS = [
    "http://127.0.0.1/", "http://localhost/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/",
    "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://0.0.0.0/", "http://127.0.0.1./", "http://localhost./", "http://[::]/",
    "http://①②⑦.⓪.⓪.①/", "http://0/", "http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/", "http://[fe80::1]/",
]  # fmt: skip


@pytest.mark.parametrize("url", SPELLINGS)
@pytest.mark.parametrize("hosts", [("*",), ()])
async def test_no_spelling_leads_inside(url: str, hosts: tuple[str, ...]) -> None:
    with pytest.raises(SidecarError):
        await AddressGuard(hosts).check(url)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "ftp://example.org/", "gopher://example.org/", "data:text/plain,x", "javascript:alert(1)",
        "http://user@example.org/", "http://user:pw@example.org/", "http://exam ple.org/", "http://example.org/\r\nX: y",
        "http:///x", "//example.org/", "example.org", "", "http://", "http://example.org\\@evil.com/", "http://[::1", "http://x:99999/",
        "http://" + "a" * 5000,
    ],
)  # fmt: skip
async def test_what_is_never_asked_for(url: str) -> None:
    async def never(host: str, port: int) -> list[str]:
        raise AssertionError(f"{host} was looked up")

    with pytest.raises((BadInput, Refused)):
        await AddressGuard(("*",), never).check(url)


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("docs.python.org", True), ("DOCS.Python.org", True), ("docs.python.org.evil.com", False), ("evil-docs.python.org", False),
        ("a.example.org", True), ("example.org", False), ("xdocs.python.org", False),
    ],
)  # fmt: skip
async def test_hosts_are_compared_whole(host: str, allowed: bool) -> None:
    async def known(name: str, port: int) -> list[str]:
        return ["93.184.216.34"]

    guard = AddressGuard(("docs.python.org", "*.example.org"), known)
    if allowed:
        target = await guard.check(f"https://{host}/x")
        assert (target.port, target.addresses) == (443, ("93.184.216.34",))
    else:
        with pytest.raises(Refused, match="WEB_FETCH_ALLOWED_HOSTS"):
            await guard.check(f"https://{host}/x")


async def test_one_private_address_among_public_ones_is_enough() -> None:
    async def mixed(name: str, port: int) -> list[str]:
        return ["93.184.216.34", "127.0.0.1"]

    with pytest.raises(Refused, match="own network"):
        await AddressGuard(("*",), mixed).check(URL("http://example.org"))


async def test_hosts_that_do_not_exist() -> None:
    with pytest.raises(NotFound):
        await resolve("no-such-host.invalid", 80)
    assert "127.0.0.1" in await resolve("127.0.0.1", 80)
