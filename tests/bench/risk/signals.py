"""Measures what rules tell of later repairs: `python -m tests.bench.risk.signals --data DIR --histories DIR`.

For each rule: how many of 100 changes it speaks up in, and two lifts of the lines that it names: over all new lines of code of the
same repository, and over those of the same changes. A lift is the number of named lines that were repaired later by the number that would be
if they were like the others. The range is that of 95 of 100 draws of whole repositories.
"""

import argparse
import csv
import gzip
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from sidecar.risk.hazards.seen import see
from sidecar.risk.paths import language
from sidecar.risk.tokens import is_code
from sidecar.vcs.commits import resolve_many_blocking, told_changes_blocking
from sidecar.vcs.history import Commit
from sidecar.vcs.runner import Git
from tests.bench.risk.candidates import CANDIDATES

DRAWS = 2000


def ranges(text):
    found = set()
    for part in filter(None, text.split(";")):
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


def truth(folder, name):
    """By commit: how many lines of code it added, how many were repaired, and which ones by file."""
    found = {}
    with gzip.open(folder / f"{name}.files.csv.gz", "rt") as table:
        for row in csv.DictReader(table):
            code, bad, files = found.get(row["sha"], (0, 0, {}))
            lines = ranges(row["buggy_lines"])
            files[row["path"]] = lines
            found[row["sha"]] = code + int(row["code_la"]), bad + len(lines), files
    return found


def measure(folder, histories, name, rules):
    """Per rule: changes that it speaks up in, named lines, repaired ones, expected ones by repository and by change."""
    known = truth(folder, name)
    rate = sum(bad for _, bad, _ in known.values()) / max(1, sum(code for code, _, _ in known.values()))
    git = Git.open_blocking(histories / name)
    ids = resolve_many_blocking(git, list(known))
    found = [own for own in ids if own]
    said = git.run_blocking("rev-list", "--no-walk=unsorted", "--parents", "--stdin", stdin="\n".join(found).encode())
    parents = [line.split() for line in said.decode().splitlines()]
    sums = {rule: np.zeros(5) for rule in rules}
    for change in told_changes_blocking(git, [Commit(own, tuple(before), 0, "", "") for own, *before in parents]):
        if change is None:
            continue  # this clone lacks what it changed
        code, bad, files = known[change.commit[:12]]
        spoke = defaultdict(set)
        for file in see(change):
            if file.path in files:
                code_lines = {line.number for line in file.whole if is_code(line.text, language(file.path) or "")}
                for rule, find in rules.items():
                    for hit in find(file):
                        named = code_lines.intersection(range(hit.start, hit.end + 1))
                        spoke[rule].update((file.path, number) for number in named)
        for rule, places in spoke.items():
            repaired = sum(number in files[path] for path, number in places)
            share = bad / code if code else 0.0
            sums[rule] += [1, len(places), repaired, len(places) * rate, len(places) * min(1.0, share)]
    return len(known), sums


def told(rule, rows, changes):
    """A row of the table; `rows` holds a repository's sums each."""
    rows = np.array(rows)
    total = rows.sum(axis=0)
    draws = np.random.default_rng(1).integers(0, len(rows), (DRAWS, len(rows)))
    drawn = rows[draws].sum(axis=1)
    cells = []
    for expected in (3, 4):
        with np.errstate(divide="ignore", invalid="ignore"):
            lift = total[2] / total[expected]
            low, high = np.nanpercentile(drawn[:, 2] / drawn[:, expected], [2.5, 97.5])
        cells.append(f"{lift:.2f} ({low:.2f} to {high:.2f})")
    repositories = int((rows[:, 1] > 0).sum())
    return f"| {rule} | {100 * total[0] / changes:.1f} | {int(total[1])} | {repositories} | {' | '.join(cells)} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the training tables")
    parser.add_argument("--histories", type=Path, required=True, help="the folder of the clones")
    parser.add_argument("--only", nargs="*", metavar="NAME", help="these repositories alone")
    parser.add_argument(
        "--rules", default="", metavar="WORDS", help="only rules whose name holds one of these words (a,b)"
    )
    args = parser.parse_args()
    wanted = args.rules.split(",")
    rules = {name: find for name, find in CANDIDATES.items() if any(word in name for word in wanted)}
    names = args.only or sorted(path.name.split(".")[0] for path in args.data.glob("*.files.csv.gz"))
    rows, changes = defaultdict(list), 0
    for name in names:
        begun = time.perf_counter()
        count, sums = measure(args.data, args.histories, name, rules)
        changes += count
        for rule, values in sums.items():
            rows[rule].append(values)
        print(f"{name}: {count} changes, {time.perf_counter() - begun:.0f} s", flush=True)
    print("| rule | in 100 changes | lines | repositories | lift in the repository | lift in the change |")
    print("| --- | --- | --- | --- | --- | --- |")
    for rule in rows:
        print(told(rule, rows[rule], changes))


if __name__ == "__main__":
    main()
