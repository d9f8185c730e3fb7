"""Reads the training tables and derives from them the features that the product computes at run time."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from sidecar.risk.facts import WINDOW
from sidecar.risk.features import DIFF, HISTORY, LINE, LINE_BITS, LINE_HISTORY, MESSAGE, REPAIRS, length_bend
from sidecar.risk.repairs import COMMIT_SIZE, DELAY, SLOPE
from sidecar.risk.tokens import BITS

CHANGES_TABLE = Path(__file__).with_name("changes.csv.xz")
"""What `derive` made of the public histories: what the product knows of each change."""
CONTEXT_TABLE = Path(__file__).with_name("context.csv.xz")
"""The same for lines."""
DERIVED = (*DIFF, *HISTORY, *REPAIRS, "language")
"""Columns of the first."""


def in_tables(name):
    """What a column of the training tables is called beside the product's feature of that name.

    The data's builder counts tests among the files of a change, and commits of side branches among those before it.
    """
    return f"walk_{name}" if name in DERIVED else name


_KAMEI = ("ns", "nd", "nf", "entropy", "la", "ld", "lt", "fix", "ndev", "age", "nuc", "exp", "rexp", "sexp")
KAMEI = tuple(map(in_tables, _KAMEI))
__all__ = ["DIFF", "HISTORY", "KAMEI", "LINE", "LINE_HISTORY", "MESSAGE", "REPAIRS", "commits", "lines", "names"]


def names(folder: Path) -> list[str]:
    """The repositories of a data folder, in order."""
    found = sorted(path.name.removesuffix(".commits.csv.gz") for path in folder.glob("*.commits.csv.gz"))
    if not found:
        raise SystemExit(f"{folder} holds no *.commits.csv.gz; give the folder of the training tables.")
    return found


def commits(folder: Path, name: str) -> pd.DataFrame:
    """The eligible commits of a repository in time order, with every feature of the product and of the baselines.

    Commits whose content the histories lacked are left out.
    """
    every = pd.read_csv(folder / f"{name}.commits.csv.gz").rename(columns=in_tables)
    eligible = every[every["eligible"] == 1].reset_index(drop=True)
    derived = _derived(CHANGES_TABLE)
    derived = derived[derived["repo"] == name].drop(columns="repo").reset_index(drop=True)
    eligible = pd.concat([eligible, derived.assign(language=derived["language"].fillna(""))], axis=1)
    eligible = eligible[eligible["lines"].notna()].sort_values(["ts", "idx"]).reset_index(drop=True)
    return _with_other_rates(eligible).copy()


@cache
def _derived(path: Path) -> pd.DataFrame:
    return pd.read_csv(path)


def lines(folder: Path, name: str) -> pd.DataFrame:
    """The added code lines of the labelled commits with every line feature of the product and the truth, `buggy`."""
    table = plain_lines(folder, name)
    context = _derived(CONTEXT_TABLE)
    context = context[context["repo"] == name].drop(columns="repo").reset_index(drop=True)
    table = pd.concat([table, context], axis=1)
    file_id = table.groupby(["sha", "file_no"], sort=False).ngroup()
    fresh = file_id.diff().ne(0) | (table["line"] - table["pos"]).diff().ne(0)
    table["file_id"], table["hunk_id"] = file_id, fresh.cumsum()
    of_commit = table.groupby("sha")
    table["n"] = of_commit["line"].transform("size")
    table["ntok_rank"] = of_commit["ntok"].rank(pct=True)
    table["h_code"] = table.groupby("hunk_id")["line"].transform("size")
    table["pos_rel"] = table["pos"] / table["hunk_add"].clip(lower=1)
    table["prev_ntok"] = table["ntok"].shift(1).where(~fresh, 0)
    table["tok2"] = table["ntok"].map(length_bend)
    bits = table["bits"].to_numpy()
    for feature in LINE_BITS:
        table[feature] = (bits >> BITS.index(feature)) & 1
    return table


def plain_lines(folder: Path, name: str) -> pd.DataFrame:
    """The added code lines of the labelled commits as the tables have them, with facts of their files."""
    table = pd.read_csv(folder / f"{name}.lines.csv.gz")
    of_files = files(folder, name).rename(columns={"code_la": "f_code", "nuc": "f_nuc", "nfix": "f_nfix"})
    return table.merge(of_files[["sha", "file_no", "path", "f_code", "f_nuc", "f_nfix"]], on=["sha", "file_no"])


THINNED = {"more": (0.4, 1.0), "less": (1.0, 0.4)}
"""The shares of unlabelled and of labelled changes that are kept where a repository stands for one with another rate of repairs."""


def _with_other_rates(table: pd.DataFrame) -> pd.DataFrame:
    """The table with columns that tell which rows stay where the rate is another, and what `rep_here` is there.

    `rep_here` of the table is what the product computes; `here_…` is moved by as much as the ratio moves among the rows that stay.
    """
    ratio = np.sign(table["rep_here"]) * np.log1p(np.abs(table["rep_here"]))
    usual = _ratio_here(table)
    found = {}
    for title, (plain, labelled) in THINNED.items():
        chance = np.where(table["label"] == 1, labelled, plain)
        stays = np.random.default_rng(len(table)).random(len(table)) < chance
        moved = np.zeros(len(table))
        moved[stays] = _ratio_here(table[stays]) - usual[stays]
        there = ratio + moved
        found |= {f"in_{title}": stays, f"here_{title}": np.sign(there) * np.expm1(np.abs(there))}
    return table.assign(**found)


def _ratio_here(table: pd.DataFrame, most: int = 1600, pull: float = 10.0) -> np.ndarray:
    """Repairs found against those expected among the changes before each, by the labels known at its time; a logarithm."""
    now, fixed = table["ts"].to_numpy(float), table["fix_ts"].fillna(np.inf).to_numpy(float)
    ever = 1 / (1 + np.exp(-COMMIT_SIZE[0] - COMMIT_SIZE[1] * np.log1p(table["code_la"].to_numpy(float))))
    found = np.zeros(len(table))
    for at in range(1, len(table)):
        before = slice(max(0, at - most), at)
        days = np.maximum((now[at] - now[before]) / 86400, 0.01)
        usual = (ever[before] / (1 + (DELAY / days) ** SLOPE)).sum()
        found[at] = np.log(((fixed[before] <= now[at]).sum() + pull) / (usual + pull))
    return found


def squashed(table: pd.DataFrame, features: Sequence[str]) -> np.ndarray:
    """The features as the model sees them before scaling: sign times log1p."""
    values = table[list(features)].to_numpy(float)
    return np.sign(values) * np.log1p(np.abs(values))


def files(folder: Path, name: str) -> pd.DataFrame:
    """The production files of the eligible commits."""
    files = pd.read_csv(folder / f"{name}.files.csv.gz")
    files["file_no"] = files.groupby("sha", sort=False).cumcount()
    return files


def ranks(values: np.ndarray) -> np.ndarray:
    """Where each value stands among those of the changes before it."""
    ranks = np.full(len(values), 0.5)
    for at in range(1, len(values)):
        window = values[max(0, at - WINDOW) : at]
        ranks[at] = ((window < values[at]).sum() + 0.5 * (window == values[at]).sum() + 1) / (len(window) + 2)
    return ranks
