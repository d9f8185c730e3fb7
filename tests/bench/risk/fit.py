"""Fits the risk model and writes it into the package: `python -m tests.bench.risk.fit --data DIR`.

Needs the `fit` dependency group. The same tables give the same file, byte for byte, on the same versions of it.
"""

import argparse
import json
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from sidecar.risk.content import CONTENT
from tests.bench.risk import data
from tests.bench.risk.learn import choice, logistic, logistic_within, logit, shares, sigmoid, spread_of
from tests.bench.risk.levels import Calibration

NAME = "jit-lr@7"
RIDGE, RIDGE_MESSAGE, RIDGE_LINES = 300.0, 100.0, 10.0
ERAS, PULL = 4, 5.0
"""The parts in which a repository's changes have intercepts of their own, and how these are drawn to the common one."""
OF_PLACE = ("fix_rate", "rep_here")
"""Features that tell one repository and era from another; their weights are fitted last."""
OTHER_RATES, RIDGE_PLACE = 0.1, 3.0
"""What a repository with another rate of repairs (`data.THINNED`) weighs when these weights are fitted."""
_CENTRES = (0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 2.0, 3.0, 3.0, 2.0, 3.0, 1.0, 1.0, 2.0, 2.0, 2.0, 1.0)
BENT = {"dev_days": 4.0, "exp": 4.0, "age": 4.0, "nuc": 4.0} | dict(zip(CONTENT, _CENTRES, strict=True))
"""Features that also have a squared term, with its centre on the logarithmic scale: the means of the new code's, rounded."""
GROWING = ("tokens", "branches", "lines", "names", "hunk_max", "replacing", *(n for n in CONTENT if n[:2] == "n_"))
WITH_NAMES = (*GROWING, "names_all", "names_once")
"""What grows with more of the same code, and with more that has names of its own."""
GROWN, GROWTH, OF_EACH = (1, 4, 16, 64, 256, 1024), 1.25, 14
"""More of the same never scores lower: so many changes of each repository, grown as often and then by a quarter; and equal lines."""
LANGUAGES = ("python", "javascript")
"""Languages in which the features of the diff have weights of their own, drawn to the common ones."""
OUT = Path(__file__).parents[3] / "sidecar" / "risk" / "model.json"
FEWEST, MOST = 5, 800
"""Changes with fewer or more added lines of code teach the line model nothing worth their cost."""


_RAW, _GROWN, _ELSEWHERE = {}, {}, {}
"""What was made of tables, by their ids; the tables are held beside it, so that their ids stay theirs."""


@cache
def equal_lines():
    """Changes of one line, to be grown: short and long, with every mixture of what a line can have, in each language."""
    forms = ("branches", "replacing", *(name for name in GROWING if name[:2] == "n_"))
    kinds = product((4, 16), ("", *LANGUAGES), *[(0, 1)] * len(forms))
    table = pd.DataFrame(kinds, columns=["tokens", "language", *forms])
    return table.assign(
        lines=1, hunk_max=1, **dict.fromkeys(("names", "names_all", "names_once"), table["tokens"] // 3)
    )


class Design:
    """Which columns a regression has, and how to make them: features and squares of some, standardised.

    Those of the diff come again for each of the `languages`, and are 0 for changes in others.
    """

    def __init__(self, features, languages=(), *, bends=True):
        bent = BENT.items() if bends else ()
        self.columns = [(name, None) for name in features] + [(n, c) for n, c in bent if n in features]
        self.own = [(at, lang) for lang in languages for at, name in enumerate(features) if name in data.DIFF]
        self.width = len(self.columns) + len(self.own)

    def raw(self, table):
        """The columns before scaling; kept for each table, since every one is part of many fits."""
        key = (id(table), tuple(self.columns))
        if key not in _RAW:
            _RAW[key] = table, self._raw(table)
        return _RAW[key][1]

    def _raw(self, table):
        x = data.squashed(table, [name for name, _ in self.columns])
        for at, (_, centre) in enumerate(self.columns):
            if centre is not None:
                x[:, at] = ((x[:, at] - centre) / 2) ** 2
        return x

    def scale(self, x):
        self.mean, self.deviation = x.mean(0), x.std(0) + 1e-9
        return (x - self.mean) / self.deviation

    def standard(self, table):
        """All columns of a table, by the scale found before."""
        return self._with_own((self.raw(table) - self.mean) / self.deviation, table)

    def _with_own(self, x, table):
        if not self.own:
            return x
        here = {lang: (table["language"] == lang).to_numpy() for _, lang in self.own}
        return np.hstack([x, x[:, [at for at, _ in self.own]] * np.column_stack([here[lang] for _, lang in self.own])])

    def growth(self, tables):
        """How much each column grows with more of the same code, in some changes of each table; None without the size."""
        if ("tokens", None) not in self.columns:
            return None
        grown = [*map(self._grown, tables), self._grown(equal_lines(), len(equal_lines()))]
        return np.vstack([self._with_own(x / self.deviation, some) for x, some in grown])

    def _grown(self, table, most=OF_EACH):
        key = (id(table), tuple(self.columns))
        if key not in _GROWN:
            code = table[table["tokens"] > 0]
            some = code.iloc[:: max(1, len(code) // most)].head(most)
            some = some.reindex(
                columns=[*{n: 0 for n, _ in self.columns} | dict.fromkeys(WITH_NAMES), "language"], fill_value=0
            )
            steps, wholes = [], [(n, k) for n in (GROWING, WITH_NAMES) for k in GROWN]
            for names, times in wholes:
                less, more = (some.assign(**{n: some[n] * k for n in names}) for k in (times, GROWTH * times))
                steps.append(self._raw(more) - self._raw(less))
            _GROWN[key] = table, (np.vstack(steps), pd.concat([some] * len(wholes)))
        return _GROWN[key][1]

    def terms(self, weights):
        found = [
            {"feature": name, "weight": float(w), "mean": float(m), "scale": float(s)}
            | ({} if centre is None else {"centre": centre})
            for (name, centre), w, m, s in zip(
                self.columns, weights[: len(self.columns)], self.mean, self.deviation, strict=True
            )
        ]
        own = zip(self.own, weights[len(found) :], strict=True)
        return found + [found[at] | {"weight": float(w), "language": lang} for (at, lang), w in own]


def stacked(tables):
    """Truth and weights of all changes: a repository counts with the square root of its size."""
    y = np.concatenate([t["label"].to_numpy() for t in tables]).astype(float)
    w = np.concatenate([np.full(len(t), len(t) ** -0.5) for t in tables])
    return y, w / w.mean()


def elsewhere(table, title):
    """A repository's changes as they would be with another rate of repairs; see `data.THINNED`."""
    key = (id(table), title)
    if key not in _ELSEWHERE:
        stays = table[table[f"in_{title}"]].reset_index(drop=True)
        _ELSEWHERE[key] = table, stays.assign(rep_here=stays[f"here_{title}"])
    return _ELSEWHERE[key][1]


class ChangeFit:
    """A regression of the label on some features, over the tables given, and what it says of another table.

    First the weights of all features but those in `OF_PLACE`, by what distinguishes the changes of one repository and
    era; then those in `OF_PLACE`, a common intercept and a slope for the rest, by what distinguishes places.
    """

    def __init__(self, features, tables, ridge=RIDGE, eras=ERAS, near=None):
        """`near` is a fit to nearly the same tables, from which the way is shorter."""
        self.design = Design([name for name in features if name not in OF_PLACE], LANGUAGES)
        self.place = Design([name for name in features if name in OF_PLACE])
        y, w = stacked(tables)
        self.design.scale(np.vstack([self.design.raw(t) for t in tables]))
        x = np.vstack([self.design.standard(t) for t in tables])
        era = np.concatenate([at * eras + np.arange(len(t)) * eras // len(t) for at, t in enumerate(tables)])
        held = self.design.growth(tables)
        self.first = self.found = logistic_within(x, y, w, (ridge, PULL), era, near=near and near.first, held=held)
        if not self.place.columns:
            return
        self.place.scale(np.vstack([self.place.raw(t) for t in tables]))
        rows = [self._row(t, len(t) ** -0.5) for t in tables]
        for title in data.THINNED if "rep_here" in features else ():
            rows += [self._row(elsewhere(t, title), OTHER_RATES * len(t) ** -0.5) for t in tables]
        z, places, y, w = (np.concatenate(column) for column in zip(*rows, strict=True))
        known = logistic(np.column_stack([z, places]), y, w / w.mean(), RIDGE_PLACE)
        self.found = np.r_[known[0] + known[1] * self.found[0], known[1] * self.found[1:], known[2:]]

    def _row(self, table, weight):
        return self._plain(table), self._places(table), table["label"].to_numpy(float), np.full(len(table), weight)

    def _plain(self, table):
        return self.found[0] + self.design.standard(table) @ self.found[1 : 1 + self.design.width]

    def _places(self, table):
        return self.place.standard(table)

    def logits(self, table):
        z = self._plain(table)
        return z + self._places(table) @ self.found[1 + self.design.width :] if self.place.columns else z

    def terms(self, slope):
        """All weights times a slope, as the model's file has them."""
        cut = 1 + self.design.width
        found = self.design.terms(slope * self.found[1:cut])
        return found + (self.place.terms(slope * self.found[cut:]) if self.place.columns else [])


class MessageFit:
    """What a message adds to log-odds already known: centred, so that a missing message adds nothing."""

    def __init__(self, tables, logits):
        self.design = Design(data.MESSAGE)
        y, w = stacked(tables)
        x = self.design.scale(np.vstack([self.design.raw(t) for t in tables]))
        self.found = logistic(x, y, w, RIDGE_MESSAGE, np.concatenate(logits), intercept=False)

    def logits(self, table):
        return self.design.standard(table) @ self.found[1:]


class LineFit:
    """The choice model of lines."""

    def __init__(self, features, tables, near=None):
        self.design = Design(features, bends=False)
        used = [((t["n"] >= FEWEST) & (t["n"] <= MOST)).to_numpy() for t in tables]
        x = self.design.scale(np.vstack([self.design.raw(t)[rows] for t, rows in zip(tables, used, strict=True)]))
        y = np.concatenate([t["buggy"].to_numpy()[rows] for t, rows in zip(tables, used, strict=True)]).astype(float)
        group, groups = [], 0
        for t, rows in zip(tables, used, strict=True):
            codes = t["sha"].to_numpy()[rows]
            codes = np.r_[0, np.cumsum(codes[1:] != codes[:-1])]
            group.append(codes + groups)
            groups += codes[-1] + 1
        self.found = choice(x, y, np.concatenate(group), RIDGE_LINES, near=near and near.found)

    def shares(self, table):
        z = self.design.standard(table) @ self.found
        return shares(z, table["sha"].factorize()[0])


def left_out_fits(features, tables, ridge=RIDGE):
    """For each repository the fit to all the others."""
    found, near = {}, None
    for name in tables:
        near = ChangeFit(features, [t for other, t in tables.items() if other != name], ridge, near=near)
        found[name] = near
    return found


def left_out_shares(features, tables, folds=6):
    """The shares of each repository's lines, from fits to the repositories of the other folds."""
    found, names, model = {}, list(tables), None
    for fold in range(folds):
        here = names[fold::folds]
        model = LineFit(features, [t for name, t in tables.items() if name not in here], model)
        found |= {name: model.shares(tables[name]) for name in here}
    return found


def spreads(scores, changes, lines, share):
    """The exponents for files, hunks and lines, and the one for all three, each level weighing the same."""
    rows = {level: [] for level in ("file_id", "hunk_id", "line")}
    for name, table in lines.items():
        p = dict(zip(changes[name]["sha"].str[:12], scores[name], strict=True))
        t = table.assign(share=share[name], p=table["sha"].map(p)).dropna(subset=["p"])
        for level, found in rows.items():
            parts = (
                t[["sha", "p", "share", "buggy"]]
                if level == "line"
                else t.groupby(level).agg(
                    sha=("sha", "first"), p=("p", "first"), share=("share", "sum"), buggy=("buggy", "max")
                )
            )
            parts = parts.assign(w=1 / parts.groupby("sha")["sha"].transform("size"))
            found.append(parts[["p", "share", "buggy", "w"]].to_numpy(float)[parts["share"].to_numpy() < 1 - 1e-9])
    levels = {level: np.vstack(found) for level, found in rows.items()}
    each = {level: spread_of(*(a[:, k] for k in (0, 1, 2, 3))) for level, a in levels.items()}
    joined = np.vstack([np.column_stack([a[:, :3], a[:, 3] / a[:, 3].sum()]) for a in levels.values()])
    return each, spread_of(*(joined[:, k] for k in range(4)))


def line_part(features, lines):
    """The line model, and the shares of lines of repositories that it did not see."""
    return LineFit(features, list(lines.values())), left_out_shares(features, lines)


def head(name, features, line_part, changes, lines, *, level=False, tell=print):
    """One head of the model, and its calibrated log-odds on repositories left out; with `level` that of the past counts."""
    known = Calibration(left_out_fits(features, changes), changes, level=level)
    calibrated = {name: known.logits(name, table) for name, table in changes.items()}
    slope, intercept = known.slope, known.intercept
    whole = ChangeFit(features, list(changes.values()))
    line_model, share = line_part
    each, spread = spreads({name: sigmoid(z) for name, z in calibrated.items()}, changes, lines, share)
    tell(
        f"{name}\n  calibration: slope {slope:.3f}, intercept {intercept:+.3f}, level {known.weight:.3f} from {known.mean:+.3f}; "
        f"spread {spread:.3f} of {each}",
        flush=True,
    )
    found = {
        "name": name,
        "base": float(intercept + slope * whole.found[0]),
        "spread": spread,
        "terms": whole.terms(slope) + known.terms(),
        "lines": line_model.design.terms(line_model.found),
    }
    return found, calibrated


def fit(folder, *, tell=print):
    """The whole model as data."""
    names = data.names(folder)
    changes = {name: data.commits(folder, name) for name in names}
    lines = {name: data.lines(folder, name) for name in names}
    tell(f"{len(names)} repositories, {sum(map(len, changes.values()))} changes")
    plain = [f for f in data.LINE if f not in data.LINE_HISTORY]
    history = (*data.DIFF, *data.HISTORY)
    with_past = line_part(data.LINE, lines)
    traced, calibrated = head(NAME, (*history, *data.REPAIRS), with_past, changes, lines, level=True, tell=tell)
    untraced, _ = head(f"{NAME}/history", history, with_past, changes, lines, tell=tell)
    diff, _ = head(f"{NAME}/diff", data.DIFF, line_part(plain, lines), changes, lines, tell=tell)
    message = MessageFit(list(changes.values()), list(calibrated.values()))
    scores = np.sort(sigmoid(np.concatenate(list(calibrated.values()))))
    return {
        "name": NAME,
        "fitted_on": {
            "repositories": names,
            "changes": len(scores),
            "labelled": int(stacked(list(changes.values()))[0].sum()),
        },
        # the riskiest half, sixth and twentieth of the changes fitted on
        "limits": [float(np.quantile(scores, q)) for q in (0.5, 5 / 6, 0.95)],
        "floor": float(np.quantile(scores, 0.001)),
        "traced": traced,
        "history": untraced,
        "diff": diff,
        "message": message.design.terms(message.found[1:]),
    }


def rounded(value):
    """The same data with floats of nine digits, so that a last bit of difference does not show."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    return [rounded(v) for v in value] if isinstance(value, list) else value


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the training tables")
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    model = rounded(fit(args.data))
    args.out.write_text(json.dumps(model, indent=1) + "\n", "utf-8")
    print(f"{args.out}: limits {model['limits']}, floor {model['floor']}, logit of 0.5 is {logit(0.5):.1f}")


if __name__ == "__main__":
    main()
