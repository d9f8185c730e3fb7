"""Fit the rates of each generation of models to the recorded pairs, and tell how they do on sources left out of the fit.

    make .build/fit.stamp && python -m tests.bench.tokens.fit

Robust least squares of the relative error. What is printed was rounded into `sidecar.assistant.tokens`; where two
rates can hardly be told apart (a call and its result) or few pairs speak (models from 4.7), by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.optimize import least_squares

from tests.bench.tokens.__main__ import GENERATIONS, Errors, generation, load

Json = dict[str, Any]
FRAME = 3
MEASURES = (
    "said", "described", "called", "shaped", "messages", "tools", "calls", "results", "budget", "adaptive", "tooled",
    "forced", "formed", "budgeted",
)  # fmt: skip


def fit(pairs: Sequence[Json], more: Sequence[str] = ()) -> dict[str, float]:
    """The rates that suit these pairs best; only of what occurs in them."""
    names = [name for name in (*MEASURES, *more) if any(pair.get(name) for pair in pairs)]
    seen = np.array([[float(pair.get(name, 0)) for name in names] for pair in pairs])
    true = np.array([pair["tokens"] - pair.get("media", 0.0) for pair in pairs])
    weight = 1 / np.maximum(true, 40)

    def off(rates: Any) -> Any:
        return (seen @ rates + FRAME - true) * weight

    found = least_squares(off, np.ones(len(names)), loss="soft_l1", f_scale=0.02, bounds=(0, np.inf))
    return dict(zip(names, found.x.tolist(), strict=True))


def error(rates: dict[str, float], pair: Json) -> float:
    """The relative error of a pair's estimate by these rates."""
    told = FRAME + pair.get("media", 0.0) + sum(rate * pair.get(name, 0) for name, rate in rates.items())
    return abs(told - pair["tokens"]) / pair["tokens"]


def left_out(pairs: Sequence[Json]) -> Errors:
    """Errors on each source by the rates that the others gave."""
    found: list[float] = []
    for source in sorted({pair["source"] for pair in pairs}):
        rates = fit([pair for pair in pairs if pair["source"] != source])
        found += [error(rates, pair) for pair in pairs if pair["source"] == source]
    return Errors(found)


def constants(pairs: Sequence[Json]) -> Errors:
    """Errors on each request by the rates of the others, where what goes with any request is fitted, too."""
    some = [pair | {"always": 1} for pair in pairs]
    return Errors([error(fit([other for other in some if other is not pair], ("always",)), pair) for pair in some])


def main() -> None:
    every = load()
    for name in GENERATIONS:
        pairs = [pair for pair in every if generation(pair["model"]) == name]
        rates = fit(pairs)
        print(f"models {name}: " + ", ".join(f"{key} {value:.2f}" for key, value in rates.items()))
        print(f"  on the pairs it was fitted to   {Errors([error(rates, pair) for pair in pairs])}")
        print(f"  on sources left out             {left_out(pairs)}")
        large = [pair for pair in pairs if pair["tokens"] >= 200]
        print(f"  the same, 200 tokens and more   {left_out(large)}")
        small = [pair for pair in pairs if pair["tokens"] < 200]
        print(f"  fewer, each left out, a constant {constants(small)}")


if __name__ == "__main__":
    main()
