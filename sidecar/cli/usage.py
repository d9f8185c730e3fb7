"""`sidecar usage`: how many requests, tokens and dollars, by day, session or model; and all that is known of one request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, TypeVar

import typer

from sidecar import signals
from sidecar.assistant.prices import Price, PriceTable, Spent
from sidecar.cli.options import Json, Workspace
from sidecar.cli.output import Output
from sidecar.core.errors import BadInput, NotFound
from sidecar.core.turn import Handling
from sidecar.settings import Settings, from_machine
from sidecar.store.database import DATABASE, Database
from sidecar.store.turns import TurnRecord, TurnStore

T = TypeVar("T")

_SPAN: Final = re.compile(r"(\d{1,6})([mhdw])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_KEYS: Final[dict[str, Callable[[TurnRecord], str]]] = {
    "day": lambda turn: datetime.fromtimestamp(turn.started).astimezone().date().isoformat(),
    "session": lambda turn: turn.session or "(none)",
    "model": lambda turn: turn.served or turn.asked or "(none)",
}

_SAVINGS: Final = ("hits saved $", "provider's cache saved $")

Since = Annotated[
    str, typer.Option("--since", metavar="WHEN", help="How far back: 90m, 24h, 7d, 4w, or a date like 2026-11-01.")
]
By = Annotated[str, typer.Option("--by", metavar="WHAT", help="day, session or model.")]
Session = Annotated[str, typer.Option("--session", metavar="ID", help="Only this session of the CLI.")]
Request = Annotated[
    str | None, typer.Option("--request", metavar="ID", help="Everything that is known of this one request.")
]


@dataclass(slots=True)
class Tally:
    """Sums of some requests. Tokens are those that the provider counted; what our own cache answered stands apart.

    `cost`: dollars, as far as prices are known; `unpriced` requests are not in it. `provider_cache_saved` is what the
    provider's prompt caching saved against plain input (less than nothing where writing cost more than reading
    saved), `own_cache_saved` what the answers from our own cache cost the first time, `own_cache_tokens` their tokens.
    """

    key: str
    requests: int = 0
    failed: int = 0
    left: int = 0
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    own_cache_hits: int = 0
    own_cache_tokens: int = 0
    cost: float = 0.0
    provider_cache_saved: float = 0.0
    own_cache_saved: float = 0.0
    unpriced: int = 0
    models: set[str] = field(default_factory=set)

    def add(self, turn: TurnRecord, price: Price | None) -> None:
        """Count one request. Its cost is the one that was noted; where none was, the price that is known now."""
        self.requests += 1
        self.failed += turn.outcome == "error"
        self.left += turn.outcome == "left"
        spent = _spent(turn)
        if Handling(cache=turn.cache).spared:
            self.own_cache_hits += 1
            self.own_cache_tokens += spent.prompt + spent.output
            self.own_cache_saved += turn.saved if turn.saved is not None else price.of(spent) if price else 0.0
            return
        self.input += spent.input
        self.output += spent.output
        self.cache_read += spent.cache_read
        self.cache_write += spent.cache_write
        if not (spent.prompt or spent.output):
            return
        if price is not None:
            self.provider_cache_saved += price.uncached(spent) - price.of(spent)
        if turn.cost is None and price is None:
            self.unpriced += 1
            self.models.add(turn.served or turn.asked)
            return
        self.cost += turn.cost if turn.cost is not None else price.of(spent) if price else 0.0

    def told(self) -> dict[str, Any]:
        """As JSON shows it; the names are promises."""
        rounded = {k: round(v, 6) if isinstance(v, float) else v for k, v in asdict(self).items()}
        return {**rounded, "models": sorted(self.models)}


def usage(
    *,
    by: By = "day",
    since: Since = "30d",
    session: Session = "",
    request: Request = None,
    workspace: Workspace = None,
    json: Json = False,
) -> int:
    """Show how many requests, tokens and dollars this workspace took. Nothing of what was said is kept."""
    out = Output(json)
    if by not in _KEYS:
        raise BadInput(f"--by takes day, session or model, not {by}.")
    begin = moment(since, datetime.now(UTC))
    settings = from_machine({"server.workspace": workspace})
    prices = PriceTable(settings.records.prices)
    if request is not None:
        turn = read(settings, lambda store: store.find(request))
        if turn is None:
            raise NotFound(f"No request {request} is noted; see `sidecar logs --request {request}`.")
        _show_one(out, turn)
        return 0
    turns = read(settings, lambda store: store.since(begin.timestamp(), session=session)) or []
    rows = tallies(turns, _KEYS[by], prices)
    total = tallies(turns, lambda _: "total", prices)
    if json:
        told = [row.told() for row in rows]
        out.record({"since": begin.isoformat(), "by": by, "rows": told, "total": (total or [Tally("total")])[0].told()})
        return 0
    if not turns:
        out.say("Nothing is noted for this time.")
        return 0
    for line in _table(by, [*rows, *total]):
        out.data(line)
    if total[0].unpriced:
        out.say(
            f"No price is known for {', '.join(sorted(total[0].models))}: {total[0].unpriced} requests are not in the "
            "cost. Prices are set in your settings file (`sidecar config path`), under [records.prices]."
        )
    return 0


def read(settings: Settings, ask: Callable[[TurnStore], Any]) -> Any:
    """What a question to the workspace's records is answered; None where nothing was ever noted. Raises StoreError."""
    path = settings.state / DATABASE if settings.state is not None else None
    if path is None or not path.is_file():
        return None

    async def answer() -> Any:
        database = await Database.open(path)
        try:
            return await ask(TurnStore(database))
        finally:
            await database.aclose()

    return signals.run(answer())


def moment(text: str, now: datetime) -> datetime:
    """The moment that `7d` before now, or a date with or without a time, means. Raises BadInput."""
    if span := _SPAN.fullmatch(text.strip().lower()):
        try:
            return now - timedelta(**{_UNITS[span.group(2)]: int(span.group(1))})
        except OverflowError:
            return datetime.fromtimestamp(0, UTC)
    try:
        return datetime.fromisoformat(text.strip()).astimezone()
    except (ValueError, OverflowError):
        raise BadInput(f"--since takes a span such as 24h or 7d, or a date such as 2026-11-01, not {text!r}.") from None


def tallies(turns: Iterable[TurnRecord], key: Callable[[TurnRecord], str], prices: PriceTable) -> list[Tally]:
    """Sums by key, in the order in which the keys first came."""
    found: dict[str, Tally] = {}
    known: dict[str, Price | None] = {}
    for turn in turns:
        model = turn.served or turn.asked
        if model not in known:
            known[model] = prices.find(model)
        name = key(turn)
        found.setdefault(name, Tally(name)).add(turn, known[model])
    return list(found.values())


def _spent(turn: TurnRecord) -> Spent:
    return Spent(
        turn.input or 0, turn.output or 0, turn.cache_read or 0, turn.cache_write or 0, turn.cache_write_1h or 0
    )


def _table(by: str, rows: list[Tally]) -> list[str]:
    heads = (by, "requests", "failed", "input", "output", "cache read", "cache write", "hits", "cost $", *_SAVINGS)
    lines: list[tuple[str, ...]] = [heads]
    for row in rows:
        saved = (f"{row.own_cache_saved:.4f}", f"{row.provider_cache_saved:.4f}")
        cost = f"{row.cost:.4f}{'+' if row.unpriced else ''}"
        counts = (row.requests, row.failed, row.input, row.output, row.cache_read, row.cache_write, row.own_cache_hits)
        lines.append((row.key, *(f"{count:,}" for count in counts), cost, *saved))
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    return ["  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) for line in lines]


def _show_one(out: Output, turn: TurnRecord) -> None:
    told = asdict(turn) | {"started": datetime.fromtimestamp(turn.started, UTC).isoformat(timespec="milliseconds")}
    if out.json:
        out.record(told)
        return
    width = max(map(len, told))
    for name, value in told.items():
        if value not in (None, "", ()):
            out.data(f"{name:<{width}}  {', '.join(value) if isinstance(value, tuple) else value}")
