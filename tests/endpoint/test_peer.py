"""Whose socket is at the other end: rows of procfs, and real sockets."""

from __future__ import annotations

import os
import socket
import sys

import pytest

from sidecar.endpoint.peer import find_owner, is_own_process, owner_in

linux = pytest.mark.skipif(sys.platform != "linux", reason="procfs is Linux's")

HEAD = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
OURS = b"   0: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 111 1 0\n"
THEIRS = b"   1: 0100007F:D431 0100007F:1F90 01 00000000:00000000 02:0004A3C0 00000000  1001        0 222 2 0\n"
ORPHAN = b"   2: 0100007F:D432 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 0 2 0\n"
LAST = b"   3: 0100007F:D433 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1002        0 333 1 0"


@pytest.mark.parametrize(
    ("row", "owner"),
    [
        (" 0100007F:D431 0100007F:1F90 01 ", 1001),  # the client's end
        (" 0100007F:1F90 0100007F:D431 01 ", 0),  # our own end is another row
        (" 0100007F:D431 0100007F:1F90 06 ", None),  # not in this state
        (" 0100007F:D432 0100007F:1F90 01 ", None),  # no process behind it
        (" 0100007F:D433 0100007F:1F90 01 ", 1002),
        (" 0100007F:D4 ", None),
    ],
)
def test_a_row_is_found_by_both_addresses_and_state(row, owner):
    assert owner_in(HEAD + OURS + THEIRS + ORPHAN + LAST, row) == owner


@pytest.mark.parametrize("table", [b"", HEAD, b"garbage", HEAD + b"   0: 0100007F:D431 0100007F:1F90 01 \n"])
def test_a_table_without_the_row(table):
    assert owner_in(table, " 0100007F:D431 0100007F:1F90 01 ") is None


@linux
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_our_own_socket_is_ours(family):
    host = "127.0.0.1" if family == socket.AF_INET else "::1"
    try:
        server = socket.create_server((host, 0), family=family)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with server, socket.create_connection(server.getsockname()[:2]) as client, server.accept()[0] as accepted:
        peer, here = client.getsockname()[:2], accepted.getsockname()[:2]
        assert find_owner(peer, here) == os.geteuid()
        assert is_own_process(peer, here)
        assert not is_own_process((peer[0], 1), here)


@linux
def test_an_ipv6_socket_that_speaks_to_an_ipv4_address():
    with socket.create_server(("127.0.0.1", 0)) as server:
        try:
            client = socket.socket(socket.AF_INET6)
            client.connect(("::ffff:127.0.0.1", server.getsockname()[1]))
        except OSError:
            pytest.skip("this machine has no IPv6")
        with client, server.accept()[0] as accepted:
            assert is_own_process(accepted.getpeername(), accepted.getsockname())


@linux
def test_a_socket_that_is_gone_belongs_to_nobody():
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        with server.accept()[0] as accepted:
            peer, here = accepted.getpeername(), accepted.getsockname()
            client.close()
            assert not is_own_process(peer, here)


@pytest.mark.parametrize("peer", ["10.0.0.1", "192.168.0.1", "fe80::1", "::ffff:10.0.0.1", "nonsense", ""])
def test_what_is_not_loopback_is_nobody_s(peer):
    assert find_owner((peer, 1), ("127.0.0.1", 2)) is None
