"""`sidecar usage`: how many requests, tokens and dollars, by day, session or model; and all that is known of one request."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import typer

from sidecar import signals
from sidecar.assistant.prices import PriceTable
from sidecar.assistant.tallies import Tally, day_of, model_of, tallies
from sidecar.cli.options import Json, Workspace
from sidecar.cli.output import Output
from sidecar.core.errors import BadInput, NotFound
from sidecar.settings import Settings, from_machine
from sidecar.store.database import DATABASE, Database
from sidecar.store.turns import TurnRecord, TurnStore

_SPAN: Final = re.compile(r"(\d{1,6})([mhdw])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_KEYS: Final[dict[str, Callable[[TurnRecord], str]]] = {
    "day": day_of,
    "session": lambda turn: turn.session or "(none)",
    "model": model_of,
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
        async with aclosing(await Database.open(path)) as database:
            return await ask(TurnStore(database))

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
