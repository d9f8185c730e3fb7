"""Print how far the estimate of input tokens is from the API's own count on the recorded pairs.

    python -m tests.bench.tokens

By generation of models: as fitted, all requests and those of some size; then long requests to a model that the fit
does not know (by the rates of another generation), without and with learning. How the fit does on sources that were
left out of it prints `fit.py`. The pairs are `pairs.jsonl` beside this file; `gather.py` makes it.
"""

from __future__ import annotations

import json
import math
import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from statistics import median
from typing import Any

from sidecar.assistant.calibration import Calibration
from sidecar.assistant.tokens import Measures, weighed
from sidecar.core.families import version_of
from tests.bench.tokens.gather import PAIRS

Json = dict[str, Any]
GENERATIONS = {"to 4.1": "claude-sonnet-4-0", "4.5, 4.6": "claude-sonnet-4-5", "from 4.7": "claude-opus-4-7"}
"""Generation → a model whose rates are its own."""

_MEASURED = {field.name for field in fields(Measures)}


@dataclass(frozen=True)
class Errors:
    """Relative errors of some estimates."""

    values: Sequence[float]

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def p90(self) -> float:
        return sorted(self.values)[int(0.9 * len(self.values))]

    @property
    def within(self) -> float:
        """The share that is off by less than a tenth."""
        return sum(value < 0.1 for value in self.values) / len(self.values)

    def __str__(self) -> str:
        return f"{len(self.values):4d}   {self.median:6.1%}   {self.p90:6.1%}   {self.within:6.0%}"


def load() -> list[Json]:
    """The recorded pairs."""
    return [json.loads(line) for line in PAIRS.read_text(encoding="utf-8").splitlines()]


def generation(model: str) -> str:
    """Which of `GENERATIONS` a model belongs to."""
    version = version_of(model) or (0, 0)
    return "from 4.7" if version >= (4, 7) else "4.5, 4.6" if version >= (4, 5) else "to 4.1"


def measures(pair: Json) -> Measures:
    """What was measured in a pair's request."""
    return Measures(**{name: value for name, value in pair.items() if name in _MEASURED})


def error(pair: Json, model: str = "", ratio: float = 1.0) -> float:
    """How far the estimate for a pair is off, by the rates of `model` (its own where none is given)."""
    told = weighed(measures(pair), model or pair["model"]).scaled(ratio)
    return abs(told - pair["tokens"]) / pair["tokens"]


def by_generation(pairs: Iterable[Json], least: int = 0, below: float = math.inf) -> dict[str, Errors]:
    """Errors as fitted, of requests with at least so many tokens, and fewer than `below`."""
    found: dict[str, list[float]] = defaultdict(list)
    for pair in pairs:
        if least <= pair["tokens"] < below:
            found[generation(pair["model"])].append(error(pair))
    return {name: Errors(found[name]) for name in GENERATIONS}


def learned(pairs: Iterable[Json], stranger: str, rounds: int = 5) -> tuple[Errors, Errors]:
    """Errors without and with learning where all pairs come from a model with the rates of `stranger`.

    Each round brings the pairs in another order; what is learned from one counts for those behind it.
    """
    without, with_ = [], []
    for seed in range(rounds):
        mixed = list(pairs)
        random.Random(seed).shuffle(mixed)
        calibration = Calibration("bench")
        for pair in mixed:
            told = weighed(measures(pair), stranger)
            without.append(error(pair, stranger))
            with_.append(error(pair, stranger, calibration.ratio("m")[0]))
            calibration.compare("m", told, pair["tokens"])
    return Errors(without), Errors(with_)


def long_ones(pairs: Iterable[Json], name: str) -> list[Json]:
    """The pairs of a generation with enough text to learn from."""
    return [pair for pair in pairs if generation(pair["model"]) == name and pair.get("said", 0.0) >= 300]


def main() -> None:
    pairs = load()
    head = "   n   median      p90   within 10 %"
    print(f"as fitted, all requests            {head}")
    for name, errors in by_generation(pairs).items():
        print(f"  models {name:28s}{errors}")
    print(f"as fitted, 200 tokens and more     {head}")
    for name, errors in by_generation(pairs, 200).items():
        print(f"  models {name:28s}{errors}")
    print(f"as fitted, fewer than 200 tokens   {head}")
    for name, errors in by_generation(pairs, below=200).items():
        print(f"  models {name:28s}{errors}")
    print(f"long requests, rates of strangers  {head}")
    for name in GENERATIONS:
        chosen = long_ones(pairs, name)
        for other, stranger in GENERATIONS.items():
            if other != name and len(chosen) >= 5:
                without, with_ = learned(chosen, stranger)
                print(f"  {name} by {other}, not learned".ljust(37) + str(without))
                print(f"  {name} by {other}, learned".ljust(37) + str(with_))


if __name__ == "__main__":
    main()
