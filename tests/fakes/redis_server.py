"""A real Redis (or Valkey) server of a test's own: in memory, on a free port of loopback, gone with the test.

The program is found by `tests/rig/redis.sh`, which also installs it (`make .build/redis.stamp`).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

_NAMES = ("redis-server", "valkey-server", "redis-check-rdb", "valkey-check-rdb")
_LIMIT = 10.0


def program() -> str:
    """The server's program; Debian has it as a tool of another name, too, which serves under the first name."""
    for name in _NAMES:
        if found := shutil.which(name):
            return found
    raise RuntimeError("no Redis server is installed for the tests: run `make .build/redis.stamp`")


class RedisServer:
    """A running server. With `tls` (certificate, key, authority) it speaks nothing else."""

    def __init__(self, folder: Path, *, password: str = "", port: int = 0, tls: tuple[Path, Path, Path] | None = None):
        self._folder = folder
        self._password = password
        self.port = port or _free_port()
        self._tls = tls
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address, with the password."""
        user = f":{self._password}@" if self._password else ""
        scheme = "rediss" if self._tls else "redis"
        return f"{scheme}://{user}127.0.0.1:{self.port}/0"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it, empty, and wait until it listens."""
        command = [
            "redis-server",
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            str(self._folder),
        ]
        command += ["--requirepass", self._password] if self._password else []
        if self._tls:
            certificate, key, authority = self._tls
            command += ["--port", "0", "--tls-port", str(self.port), "--tls-auth-clients", "no"]
            command += ["--tls-cert-file", str(certificate), "--tls-key-file", str(key), "--tls-ca-cert-file", str(authority)]  # fmt: skip
        else:
            command += ["--port", str(self.port)]
        log = (self._folder / "redis.log").open("wb")
        self._process = subprocess.Popen(command, executable=program(), stdout=log, stderr=log)
        log.close()
        until = time.monotonic() + _LIMIT
        while not _listens(self.port):
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the Redis server did not start:\n{(self._folder / 'redis.log').read_text()}")
            time.sleep(0.01)  # between two looks at a state

    def freeze(self) -> None:
        """It keeps its connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it; what it held is gone."""
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGCONT)
            process.kill()
            process.wait(_LIMIT)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
