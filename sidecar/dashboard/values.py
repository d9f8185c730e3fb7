"""The figures as they travel: each class is one JSON object of `/api/…`, told in docs/dashboard.md. Times are UTC seconds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

_HALVES: Final = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""Halves of signs that stand for no byte either."""

Band = Literal["low", "medium", "high", "critical"]


@dataclass(frozen=True, slots=True)
class IndexFigures:
    """How the index of symbols stands. `note` says why it is not whole, or that there is none; empty when all is well."""

    state: str
    note: str
    files: int
    symbols: int


@dataclass(frozen=True, slots=True)
class StatusFigures:
    """`/api/status`: who answers here, and how it is. `state` is `ready`, `starting` or `degraded`, with the mend in `message`.

    `model` is the configured one, else the last that answered; empty while neither is known. `recorded` says whether
    requests are noted at all.
    """

    name: str
    version: str
    state: str
    message: str
    provider: str
    model: str
    port: int
    base_url: str
    workspace: str
    index: IndexFigures
    recorded: bool
    now: float


@dataclass(frozen=True, slots=True)
class UsageRow:
    """Sums of some requests. Milliseconds are of those answered to the end, without what our own cache gave again.

    `cost` is in dollars, as far as prices are known; `unpriced` requests are not in it. `provider_cache_saved` may be
    less than nothing. `p50` and `p95` are milliseconds to the end of the answer, `first_p50` to its first byte; None
    where nothing was answered.
    """

    key: str
    requests: int
    failed: int
    left: int
    input: int
    output: int
    cache_read: int
    cache_write: int
    own_cache_hits: int
    own_cache_tokens: int
    cost: float
    unpriced: int
    provider_cache_saved: float
    own_cache_saved: float
    p50: float | None
    p95: float | None
    first_p50: float | None


@dataclass(frozen=True, slots=True)
class Share:
    """What one model had of one day; `tokens` are all kinds together."""

    day: str
    model: str
    requests: int
    tokens: int
    cost: float


@dataclass(frozen=True, slots=True)
class UsageFigures:
    """`/api/usage`: the last `days` days, today among them. `by_day` has every day, the oldest first, also empty ones.

    `by_model` has the models with the most tokens first, the rest as `other`; `errors` counts types of failure.
    """

    days: int
    total: UsageRow
    by_day: list[UsageRow]
    by_model: list[UsageRow]
    shares: list[Share]
    errors: dict[str, int]


@dataclass(frozen=True, slots=True)
class TurnFigures:
    """One request of `/api/turns`, as its record has it. `cost` is None where no price is known."""

    id: str
    started: float
    model: str
    outcome: str
    status: int | None
    error: str
    input: int | None
    output: int | None
    cache_read: int | None
    cache_write: int | None
    cost: float | None
    ms: float
    first_ms: float | None
    cache: str
    retries: int


@dataclass(frozen=True, slots=True)
class TurnsFigures:
    """`/api/turns`: the newest requests first."""

    turns: list[TurnFigures]


@dataclass(frozen=True, slots=True)
class RunFigures:
    """One run of the tests. `covered` is the share of covered lines, 0..1, None without a report."""

    id: int
    started: float
    seconds: float
    runner: str
    command: str
    outcome: str
    passed: int
    failed: int
    skipped: int
    covered: float | None


@dataclass(frozen=True, slots=True)
class CaseFigures:
    """One test over the runs that were looked at: in how many it ran and failed, how often it flipped between the two.

    `last` is how it came out when it last ran, `seconds` how long that took; `message` why it last failed, shortened.
    """

    id: str
    file: str
    runs: int
    failed: int
    flips: int
    last: str
    seconds: float
    message: str


@dataclass(frozen=True, slots=True)
class TestsFigures:
    """`/api/tests`: runs, the newest first, and tests over the newest `looked_at` of them.

    `failing` are tests that failed at least once, those that failed or flipped most first; `slowest` by how long they last took.
    """

    __test__ = False

    runs: list[RunFigures]
    looked_at: int
    failing: list[CaseFigures]
    slowest: list[CaseFigures]


@dataclass(frozen=True, slots=True)
class FileCoverage:
    """A file's share of covered lines, 0..1; `missed` are lines as ranges (`3-7, 12`), `missed_count` how many.

    `changed` says that the working tree changes it.
    """

    path: str
    share: float
    missed: str
    missed_count: int
    changed: bool


@dataclass(frozen=True, slots=True)
class Covered:
    """The coverage of one run."""

    run: int
    started: float
    share: float


@dataclass(frozen=True, slots=True)
class CoverageFigures:
    """`/api/coverage`: the newest report, and how runs went, the oldest first. `total` is None while there is no report.

    `run` and `started` are of the run that left it, 0 where the report lay in the workspace. `files` are the least
    covered ones first, of `file_count`; changed files are among them in any case.
    """

    total: float | None
    source: str
    run: int
    started: float
    trend: list[Covered]
    file_count: int
    files: list[FileCoverage]


@dataclass(frozen=True, slots=True)
class FileRisk:
    """A changed file. `score` is the probability, 0..1, that a later fix repairs it; None where it was not scored: `why` says why."""

    path: str
    old_path: str
    status: str
    added: int
    removed: int
    score: float | None
    band: Band | None
    reason: str
    why: str
    threads: int


@dataclass(frozen=True, slots=True)
class ReviewFigures:
    """`/api/review`: the uncommitted change by risk. `note` says why there is no review; then all else is empty.

    `threads` counts open ones by band. `files` are the riskiest first, of `file_count`.
    """

    title: str
    score: float | None
    band: Band | None
    sentence: str
    threads: dict[Band, int]
    open_threads: int
    file_count: int
    files: list[FileRisk]
    note: str = ""


Figure = StatusFigures | UsageFigures | TurnsFigures | TestsFigures | CoverageFigures | ReviewFigures
"""What an address below `/api/` gives."""


def plain(text: str) -> str:
    """Text that JSON can hold: bytes of a name that are no UTF-8 become the replacement sign."""
    return _HALVES.sub("\ufffd", text).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
