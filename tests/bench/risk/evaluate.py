"""The figures by which a risk score is judged, for changes and for lines; which changes they come from, and how they are shown."""

import numpy as np
import pandas as pd

TEST_SHARE = 0.4
CHANGE = ("auc", "auc_size", "ap", "bss", "ece", "cap10", "prec10", "pofb20")
NEAR_THE_TOP = "cap5_20"
"""The capture at one place of the order moves by chance; this is its mean over the riskiest 5, 6, … 20 in 100."""
LINES = ("top5", "top10", "hit5", "hit10", "ifa_mean", "ifa_median", "recall20", "auc")


def auc(y, score):
    """Area under the ROC curve; NaN when one class is missing."""
    y = np.asarray(y)
    positive = int(y.sum())
    if positive in {0, len(y)}:
        return float("nan")
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    return (rank[y == 1].sum() - positive * (positive + 1) / 2) / (positive * (len(y) - positive))


def auc_within_size(y, score, size):
    """AUC inside five strata of equal change size, averaged by their defects."""
    stratum = np.argsort(np.argsort(size, kind="stable"), kind="stable") * 5 // len(size)
    parts = [(auc(y[stratum == k], score[stratum == k]), y[stratum == k].sum()) for k in range(5)]
    known = [(value, weight) for value, weight in parts if not np.isnan(value)]
    return np.average([value for value, _ in known], weights=[weight for _, weight in known])


def change_figures(y, score, size, base):
    """All figures of one repository's changes; `base` is its past's known rate, `size` the changed production lines."""
    y, score, size = np.asarray(y), np.asarray(score, float), np.asarray(size, float)
    order = np.argsort(-score, kind="stable")
    truth = y[order]
    tenth = max(1, round(len(y) / 10))
    bins = np.array_split(order[::-1], 10)
    dense = np.argsort(-score / np.maximum(1, size), kind="stable")
    within = np.cumsum(size[dense]) <= 0.2 * size.sum()
    return {
        "auc": auc(y, score),
        "auc_size": auc_within_size(y, score, size),
        "ap": (np.cumsum(truth) / np.arange(1, len(y) + 1))[truth == 1].mean(),
        "bss": 1 - ((score - y) ** 2).mean() / ((base - y) ** 2).mean(),
        "ece": sum(len(b) / len(y) * abs(y[b].mean() - score[b].mean()) for b in bins),
        "cap10": truth[:tenth].sum() / y.sum(),
        "prec10": truth[:tenth].mean(),
        NEAR_THE_TOP: np.mean([truth[: max(1, round(len(y) * cut / 100))].sum() for cut in range(5, 21)]) / y.sum(),
        "pofb20": y[dense][within].sum() / y.sum(),
    }


def line_figures(commits, least=20):
    """All figures over commits given as (truth, score) arrays; those with fewer code lines than `least` are left out."""
    rows = []
    for truth, score in commits:
        if len(truth) < least or not truth.any():
            continue
        ranked = truth[np.argsort(-score, kind="stable")]
        fifth = max(1, round(len(ranked) / 5))
        rows.append((
            ranked[:5].mean(), ranked[:10].mean(), ranked[:5].any(), ranked[:10].any(), np.argmax(ranked),
            ranked[:fifth].sum() / ranked.sum(), auc(truth, score),
        ))  # fmt: skip
    table = np.array(rows, float)
    mean = np.nanmean(table, axis=0)
    return dict(zip(LINES, [*mean[:5], np.median(table[:, 4]), *mean[5:]], strict=True)) | {"commits": len(rows)}


def window(table):
    """The rows of the test window, and the rate of labels known when it began."""
    cut = int(len(table) * (1 - TEST_SHARE))
    return slice(cut, None), known_of(table, cut).mean()


def known_of(table, cut):
    """The labels of the changes before a row, as far as they were known at its time."""
    past = table.iloc[:cut]
    return ((past["label"] == 1) & (past["fix_ts"] <= table["ts"].iloc[cut])).to_numpy(float)


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


def rank_figures(changes, lines, rankings):
    """Figures of rankings of lines, over the labelled changes of the test windows of all repositories."""
    found = {}
    for title, ranking in rankings.items():
        commits, noise = [], np.random.default_rng(3)
        for name, table in lines.items():
            test = changes[name].iloc[window(changes[name])[0]]
            wanted = set(test.loc[test["label"] == 1, "sha"].str[:12])
            tie = noise.random(len(table)) * 1e-9
            for sha, rows in table.groupby("sha").indices.items():
                if sha in wanted:
                    commits.append((table["buggy"].to_numpy()[rows], ranking[name][rows] + tie[rows]))
        found[title] = line_figures(commits)
    return found


def show(title, columns, rows):
    """Print a table; `rows` by title, as a mapping or as pairs that are still being made."""
    print(f"\n| {title} | {' | '.join(columns)} |")
    print(f"| --- |{' --- |' * len(columns)}")
    for name, row in rows.items() if isinstance(rows, dict) else rows:
        print(f"| {name} | {' | '.join(f'{row[c]:.3f}' for c in columns)} |", flush=True)
