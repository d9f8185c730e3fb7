"""What the new code of a change is made of: how many of its lines have which form, its names, its largest parts."""

from __future__ import annotations

from collections import Counter

from sidecar.risk.code import Reading

_COUNTED = ("arithmetic", "number", "call", "index", "comma", "exit", "assign")
"""Forms of lines (some of `tokens.BITS` and `tokens.FORMS`) that are counted."""
CONTENT = (
    *(f"n_{name}" for name in _COUNTED), "lines", "names", "names_all", "names_once", "tokens_max", "calls_max", "dots_max",
    "hunk_max", "tokens_mean", "indent_mean", "replacing",
)  # fmt: skip
"""Features of the new code alone."""


def content_features(reading: Reading) -> dict[str, float]:
    """The features in `CONTENT`.

    `n_…` are numbers of lines, `lines` is all of them; `names` is the sum of the lines' names, `names_all` counts each
    name once, `names_once` only those that stand on one line; `…_max` is the largest of a line, or of a hunk;
    `…_mean` that of an average line; `replacing` counts the lines whose hunk takes something away.
    """
    hunks = [hunk for file in reading.files for hunk in file.hunks if hunk.lines]
    shapes = [line.shape for hunk in hunks for line in hunk.lines]
    forms = Counter(bit for shape in shapes for bit in shape.bits)
    names = Counter(name for shape in shapes for name in shape.names)
    many = max(1, len(shapes))
    return {
        **{f"n_{name}": forms[name] for name in _COUNTED},
        "lines": len(shapes),
        "names": sum(names.values()),
        "names_all": len(names),
        "names_once": sum(count == 1 for count in names.values()),
        "tokens_max": max((shape.tokens for shape in shapes), default=0),
        "calls_max": max((shape.calls for shape in shapes), default=0),
        "dots_max": max((shape.dots for shape in shapes), default=0),
        "hunk_max": max((len(hunk.lines) for hunk in hunks), default=0),
        "tokens_mean": sum(shape.tokens for shape in shapes) / many,
        "indent_mean": sum(shape.indent for shape in shapes) / many,
        "replacing": sum(len(hunk.lines) for hunk in hunks if hunk.hunk.removed),
    }
