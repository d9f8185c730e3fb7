"""The fitted model as values: terms, heads, bands; read from the file that ships with the package."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from sidecar.core.review import Band

BANDS: tuple[Band, ...] = ("low", "medium", "high", "critical")


@dataclass(frozen=True, slots=True)
class Term:
    """One summand of a score in log-odds: `weight * (curve(x) - mean) / scale`, `x` being the squashed feature.

    The curve is `x` itself, or with a `centre` the parabola `((x - centre) / 2) ** 2`. With a `language` it is for
    changes in this one alone, on top of what the feature says of all.
    """

    feature: str
    weight: float
    mean: float
    scale: float
    centre: float | None = None
    language: str | None = None

    def effect(self, value: float) -> float:
        """What a feature's value adds to the log-odds."""
        x = squash(value)
        curve = x if self.centre is None else ((x - self.centre) / 2) ** 2
        return self.weight * (curve - self.mean) / self.scale


@dataclass(frozen=True, slots=True)
class Head:
    """The part of the model for one state of knowledge: with repairs, with history alone, or from the diff alone.

    `name` is what a report calls it; `base` is the log-odds of the average change; `lines` ranks the lines within a change; `spread` is the exponent
    by which a share of a change's lines becomes a share of its hazard.
    """

    name: str
    base: float
    terms: tuple[Term, ...]
    lines: tuple[Term, ...]
    spread: float


@dataclass(frozen=True, slots=True)
class Model:
    """Everything fitted.

    `limits` are the lowest scores of the bands medium, high and critical; `floor` is the score of a change without
    production code.
    """

    name: str
    traced: Head
    history: Head
    diff: Head
    message: tuple[Term, ...]
    limits: tuple[float, float, float]
    floor: float

    def head(self, *, history: bool, traced: bool) -> Head:
        """The head to use for what is known: history, and which lines its fixes repaired."""
        if not history:
            return self.diff
        return self.traced if traced else self.history

    def band(self, score: float) -> Band:
        """The band of a score."""
        return BANDS[sum(score >= limit for limit in self.limits)]


def squash(value: float) -> float:
    """The logarithm that keeps sign and zero: counts of very different size become comparable."""
    return math.copysign(math.log1p(abs(value)), value)


def effects(terms: tuple[Term, ...], values: Mapping[str, float], language: str | None = None) -> dict[str, float]:
    """What each feature adds to the log-odds of a change in this language; features without a value are left out."""
    found: dict[str, float] = {}
    for term in terms:
        if term.feature in values and term.language in {None, language}:
            found[term.feature] = found.get(term.feature, 0.0) + term.effect(values[term.feature])
    return found


def effects_of_rows(terms: tuple[Term, ...], rows: Sequence[Mapping[str, float]]) -> list[dict[str, float]]:
    """As `effects` for many rows that have all features; values that come again are reckoned once."""
    found: list[dict[str, float]] = [{} for _ in rows]
    for term in terms:
        name = term.feature
        values = [row[name] for row in rows]
        known = {value: term.effect(value) for value in set(values)}
        if rows and name in found[0]:
            for value, parts in zip(values, found, strict=True):
                parts[name] += known[value]
        else:
            for value, parts in zip(values, found, strict=True):
                parts[name] = known[value]
    return found


@cache
def load() -> Model:
    """The model that ships with the package."""
    return parse(resources.files("sidecar.risk").joinpath("model.json").read_text("utf-8"))


def parse(text: str) -> Model:
    """A model from the JSON text that the fitting script writes."""
    data = json.loads(text)
    low, mid, high = data["limits"]
    return Model(
        name=data["name"],
        traced=_head(data["traced"]),
        history=_head(data["history"]),
        diff=_head(data["diff"]),
        message=_terms(data["message"]),
        limits=(low, mid, high),
        floor=data["floor"],
    )


def _head(data: dict[str, Any]) -> Head:
    return Head(data["name"], data["base"], _terms(data["terms"]), _terms(data["lines"]), data["spread"])


def _terms(rows: list[dict[str, Any]]) -> tuple[Term, ...]:
    return tuple(Term(**row) for row in rows)
