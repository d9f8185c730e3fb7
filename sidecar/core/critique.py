"""Values of a review in words: which change, how it is wanted, and what came of it. Comments have places; what was not read is named."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, Literal, get_args

from sidecar.core.review import Band, RiskReport, Suggestion

SEVERITIES: Final[tuple[Band, ...]] = get_args(Band)
"""How grave a comment is, the least first."""

Hear = Callable[[int, int, str], None]
"""Told how far it is: parts read, parts in all, a sentence. Must return at once."""


Kind = Literal["working", "staged", "base", "range", "commit", "patch"]


@dataclass(frozen=True, slots=True)
class NamedChange:
    """A change by name.

    `base`: HEAD against where it left that revision. `range`: `head` against `base`, or, where that ends in `...`,
    against where they parted. `commit`: `head` against its first parent.
    """

    kind: Kind = "working"
    base: str = ""
    head: str = "HEAD"
    patch: str = ""

    def told(self) -> str:
        """The change as a person names it."""
        match self.kind:
            case "staged":
                return "the staged change"
            case "base":
                return f"HEAD since {self.base}"
            case "range":
                return f"{self.base}{self.head}" if self.base.endswith("...") else f"{self.base}..{self.head}"
            case "commit":
                return f"commit {self.head[:40]}"
            case "patch":
                return "the patch"
        return "the uncommitted change"


@dataclass(frozen=True, slots=True)
class Remark:
    """One comment, on lines `start`..`end` of the new side (from 1, both included).

    `moved` tells that the model named another line, and that the text that it quoted decided. `suggestion` replaces
    just these lines.
    """

    file: str
    start: int
    end: int
    severity: Band
    title: str
    body: str
    moved: bool = False
    suggestion: Suggestion | None = None


@dataclass(frozen=True, slots=True)
class Dropped:
    """A comment whose place does not lie in the change, and why it was not taken."""

    file: str
    line: int
    title: str
    why: str


@dataclass(frozen=True, slots=True)
class Unread:
    """What the model was not shown: a file, or lines of one (`a.py:10-40`), and why."""

    place: str
    why: str


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one review may take. `tokens` of the change, estimated at three characters each; `seconds` altogether."""

    tokens: int = 120_000
    part_tokens: int = 24_000
    seconds: float = 600.0
    patience: float = 180.0
    """Seconds for one question."""


@dataclass(frozen=True, slots=True)
class Wish:
    """How a review is wanted. `model` is the name to ask for, empty for the configured one; `focus` is what to mind above all.

    `refresh` asks again though an answer is kept; `by_model` is False for facts alone.
    """

    limits: Limits = Limits()
    model: str = ""
    focus: str = ""
    refresh: bool = False
    by_model: bool = True


@dataclass(frozen=True, slots=True)
class Critique:
    """A whole review. `by` is `model`, or `facts` where there is no model; `requests` is how often it was asked for this.

    `notes` are sentences for the reader: what was masked, what could not be read of an answer. `files` holds a note a file,
    `facts` what is known without a model as Markdown; `threads` is how many comments became new threads.
    """

    by: Literal["model", "facts"]
    summary: str
    files: Mapping[str, str] = field(default_factory=dict)
    checklist: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    unread: tuple[Unread, ...] = ()
    notes: tuple[str, ...] = ()
    provider: str = ""
    model: str = ""
    parts: int = 0
    requests: int = 0
    cached: bool = False
    report: RiskReport | None = None
    facts: str = ""
    threads: int = 0

    def kept(self) -> dict[str, Any]:
        """What of it is worth keeping, as JSON; its risk is computed anew."""
        value = asdict(self)
        return {name: each for name, each in value.items() if name not in {"report", "facts", "threads"}}


def restored(value: Mapping[str, Any]) -> Critique:
    """A review out of what was kept, without its risk. Raises KeyError, TypeError or ValueError for anything else."""
    names = {each.name for each in fields(Critique)}
    given = {name: each for name, each in value.items() if name in names} | {
        "checklist": tuple(value["checklist"]),
        "remarks": tuple(_remark(each) for each in value["remarks"]),
        "dropped": tuple(Dropped(**each) for each in value["dropped"]),
        "unread": tuple(Unread(**each) for each in value["unread"]),
        "notes": tuple(value["notes"]),
    }
    return Critique(**{**given, "cached": True, "requests": 0})


def _remark(value: Mapping[str, Any]) -> Remark:
    told = value.get("suggestion")
    return Remark(**{**value, "suggestion": Suggestion(tuple(told["was"]), tuple(told["now"])) if told else None})
