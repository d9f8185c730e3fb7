"""Binding: the address asked for, a clear word about a port that is taken."""

from __future__ import annotations

import socket

import pytest

from sidecar.core.errors import Conflict, SetupError
from sidecar.endpoint.sockets import listen


@pytest.fixture
def taken():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_port_0_is_any_free_one():
    (bound,) = listen("127.0.0.1", 0, "exact")
    with bound:
        assert bound.getsockname()[0] == "127.0.0.1"
        assert bound.getsockname()[1] > 0


def test_a_taken_port_and_the_next_free_one(taken):
    with pytest.raises(Conflict, match=f"Port {taken} on 127.0.0.1 is taken"):
        listen("127.0.0.1", taken, "exact")
    (bound,) = listen("127.0.0.1", taken, "next-free")
    with bound:
        assert taken < bound.getsockname()[1] <= taken + 99


def test_localhost_is_one_port_on_both_addresses():
    sockets = listen("localhost", 0, "exact")
    try:
        assert len({bound.getsockname()[1] for bound in sockets}) == 1
        assert {bound.getsockname()[0] for bound in sockets} <= {"127.0.0.1", "::1"}
    finally:
        for bound in sockets:
            bound.close()


def test_no_port_beyond_the_last(taken):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", 65535))
        except OSError:
            pytest.skip("the last port is in use")
        with pytest.raises(Conflict, match="65535"):
            listen("127.0.0.1", 65535, "next-free")


@pytest.mark.parametrize("port", [-1, 65536, 10**9])
def test_a_port_that_is_none(port):
    with pytest.raises(SetupError) as raised:
        listen("127.0.0.1", port, "exact")
    assert raised.value.variable == "PORT"


@pytest.mark.parametrize("host", ["", "example.org", "127.0.0.1:8080", "http://127.0.0.1", "256.0.0.1", "::1%", "*"])
def test_a_host_that_is_no_address(host):
    with pytest.raises(SetupError, match="IP address"):
        listen(host, 0, "exact")


def test_an_address_of_another_machine():
    with pytest.raises(SetupError, match=r"no address 192\.0\.2\.1"):
        listen("192.0.2.1", 0, "exact")


def test_ipv6_is_not_ipv4_as_well():
    try:
        (bound,) = listen("::1", 0, "exact")
    except SetupError:
        pytest.skip("this machine has no IPv6")
    with bound:
        assert bound.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 1
