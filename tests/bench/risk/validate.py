"""Validates the risk model on repositories that it has not seen: `python -m tests.bench.risk.validate --data DIR`.

Each repository is left out in turn: everything (features' scales, weights, calibration, line model) comes from the
others, and the figures from the newest 40 % of its changes. Prints the table that docs/risk-model.md holds.
Needs the `fit` dependency group.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from tests.bench.risk import data
from tests.bench.risk.evaluate import CHANGE, LINES, change_figures, line_figures
from tests.bench.risk.fit import ChangeFit, MessageFit, calibrate, left_out, left_out_shares
from tests.bench.risk.learn import sigmoid

TEST_SHARE = 0.4


def window(table):
    """The rows of the test window, and the rate of labels known when it began."""
    cut = int(len(table) * (1 - TEST_SHARE))
    past, begun = table.iloc[:cut], table["ts"].iloc[cut]
    known = (past["label"] == 1) & (past["fix_ts"] <= begun)
    return slice(cut, None), known.mean()


def figures(changes, scores):
    """Figures by repository; a repository with fewer than ten labels in its window is left out."""
    rows = {}
    for name, table in changes.items():
        rows_of, base = window(table)
        test = table.iloc[rows_of]
        if test["label"].sum() >= 10:
            size = test["prod_la"] + test["prod_ld"]
            rows[name] = change_figures(test["label"].to_numpy(), scores[name][rows_of], size.to_numpy(), base)
    return pd.DataFrame(rows).T


def calibrated(logits, changes):
    """Scores of each repository, calibrated on those of all the others."""
    found = {}
    for name, z in logits.items():
        others = {other: table for other, table in changes.items() if other != name}
        slope, intercept = calibrate(logits, others)
        found[name] = sigmoid(slope * z + intercept)
    return found


def logit_of(p):
    return np.log(p) - np.log1p(-p)


def with_message(scores, changes):
    """Scores with what the message adds, fitted on the others."""
    found = {}
    for name, table in changes.items():
        others = [other for other in changes if other != name]
        model = MessageFit([changes[o] for o in others], [logit_of(scores[o]) for o in others])
        found[name] = sigmoid(logit_of(scores[name]) + model.logits(table))
    return found


def of_features(changes, features, ridge=100.0):
    return calibrated(left_out(features, changes, ridge), changes)


def own_past(changes, features):
    """Scores from a fit to the repository's own past alone, as the floors were measured."""
    found = {}
    for name, table in changes.items():
        rows_of, base = window(table)
        past = table.iloc[: rows_of.start]
        known = past.assign(
            label=((past["label"] == 1) & (past["fix_ts"] <= table["ts"].iloc[rows_of.start])).astype(int)
        )
        found[name] = (
            sigmoid(ChangeFit(features, [known], 3.0, eras=1).logits(table))
            if known["label"].sum() >= 10
            else np.full(len(table), base)
        )
    return found


def change_table(changes):
    """The rows of the change table, by model; with each model's scores."""
    nothing = np.random.default_rng(1)
    ours = of_features(changes, (*data.DIFF, *data.HISTORY, *data.REPAIRS))
    return {
        "random": {name: nothing.random(len(t)) for name, t in changes.items()},
        "smallest first": {
            name: 1 / (1 + (t["prod_la"] + t["prod_ld"]).to_numpy(float)) for name, t in changes.items()
        },
        "lines added, own past": own_past(changes, ("la",)),
        "Kamei's 14, own past": own_past(changes, data.KAMEI),
        "lines added": of_features(changes, ("la",)),
        "Kamei's 14": of_features(changes, data.KAMEI),
        "ours, no history (diff alone)": of_features(changes, data.DIFF),
        "ours, repairs not traced": of_features(changes, (*data.DIFF, *data.HISTORY)),
        "ours, no message": ours,
        "ours": with_message(ours, changes),
    }


def line_table(changes, lines):
    """The rows of the line table, over the labelled changes of the test windows of all repositories."""
    nothing = np.random.default_rng(3)
    rankings = {
        "random": {name: nothing.random(len(t)) for name, t in lines.items()},
        "longest line": {name: t["ntok"].to_numpy(float) for name, t in lines.items()},
        "ours, no history": left_out_shares([f for f in data.LINE if f not in data.LINE_HISTORY], lines),
        "ours": left_out_shares(data.LINE, lines),
    }
    found = {}
    for title, ranking in rankings.items():
        commits = []
        for name, table in lines.items():
            test = changes[name].iloc[window(changes[name])[0]]
            wanted = set(test.loc[test["label"] == 1, "sha"].str[:12])
            noise = nothing.random(len(table)) * 1e-9
            for sha, rows in table.groupby("sha").indices.items():
                if sha in wanted:
                    commits.append((table["buggy"].to_numpy()[rows], ranking[name][rows] + noise[rows]))
        found[title] = line_figures(commits)
    return found


def show(title, columns, rows):
    print(f"\n| {title} | {' | '.join(columns)} |")
    print(f"| --- |{' --- |' * len(columns)}")
    for name, row in rows.items():
        print(f"| {name} | {' | '.join(f'{row[c]:.3f}' for c in columns)} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the training tables")
    parser.add_argument("--each", action="store_true", help="also print each repository")
    args = parser.parse_args()
    names = data.names(args.data)
    changes = {name: data.commits(args.data, name) for name in names}
    lines = {name: data.lines(args.data, name) for name in names}
    found = {title: figures(changes, scores) for title, scores in change_table(changes).items()}
    show(f"changes, mean of {len(found['ours'])} repositories", CHANGE, {t: f.mean() for t, f in found.items()})
    gain = found["ours"]["auc"] - found["lines added"]["auc"]
    print(
        f"\nAUC above lines added in {(gain > 0).sum()} of {len(gain)}, by at least .05 in {(gain >= 0.05).sum()}; least {gain.min():+.3f}"
    )
    show("lines", LINES, line_table(changes, lines))
    if args.each:
        show("ours, each repository", CHANGE, dict(found["ours"].iterrows()))


if __name__ == "__main__":
    main()
