"""Whoever wants to hear of something, or to be asked: put into a list, and taken out of it again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


def enlisted(those: list[T], one: T) -> Callable[[], None]:
    """Put one into a list of those; the result takes it out, and may be called again."""
    those.append(one)

    def end() -> None:
        with suppress(ValueError):
            those.remove(one)

    return end
