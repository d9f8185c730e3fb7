"""What was tried beside the shipped model: `python -m tests.bench.risk.variants --data DIR`.

Prints the tables of variants that docs/risk-model.md holds, by the same validation as `validate`.
"""

import argparse
from pathlib import Path

import numpy as np

from sidecar.risk.features import LINE_CONTEXT, LINE_FORMS
from tests.bench.risk import data, fit
from tests.bench.risk.evaluate import CHANGE, LINES, line_figures
from tests.bench.risk.learn import logistic
from tests.bench.risk.validate import figures, of_features, show, window

RAW = (
    *(name for name in data.KAMEI if name != "fix"), "prod_nf", "prod_la", "prod_ld", "code_la", "code_ld", "test_la",
    "n_other", "hunks", "nfix_sum", "nfix_max", "branches", "del_branches", "funcs", "tokens", "indent_max", "dev_days",
    "new_file",
)  # fmt: skip
"""Every raw number that the tables give and the product could know, without message and n-gram model."""
RATIOS = ("sum_density", "own_share")
HISTORY_RANKS = tuple(f"r_{name}" for name in ("nuc", "exp", *data.RANKED))
SIZE_RANKS = tuple(f"r_{name}" for name in ("la", "code_la", "hunks", "branches", "tokens"))
SURPRISE = ("new_tokens", "ent_mean", "ent_max", "new_ratio", "r_ent_mean", "r_ent_max")
BY_FILE = ("w_nfix", "w_nuc", "w_density", "w_own", "w_age", "w_lt", "spread", "mx_code", "mx_nuc", "mx_own", "mn_age")
PAST = (*data.DIFF, *data.HISTORY)
OURS = (*PAST, *data.REPAIRS)


def enriched(folder, name):
    """The table of `data.commits` with the columns that only variants use."""
    table = data.commits(folder, name)
    table["sum_density"] = table["nfix_sum"] / (table["nuc"] + 1)
    table["own_share"] = table["sexp"] / (table["nuc"] + 1)
    table["new_ratio"] = table["new_tokens"] / (table["tokens"] + 1)
    for feature in (*HISTORY_RANKS, *SIZE_RANKS, "r_ent_mean", "r_ent_max"):
        if feature not in table:
            table[feature] = data.ranks(table[feature[2:]].to_numpy(float))
    fixed, now = table["fix_ts"].fillna(np.inf).to_numpy(), table["ts"].to_numpy()
    table["past_rate"] = [
        ((fixed[max(0, i - 800) : i] <= now[i]).sum() + 2) / (min(i, 800) + 12) for i in range(len(table))
    ]
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
    """Title to scores."""
    bent = dict(fit.BENT)
    found = {
        "all 32 raw numbers": of_features(changes, (*RAW, *RATIOS)),
        "+ share of fixes": of_features(changes, (*RAW, *RATIOS, "fix_rate")),
        "+ ranks of history": of_features(changes, (*RAW, *RATIOS, "fix_rate", *HISTORY_RANKS)),
        "+ ranks of size (needs 400 diffs)": of_features(
            changes, (*RAW, *RATIOS, "fix_rate", *HISTORY_RANKS, *SIZE_RANKS)
        ),
        "+ share of recent changes already repaired (needs SZZ)": of_features(
            changes, (*RAW, *RATIOS, "fix_rate", *HISTORY_RANKS, *SIZE_RANKS, "past_rate")
        ),
        "+ surprise (needs an n-gram model)": of_features(
            changes, (*RAW, *RATIOS, "fix_rate", *HISTORY_RANKS, *SIZE_RANKS, "past_rate", *SURPRISE)
        ),
        "diff and history, no repairs": of_features(changes, PAST),
        **{f"+ {name}": of_features(changes, (*PAST, name)) for name in data.REPAIRS},
        "shipped": of_features(changes, OURS),
        "shipped, bent at three places": hinged(changes, OURS),
        "shipped, ridge 10": of_features(changes, OURS, 10.0),
        "shipped, ridge 1000": of_features(changes, OURS, 1000.0),
        "shipped + facts by file": of_features(changes, (*OURS, *BY_FILE)),
        "shipped + surprise": of_features(changes, (*OURS, *SURPRISE)),
        "shipped + share already repaired": of_features(changes, (*OURS, "past_rate")),
        "shipped + raw sizes": of_features(
            changes, (*OURS, "la", "code_la", "code_ld", "hunks", "funcs", "n_other", "new_file")
        ),
        "shipped without ranks": of_features(changes, [f for f in OURS if not f.startswith("r_")]),
    }
    fit.BENT.clear()
    found["shipped without squares"] = of_features(changes, OURS)
    fit.BENT.update(bent)
    return found


def hinged(changes, features):
    """The shipped features, each a line that may bend at its quartiles, instead of squares."""
    squashed = {name: data.squashed(table, features) for name, table in changes.items()}
    knots = np.quantile(np.vstack(list(squashed.values())), (0.25, 0.5, 0.75), axis=0)
    wide = {}
    for name, table in changes.items():
        x = squashed[name]
        hinges = {
            f"{f}>{k}": np.expm1(np.maximum(0, x[:, at] - knots[k, at]))
            for at, f in enumerate(features)
            for k in range(3)
        }
        wide[name] = table.assign(**hinges)
    return of_features(wide, (*features, *hinges))


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
            found[name] = ((design.raw(tables[name]) - design.mean) / design.deviation) @ weights[1:]
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
    show(
        "changes",
        CHANGE,
        {title: figures(changes, scores).mean() for title, scores in change_variants(changes).items()},
    )
    wanted = {name: set(t.iloc[window(t)[0]].query("label == 1")["sha"].str[:12]) for name, t in changes.items()}
    rows = {}
    for title, ranking in line_variants(lines).items():
        noise = np.random.default_rng(3)
        rows[title] = line_figures(
            [
                (t["buggy"].to_numpy()[at], ranking[name][at] + noise.random(len(at)) * 1e-9)
                for name, t in lines.items()
                for sha, at in t.groupby("sha").indices.items()
                if sha in wanted[name]
            ]
        )
    show("lines", LINES, rows)


if __name__ == "__main__":
    main()
