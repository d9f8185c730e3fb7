"""Texts put together at run time and then run: as shell commands, as SQL, as code, as pickled objects."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sidecar.risk.hazards.mending import Spot
from sidecar.risk.hazards.seen import Hit, Rule, Seen

_JS = frozenset({".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx"})
_PY = frozenset({".py"})
_SHELL = "runs a shell command that is put together from a text"
_QUERY = "runs an SQL statement that is put together from a text"
_OBJECTS = "makes objects of bytes as they come"
_KINDS: tuple[tuple[str, frozenset[str], str], ...] = (
    (
        _SHELL,
        _PY,
        r"\bos\.(?:system|popen)\(\s*(?:f[\"'].*\{|[\"'][^\"']*[\"']\s*(?:%|\+|\.format\()|\w[\w.]*\s*\+)|\b(?:run|call|Popen|check_output|check_call)\(\s*(?:f[\"'].*\{|[\"'][^\"']*[\"']\s*(?:%|\+|\.format\()).*shell\s*=\s*True",
    ),
    (_SHELL, _JS, r"\b(?:child_process\.|cp\.)?exec(?:Sync)?\(\s*(?:`[^`]*\$\{|[\"'][^\"']*[\"']\s*\+)"),
    (
        _SHELL,
        frozenset({".go"}),
        r"exec\.Command\(\s*\"(?:sh|bash|cmd)\"\s*,\s*\"(?:-c|/c)\"\s*,\s*(?:fmt\.Sprintf\(|\"[^\"]*\"\s*\+|\w+\s*\+)",
    ),
    (_SHELL, frozenset({".java", ".kt"}), r"getRuntime\(\)\.exec\(\s*(?:\"[^\"]*\"\s*\+|\w+\s*\+)"),
    (_SHELL, frozenset({".rb"}), r"\bsystem\(\s*\"[^\"]*#\{"),
    (
        _QUERY,
        _PY,
        r"\.(?:execute|executemany|executescript|raw)\(\s*(?:f[\"']{1,3}\s*(?:SELECT|INSERT|UPDATE|DELETE|DROP|ALTER)\b.*\{|[\"']{1,3}\s*(?:SELECT|INSERT|UPDATE|DELETE)\b[^\"']*[\"']{1,3}\s*(?:%\s*\(?\w|\+|\.format\())",
    ),
    (
        _QUERY,
        _JS,
        r"\.(?:query|execute|raw)\(\s*(?:`\s*(?:SELECT|INSERT|UPDATE|DELETE)\b[^`]*\$\{|[\"']\s*(?:SELECT|INSERT|UPDATE|DELETE)\b[^\"']*[\"']\s*\+)",
    ),
    (
        _QUERY,
        frozenset({".go"}),
        r"\.(?:Query|QueryRow|Exec)(?:Context)?\((?:\w+,\s*)?(?:fmt\.Sprintf\(\s*[\"`]\s*(?:SELECT|INSERT|UPDATE|DELETE)\b|\"\s*(?:SELECT|INSERT|UPDATE|DELETE)\b[^\"]*\"\s*\+)",
    ),
    (
        _QUERY,
        frozenset({".java", ".kt"}),
        r"\.(?:executeQuery|executeUpdate|execute|createQuery|createNativeQuery|prepareStatement)\(\s*\"\s*(?:SELECT|INSERT|UPDATE|DELETE|FROM)\b[^\"]*\"\s*\+",
    ),
    (_QUERY, frozenset({".rs"}), r"\b(?:query|execute)\(\s*&format!\(\s*\"\s*(?:SELECT|INSERT|UPDATE|DELETE)\b"),
    ("runs text as code", _PY, r"(?<![\w.])(?:eval|exec)\(\s*(?:request|input\(|sys\.argv|os\.environ|f[\"'])"),
    (
        "runs text as code",
        _JS,
        r"(?<![\w.])eval\(\s*(?:req\.|request\.|location|window\.location|document\.|`[^`]*\$\{)|\bnew Function\(\s*(?:req\.|`[^`]*\$\{)",
    ),
    (
        _OBJECTS,
        _PY,
        r"(?<![\w.])yaml\.load\((?!.*(?:Safe|Base)Loader)(?!.*Loader\s*=).*\)|(?<![\w.])yaml\.unsafe_load\(",
    ),
)
_RULES = tuple(
    (what, languages, re.compile(pattern, re.IGNORECASE if what == _QUERY else 0))
    for what, languages, pattern in _KINDS
)

_BARE_LOAD = re.compile(r"(?<![\w.])yaml\.load(?=\([^(),\"']*(?:\([^(),]*(?:,\s*[^(),=]*)?\))?[^(),\"']*\))")

_WORDS = (
    "system(",
    "popen(",
    "shell",
    "exec",
    "query",
    "raw(",
    "eval(",
    "function(",
    "yaml.",
    "createnativequery",
    "preparestatement",
)


def find(file: Seen) -> Iterator[Hit]:
    """New lines of the product that run what a text made at run time says."""
    if not file.product or not file.code:
        return
    for line in file.holding(_WORDS):
        for what, languages, rule in _RULES:
            if file.extension in languages and rule.search(line.text):
                yield Hit(line.number, line.number, f"This line {what}.")
                break


def mend(spot: Spot) -> tuple[str, ...] | None:
    """The safe loader, where nothing else is said of how to load."""
    if spot.extension not in _PY or spot.text.count("yaml.load(") != 1 or not _BARE_LOAD.search(spot.text):
        return None
    return (_BARE_LOAD.sub("yaml.safe_load", spot.text),)


RULE = Rule(
    id="injection",
    title="a text is run",
    severity="warning",
    why="Where any part of it comes from outside, whoever writes that part decides what runs.",
    remedy="Hand over the parts apart from the command: an argument list, a bound parameter, a safe loader.",
    find=find,
    words=_WORDS,
    mend=mend,
)
