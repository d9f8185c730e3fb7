"""Derives from the public histories what the tables lack: `python -m tests.bench.risk.derive --data DIR --histories DIR`.

`--histories` holds a clone (bare will do) of each repository by its name in the tables, as `repos.json` there names its
source and commit. Writes two tables beside this file, by the product's own code, so that the fit sees what a score sees: changes.csv.xz,
every feature of the eligible commits without their messages, in the order of the tables, each by the ancestors of its parent, and the language that it
is weighed in; and context.csv.xz, the features in `LINE_FORMS` and `LINE_CONTEXT` of the lines in the tables, in their order. `--parts`
makes only one of them. Where a history or its commit is not to be had this is said, the repository's rows stay as they are, and the exit code is 1.
"""

import argparse
import lzma
import sys
import time
from itertools import islice
from pathlib import Path

import pandas as pd

from sidecar.core.errors import GitError
from sidecar.history.before import OldSides
from sidecar.history.facts import facts_of
from sidecar.history.past import Past
from sidecar.history.traces import MemoryTraces, trace_blocking
from sidecar.risk.code import read
from sidecar.risk.features import LINE_CONTEXT, LINE_FORMS, change_features, line_features, written_in
from sidecar.vcs.commits import resolve_many_blocking, told_changes_blocking
from sidecar.vcs.history import Commit, walk_blocking
from sidecar.vcs.runner import Git
from tests.bench.risk import data

BATCH = 64
CONTEXT = (*LINE_FORMS, *LINE_CONTEXT)
PARTS = ("changes", "context")


def changes_of(git, head, wanted):
    """The features of each wanted commit; nothing where the clone lacks what it changed."""
    walked = list(walk_blocking(git, [head]))
    commits = {commit.id: commit for commit in walked}
    chosen = [commits[own] for own in present(wanted, commits)]
    traces = trace_blocking(git, walked[::-1], MemoryTraces())
    known = Past(walked, {c.parents[0] for c in chosen if c.parents}, traces)
    return pd.DataFrame([_change(*one, known) for one in told(git, chosen)], columns=data.DERIVED)


def present(wanted, found):
    """The wanted ids; GitError when some of them were not found."""
    if lost := [own for own in wanted if own not in found]:
        raise GitError(f"{len(lost)} of its {len(wanted)} commits are not in this history, {lost[0]} for one.")
    return wanted


def _change(change, before, known):
    if change is None:
        return [None] * len(data.DERIVED)
    facts = facts_of(change, known, before)
    reading = read(change, facts)
    values = change_features(change, reading, facts) | {"language": written_in(reading)}
    return [values[name] for name in data.DERIVED]


def told(git, commits):
    """What each commit changed, with the old sides of its batch; None for it where the clone lacks that."""
    changes, sides = told_changes_blocking(git, commits), OldSides(git)
    while batch := list(islice(changes, BATCH)):
        before = sides.of_blocking(*(change for change in batch if change))
        for change in batch:
            yield change, before


def context_of(git, name, folder):
    """The features of each line in a repository's table; nothing of one that the product does not count as new code."""
    table = data.plain_lines(folder, name)
    short = table["sha"].unique().tolist()
    known = dict(zip(short, resolve_many_blocking(git, short), strict=True))
    shas = [known[own] for own in present(short, {own for own, full in known.items() if full})]
    said = git.run_blocking("rev-list", "--no-walk=unsorted", "--parents", "--stdin", stdin="\n".join(shas).encode())
    commits = [Commit(own, tuple(before), 0, "", "") for own, *before in map(str.split, said.decode().splitlines())]
    found = {}
    for change, before in told(git, commits):
        if change:
            facts = facts_of(change, None, before)
            reading = read(change, facts)
            places = [(change.commit[:12], f.path, line.line) for f in reading.files for line in f.lines]
            rows = ([values[n] for n in CONTEXT] for values in line_features(reading, facts))
            found.update(zip(places, rows, strict=True))
    nothing = [0.0] * len(CONTEXT)
    rows = [found.get(place, nothing) for place in zip(table["sha"], table["path"], table["line"], strict=True)]
    print(
        f"{name}: {sum(row is nothing for row in rows)} of {len(rows)} lines are no new code to the product", flush=True
    )
    return pd.DataFrame(rows, columns=CONTEXT)


def put(path, fresh):
    """Replace the rows of some repositories in a table, or add them."""
    rows = pd.concat([rows.round(4).assign(repo=name) for name, rows in fresh.items()])
    rows.insert(0, "repo", rows.pop("repo"))
    if path.exists():
        old = pd.read_csv(path)
        rows = pd.concat([old[~old["repo"].isin(fresh)], rows]).sort_values("repo", kind="stable")
    path.write_bytes(lzma.compress(rows.to_csv(index=False, float_format="%.7g").encode()))


def derive(name, head, args):
    """One repository's rows of each table that is asked for."""
    begun, rows = time.perf_counter(), {}
    git = Git.open_blocking(args.histories / name)
    if "changes" in args.parts:
        table = pd.read_csv(args.data / f"{name}.commits.csv.gz")
        made = changes_of(git, head, table.loc[table["eligible"] == 1, "sha"].tolist())
        lost, nothing = int(made["lines"].isna().sum()), int((made["lines"] == 0).sum())
        print(f"{name}: {len(made)} changes; {lost} lack their content, {nothing} add no new code to the product")
        rows[data.CHANGES_TABLE] = made
    if "context" in args.parts:
        rows[data.CONTEXT_TABLE] = context_of(git, name, args.data)
    print(f"{name}: {time.perf_counter() - begun:.0f} s", flush=True)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the training tables")
    parser.add_argument("--histories", type=Path, required=True, help="the folder of the clones")
    parser.add_argument("--only", nargs="*", metavar="NAME", help="these repositories; the rows of others stay")
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=PARTS, help="the tables to make; all of them")
    args = parser.parse_args()
    heads = pd.read_json(args.data / "repos.json").set_index("repo")["head"]
    stay, fresh = [], {}
    for name in args.only or data.names(args.data):
        try:
            for path, rows in derive(name, heads[name], args).items():
                fresh.setdefault(path, {})[name] = rows
        except (GitError, OSError) as error:
            stay.append(name)
            print(f"{name}: not derived, its rows stay as they are: {error}", file=sys.stderr, flush=True)
    for path, rows in fresh.items():
        put(path, rows)
    if stay:
        sys.exit(f"Not derived: {', '.join(stay)}.")


if __name__ == "__main__":
    main()
