"""Commands that override a guard: forced pushes, hooks passed over, folders deleted by a variable's name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sidecar.risk.hazards.mending import Spot
from sidecar.risk.hazards.seen import Hit, Rule, Seen

_RUNS = re.compile(
    r"subprocess|os\.system|\b(?:check_)?(?:call|output)\(|popen|\bexec(?:a|Sync|File|FileSync|ute)?\b|spawn|\brun\(|\bsh\(|shell|Command"
    r"|[\"'](?:git|rm|sudo|bash|sh)[\"']\s*,",
    re.IGNORECASE,
)
_JOINED = re.compile(r"[\"'],\s*[\"']")
_PUSH = re.compile(r"\bgit\b(?:\s+-\S+(?:\s+[\w./=-]+)?)*?\s+push\b(?P<rest>[^|;&#]*)")
_FORCED = re.compile(r"\s(?:--force|-[a-zA-Z]*f[a-zA-Z]*)(?=[\s\"'\])]|$)|\s\+[\w./-]+:")
_NO_VERIFY = re.compile(
    r"\bgit\b.*\b(?:commit|push|merge|am|rebase|cherry-pick)\b.*\s--no-verify\b|\bHUSKY=0\b|\bHUSKY_SKIP_HOOKS=1"
)
_REMOVE = re.compile(
    r"\brm\s+(?:-[a-zA-Z]*\s+|--\S+\s+)*?-(?=[a-zA-Z]*r)(?=[a-zA-Z]*f)[a-zA-Z]+\s+(?P<what>[^|;&#]+)|\brm\s+-[rR]\s+-f\s+(?P<other>[^|;&#]+)"
)
_DANGEROUS = re.compile(
    r"^[\"']?(?:/(?=[\s\"'*]|$)|/\*|~/?(?=[\s\"']|$)|\$HOME/?[\"']?(?=\s|$)|/(?:home|etc|usr|bin|lib|boot|root|opt|srv|var)/?\*?[\"']?(?=\s|$)"
    r"|\.git/?[\"']?(?=\s|$)|\*[\"']?(?=\s|$)|\.\.?/?[\"']?(?=\s|$))"
)
_BY_VARIABLE = re.compile(r"^[\"']?\$(?!HOME\b|\{HOME\})(?:\{(?P<braced>\w+)\}|(?P<plain>\w+))[\"']?/")
_SHELLS = frozenset({".sh", ".bash", ".zsh", ".ksh"})
_UNGUARDED = re.compile(r"(?<=[\s\"])\$(?:\{(\w+)\}|(\w+))(?=\"?/)")
_WORLD = re.compile(r"\bchmod\s+(?:-R\s+)?(?:0?777|a\+rwx)\b")
_HARD = re.compile(
    r"\bgit\b[^|;&#]*\breset\s+(?:[^|;&#]*\s)?--hard\b|\bgit\b[^|;&#]*\bclean\s+-(?=[a-zA-Z]*f)(?=[a-zA-Z]*[dx])[a-zA-Z]+"
)

_GUARD = (
    "It passes over the guard that asks before something cannot be taken back, and in a script it does so every time."
)

_WORDS = ("push", "--no-verify", "husky", "rm ", '"rm"', "'rm'", "chmod", "--hard", "clean")


def find(file: Seen) -> Iterator[Hit]:
    """Such commands in scripts and pipelines, and in code where a line runs a program."""
    if not file.product or not (file.script or file.code):
        return
    for line in file.holding(_WORDS):
        text = line.text
        if not file.script:
            if not _RUNS.search(text):
                continue
            text = _JOINED.sub(" ", text)
        found = _said(text, clean=file.kind == "support" or file.script)
        if found:
            yield Hit(line.number, line.number, f"This line {found[0]}.", *found[1:])


def _said(text: str, *, clean: bool) -> tuple[str, str, str] | None:
    """What a command does, why that matters, and what to do in its place."""
    if (push := _PUSH.search(text)) and _FORCED.search(push["rest"]) and "--dry-run" not in push["rest"]:
        return (
            "pushes with force",
            "It replaces what others may have pushed meanwhile, without a look at it.",
            "Push with `--force-with-lease`, or to a branch that nobody else writes.",
        )
    if _NO_VERIFY.search(text):
        return (
            "passes over the hooks",
            "What the hooks check (tests, secrets, form) is not checked any more.",
            "Mend what the hook complains of, or leave the hook out where it is set up.",
        )
    if (remove := _REMOVE.search(text)) and (what := _removed(remove["what"] or remove["other"])):
        return (
            f"deletes {what} with everything in it",
            "Nothing asks, and nothing can be taken back; where a variable is empty or the folder is another one, the wrong one goes.",
            'Name the folder itself; write `"${NAME:?}/…"`, which stops where the variable is empty.',
        )
    if _WORLD.search(text):
        return (
            "lets everybody write (chmod 777)",
            "Any user and any program of the machine can change it.",
            "Give the owner or a group what they need, and nobody more.",
        )
    if not clean and _HARD.search(text):
        return "throws away uncommitted work", "", "Stash it, or work in a worktree of its own."
    return None


def _removed(what: str) -> str:
    for word in what.split():
        if _DANGEROUS.match(word):
            return "a whole tree"
        if found := _BY_VARIABLE.match(word):
            return f"what the variable {found['braced'] or found['plain']} names"
    return ""


def mend(spot: Spot) -> tuple[str, ...] | None:
    """A removal by a variable's name that stops where the variable is empty."""
    if spot.extension not in _SHELLS or len(re.findall(r"\brm\b", spot.text)) != 1 or "'" in spot.text:
        return None
    before, rm, after = spot.text.partition("rm ")
    guarded, count = _UNGUARDED.subn(lambda found: f"${{{found[1] or found[2]}:?}}", after)
    return (before + rm + guarded,) if count == 1 else None


RULE = Rule(
    id="force",
    title="a guard is overridden",
    severity="warning",
    why=_GUARD,
    remedy="Do it in the way that asks first.",
    find=find,
    words=_WORDS,
    mend=mend,
)
