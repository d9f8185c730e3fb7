"""What the index costs and gives, beside plain yardsticks in the same run: `python -m tests.bench.index`.

Trees: Django's sdist (PyPI), the running interpreter's library, rxjs' TypeScript sources (npm); downloads are kept in a
cache folder. Yardsticks: a tree-sitter walk with a cursor that keeps definitions and uses in memory, in one process
(`ts-refs`) and in two (`ts-refs-2p`), and Universal Ctags where it is installed. Printed are medians of the rounds, wall
time and CPU time, since a shared machine spoils the first.

    python -m tests.bench.index [--rounds 3] [--tree django|lib|rxjs] [--streams] [--many 100000]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import importlib
import multiprocessing
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
from tree_sitter import Language, Parser

from sidecar.core.errors import StoreError
from sidecar.core.symbols import Location, Position, Query
from sidecar.index.build import Builder
from sidecar.index.extract import extract
from sidecar.index.found import places
from sidecar.index.opening import Index
from sidecar.index.source import IndexSource
from sidecar.index.walk import Folder
from sidecar.store.symbols import INDEX, SymbolReader
from sidecar.store.symbolwriter import SymbolWriter
from sidecar.tools.indexing import open_index
from tests.bench.proxy import commands, free_port, quantile, start, stop, streams

CACHE = Path.home() / ".cache" / "claude-sidecar" / "bench"
DJANGO = "django==5.2.19"
RXJS = "rxjs@7.8.2"
ASKED = 50


# ── trees ─────────────────────────────────────────────────────────────────────────────────────────
def django() -> Path:
    place = CACHE / DJANGO
    if not place.exists():
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            download = [
                "download",
                "--quiet",
                "--no-deps",
                "--no-binary",
                ":all:",
                "-d",
                folder,
            ]
            subprocess.run([sys.executable, "-m", "pip", *download, DJANGO], check=True)
            unpack(next(Path(folder).glob("*.tar.gz")), place)
    return place


def rxjs() -> Path:
    place = CACHE / RXJS
    if not place.exists():
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            subprocess.run(["npm", "pack", "--silent", RXJS], cwd=folder, check=True, stdout=subprocess.DEVNULL)
            unpack(next(Path(folder).glob("*.tgz")), place)
    return place / "src"


def library() -> Path:
    return Path(sysconfig.get_path("stdlib"))


def unpack(archive: Path, place: Path) -> None:
    part = place.with_name(place.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.unpack_archive(archive, part, filter="data")
    next(part.iterdir()).rename(place)
    part.rmdir()


TREES: dict[str, tuple[Callable[[], Path], str]] = {
    "django": (django, "python"),
    "lib": (library, "python"),
    "rxjs": (rxjs, "typescript"),
}


# ── the yardsticks ────────────────────────────────────────────────────────────────────────────────
@functools.cache
def parser(language: str) -> Parser:
    module = importlib.import_module(f"tree_sitter_{language}")
    return Parser(Language(getattr(module, "language" if language == "python" else f"language_{language}")()))


DEFINING = {
    "function_definition", "class_definition", "function_declaration", "class_declaration", "method_definition",
    "interface_declaration", "type_alias_declaration", "enum_declaration", "abstract_class_declaration",
}  # fmt: skip
NAMING = {"identifier", "type_identifier", "property_identifier", "shorthand_property_identifier"}


def walked(path: str, language: str) -> tuple[list[tuple[str, int]], list[tuple[str, int, int]]]:
    """Definitions and uses of one file, by a plain walk over all nodes."""
    source = Path(path).read_bytes()
    cursor = parser(language).parse(source).walk()
    definitions: list[tuple[str, int]] = []
    uses: list[tuple[str, int, int]] = []
    while True:
        node = cursor.node
        kind = node.type
        if kind in DEFINING:
            name = node.child_by_field_name("name")
            if name is not None:
                definitions.append((source[name.start_byte : name.end_byte].decode(), name.start_point[0]))
        elif kind in NAMING:
            row, column = node.start_point
            uses.append((source[node.start_byte : node.end_byte].decode(), row, column))
        if cursor.goto_first_child():
            continue
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return definitions, uses


def in_memory(files: Sequence[str], language: str, processes: int) -> dict[str, list[Any]]:
    walk = functools.partial(walked, language=language)
    index: dict[str, list[Any]] = {}
    with contextlib.ExitStack() as stack:
        told: Any = map(walk, files)
        if processes > 1:
            pool = stack.enter_context(multiprocessing.get_context("fork").Pool(processes))
            told = pool.imap(walk, files, chunksize=16)
        for path, (definitions, uses) in zip(files, told, strict=True):
            for name, *place in (*definitions, *uses):
                index.setdefault(name, []).append((path, *place))
    return index


def ctags(files: Sequence[str]) -> None:
    listed = "\n".join(files).encode()
    subprocess.run(["ctags", "-L", "-", "-f", os.devnull], input=listed, check=True, stderr=subprocess.DEVNULL)


# ── measuring ─────────────────────────────────────────────────────────────────────────────────────
def spent() -> float:
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def timed(acts: dict[str, Callable[[], Any]], rounds: int) -> dict[str, tuple[float, float]]:
    """Wall and CPU seconds of each, medians; the order is shuffled in each round."""
    got: dict[str, list[tuple[float, float]]] = {name: [] for name in acts}
    for _ in range(rounds):
        for name in random.sample(list(acts), len(acts)):
            wall, cpu = time.perf_counter(), spent()
            acts[name]()
            got[name].append((time.perf_counter() - wall, spent() - cpu))
    return {name: (statistics.median(w for w, _ in t), statistics.median(c for _, c in t)) for name, t in got.items()}


def full(root: Path, where: Path, listing: Sequence[str] = ()) -> None:
    """A fresh index; the names are handed in, as git would, and as the yardsticks have theirs."""
    files = listing or list(Folder(root).files())
    with (
        contextlib.closing(SymbolWriter(where, fresh=True)) as writer,
        contextlib.closing(Builder(root, writer)) as builder,
    ):
        builder.look_at_all(files)


def ms(values: Sequence[float]) -> str:
    return f"p50 {quantile(list(values), 0.5) * 1000:8.3f} ms   p95 {quantile(list(values), 0.95) * 1000:8.3f} ms"


@contextlib.contextmanager
def highest_memory() -> Iterator[list[float]]:
    """The highest sum of resident megabytes of our own children, looked at every 50 ms."""
    seen, done = [0.0], threading.Event()

    def look() -> None:
        while not done.wait(0.05):
            total = 0.0
            for child in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    total += child.memory_info().rss / 1e6
            seen[0] = max(seen[0], total)

    watcher = threading.Thread(target=look)
    watcher.start()
    yield seen
    done.set()
    watcher.join()


# ── the blocks ────────────────────────────────────────────────────────────────────────────────────
def measure_full(root: Path, language: str, where: Path, rounds: int) -> list[str]:
    """I1, I6. The yardsticks read the files that the index parses."""
    listing = list(Folder(root).files())
    full(root, where)
    with contextlib.closing(SymbolReader(where)) as reader:
        files = [
            str(root / path) for path, spoken, _, skipped in reader.all_files() if spoken == language and not skipped
        ]
    size = sum(Path(path).stat().st_size for path in files)
    print(f"\n{root.name}: {len(files)} {language} files, {size / 1e6:.1f} MB")
    acts: dict[str, Callable[[], Any]] = {
        "sidecar": lambda: full(root, where, listing),
        "ts-refs": lambda: in_memory(files, language, 1),
        "ts-refs-2p": lambda: in_memory(files, language, 2),
    }
    if shutil.which("ctags"):
        acts["ctags"] = lambda: ctags(files)
    got = timed(acts, rounds)
    base_wall, base_cpu = got["ts-refs-2p"]
    for name, (wall, cpu) in got.items():
        print(
            f"  I1 full index   {name:12} {wall:7.2f} s ({wall / base_wall:5.2f}x)   CPU {cpu:7.2f} s ({cpu / base_cpu:5.2f}x)"
        )
    with highest_memory() as memory:
        subprocess.run([sys.executable, "-c", FULL, str(root), str(where.with_name("memory.db"))], check=True)
    print(
        f"  I6 memory       indexer and workers at their highest {memory[0]:.0f} MB; file {where.stat().st_size / 1e6:.1f} MB"
    )
    return files


FULL = "import sys\nfrom pathlib import Path\nfrom tests.bench.index import full\nfull(Path(sys.argv[1]), Path(sys.argv[2]))"


async def unlisted(_paths: object) -> None:
    return None


async def measure_edit(root: Path, files: Sequence[str], language: str, state: Path) -> None:
    """I2: on copies of some files in a folder of their own, so that nobody's tree is changed."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        chosen = random.Random(1).sample([f for f in files if 4_000 < Path(f).stat().st_size < 60_000], 30)
        copies = [shutil.copy(path, work / f"{n}_{Path(path).name}") for n, path in enumerate(chosen)]
        own, plain, tagged, seen = [], [], [], []
        with (
            contextlib.closing(SymbolWriter(state / "edit.db", fresh=True)) as writer,
            contextlib.closing(Builder(work, writer)) as builder,
        ):
            builder.look_at_all(p.name for p in copies)
            for path in copies:
                with path.open("a") as stream:
                    stream.write("\n\n")
                for times, act in (
                    (own, lambda p=path: builder.look_at([p.name], [p.name])),
                    (plain, lambda p=path: walked(str(p), language)),
                ):
                    began = time.perf_counter()
                    act()
                    times.append(time.perf_counter() - began)
                if shutil.which("ctags"):
                    began = time.perf_counter()
                    ctags([str(path)])
                    tagged.append(time.perf_counter() - began)
        index = Index(work, state / "edits", unlisted)
        (state / "edits").mkdir()
        index.start()
        await index.whole()
        for number, path in enumerate(copies):
            path.write_text(
                path.read_text()
                + f"\n{'def' if language == 'python' else 'function'} brand_new_{number}(){': pass' if language == 'python' else ' {}'}\n"
            )
            began = time.perf_counter()
            index.moved([path.name])
            while not (await index.ask(Query("workspace_symbols", name=f"brand_new_{number}"))).items:
                await asyncio.sleep(0.001)
            seen.append(time.perf_counter() - began)
        await index.aclose()
    print(f"  I2 one edit     sidecar, parsed and stored   {ms(own)}")
    print(f"                  ts-refs, in memory           {ms(plain)}")
    if tagged:
        print(f"                  ctags, one file              {ms(tagged)}")
    print(f"                  visible after its event      {ms(seen)}")


def chosen(where: Path) -> list[tuple[str, str, int, str, int, int]]:
    """Names to ask for, by rule: unique functions and classes of the top that another file imports; with such a place."""
    found = []
    with contextlib.closing(SymbolReader(where)) as reader:
        for path, *_ in reader.all_files():
            file = reader.file(path)
            for symbol in reader.symbols_in(file.id) if file is not None else ():
                if (
                    symbol.container
                    or symbol.kind not in {"function", "class"}
                    or len(reader.symbols_named(symbol.name)) != 1
                ):
                    continue
                rows = [row for row in reader.uses(symbol.name) if row.path != path]
                brought = [
                    row
                    for row in rows
                    if any(
                        made.name == symbol.name and made.module.rpartition(".")[2].rpartition("/")[2] in path
                        for made in reader.imports_of(row.file)
                    )
                ]
                used = [
                    (row.path, line, column)
                    for row in brought
                    for line, column, mark in places(row.places)
                    if not mark & 15 & ~1
                ]
                if used:
                    found.append((symbol.name, path, symbol.line, *used[0]))
    return random.Random(2).sample(found, min(ASKED, len(found)))


async def measure_queries(root: Path, where: Path) -> None:
    """I3, I4, I5."""
    asked = chosen(where)
    with contextlib.closing(SymbolReader(where)) as reader:
        for label, act in (("exact", reader.symbols_named), ("substring", lambda name: reader.search(name[1:], 100))):
            times = []
            hits = 0
            for name, *_ in asked * 3:
                began = time.perf_counter()
                hits += bool(act(name))
                times.append(time.perf_counter() - began)
            print(f"  I3 {label:12} {ms(times)}   {hits // 3} of {len(asked)} found")
    source = IndexSource(where, root)
    memory = psutil.Process().memory_info().rss
    for label, limit in (("search, asked whole", 50),):
        times = [
            (await source.ask(Query("workspace_symbols", name=name, limit=limit))).ms / 1000 for name, *_ in asked * 2
        ]
        print(f"     {label:12} {ms(times)}")
    for turn in ("first", "again"):
        times, right, refs, counts = [], 0, [], 0
        for _, path, line, at, row, column in asked:
            answer = await source.ask(Query("definition", path=at, position=Position(row, column)))
            times.append(answer.ms / 1000)
            right += any(
                isinstance(i, Location) and (i.span.path, i.span.start.line) == (path, line) for i in answer.items[:1]
            )
            answer = await source.ask(
                Query("references", path=at, position=Position(row, column), limit=10_000, deadline=30)
            )
            refs.append(answer.ms / 1000)
            counts += len(answer.items) > 1
        print(f"  I4 definition   {ms(times)}   {right} of {len(asked)} right ({turn})")
        print(f"  I5 references   {ms(refs)}   {counts} of {len(asked)} not empty ({turn})")
    print(f"  I6 reading      +{(psutil.Process().memory_info().rss - memory) / 1e6:.0f} MB in the asking process")
    await source.aclose()


async def measure_many(count: int) -> None:
    """A tree of so many small files: how soon a search has an answer while it is indexed, how long all takes, and the memory."""
    with tempfile.TemporaryDirectory() as folder:
        root, state = Path(folder) / "many", Path(folder) / "state"
        state.mkdir()
        for number in range(count):
            place = root / f"part{number // 1000}" / f"mod{number}.py"
            if number % 1000 == 0:
                place.parent.mkdir(parents=True)
            place.write_text(f"from part0 import mod0\n\n\ndef f{number}(a):\n    return mod0.f0(a) + {number}\n")
        subprocess.run(["git", "init", "--quiet", root], check=True)
        print(f"\n{count:,} files, load {os.getloadavg()[0]:.1f}")
        for number in (0, count // 2 + 1, count - 1, count):  # the last one is nowhere
            (early := Path(folder) / f"early{number}").mkdir()
            index = open_index(root, early, watch=False)
            await first_search(index, f"f{number}")
            await index.aclose()
        with highest_memory() as memory:
            index = open_index(root, state, watch=False)
            began, held = time.perf_counter(), [0.0]
            looking = asyncio.create_task(longest_hold(held))
            await first_search(index, "f0")
            times: list[float] = []
            whole = asyncio.create_task(index.whole())
            while not whole.done():
                asked = time.perf_counter()
                await index.ask(Query("workspace_symbols", name="f1", limit=5))
                times.append(time.perf_counter() - asked)
                await asyncio.wait({whole}, timeout=1.0)
            took = time.perf_counter() - began
            looking.cancel()
            await index.aclose()
        print(f"  searches meanwhile {ms(times)}")
        print(
            f"  all indexed after {took:.0f} s; indexer and workers at their highest {memory[0]:.0f} MB; the loop was held {held[0] * 1000:.0f} ms at most; load {os.getloadavg()[0]:.1f}"
        )


async def first_search(index: Index, name: str) -> None:
    """Start an index and search at once: when the first answer came, whatever it had, and when one had the name."""
    began = time.perf_counter()
    index.start()
    first, last = 0.0, time.perf_counter() + 5.0
    while True:
        answer = await index.ask(Query("workspace_symbols", name=name, limit=5))
        now = time.perf_counter() - began
        first = first or now
        if answer.items or time.perf_counter() > last:
            break
        await asyncio.sleep(0.01)
    found = f"found after {now:.2f} s" if answer.items else "not found in 5 s"
    print(f"  {name:8} first answer after {first:.2f} s, {found} ({answer.status}: {answer.note})", flush=True)


async def longest_hold(held: list[float]) -> None:
    """The most that the loop's thread computes between two of its turns, in seconds of the processor; until cancelled."""
    before = time.thread_time()
    while True:
        await asyncio.sleep(0.001)
        now = time.thread_time()
        held[0], before = max(held[0], now - before), now


def measure_streams(workspace: Path) -> None:
    """P13: the token delay of streams through a sidecar while it indexes its workspace.

    Turn by turn with the indexer stopped and going on (SIGSTOP, SIGCONT), so that what else the machine does weighs on both.
    """
    with tempfile.TemporaryDirectory() as state, contextlib.ExitStack() as stack:
        up = free_port()
        listed = {name: (port, command, env) for name, port, command, env in commands("azure_anthropic", up, state)}
        port, command, env = listed["direct"]
        stack.callback(stop, start(port, command, env).process)
        port, command, env = listed["sidecar"]
        command[-1] = str(workspace)
        for clients, tokens, gap, wanted in ((1, 60, 5, 60), (200, 150, 20, 5)):
            delays: dict[bool, list[list[float]]] = {False: [], True: []}
            turns = 0
            while turns < wanted:
                shutil.rmtree(state, ignore_errors=True)
                Path(state).mkdir(mode=0o700)
                server = start(port, command, env)
                try:
                    turns += paired(
                        server.process.pid,
                        Path(state),
                        delays,
                        wanted - turns,
                        functools.partial(streams, port, clients, tokens, gap),
                    )
                finally:
                    stop(server.process)
            shown = {
                going: [statistics.median(quantile(turn, q) for turn in delays[going]) for q in (0.5, 0.95)]
                for going in (False, True)
            }
            print(f"  P13 {clients:3} streams, token delay, median of {turns} turns   idle p50 {shown[False][0]:7.3f} p95 {shown[False][1]:7.3f} ms"
                  f"   while indexing p50 {shown[True][0]:7.3f} p95 {shown[True][1]:7.3f} ms   ({shown[True][1] / shown[False][1]:.2f}x)")  # fmt: skip


def paired(pid: int, state: Path, delays: dict[bool, list[list[float]]], most: int, stream: Callable[[], Any]) -> int:
    """So many pairs at most, while the index is being made; how many there were."""
    while not (found := list(state.rglob(INDEX))):
        time.sleep(0.01)
    asyncio.run(stream())  # the first one opens what is opened once
    for turn in range(most):
        both: dict[bool, list[float]] = {}
        for going in random.sample([False, True], 2):
            steer(pid, going=going)
            _, both[going], _ = asyncio.run(stream())
        steer(pid, going=True)
        if whole(found[0]):
            return turn
        for going, told in both.items():
            delays[going].append(told)
    return most


def steer(pid: int, *, going: bool) -> None:
    """Let the indexer and its workers go on, or stop them where they are."""
    for child in psutil.Process(pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if any("sidecar.index" in word for word in child.cmdline()):
                (child.resume if going else child.suspend)()


def whole(where: Path) -> bool:
    try:
        with contextlib.closing(SymbolReader(where)) as reader:
            return bool(reader.notes().get("complete"))
    except StoreError:  # not made yet
        return False


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--tree", choices=sorted(TREES), action="append")
    options.add_argument("--streams", action="store_true", help="P13 alone, over the first tree")
    options.add_argument("--many", type=int, metavar="FILES", help="a made tree of so many files alone")
    args = options.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    if args.many:
        asyncio.run(measure_many(args.many))
        return
    for name in args.tree or TREES:
        place, language = TREES[name]
        root = place().resolve()
        if args.streams:
            measure_streams(root)
            return
        with tempfile.TemporaryDirectory() as folder:
            where = Path(folder) / "state" / INDEX
            files = measure_full(root, language, where, args.rounds)
            asyncio.run(measure_edit(root, files, language, Path(folder)))
            asyncio.run(measure_queries(root, where))


if __name__ == "__main__":
    _ = extract  # loaded before anything is timed
    main()
