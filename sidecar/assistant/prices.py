"""What an answer costs: a table of prices that users can change, and no guess for a model that is not in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any, Final

TABLE: Final = Path(__file__).with_name("prices.toml")
"""The built-in prices."""

_MILLION: Final = 1_000_000
_ADDITION: Final = re.compile(r"(?:-20\d{6}|-latest)?(?:\[\w+\])?$")


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens of one answer. `cache_write` are all that were written to the provider's cache, `cache_write_1h` among them."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0

    @property
    def prompt(self) -> int:
        """Tokens of the whole prompt, cached or not."""
        return self.input + self.cache_read + self.cache_write


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars a million tokens. A kind of cached token without a price of its own costs what plain input costs.

    `long` holds in place of it for requests whose prompt is longer than `over` tokens.
    """

    input: float
    output: float
    cache_read: float | None = None
    cache_write: float | None = None
    cache_write_1h: float | None = None
    over: int | None = None
    long: Price | None = None

    def of(self, spent: Spent) -> float:
        """What these tokens cost, in dollars."""
        if self.long is not None and self.over is not None and spent.prompt > self.over:
            return self.long.of(spent)
        read = self.input if self.cache_read is None else self.cache_read
        write = self.input if self.cache_write is None else self.cache_write
        longer = write if self.cache_write_1h is None else self.cache_write_1h
        dollars = spent.input * self.input + spent.output * self.output + spent.cache_read * read
        dollars += (spent.cache_write - spent.cache_write_1h) * write + spent.cache_write_1h * longer
        return dollars / _MILLION

    def uncached(self, spent: Spent) -> float:
        """What the same would cost had the provider cached nothing."""
        return self.of(Spent(input=spent.prompt, output=spent.output))


class PriceTable:
    """Prices by the provider's model names: the user's (names or patterns with `*`), then the built-in ones."""

    def __init__(self, own: Mapping[str, Mapping[str, float]] | None = None) -> None:
        self._own = {name: _price(row) for name, row in (own or {}).items()}

    @cached_property
    def _built_in(self) -> dict[str, Price]:
        """Read with the first question: serving does not wait for it."""
        import tomllib  # noqa: PLC0415 - nor for its reader

        tables = tomllib.loads(TABLE.read_text(encoding="utf-8"))
        return {name: _price(row) for name, row in tables.items()}

    def find(self, model: str) -> Price | None:
        """The price of a model, with or without a date or `[1m]` behind its name; None for one that is not known."""
        bare = _ADDITION.sub("", model)
        for table in (self._own, self._built_in):
            for name in (model, bare):
                if name in table:
                    return table[name]
            patterns = [pattern for pattern in table if "*" in pattern and fnmatchcase(model, pattern)]
            if patterns:
                return table[max(patterns, key=len)]
        return None


def _price(row: Mapping[str, Any]) -> Price:
    longer = row.get("long")
    return Price(**{**row, "long": _price(longer) if longer else None})
