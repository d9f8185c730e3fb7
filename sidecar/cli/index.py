"""`sidecar index`, `sidecar symbols`: make the workspace's index, and look for names in it; no running sidecar is needed."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from sidecar import signals
from sidecar.cli.options import Json, Quiet, Workspace
from sidecar.cli.output import PATIENCE, Output
from sidecar.core.errors import Conflict, SetupError, StoreError
from sidecar.core.symbols import Answer, Query, Symbol
from sidecar.index.opening import Index
from sidecar.settings import Settings, from_machine
from sidecar.store.runtime import open_folder
from sidecar.store.symbols import INDEX, SymbolReader
from sidecar.tools.indexing import open_index
from sidecar.trace import neutralise

Rebuild = Annotated[bool, typer.Option("--rebuild", help="Begin it anew.")]
Limit = Annotated[int, typer.Option("--limit", min=1, help="How many are shown.")]


def index(*, rebuild: Rebuild = False, workspace: Workspace = None, json: Json = False, quiet: Quiet = False) -> int:
    """Bring the workspace's index up to date, and say what is in it. Ctrl-C leaves off; what was done stays."""
    settings, state = machine(workspace)
    out = Output(json, quiet)

    async def run() -> None:
        async with opened(settings, state, out, rebuild=rebuild) as kept:
            if kept.note:
                if rebuild:
                    raise Conflict(f"{kept.note} End it first to rebuild the index.")
                out.say(kept.note)

    signals.run(run())
    with contextlib.closing(SymbolReader(state / INDEX)) as reader:
        facts = counted(reader)
    if json:
        out.record(facts)
        return 0
    out.data(f"files    {facts['files']}, {facts['parsed']} of them parsed, {sum(facts['skipped'].values())} left out")
    out.data(f"symbols  {facts['symbols']:,} in {', '.join(facts['languages']) or 'no language that is parsed'}")
    for reason, count in facts["skipped"].items():
        out.data(f"left out {count}: {reason}")
    return 0


def symbols(
    query: Annotated[
        str, typer.Argument(metavar="QUERY", help="A name, a part of one, or a path such as Class.method.")
    ],
    *,
    limit: Limit = 50,
    workspace: Workspace = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Find symbols by name, the best first. Exit code 1 when there is none."""
    settings, state = machine(workspace)
    out = Output(json, quiet)

    async def run() -> Answer:
        async with opened(settings, state, out) as kept:
            return await kept.ask(Query("workspace_symbols", name=query, limit=limit))

    answer = signals.run(run())
    if json:
        out.record(asdict(answer))
    else:
        for symbol in answer.items:
            if isinstance(symbol, Symbol):
                out.data(
                    neutralise(
                        f"{symbol.span.path}:{symbol.span.start.line}:{symbol.span.start.column}  {symbol.kind} {symbol.path}"
                    )
                )
        count = f"{len(answer.items)}{' or more' if answer.truncated else ''}"
        out.say(f"{count} found, {answer.status}, by {answer.source} in {answer.ms:.0f} ms")
        if answer.note:
            out.say(neutralise(answer.note))
        if answer.truncated:
            out.say(f"There are more; see them with --limit {limit * 4}.")
        if not answer.items and not answer.note:
            out.say(f"Nothing here is called like {query!r}.")
    return 0 if answer.items else 1


def machine(workspace: str | None) -> tuple[Settings, Path]:
    """The settings and the state folder. Raises SetupError where nothing can be kept, or nothing is to be indexed."""
    settings = from_machine({"server.workspace": workspace})
    if not settings.index.enabled:
        raise SetupError("The index is switched off; set SIDECAR_INDEX=true to use it.", "SIDECAR_INDEX")
    if settings.state is None:
        raise SetupError("There is no state folder, so no index can be kept; set SIDECAR_STATE_DIR.")
    return settings, open_folder(settings.state)


@asynccontextmanager
async def opened(settings: Settings, state: Path, out: Output, *, rebuild: bool = False) -> AsyncIterator[Index]:
    """The workspace's index, up to date. What takes longer is shown on the way."""
    kept = open_index(Path(settings.server.workspace), state, watch=False, mild=False)
    if rebuild:
        kept.rebuild()
    with _shown(kept, out):
        kept.start()
        async with contextlib.aclosing(kept):
            await _until_whole(kept)
            yield kept


async def _until_whole(kept: Index) -> None:
    """Wait for it. Raises StoreError when the indexer cannot go on."""
    waiting = asyncio.get_running_loop().create_task(kept.whole())
    while not waiting.done():
        await asyncio.wait({waiting}, timeout=0.2)
        if not waiting.done() and kept.failed:
            waiting.cancel()
            raise StoreError(kept.note)


@contextlib.contextmanager
def _shown(kept: Index, out: Output) -> Iterator[None]:
    """A bar on standard error for what takes longer than a moment; only for a person who wants talk."""
    if out.quiet or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.progress import Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    loop_started = asyncio.get_running_loop().time()
    with Progress(*Progress.get_default_columns()[:2], TextColumn("{task.completed}/{task.total}"), TimeElapsedColumn(),
                  console=Console(stderr=True), transient=True) as bar:  # fmt: skip
        task = bar.add_task("indexing (Ctrl-C leaves off)", visible=False)

        def step(done: int, total: int) -> None:
            late = asyncio.get_running_loop().time() - loop_started > PATIENCE
            bar.update(task, completed=done, total=total, visible=late)

        end = kept.subscribe(step)
        try:
            yield
        finally:
            end()


def counted(reader: SymbolReader) -> dict[str, Any]:
    """What an index holds, in numbers."""
    files = reader.all_files()
    languages = Counter(language for _, language, _, skipped in files if language and not skipped)
    skipped = Counter(reason.partition(" (")[0] for *_, reason in files if reason)
    parsed = reader.symbol_counts()
    return {
        "files": len(files),
        "parsed": sum(languages[name] for name in parsed),
        "symbols": sum(parsed.values()),
        "languages": dict(sorted(parsed.items(), key=lambda pair: -pair[1])),
        "skipped": dict(skipped.most_common()),
        "revision": reader.notes()["revision"],
    }
