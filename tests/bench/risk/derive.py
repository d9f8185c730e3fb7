"""Derives from the public histories what the tables lack: `python -m tests.bench.risk.derive --data DIR --histories DIR`.

`--histories` holds a clone (bare will do) of each repository by its name in the tables, as `repos.json` there names its
source and commit. Writes three tables beside this file, numbers only, computed by the product's own code: repairs.csv.xz, the features in
`REPAIRS` of every eligible commit in the order of the tables, from the ancestors of each commit's parent; content.csv.xz, those in
`CONTENT` of the same commits, from their diffs; and context.csv.xz, those in `LINE_FORMS` and `LINE_CONTEXT` of the lines in the
tables, in their order. `--parts` makes only some of them.
"""

import argparse
import lzma
import time
from pathlib import Path

import numpy as np
import pandas as pd

from sidecar.review import past
from sidecar.review.facts import facts_of, read_before_blocking
from sidecar.review.traces import MemoryTraces, trace_blocking
from sidecar.risk.code import read
from sidecar.risk.content import CONTENT, content_features
from sidecar.risk.features import LINE_CONTEXT, LINE_FORMS, REPAIRS, change_features, line_features
from sidecar.vcs.commits import changes_blocking, resolve_many_blocking, told_changes_blocking
from sidecar.vcs.history import Commit, walk_blocking
from sidecar.vcs.runner import Git
from tests.bench.risk import data

BATCH = 64
CONTEXT = (*LINE_FORMS, *LINE_CONTEXT)
PARTS = ("repairs", "content", "context")


def repairs_of(git, head, wanted):
    """The features of each wanted commit."""
    walked = list(walk_blocking(git, [head]))
    traces = trace_blocking(git, walked[::-1], MemoryTraces())
    commits = {commit.id: commit for commit in walked}
    chosen = [commits[own] for own in wanted]
    known = past.Past(walked, {c.parents[0] for c in chosen if c.parents}, traces)
    changes = changes_blocking(git, chosen)
    rows = []
    while batch := [change for _, change in zip(range(BATCH), changes, strict=False)]:
        before = read_before_blocking(git, batch)
        for change in batch:
            facts = facts_of(change, known, before)
            values = change_features(change, read(change, facts), facts)
            rows.append([values[name] for name in REPAIRS])
    return np.array(rows)


def named(git, shas):
    """Commits by their ids, with their parents and nothing else."""
    said = git.run_blocking("rev-list", "--no-walk=unsorted", "--parents", "--stdin", stdin="\n".join(shas).encode())
    return [Commit(own, tuple(before), 0, "", "") for own, *before in map(str.split, said.decode().splitlines())]


def content_of(git, wanted):
    """What the diff of each wanted commit is made of; nothing where the clone lacks what it changed."""
    changes = told_changes_blocking(git, named(git, wanted))
    rows, lost = [], 0
    while batch := [change for _, change in zip(range(BATCH), changes, strict=False)]:
        before = read_before_blocking(git, [change for change in batch if change])
        for change in batch:
            lost += change is None
            facts = facts_of(change, None, before) if change else None
            values = content_features(read(change, facts)) if change else dict.fromkeys(CONTENT, 0)
            rows.append([values[name] for name in CONTENT])
    if lost:
        print(f"{lost} commits lack their content")
    return np.array(rows)


def context_of(git, name, folder):
    """The features of each line in a repository's table; nothing of one that the product does not count as new code."""
    table = data.plain_lines(folder, name)
    shas = resolve_many_blocking(git, table["sha"].unique().tolist())
    changes = changes_blocking(git, named(git, shas))
    found = {}
    while batch := [change for _, change in zip(range(BATCH), changes, strict=False)]:
        before = read_before_blocking(git, batch)
        for change in batch:
            facts = facts_of(change, None, before)
            reading = read(change, facts)
            places = [(change.commit[:12], f.path, line.line) for f in reading.files for line in f.lines]
            rows = ([values[n] for n in CONTEXT] for values in line_features(reading, facts))
            found.update(zip(places, rows, strict=True))
    nothing = [0.0] * len(CONTEXT)
    return np.array(
        [found.get(place, nothing) for place in zip(table["sha"], table["path"], table["line"], strict=True)]
    )


def put(path, name, rows):
    """Replace a repository's rows in a table, or add them."""
    rows.insert(0, "repo", name)
    if path.exists():
        old = pd.read_csv(path)
        rows = pd.concat([old[old["repo"] != name], rows]).sort_values("repo", kind="stable")
    path.write_bytes(lzma.compress(rows.to_csv(index=False, float_format="%g").encode()))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the training tables")
    parser.add_argument("--histories", type=Path, required=True, help="the folder of the clones")
    parser.add_argument("--only", nargs="*", metavar="NAME", help="these repositories; the rows of others stay")
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=PARTS, help="the tables to make; all of them")
    args = parser.parse_args()
    past._MOST_RANKED = 0  # ranks are in the tables
    heads = pd.read_json(args.data / "repos.json").set_index("repo")["head"]
    for name in args.only or data.names(args.data):
        begun = time.perf_counter()
        table = pd.read_csv(args.data / f"{name}.commits.csv.gz")
        wanted = table.loc[table["eligible"] == 1, "sha"].tolist()
        git = Git.open_blocking(args.histories / name)
        if "repairs" in args.parts:
            rows = repairs_of(git, heads[name], wanted)
            put(data.REPAIRS_TABLE, name, pd.DataFrame(rows.round(3), columns=REPAIRS))
        if "content" in args.parts:
            put(data.CONTENT_TABLE, name, pd.DataFrame(content_of(git, wanted).round(2), columns=CONTENT))
        if "context" in args.parts:
            put(data.CONTEXT_TABLE, name, pd.DataFrame(context_of(git, name, args.data).round(2), columns=CONTEXT))
        print(f"{name}: {len(wanted)} commits, {time.perf_counter() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    main()
