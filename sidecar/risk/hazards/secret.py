"""Keys and passwords among the new lines, told without being repeated; and texts with stars in their place."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from sidecar.core.policy import secret as kept_away
from sidecar.risk.hazards.seen import Hit, Rule, Seen

STARS = "**********"

_KNOWN: tuple[tuple[str, str], ...] = (
    ("an AWS access key", r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    ("a GitHub token", r"\bgh[pousr]_[A-Za-z0-9]{36,}\b|\bgithub_pat_[A-Za-z0-9_]{50,}\b"),
    ("a GitLab token", r"\bglpat-[A-Za-z0-9_-]{20,}"),
    ("a Slack token", r"\bxox[abposr]-[A-Za-z0-9-]{20,}"),
    ("a Slack webhook", r"https://hooks\.slack\.com/services/T\w+/B\w+/[A-Za-z0-9]{16,}"),
    ("a Stripe key", r"\b[rs]k_live_[A-Za-z0-9]{20,}"),
    ("a Google API key", r"\bAIza[A-Za-z0-9_-]{35}"),
    ("an Anthropic key", r"\bsk-ant-[A-Za-z0-9_-]{20,}"),
    ("an OpenAI key", r"\bsk-(?!ant-)(?:proj-)?[A-Za-z0-9_-]{32,}"),
    ("a Databricks token", r"\bdapi[a-f0-9]{32}\b"),
    ("an npm token", r"\bnpm_[A-Za-z0-9]{36}\b"),
    ("a PyPI token", r"\bpypi-AgEI[A-Za-z0-9_-]{50,}"),
    ("a SendGrid key", r"\bSG\.[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}"),
    ("a Hugging Face token", r"\bhf_[A-Za-z0-9]{34,}\b"),
    ("an Azure storage key", r"AccountKey=[A-Za-z0-9+/]{60,}={0,2}"),
    ("a JSON web token", r"\beyJ[A-Za-z0-9_-]{16,}\.eyJ[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{20,}"),
)
_SHAPES = tuple((what, re.compile(pattern)) for what, pattern in _KNOWN)
_ADDRESS = re.compile(
    r"\b[a-z][a-z0-9+.-]{2,}://[^\s/:@\"'`{}$<>]{1,64}:(?P<value>[^\s/:@\"'`{}$<>]{3,128})@[\w.-]", re.IGNORECASE
)
_NAMED = re.compile(
    r"(?P<name>(?:\b|_|-)(?:api_?key|secret(?:_?(?:key|access_?key))?|client_?secret|passw(?:or)?d|passwd|access_?token"
    r"|auth_?token|private_?key|bearer))[\"']?\s*(?::=|=>|[:=])\s*(?P<mark>[\"'`])(?P<value>[^\"'`\s]{8,200})(?P=mark)",
    re.IGNORECASE,
)
_BEGIN = re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----")
_BODY = re.compile(r"[A-Za-z0-9+/=]{40,}|Proc-Type")
_END = re.compile(r"-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----")
_PLACEHOLDER = re.compile(
    r"example|sample|dummy|fake|test|mock|placeholder|change_?me|replace|insert|your|redacted|hidden|secret|password|passwd"
    r"|x{4,}|\*{3,}|\.{3}|1234|abcd|foo|bar|<|>|\$\{|\{\{|%\(|%s|\{\w*\}|^\$|^env[.:]|process\.|os\.|none|null|undefined"
    r"|token|default|lorem|dead_?beef|not[-_]?a[-_]?real",
    re.IGNORECASE,
)
_MADE_UP = re.compile(
    r"example|x{5,}|\*{3,}|\.{3}|your[-_]|dummy|fake|redacted|0{8,}|123456789|abcdefgh", re.IGNORECASE
)
_WORDS = (
    "akia", "asia", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "hooks.slack.com", "k_live_", "aiza",
    "sk-", "dapi", "npm_", "pypi-", "sg.", "hf_", "accountkey", "eyj", "://", "key", "secret", "passw", "token", "bearer",
)  # fmt: skip
_MOST_KEY = 120
"""Lines that a private key is taken to have at most."""


def find(file: Seen) -> Iterator[Hit]:
    """Each line with a secret, the kinds of which are known at sight or that a name and a random text give away.

    In tests, documents and examples a made-up one is usual, so there only what looks like a provider's real key counts.
    """
    strict = file.product
    told_whole = file.status == "added" and bool(kept_away(file.path))  # then the file itself is a finding
    for number, what in _private_keys(file):
        if strict and not told_whole:
            yield Hit(number, number, f"This line begins {what}.")
    for line in file.holding(_WORDS, comments=True):
        judged = strict and line.number not in file.quoted
        kinds = list(dict.fromkeys(what for what, *_ in spans(line.text, strict=judged)))
        if kinds:
            yield Hit(line.number, line.number, f"This line holds what looks like {' and '.join(kinds)}.")


def spans(text: str, *, strict: bool = True) -> Iterator[tuple[str, int, int]]:
    """What kind of secret stands where in a line (offsets, end excluded). `strict` also judges by names and addresses."""
    for what, shape in _SHAPES:
        if not strict and what == "a JSON web token":
            continue
        for match in shape.finditer(text):
            if not _MADE_UP.search(match[0]) and "devstoreaccount1" not in text and entropy(match[0]) >= 3.0:
                yield what, *match.span()
    if not strict:
        return
    yield from (("a private key", *span) for span in _keys(text) if span[1] < len(text))
    for match in _ADDRESS.finditer(text):
        if _random(match["value"], 2.5):
            yield "a password in an address", *match.span("value")
    for match in _NAMED.finditer(text):
        if _random(match["value"], 3.0) and not re.search(r"\bhash|sha\d", text[: match.start()], re.IGNORECASE):
            yield "a password or key that is written out", *match.span("value")


def veiled(lines: Sequence[str]) -> list[str]:
    """The same lines with stars for every secret, so that what is kept or shown of them gives none away."""
    lower = "\n".join(lines).lower()
    if not any(word in lower for word in _WORDS):
        return list(lines)
    kept = list(lines)
    last = 0
    for at, text in enumerate(lines):
        if at < last:
            kept[at] = STARS
            continue
        if _BEGIN.search(text) and not _END.search(text):
            last = _end_of_key(lines, at)
        kept[at] = _veil(text)
    return kept


def entropy(text: str) -> float:
    """How many bits a character carries, by the text's own frequencies: 3 and more in random texts, 2 to 3 in words."""
    counts = Counter(text)
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts.values())


def _random(value: str, least: float) -> bool:
    """Whether a text looks like a secret that somebody uses: no placeholder, no word, no name of a variable."""
    if _PLACEHOLDER.search(value) or entropy(value) < least:
        return False
    mixed = sum(any(test(c) for c in value) for test in (str.isupper, str.islower, str.isdigit)) >= 2
    return mixed and any(c.isdigit() for c in value) and "/" not in value[:2]


def _private_keys(file: Seen) -> Iterator[tuple[int, str]]:
    """Where a private key begins: its head with a line of it behind, not in a comment that shows the form."""
    texts = {line.number: line.text for line in file.whole}
    for line in file.holding(("private key",), comments=True):
        rest = line.text.rpartition("-----")[2] + texts.get(line.number + 1, "")
        if _BEGIN.search(line.text) and _BODY.search(rest) and (line.number in file.quoted or file.is_statement(line)):
            yield line.number, "a private key"


def _end_of_key(lines: Sequence[str], at: int) -> int:
    """The index behind the last line of the key that begins here."""
    for index in range(at + 1, min(len(lines), at + _MOST_KEY)):
        if _END.search(lines[index]):
            return index
    return at + 1


def _keys(text: str) -> Iterator[tuple[int, int]]:
    """Where the bodies of private keys stand that begin in a line, up to its end where they do not end there."""
    at = 0
    while begin := _BEGIN.search(text, at):
        end = _END.search(text, begin.end())
        at = end.start() if end else len(text)
        if _BODY.search(text, begin.end(), at):
            yield begin.end(), at


def _veil(text: str) -> str:
    parts: list[str] = []
    at = 0
    # what has a known shape may also have a name that gives it away: the spans overlap
    for start, end in sorted([(start, end) for _, start, end in spans(text)] + list(_keys(text))):
        if start >= at:
            parts += [text[at:start], STARS]
        at = max(at, end)
    return "".join([*parts, text[at:]])


RULE = Rule(
    id="secret",
    title="a secret in the code",
    severity="danger",
    why="Whoever can read the repository, now or in any later clone, can use it; taking the line out later does not take it out of the history.",
    remedy="Take it out before this is committed, read it from the environment or a secret store, and have it replaced if it was ever pushed.",
    find=find,
    words=(*_WORDS, "private key"),
)
