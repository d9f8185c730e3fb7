"""What a command of the command line is, before anything of it is loaded."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Command:
    """One command: where in this room its function is, a line about it, an example. A family has `parts` in its place."""

    target: str = ""
    about: str = ""
    example: str = ""
    parts: dict[str, Command] = field(default_factory=dict)

    def load(self) -> Callable[..., Any]:
        """The function behind the command."""
        module, _, name = self.target.partition(":")
        with loading():
            function: Callable[..., Any] = getattr(import_module(f"sidecar.cli.{module}"), name)
        return function


@contextmanager
def loading() -> Iterator[None]:
    """While modules are loaded nothing of them can be garbage: looking for it would only hold up the start."""
    working = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if working:
            gc.enable()
