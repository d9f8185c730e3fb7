"""The strongest baselines, measured as the model is: `python -m tests.bench.risk.baselines --data DIR`.

What others' features and learners reach on the same repositories: each left out in turn, the newest 40 % of its changes,
the same figures. Lines by the same six folds as the model's own. Needs the `fit` dependency group and `lightgbm`, which
is no dependency of this project; the regressions alone are in `validate`, too.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from tests.bench.risk import data
from tests.bench.risk.evaluate import CHANGE, LINES, NEAR_THE_TOP, figures, known_of, rank_figures, show, window
from tests.bench.risk.fit import FEWEST, MOST
from tests.bench.risk.learn import logistic, logit, sigmoid

PLAIN = (
    *data.KAMEI, *map(data.in_tables, ("prod_nf", "prod_la", "prod_ld", "code_la", "code_ld", "test_la", "n_other", "hunks", "nfix_sum", "nfix_max",
    "branches", "del_branches", "funcs", "tokens", "new_tokens", "indent_max", "ent_mean", "ent_max", "dev_days",
    "msg_len", "subj_len", "has_ref", "new_file",
))
)  # fmt: skip
RANKS = (
    "la", "code_la", "lt", "nuc", "ndev", "age", "exp", "sexp", "nfix_sum", "hunks", "branches", "ent_mean", "ent_max", "tokens",
)  # fmt: skip
EXTENDED = (*PLAIN, *(f"of_recent_{name}" for name in RANKS), "past_rate", "new_share", "fix_share", "own_share")
"""Kamei's fourteen, 23 more of the tables, where fourteen of them stand among the newest 400 changes, and four shares."""
TOLD = ("fix", "msg_len", "subj_len", "has_ref")


def extended(table):
    """The table with the columns in `EXTENDED`."""
    fixed, now = table["fix_ts"].fillna(np.inf).to_numpy(), table["ts"].to_numpy()
    known = [(fixed[max(0, at - 800) : at] <= now[at]).sum() for at in range(len(table))]
    return table.assign(
        **{f"of_recent_{name}": data.ranks(table[data.in_tables(name)].to_numpy(float)) for name in RANKS},
        past_rate=(np.array(known) + 2) / (np.minimum(np.arange(len(table)), 800) + 12),
        new_share=table["new_tokens"] / (table["walk_tokens"] + 1),
        fix_share=table["walk_nfix_sum"] / (table["walk_nuc"] + 1),
        own_share=table["walk_sexp"] / (table["walk_nuc"] + 1),
    )


def logit_within(p):
    """Log-odds of scores, none of them further out than 1 in 10,000."""
    return logit(np.clip(p, 1e-4, 1 - 1e-4))


def weights(tables):
    return np.concatenate([np.full(len(t), len(t) ** -0.5) for t in tables])


def regression(features):
    """Fits a ridge logistic regression to tables; gives what says the scores of another."""

    def fit(tables):
        x = np.vstack([data.squashed(t, features) for t in tables])
        mean, deviation = x.mean(0), x.std(0) + 1e-9
        y = np.concatenate([t["label"].to_numpy(float) for t in tables])
        found = logistic((x - mean) / deviation, y, weights(tables), 1 / 0.3)
        return lambda table: sigmoid(found[0] + ((data.squashed(table, features) - mean) / deviation) @ found[1:])

    return fit


def trees(features, rounds, leaves, *, rate=0.03, least=40):
    """The same with boosted trees."""
    import lightgbm

    how = {
        "objective": "binary", "num_leaves": leaves, "learning_rate": rate, "min_data_in_leaf": least, "bagging_fraction": 0.8,
        "bagging_freq": 1, "feature_fraction": 0.6, "lambda_l2": 5, "verbosity": -1, "num_threads": 1, "seed": 0,
    }  # fmt: skip

    def fit(tables, weight=None):
        x = pd.concat(tables)
        told = lightgbm.Dataset(x[list(features)].to_numpy(float), x["label"].to_numpy(), weight=weight)
        model = lightgbm.train(how, told, rounds)
        return lambda table: model.predict(table[list(features)].to_numpy(float))

    return fit


def left_out(changes, fit):
    """The scores of each repository's changes by a fit to all the others."""
    found = {}
    for name, table in changes.items():
        others = [other for own, other in changes.items() if own != name]
        found[name] = fit(others)(table)
    return found


def platt_on_own_past(changes, scores):
    """Scores whose slope and intercept are the repository's own, by the labels known when its test window began."""
    found = {}
    for name, table in changes.items():
        cut, z = window(table)[0].start, logit_within(scores[name])[:, None]
        known = logistic(z[:cut], known_of(table, cut), np.ones(cut), 0.1)
        found[name] = sigmoid(known[0] + z @ known[1:])
    return found


def regressions(changes, plain=None):
    """The rows of the change table that need no library of trees."""
    plain = plain or left_out(changes, regression(EXTENDED))
    return {
        "extended LR, other repositories": plain,
        "extended LR + Platt on the own past": platt_on_own_past(changes, plain),
    }


def change_rows(changes):
    """All rows of changes as they come: title and scores."""
    linear = left_out(changes, regression(EXTENDED))
    yield from regressions(changes, linear).items()
    yield "extended LR without a message", left_out(changes, regression([n for n in EXTENDED if n not in TOLD]))
    own, late = own_past(changes)
    yield "extended LightGBM, own past", own
    weighed = trees(EXTENDED, 500, 31)
    cross = left_out(changes, lambda tables: weighed(tables, weights(tables)))
    yield "extended LightGBM, other repositories", cross
    yield "extended LightGBM + Platt on the own past", platt_on_own_past(changes, cross)
    yield "cross + own past, stacked", stacked(changes, (cross, linear, late), (cross, linear, own))
    mean = {n: sigmoid(sum(map(logit_within, (cross[n], linear[n], own[n]))) / 3) for n in changes}
    yield "cross + own past, mean of log-odds", mean


ROOM = 0.6
"""The share of the past that a first model of the own past learns from, so that the stacking has changes it did not see."""


def own_past(changes):
    """Scores of boosted trees on the own past: on all of it, and on its older part; None where too little is known."""
    fit = trees(EXTENDED, 150, 7, least=20)
    whole, older = {}, {}
    for name, table in changes.items():
        cut = window(table)[0].start
        early = int(cut * ROOM)
        for into, end, least in ((whole, cut, 10), (older, early, 8)):
            known = known_of(table, end)
            enough = known.sum() >= least
            past = table.iloc[:end].assign(label=known)
            into[name] = fit([past])(table) if enough else np.full(len(table), known.mean()) if end == cut else None
    return whole, older


def stacked(changes, learned, told):
    """Scores from the log-odds of several, weighed by the repository's own past; of the second where it is too short."""
    found = {}
    for name, table in changes.items():
        if learned[-1][name] is None:
            found[name] = told[1][name]
            continue
        cut = window(table)[0].start
        late = slice(int(cut * ROOM), cut)
        z, now = (np.column_stack([logit_within(s[name]) for s in scores]) for scores in (learned, told))
        known = logistic(z[late], known_of(table, cut)[late], np.ones(late.stop - late.start), 10.0)
        found[name] = sigmoid(known[0] + now @ known[1:])
    return found


OF_LINE = (
    "ent", "ent_max", "new_tok", "ntok", "indent", "hunk_add", "hunk_del", "pos", "new_file", "f_lt", "f_nuc", "f_nfix", "f_code",
    "f_age", "f_share", "f_own", "ent_rank", "ntok_rank", "prev_ent", "next_ent", "ind_prev", "pos_rel",
    *(f"bit{at}" for at in range(14)),
)  # fmt: skip


def extended_lines(folder, name, table):
    """The table of lines with the columns in `OF_LINE`."""
    files = data.files(folder, name)
    files["f_share"] = files["code_la"] / files.groupby("sha")["code_la"].transform("sum").clip(lower=1)
    files["f_own"] = files["own"] / files["nuc"].clip(lower=1)
    files = files.rename(columns={"lt": "f_lt", "age": "f_age"})
    table = table.merge(
        files[["sha", "file_no", "f_lt", "f_age", "f_share", "f_own"]], on=["sha", "file_no"], how="left"
    )
    of_commit = table.groupby("sha")
    return table.assign(
        ent_rank=of_commit["ent"].rank(pct=True),
        prev_ent=of_commit["ent"].shift(1).fillna(-1),
        next_ent=of_commit["ent"].shift(-1).fillna(-1),
        ind_prev=table["indent"] - of_commit["indent"].shift(1).fillna(0),
        **{f"bit{at}": (table["bits"].to_numpy() >> at) & 1 for at in range(14)},
    )


def line_rows(lines, folds=6):
    """The rankings of boosted trees and of LambdaRank, each repository's by the other folds."""
    import lightgbm

    how = {
        "num_leaves": 31, "learning_rate": 0.04, "min_data_in_leaf": 200, "bagging_fraction": 0.8, "bagging_freq": 1,
        "feature_fraction": 0.6, "lambda_l2": 5, "verbosity": -1, "num_threads": 1, "seed": 0,
    }  # fmt: skip
    found, names = {"line LightGBM": {}, "line LambdaRank": {}}, list(lines)
    for fold in range(folds):
        here = names[fold::folds]
        x = pd.concat([t[(t["n"] >= FEWEST) & (t["n"] <= MOST)] for name, t in lines.items() if name not in here])
        sizes = x.groupby(["repo", "sha"], sort=False).size().to_numpy()
        rows, truth = x[list(OF_LINE)].to_numpy(np.float32), x["buggy"].to_numpy()
        each = lightgbm.Dataset(rows, truth, weight=1 / np.sqrt(x["n"].to_numpy()))
        alone = lightgbm.train(how | {"objective": "binary"}, each, 400)
        within = lightgbm.Dataset(rows, truth, group=sizes)
        ranked = {"objective": "lambdarank", "lambdarank_truncation_level": 15}
        ranker = lightgbm.train(how | ranked, within, 300)
        for name in here:
            of_line = lines[name][list(OF_LINE)].to_numpy(np.float32)
            found["line LightGBM"][name] = alone.predict(of_line)
            found["line LambdaRank"][name] = ranker.predict(of_line)
        print(f"lines: fold {fold + 1} of {folds}", flush=True)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the training tables")
    parser.add_argument("--parts", nargs="*", choices=("changes", "lines"), default=("changes", "lines"))
    args = parser.parse_args()
    changes = {name: extended(data.commits(args.data, name)) for name in data.names(args.data)}
    if "changes" in args.parts:
        rows = ((title, figures(changes, scores).mean()) for title, scores in change_rows(changes))
        show(f"changes, mean of {len(changes)} repositories", (*CHANGE, NEAR_THE_TOP), rows)
    if "lines" in args.parts:
        lines = {name: extended_lines(args.data, name, data.lines(args.data, name)) for name in changes}
        show("lines", LINES, rank_figures(changes, lines, line_rows(lines)))


if __name__ == "__main__":
    main()
