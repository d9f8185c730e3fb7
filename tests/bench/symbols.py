"""How right the sources of symbols are: definitions, references, renames and calls against a language server's truth.

    python -m tests.bench.symbols [--trees flask,rich,rxjs] [--sources editor,server,jedi,index,chain] [--places 300] [--symbols 60]

The trees are pinned (`tests/bench/trees.py`), the places are picked by a rule and a fixed seed. The truth is what
basedpyright and typescript-language-server say to a client that shares no line with the product (`tests/bench/truth.py`),
every file open, once at rest; it is kept beside the trees. For Python there is a second one (`tests/bench/second.py`): what jedi
knows of places for which the type checker has no definition at all; the columns "with jedi's" count both, for clear names.
The editor is the rig's VS Code (`tests/bench/editor.py`); `chain` is jedi, server and index together, as the product asks them: below
the rows of both stands what its answers say that they may lack (`unresolved`), held against both truths. Each source is then asked through the product's own door, cold at
its first question. An answer that is not `ready` in time counts as wrong. The table goes into docs/symbols.md.

Needs basedpyright (it comes with the tests' environment) and, for TypeScript, typescript-language-server on PATH
(`. "$(bash tests/rig/install.sh --path)/rig.env"; PATH=$RIG_SERVERS:$PATH`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sidecar.core.ports import SymbolSource
from sidecar.core.symbols import Answer, Call, Operation, Position, Query, Span
from sidecar.languages.chain import Chain
from sidecar.languages.files import Files, characters, utf16
from sidecar.languages.jedi import jedi_source
from sidecar.languages.servers import Servers
from tests.bench.second import second_truth
from tests.bench.trees import CACHE, TREES, Named, Tree, definitions, uses
from tests.bench.truth import Spot, Truth

COMMANDS = {
    "python": [str(Path(sys.executable).with_name("basedpyright-langserver")), "--stdio"],
    "typescript": ["typescript-language-server", "--stdio"],
}
RENAMES = CALLS = 10
PATIENCE = 60.0


# ── the truth, kept ─────────────────────────────────────────────────────────────────────────────────
@dataclass
class Facts:
    """What is so: a list of definitions by place of use; references and calls by place of definition."""

    definitions: list[tuple[Spot, list[Spot]]] = field(default_factory=list)
    references: list[tuple[Named, list[Spot]]] = field(default_factory=list)
    callers: list[tuple[Named, list[Spot]]] = field(default_factory=list)
    second: dict[Spot, set[Spot]] = field(default_factory=dict)


def facts_of(tree: Tree, places: int, symbols: int) -> Facts:
    """The truth of a tree, asked once."""
    kept = CACHE / f"{tree.root.name}.{places}.{symbols}.json"
    if not kept.exists():
        raw = _learn(tree, places, symbols)
        kept.write_text(json.dumps(raw))
    raw = json.loads(kept.read_text())

    def spots(values: list[list[Any]]) -> list[Spot]:
        return [(path, line, unit) for path, line, unit in values]

    known = {named.spot: named for named in definitions(tree)}

    def named(rows: list[list[Any]]) -> list[tuple[Named, list[Spot]]]:
        return [(known[spots([spot])[0]], spots(found)) for spot, found in rows]

    first = [(spots([spot])[0], spots(found)) for spot, found in raw["definitions"]]
    references = named(raw["references"])
    python = tree.language == "python"
    second = second_truth(tree, COMMANDS["python"], references) if python else {}
    return Facts(first, references, named(raw["callers"]), second)


def _learn(tree: Tree, places: int, symbols: int) -> dict[str, Any]:
    raw: dict[str, Any] = {"definitions": [], "references": [], "callers": []}
    with Truth(COMMANDS[tree.language], tree.root, tree.all_files(), tree.language) as truth:
        for spot in uses(tree):
            found = truth.definitions(spot)
            if found and spot not in found:
                raw["definitions"].append((spot, found))
            if len(raw["definitions"]) >= places:
                break
        for named in definitions(tree)[:symbols]:
            raw["references"].append((named.spot, truth.references(named.spot)))
            if len(raw["callers"]) < CALLS and (calls := truth.callers(named.spot)):
                raw["callers"].append((named.spot, calls))
    return raw


# ── the sources ─────────────────────────────────────────────────────────────────────────────────────
@asynccontextmanager
async def opened(name: str, tree: Tree) -> AsyncIterator[SymbolSource]:
    """A source of a tree, as the product opens it."""
    env = dict(os.environ)
    with TemporaryDirectory(dir=CACHE) as scratch:
        source: Any
        if name == "editor":
            from tests.bench.editor import at_work

            async with at_work(tree, Path(scratch)) as source:
                yield source
            return
        if name in {"index", "chain"}:
            from sidecar.tools.indexing import open_index

            source = open_index(tree.root, Path(scratch), watch=False)
            source.start()
            await source.whole()
            if name == "chain":
                own = jedi_source(tree.root, env=env, cache=Path(scratch))
                source = Chain([own, Servers(tree.root, trusted=True, env=env), source])
        elif name == "jedi":
            source = jedi_source(tree.root, env=env, cache=Path(scratch))
        else:
            source = Servers(tree.root, trusted=True, env=env)
        try:
            yield source
        finally:
            await source.aclose()


@dataclass
class Score:
    """One source on one tree."""

    right: int = 0
    right_of_three: int = 0
    asked: int = 0
    hit: int = 0
    told: int = 0
    true: int = 0
    clear_hit: int = 0
    clear_told: int = 0
    clear_true: int = 0
    both_hit: int = 0
    both_told: int = 0
    both_true: int = 0
    maybe: int = 0
    maybe_hit: int = 0
    both_said: int = 0
    whole: int = 0
    seconds: list[float] = field(default_factory=list)
    renames: list[bool] = field(default_factory=list)
    calls: list[bool] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


class Asker:
    """Asks a source about places of LSP, and gives places of LSP."""

    def __init__(self, tree: Tree, source: SymbolSource) -> None:
        self.files = Files(tree.root)
        self.source = source

    async def ask(self, operation: Operation, spot: Spot, **more: Any) -> Answer:
        path, line, unit = spot
        text = self.files.text(self.files.root / path)
        position = Position(line + 1, characters(text.line(line + 1), unit))
        query = Query(operation, path, position, limit=5_000, deadline=PATIENCE, **more)
        try:
            return await self.source.ask(query)
        except Exception as error:  # noqa: BLE001 - what falls over has not answered
            return Answer("unsupported", self.source.name, note=f"{type(error).__name__}: {error}"[:200])

    def spot(self, span: Span) -> Spot:
        text = self.files.text(self.files.root / span.path)
        line = text.line(span.start.line) if text else ""
        return span.path, span.start.line - 1, utf16(line, span.start.column)


async def measure(name: str, tree: Tree, facts: Facts) -> Score:
    """Ask everything of one source."""
    score = Score()
    async with opened(name, tree) as source:
        asker = Asker(tree, source)
        for spot, true in facts.definitions:
            await _definition(asker, score, spot, true)
        for named, true in facts.references:
            await _references(asker, score, named, set(true), facts.second.get(named.spot, set()))
        if source.knows("rename", facts.references[0][0].spot[0]):
            for named, true in [each for each in facts.references if each[0].clear][:RENAMES]:
                answer = await asker.ask("rename", named.spot, new_name="renamed_by_us")
                score.renames.append({asker.spot(edit.span) for edit in answer.items} == set(true))
        for named, true in facts.callers:
            answer = await asker.ask("callers", named.spot)
            told = {asker.spot(p) for call in answer.items if isinstance(call, Call) for p in call.places}
            score.calls.append(told == set(true))
    return score


async def _definition(asker: Asker, score: Score, spot: Spot, true: Sequence[Spot]) -> None:
    began = time.perf_counter()
    answer = await asker.ask("definition", spot)
    score.times.append(time.perf_counter() - began)
    told = [asker.spot(item.span)[:2] for item in answer.items if answer.status == "ready"]
    wanted = {each[:2] for each in true}
    score.asked += 1
    score.right += bool(set(told[:1]) & wanted)
    score.right_of_three += bool(set(told[:3]) & wanted)
    if not set(told[:1]) & wanted:
        score.wrong.append(f"definition {spot} is {sorted(wanted)}, told {told[:3]} ({answer.status} {answer.note})")


async def _references(asker: Asker, score: Score, named: Named, true: set[Spot], second: set[Spot]) -> None:
    began = time.perf_counter()
    answer = await asker.ask("references", named.spot)
    score.seconds.append(time.perf_counter() - began)
    score.whole += answer.status == "ready"
    maybe = {asker.spot(place.span) for place in answer.maybe}
    told = {asker.spot(item.span) for item in answer.items}
    counts = len(told & true), len(told), len(true)
    score.hit, score.told, score.true = (
        a + b for a, b in zip((score.hit, score.told, score.true), counts, strict=True)
    )
    if named.clear:
        score.clear_hit += counts[0]
        score.clear_told += counts[1]
        score.clear_true += counts[2]
        score.both_hit += len(told & (true | second))
        score.both_told += counts[1]
        score.both_true += len(true | second)
        score.both_said += len((told | maybe) & (true | second))
        score.maybe += len(maybe)
        score.maybe_hit += len(maybe & (true | second))
    if told != true or answer.status != "ready":
        extra, lacking = sorted(told - true - second)[:4], sorted(true - told)[:2]
        score.wrong.append(
            f"references {named} +{len(told - true)} (of them {len(told & second)} known to jedi) {extra} -{len(true - told)} {lacking} ({answer.status} {answer.note})"
        )


# ── the table ───────────────────────────────────────────────────────────────────────────────────────
def share(part: int, whole: int) -> str:
    """A percentage with its parts."""
    return f"{100 * part / whole:.1f} % ({part}/{whole})" if whole else "-"


def row(name: str, tree: Tree, score: Score) -> str:
    """One line of the table."""
    p95 = statistics.quantiles(score.times, n=20)[-1] if len(score.times) > 1 else 0.0
    cells = [
        f"{tree.name} {tree.version}",
        name,
        share(score.right, score.asked),
        share(score.right_of_three, score.asked),
        share(score.hit, score.told),
        share(score.hit, score.true),
        share(score.clear_hit, score.clear_told),
        share(score.clear_hit, score.clear_true),
        share(score.both_hit, score.both_told) if tree.language == "python" else "-",
        share(score.both_hit, score.both_true) if tree.language == "python" else "-",
        f"{sum(score.renames)}/{len(score.renames)}" if score.renames else "-",
        f"{sum(score.calls)}/{len(score.calls)}" if score.calls else "-",
        f"{1000 * statistics.median(score.times):.0f} / {1000 * p95:.0f} ms",
    ]
    return f"| {' | '.join(cells)} |"


def open_(score: Score) -> str:
    """What a chain's answers say of themselves, for clear names, in a sentence."""
    times = sorted(score.seconds)
    return (
        f"  clear names, places that may belong to an answer: {share(score.maybe_hit, score.maybe)} do; with these, both truths' recall is"
        f" {share(score.both_said, score.both_true)}; {score.whole} of {len(times)} answers about references are ready; they take p50 / p95 {1000 * times[len(times) // 2]:.0f} /"
        f" {1000 * times[int(len(times) * 0.95)]:.0f} ms"
    )


HEAD = (
    "| tree | source | definition, first | in the first three | references: precision | recall"
    " | clear names: precision | recall | with jedi's: precision | recall | renames | callers"
    " | definition p50 / p95 |\n|" + " --- |" * 13
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trees", default=",".join(tree.name for tree in TREES))
    parser.add_argument("--sources", default="editor,server,jedi,index")
    parser.add_argument("--places", type=int, default=300)
    parser.add_argument("--symbols", type=int, default=60)
    parser.add_argument("--wrong", action="store_true", help="tell what was wrong, too")
    wishes = parser.parse_args()
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    print(HEAD, flush=True)
    for tree in TREES:
        if tree.name not in wishes.trees.split(","):
            continue
        tree.fetch()
        facts = facts_of(tree, wishes.places, wishes.symbols)
        for name in wishes.sources.split(","):
            if name == "jedi" and tree.language != "python":
                continue
            score = asyncio.run(measure(name, tree, facts))
            print(row(name, tree, score), flush=True)
            if name in {"chain", "editor"}:
                print(open_(score), flush=True)
            if wishes.wrong:
                print("\n".join(score.wrong), file=sys.stderr)


if __name__ == "__main__":
    main()
