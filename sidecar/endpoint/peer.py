"""Who is at the other end of a loopback connection: the user that owns its socket, read from Linux's procfs.

Source: the kernel's documentation of /proc/net/tcp (proc_net_tcp); addresses are 32-bit words in the machine's order.
"""

from __future__ import annotations

import ipaddress
import os
import struct
import sys
from pathlib import Path
from typing import Final

Address = tuple[str, int]

_TABLES: Final = {4: Path("/proc/net/tcp"), 6: Path("/proc/net/tcp6")}
_ESTABLISHED: Final = "01"
_LOOKS: Final = 3  # the table is not read in one piece: a row can be missed while others come and go


def is_own_process(peer: Address, here: Address) -> bool:
    """Whether the socket at `peer` that is connected to us at `here` belongs to our user.

    False where that cannot be told: not Linux, not loopback, the other end gone. Reads files: not for an event loop.
    """
    if sys.platform != "linux":
        return False
    owner = find_owner(peer, here)
    return owner is not None and owner == os.geteuid()


def find_owner(peer: Address, here: Address) -> int | None:
    """The user id of the loopback socket at `peer` connected to `here`; None if there is none to be seen."""
    try:
        host, local = ipaddress.ip_address(peer[0]), ipaddress.ip_address(here[0])
    except ValueError:
        return None
    if not _loopback(host):
        return None
    for _ in range(_LOOKS):
        for version, table in _TABLES.items():
            row = f" {_spelled(host, peer[1], version)} {_spelled(local, here[1], version)} {_ESTABLISHED} "
            owner = owner_in(_read(table), row)
            if owner is not None:
                return owner
    return None


def owner_in(table: bytes, row: str) -> int | None:
    """The user id in the table's row that holds this pair of addresses and state."""
    start = table.find(row.encode())
    if start < 0:
        return None
    line_start = table.rfind(b"\n", 0, start) + 1
    fields = table[line_start : table.find(b"\n", start)].split()
    # sl local remote st queues timer retransmits uid timeout inode: an inode of 0 has no process behind it.
    return int(fields[7]) if len(fields) > 9 and fields[9] != b"0" else None


def _spelled(address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int, version: int) -> str:
    """An address as the table of this IP version writes it (an IPv4 one as IPv6 maps it)."""
    packed = address.packed
    if version == 6 and len(packed) == 4:
        packed = b"\0" * 10 + b"\xff\xff" + packed
    words = struct.unpack(f"={len(packed) // 4}I", packed)
    return "".join(f"{word:08X}" for word in words) + f":{port:04X}"


def _loopback(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _read(table: Path) -> bytes:
    try:
        return table.read_bytes()
    except OSError:
        return b""
