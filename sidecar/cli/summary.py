"""`sidecar summary`: the block for CLAUDE.md that tells the assistant about the project, shown or written."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from sidecar import signals
from sidecar.briefing.summary import FILE, summarize, write
from sidecar.cli.index import machine, opened
from sidecar.cli.options import Json, Quiet, Workspace
from sidecar.cli.output import Output
from sidecar.store.database import DATABASE, Database
from sidecar.store.symbols import INDEX, SymbolReader
from sidecar.tools.indexing import told_of_tests

Write = Annotated[bool, typer.Option("--write", help="Write it into CLAUDE.md, between its marks.")]


def summary(*, write_it: Write = False, workspace: Workspace = None, json: Json = False, quiet: Quiet = False) -> int:
    """Show what CLAUDE.md would say of this project, or write it there; a block that is there already is renewed.

    What you wrote yourself is not touched.
    """
    settings, state = machine(workspace)
    out = Output(json, quiet)

    async def run() -> list[str]:
        async with opened(settings, state, out):
            pass
        if not (state / DATABASE).is_file():
            return []
        async with contextlib.aclosing(await Database.open(state / DATABASE)) as database:

            async def there() -> Database:
                return database

            return await told_of_tests(there)

    notes = signals.run(run())
    root = Path(settings.server.workspace)
    with contextlib.closing(SymbolReader(state / INDEX)) as reader:
        block = summarize(reader, root, notes)
    changed = write(root, block, only_existing=not write_it)
    if json:
        out.record({"summary": block, "written": changed, "file": str(root / FILE)})
    elif not write_it:
        out.data(block)
    if not json and (write_it or changed):
        out.say(f"{root / FILE} is {'written' if changed else 'as it was'}.")
    return 0
