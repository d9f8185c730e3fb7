"""Calibration, and the level of a repository's own past (`sidecar.risk.eras`) as the product takes it, on the tables."""

import numpy as np

from sidecar.risk.eras import SAMPLE, Level, begins_with
from sidecar.risk.facts import RANKED
from sidecar.risk.features import LEVEL
from tests.bench.risk.learn import logistic, sigmoid

WEIGHT = 0.5
"""What the level counts. Whole it spoils the order; a weight that is fitted here is too small where the rate is another."""
TURNS = 4


def levels(table, scores):
    """The level at each change; `scores` are those of the model without it."""
    begun = np.array([begins_with(at) for at in range(len(table))])
    ids, times = table["sha"].to_numpy(), table["ts"].to_numpy()
    fixed = table["fix_ts"].where(table["label"] == 1).fillna(np.inf).to_numpy()
    found = np.zeros(len(table))
    for size in np.unique(begun[begun > 0]):
        sample = np.argsort(ids[:size], kind="stable")[:SAMPLE]
        repaired = int((fixed[sample] <= times[size - 1]).sum())
        found[begun == size] = Level(len(sample), repaired, scores[sample].sum()).ratio
    return found


class Calibration:
    """Slope and intercept for log-odds of repositories that were left out, beside the level if it counts.

    What is foretold of earlier changes depends on slope and intercept, and these on the levels: they are found in turns.
    """

    def __init__(self, fits, tables, *, level=False):
        """`fits` say the log-odds of each repository by its name, `tables` are those that tell."""
        self.fits, self.mean, self.weight = fits, 0.0, WEIGHT if level else 0.0
        y = np.concatenate([t["label"].to_numpy(float) for t in tables.values()])
        w = np.concatenate([np.full(len(t), len(t) ** -0.5) for t in tables.values()])
        w, z = w / w.mean(), np.concatenate([known(fits[name], t) for name, t in tables.items()])
        self.intercept, self.slope = logistic(z[:, None], y, w, 1e-6)
        for _ in range(TURNS if level else 0):
            at = np.concatenate([self._levels(name, t) for name, t in tables.items()])
            self.mean = float(np.average(at, weights=w))
            self.intercept, self.slope = logistic(z[:, None], y, w, 1e-6, self.weight * (at - self.mean))

    def logits(self, name, table):
        """The log-odds of a repository's changes."""
        z = self.intercept + self.slope * known(self.fits[name], table)
        return z + self.weight * (self._levels(name, table) - self.mean) if self.weight else z

    def _levels(self, name, table):
        return levels(table, sigmoid(self.intercept + self.slope * known(self.fits[name], unranked(table))))

    def terms(self):
        """The level's, as the model's file has it."""
        term = {"feature": LEVEL, "weight": self.weight, "mean": self.mean, "scale": 1.0}
        return [term] if self.weight else []


_KNOWN, _UNRANKED = {}, {}
"""What fits said of tables, and tables made of others, by their ids; what has them is held beside, so that they stay theirs."""


def known(fit, table):
    """The log-odds that a fit says of a table."""
    key = id(fit), id(table)
    if key not in _KNOWN:
        _KNOWN[key] = fit, table, fit.logits(table)
    return _KNOWN[key][-1]


def unranked(table):
    """The table as earlier changes are foretold: with the ranks in the middle."""
    if id(table) not in _UNRANKED:
        _UNRANKED[id(table)] = table, table.assign(**{f"r_{n}": 0.5 for n in RANKED if f"r_{n}" in table})
    return _UNRANKED[id(table)][1]
