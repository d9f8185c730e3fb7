"""Tells from a commit's message whether the commit repairs something.

The rules are those by which the training data names fixes; they err on both sides, as every keyword rule does.
"""

from __future__ import annotations

import re


def _any(*words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(words)})\b", re.IGNORECASE)


_REPAIR = _any(
    r"fix(?:e[sd]|ing|up)?", r"bug(?:s|fix(?:es)?)?", r"hot-?fix", r"regression", r"crash(?:es|ed|ing)?", r"deadlock",
    r"race condition", r"(?:memory )?leak(?:s|ing)?", r"hang(?:s|ing)?", r"segfault", r"traceback", r"infinite loop",
    r"off[- ]by[- ]one", r"incorrect(?:ly)?", r"wrong(?:ly)?", r"broken", r"does ?n[o']t work",
    r"vulnerabilit(?:y|ies)", r"CVE-\d+", r"unhandled", r"null ?pointer", r"NPE", r"panics?",
)  # fmt: skip
_CHORE = _any(
    r"typos?", r"spelling", r"wording", r"grammar",
    r"docs?", r"documentation", r"docstrings?", r"readme", r"changelog", r"release notes?", r"comments?", r"links?",
    r"badge", r"copyright", r"license", r"example[s]?",
    r"lint(?:s|ing|er)?", r"flake8", r"pep-?8", r"pyflakes", r"mypy", r"pyright", r"typing", r"eslint", r"clippy",
    r"type[- ]?(?:hints?|annotations?|ing)", r"rustfmt", r"gofmt", r"prettier formatting", r"white-?space",
    r"indent(?:ation)?", r"format(?:ting)?", r"style", r"warnings?",
    r"tests?", r"test-?suite", r"coverage", r"benchmarks?", r"ci", r"travis", r"appveyor", r"github actions?",
    r"workflows?", r"tox", r"pre-commit", r"build", r"version bump", r"bump", r"deps?", r"dependenc(?:y|ies)",
    r"imports?", r"merge", r"revert(?:s|ed)?",
)  # fmt: skip
_CLOSES = re.compile(r"\b(?:fix(?:e[sd])?|resolve[sd]?)\s*:?\s+(?:issue\s+)?(?:#|gh-)\d+", re.IGNORECASE)
_FEATURE = re.compile(
    r"(?:\w[\w/., *-]*: )?\W*(?:add|implement|support|allow|introduce|new|enable|update|upgrade|improve|refactor"
    r"|rename|remove|drop|deprecate|use|move|clean|simplif|document|rework|switch|provide|expose|extend)",
    re.IGNORECASE,
)
_TYPED = re.compile(r"(\w+)(?:\(([^)]*)\))?!?:\s")
_OTHER_TYPES = frozenset({
    "docs", "doc", "chore", "ci", "test", "tests", "style", "build", "refactor", "perf", "release", "feat", "types",
    "deps",
})  # fmt: skip
_OTHER_SCOPES = frozenset({"deps", "docs", "ci", "test", "tests", "types", "build", "lint"})
_LONGEST_SUBJECT = 1000


def is_fix(message: str) -> bool:
    """Whether the message says that the commit repairs a fault of the product (not of docs, tests, style, build)."""
    subject, _, body = message.strip().partition("\n")
    subject = subject[:_LONGEST_SUBJECT]
    typed = _TYPED.match(subject)
    if typed:
        kind, scope = typed[1].lower(), (typed[2] or "").lower()
        if kind in _OTHER_TYPES:
            return False
        if kind == "fix":
            return scope not in _OTHER_SCOPES
    if _CHORE.search(subject):
        return False
    if _REPAIR.search(subject):
        return True
    return _CLOSES.search(body) is not None and _FEATURE.match(subject) is None
