"""From the model's name that a client asks for to the name that the provider knows it by. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final

from sidecar.core.families import version_of
from sidecar.core.ports import Model

CURRENT: Final = (
    "claude-opus-5-5",
    "claude-sonnet-5-5",
    "claude-haiku-5-5",
    "claude-opus-4-8",
    "claude-sonnet-4-6",
    "claude-sonnet-4-5",
    "claude-haiku-4-5",
)
"""Models to offer where the provider is not asked which it has, newest first."""

AS_ASKED: Final = "*"
"""In place of the provider's name: the name that was asked for."""

_FALLBACK: Final = "claude-sonnet-4-5"
_CONTEXT = re.compile(r"\[\w+\]$")
_DATE = re.compile(r"-(?:20\d{6}|latest)$")
# Names of before Claude 3.7, which hosts other than Anthropic's own never had or have retired.
_RETIRED = re.compile(r"claude-(?:instant|v?[12](?:[.-]\d+)?$|3-(?:opus|sonnet|haiku|5-))")
# Opus, Sonnet and Haiku 5-5 and what follows them (Databricks' model reference).
_ADAPTIVE_ONLY = re.compile(r"claude-[a-z]+-(?:5-5|[6-9])(?![\d])")


_FIRST_THINKING: Final = (3, 7)
_FIRST_ADAPTIVE: Final = (4, 6)
_FIRST_WITHOUT_BUDGET: Final = (4, 7)


@lru_cache(256)
def refused_by_model(name: str) -> frozenset[str]:
    """What a model of this name refuses, in the form of `fitting` (`thinking:adaptive`); empty for unknown names.

    Source: Anthropic's documentation of adaptive and extended thinking; Databricks' model reference.
    """
    version = version_of(name)
    if version is None:
        return frozenset()
    kinds = {"adaptive"} if version < _FIRST_ADAPTIVE else set()
    kinds |= {"enabled"} if version >= _FIRST_WITHOUT_BUDGET else set()
    kinds |= {"disabled"} if adaptive_only(name) else set()
    return frozenset(f"thinking:{kind}" for kind in kinds)


def takes_budget(name: str) -> bool:
    """Whether a model of this name is known to think by a budget (`thinking: enabled`); False for unknown names.

    Source: Databricks' page on reasoning models; Anthropic's documentation of extended thinking.
    """
    version = version_of(name)
    return version is not None and _FIRST_THINKING <= version < _FIRST_WITHOUT_BUDGET


def adaptive_only(name: str) -> bool:
    """Whether this model decides itself how much it thinks.

    Such a model refuses `disabled`, manual budgets and, in chat completions, `response_format`.
    """
    return _ADAPTIVE_ONLY.search(name) is not None


@dataclass(frozen=True)
class ModelMap:
    """The rule of names for one provider.

    `explicit` maps asked names (`*` stands for any characters) to the provider's (`*`: the name that was asked for) and goes first; `prefix` is what the
    provider puts before Anthropic's names, without their dates (`databricks-`; empty: names stay as they are);
    `tiers` name the provider's model for all of a kind (`opus`, `sonnet`, `haiku`) that `explicit` does not map.
    `default` is used for models that the provider cannot have any more (`claude-2.1`), and with `foreign`, for a
    provider that has none of Anthropic's, for every one of them.
    """

    default: str | None = None
    explicit: Mapping[str, str] = field(default_factory=dict)
    prefix: str = ""
    tiers: Mapping[str, str] = field(default_factory=dict)
    foreign: bool = False

    def upstream(self, asked: str) -> str:
        """The provider's name for the model that was asked for."""
        plain = _CONTEXT.sub("", asked.strip())
        bare = _DATE.sub("", plain)
        for name in (asked, plain, bare):
            if name in self.explicit:
                return self._named(self.explicit[name], plain)
        for pattern, name in self.explicit.items():
            if "*" in pattern and fnmatchcase(plain, pattern):
                return self._named(name, plain)
        if not plain.startswith("claude-"):
            return plain or self._default
        for tier, name in self.tiers.items():
            if tier in plain:
                return name
        if _RETIRED.match(plain) or (self.foreign and self.default):
            return self._default
        return f"{self.prefix}{bare}" if self.prefix else plain

    def offered(self, names: Sequence[str] = ()) -> tuple[Model, ...]:
        """Models for a client to choose from, each with an id that begins with `claude-`.

        `names` are those that the provider says it has; without them the current families are offered.
        """
        ids = [key for key in self.explicit if key.startswith("claude-") and "*" not in key]
        ids += [n.removeprefix(self.prefix) for n in names] or list(CURRENT)
        unique = dict.fromkeys(name for name in ids if name.startswith("claude-"))
        return tuple(Model(id=name, display_name=_display(name)) for name in unique)

    def _named(self, name: str, plain: str) -> str:
        return (plain or self._default) if name == AS_ASKED else name

    @property
    def _default(self) -> str:
        if self.default:
            return self.default
        return f"{self.prefix}{_FALLBACK}"


def _display(name: str) -> str:
    """`claude-sonnet-4-5` as people write it: `Claude Sonnet 4.5`."""
    words = _DATE.sub("", name).split("-")
    text = [word.capitalize() for word in words if not word.isdigit()]
    numbers = [word for word in words if word.isdigit()]
    return " ".join([*text, ".".join(numbers)]).strip()
