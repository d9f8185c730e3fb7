"""Small projects, and servers that are found on PATH as real ones are."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from sidecar.languages.rows import Row
from sidecar.languages.servers import Servers
from tests.fakes import language_server

CART = '''"""Carts."""


class Cart:
    """A cart."""

    def add(self, item: str) -> str:
        """Add one."""
        return "ä😀" + item


def main() -> Cart:
    cart = Cart()
    cart.add("x"); cart.add("😀"); cart.add("y")
    return cart
'''
SHOP = """from cart import Cart, main


def other() -> str:
    return Cart().add("z")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A Python project of two files."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "cart.py").write_text(CART, encoding="utf-8")
    (root / "shop.py").write_text(SHOP, encoding="utf-8")
    return root


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on PATH, outside of every project."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


FakeServers = Callable[..., Servers]


@pytest.fixture
async def fake_servers(project: Path, programs: Path) -> AsyncIterator[FakeServers]:
    """Makes sources over the fake language server: modes, then what `Servers` and `Row` take."""
    async with AsyncExitStack() as stack:

        def make(*modes: str, patience: float = 60.0, roots: tuple[str, ...] = (), **more: Any) -> Servers:
            name = "-".join(["fake", *modes])
            program = programs / name
            words = " ".join(modes)
            program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{language_server.__file__}" {words}\n')
            program.chmod(0o755)
            row = Row(name, (name,), (".py", ".txt"), roots, f"make {name}", patience=patience)
            servers = Servers(project, **{"trusted": True, "env": dict(os.environ), "rows": (row,), **more})
            stack.push_async_callback(servers.aclose)
            return servers

        yield make
