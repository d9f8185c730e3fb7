"""What was tried beside the shipped model: `python -m tests.bench.risk.variants --data DIR`.

Prints the tables of variants that docs/risk-model.md holds, by the same validation as `validate`.
"""

import argparse
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from sidecar.risk.content import CONTENT
from sidecar.risk.features import LINE_CONTEXT, LINE_FORMS
from tests.bench.risk import data, fit
from tests.bench.risk.evaluate import CHANGE, LINES, figures, rank_figures, show
from tests.bench.risk.learn import logistic, sigmoid
from tests.bench.risk.levels import Calibration
from tests.bench.risk.validate import of_features

SURPRISE = ("new_tokens", "ent_mean", "ent_max", "new_ratio", "r_ent_mean", "r_ent_max")
BY_FILE = ("w_nfix", "w_nuc", "w_density", "w_own", "w_age", "w_lt", "spread", "mx_code", "mx_nuc", "mx_own", "mn_age")
BEFORE = (*(name for name in data.DIFF if name not in CONTENT), *data.HISTORY, *data.REPAIRS)
FORMS = tuple(name for name in CONTENT if name.startswith("n_"))
NAMES = tuple(name for name in CONTENT if name.startswith("names"))
PARTS = tuple(name for name in CONTENT if name not in {*FORMS, *NAMES})
OURS = (*data.DIFF, *data.HISTORY, *data.REPAIRS)


def enriched(folder, name):
    """The table of `data.commits` with the columns that only variants use."""
    table = data.commits(folder, name)
    table["new_ratio"] = table["new_tokens"] / (table["walk_tokens"] + 1)
    for feature in ("r_ent_mean", "r_ent_max"):
        table[feature] = data.ranks(table[feature[2:]].to_numpy(float))
    return table.join(_by_file(folder, name), on=table["sha"].str[:12].rename("short")).fillna(
        dict.fromkeys(BY_FILE, 0.0)
    )


def _by_file(folder, name):
    files = data.files(folder, name)
    share = files["code_la"] / files.groupby("sha")["code_la"].transform("sum").clip(lower=1)
    weighed = {
        "w_nfix": np.log1p(files["nfix"]), "w_nuc": np.log1p(files["nuc"]), "w_density": files["nfix"] / (files["nuc"] + 1),
        "w_own": files["own"] / (files["nuc"] + 1), "w_age": np.log1p(files["age"].clip(lower=0)),
        "w_lt": np.log1p(files["lt"]), "spread": -np.log(share.clip(lower=1e-9)),
    }  # fmt: skip
    found = (files[["sha"]].assign(**{k: v * share for k, v in weighed.items()})).groupby("sha").sum()
    grouped = files.groupby("sha")
    return found.assign(
        mx_code=grouped["code_la"].max(), mx_nuc=grouped["nuc"].max(), mx_own=grouped["own"].max(),
        mn_age=files["age"].where(files["age"] >= 0).groupby(files["sha"]).min(),
    )  # fmt: skip


def change_variants(changes):
    """Title and scores, as they come."""
    yield "features of `jit-lr@2`", of_features(changes, BEFORE)
    yield "+ forms of lines", of_features(changes, (*BEFORE, *FORMS))
    yield "+ names", of_features(changes, (*BEFORE, *NAMES))
    yield "+ lines, largest parts, means", of_features(changes, (*BEFORE, *PARTS))
    yield "shipped", of_features(changes, OURS)
    yield "shipped, with the level of the own past", of_features(changes, OURS, level=True)
    yield "shipped, ridge 100", of_features(changes, OURS, 100.0)
    yield "shipped, ridge 1000", of_features(changes, OURS, 1000.0)
    yield "shipped + facts by file", of_features(changes, (*OURS, *BY_FILE))
    yield "shipped + surprise", of_features(changes, (*OURS, *SURPRISE))
    yield "shipped without ranks", of_features(changes, [f for f in OURS if not f.startswith("r_")])
    with changed(fit.BENT, dict.fromkeys(fit.BENT)):
        yield "shipped without squares", of_features(changes, OURS)
    with changed(vars(fit), {"LANGUAGES": ()}):
        yield "shipped, one weight for all languages", of_features(changes, OURS)
    with changed(vars(fit), {"PULL": 1e9}):
        yield "shipped, weights from all changes at once", of_features(changes, OURS)
    with changed(vars(fit), {"OTHER_RATES": 0.0}):
        yield "shipped, rates as they are", of_features(changes, OURS)


@contextmanager
def changed(values, others):
    """Other values for a while; None leaves one out."""
    before = dict(values)
    values.update({name: value for name, value in others.items() if value is not None})
    for name in [name for name, value in others.items() if value is None]:
        del values[name]
    try:
        yield
    finally:
        values.update(before)


def elsewhere(changes, features, *, level=False):
    """Figures where a repository has another rate than its own: the changes of `data.THINNED`, scores of models that left it out."""
    fits = fit.left_out_fits(features, changes)
    found = {}
    for title in data.THINNED:
        there = {name: fit.elsewhere(table, title) for name, table in changes.items()}
        scores = {}
        for name in changes:
            others = {other: table for other, table in changes.items() if other != name}
            scores[name] = sigmoid(Calibration(fits, others, level=level).logits(name, there[name]))
        found[f"{title} repairs"] = figures(there, scores).mean()
    return found


def pointwise(features, tables, folds=6):
    """Ranking by a logistic regression of single lines instead of the choice model."""
    found, names = {}, list(tables)
    for fold in range(folds):
        here = names[fold::folds]
        used = [t[(t["n"] >= fit.FEWEST) & (t["n"] <= fit.MOST)] for n, t in tables.items() if n not in here]
        design = fit.Design(features)
        x = design.scale(np.vstack([design.raw(t) for t in used]))
        y = np.concatenate([t["buggy"].to_numpy() for t in used]).astype(float)
        w = np.concatenate([t["n"].to_numpy(float) ** -0.5 for t in used])
        weights = logistic(x, y, w / w.mean(), 100.0)
        for name in here:
            found[name] = design.standard(tables[name]) @ weights[1:]
    return found


def line_variants(lines):
    """Title to rankings."""
    more = {*LINE_FORMS, *LINE_CONTEXT}
    form = [f for f in data.LINE if f not in {"f_code", "h_code", "new_file", *data.LINE_HISTORY, *more}]
    return {
        "longest line": {name: t["ntok"].to_numpy(float) for name, t in lines.items()},
        "surprise, mean": {name: t["ent"].to_numpy(float) for name, t in lines.items()},
        "logistic regression of single lines": pointwise(data.LINE, lines),
        "choice model, the line alone": fit.left_out_shares(["ntok", "tok2", "indent", *data.LINE_BITS], lines),
        "choice model, line and place": fit.left_out_shares(form, lines),
        "choice model, line, place and the file's past": fit.left_out_shares(
            [f for f in data.LINE if f not in more], lines
        ),
        "shipped: + names, forms, what is replaced": fit.left_out_shares(data.LINE, lines),
        "shipped + surprise (needs an n-gram model)": fit.left_out_shares(
            (*data.LINE, "ent", "ent_max", "new_tok"), lines
        ),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the training tables")
    args = parser.parse_args()
    names = data.names(args.data)
    changes = {name: enriched(args.data, name) for name in names}
    lines = {name: data.lines(args.data, name) for name in names}
    rows = ((title, figures(changes, scores).mean()) for title, scores in change_variants(changes))
    show("changes", CHANGE, rows)
    for title, features, level in (("of `jit-lr@2`", BEFORE, False), ("shipped", OURS, False), ("shipped", OURS, True)):
        told = f"other rates, features {title}{', with the level of the own past' if level else ''}"
        show(told, CHANGE, elsewhere(changes, features, level=level))
    with changed(vars(fit), {"OTHER_RATES": 0.0}):
        show("other rates, shipped, fitted to rates as they are", CHANGE, elsewhere(changes, OURS))
    show("lines", LINES, rank_figures(changes, lines, line_variants(lines)))


if __name__ == "__main__":
    main()
