"""Validates the risk model on repositories that it has not seen: `python -m tests.bench.risk.validate --data DIR`.

Each repository is left out in turn: everything (features' scales, weights, calibration, line model) comes from the
others, and the figures from the newest 40 % of its changes. Prints the table that docs/risk-model.md holds.
Needs the `fit` dependency group.
"""

import argparse
from pathlib import Path

import numpy as np

from tests.bench.risk import data
from tests.bench.risk.baselines import extended, regressions
from tests.bench.risk.evaluate import CHANGE, LINES, NEAR_THE_TOP, figures, known_of, rank_figures, show, window
from tests.bench.risk.fit import RIDGE, ChangeFit, MessageFit, left_out_fits, left_out_shares
from tests.bench.risk.learn import logit, sigmoid
from tests.bench.risk.levels import Calibration


def calibrated(fits, changes, *, level=False):
    """Scores of each repository, calibrated on those of all the others."""
    found = {}
    for name, table in changes.items():
        others = {other: table for other, table in changes.items() if other != name}
        found[name] = sigmoid(Calibration(fits, others, level=level).logits(name, table))
    return found


def with_message(scores, changes):
    """Scores with what the message adds, fitted on the others."""
    found = {}
    for name, table in changes.items():
        others = [other for other in changes if other != name]
        model = MessageFit([changes[o] for o in others], [logit(scores[o]) for o in others])
        found[name] = sigmoid(logit(scores[name]) + model.logits(table))
    return found


def of_features(changes, features, ridge=RIDGE, *, level=False):
    return calibrated(left_out_fits(features, changes, ridge), changes, level=level)


def own_past(changes, features):
    """Scores from a fit to the repository's own past alone, as the floors were measured."""
    found = {}
    for name, table in changes.items():
        rows_of, base = window(table)
        known = table.iloc[: rows_of.start].assign(label=known_of(table, rows_of.start))
        found[name] = (
            sigmoid(ChangeFit(features, [known], 3.0, eras=1).logits(table))
            if known["label"].sum() >= 10
            else np.full(len(table), base)
        )
    return found


def change_table(changes):
    """The rows of the change table, by model; with each model's scores."""
    nothing = np.random.default_rng(1)
    fits = left_out_fits((*data.DIFF, *data.HISTORY, *data.REPAIRS), changes)
    ours = calibrated(fits, changes, level=True)
    return {
        "random": {name: nothing.random(len(t)) for name, t in changes.items()},
        "smallest first": {
            name: 1 / (1 + (t["prod_la"] + t["prod_ld"]).to_numpy(float)) for name, t in changes.items()
        },
        "lines added, own past": own_past(changes, ("la",)),
        "Kamei's 14, own past": own_past(changes, data.KAMEI),
        "lines added": of_features(changes, ("la",), 100.0),
        "Kamei's 14": of_features(changes, data.KAMEI, 100.0),
        **regressions({name: extended(table) for name, table in changes.items()}),
        "ours, no history (diff alone)": of_features(changes, data.DIFF),
        "ours, repairs not traced": of_features(changes, (*data.DIFF, *data.HISTORY)),
        "ours, the level of the own past not known": calibrated(fits, changes),
        "ours, no message": ours,
        "ours": with_message(ours, changes),
    }


def line_table(changes, lines):
    """The rows of the line table."""
    nothing = np.random.default_rng(3)
    rankings = {
        "random": {name: nothing.random(len(t)) for name, t in lines.items()},
        "longest line": {name: t["ntok"].to_numpy(float) for name, t in lines.items()},
        "ours, no history": left_out_shares([f for f in data.LINE if f not in data.LINE_HISTORY], lines),
        "ours": left_out_shares(data.LINE, lines),
    }
    return rank_figures(changes, lines, rankings)


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
    show("near the top", (NEAR_THE_TOP,), {t: f.mean() for t, f in found.items()})
    gain = found["ours"]["auc"] - found["lines added"]["auc"]
    print(
        f"\nAUC above lines added in {(gain > 0).sum()} of {len(gain)}, by at least .05 in {(gain >= 0.05).sum()}; least {gain.min():+.3f}"
    )
    show("lines", LINES, line_table(changes, lines))
    if args.each:
        show("ours, each repository", CHANGE, dict(found["ours"].iterrows()))


if __name__ == "__main__":
    main()
