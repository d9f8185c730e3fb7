"""Credentials taken out of a text: known shapes, and pairs whose name tells of one; paths and hashes stay as they are."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from typing import Final

MASK: Final = "[redacted]"

# Behind an escape begins a word (`\nghp_…` in a text of JSON in JSON), and behind what a terminal's colours or an address leave of one.
_ESCAPED: Final = r"(?<=\\[nrt])"
_BEGUN: Final = r"(?:(?<!\w.)|(?<=\\[nrt].)|(?<=\\u00\w\w.)|(?<=%\d\w.)|(?<=[\d\[][mK].))"
"""Where a word begins with the letter that was just read."""
_QUOTE: Final = r"\\{0,3}[\"'`]?"
"""A quotation mark, if there is one; JSON that stands as a text in JSON has it escaped."""
_TO: Final = rf"{_QUOTE}\s{{0,3}}[:=]\s{{0,3}}{_QUOTE}"
_VALUE: Final = r"(?:(?!\\+[\"'nr])[^\s\"',;&]){4,}"
_KEY: Final = "PRIVATE KEY(?: BLOCK)?-----"
_NAMES: Final = (
    r"authorization|x-api-key|(?:api|access|private|secret)[-_]?key|[a-z_-]{0,40}token|[a-z_-]{0,40}secret"
    r"|password|passwd|passphrase|[a-z0-9]{1,40}_(?:pass|pwd)"
)
_NAME: Final = rf"(?:(?<![a-z0-9])|{_ESCAPED})(?:[a-z0-9]{{1,40}}_)?(?:{_NAMES})"
# `name: value` and `NAME=value`; a value that is masked already, a number or a path stays.
_NAMED: Final = (
    rf"(?i)({_NAME}{_TO})"
    r"(?!(?:bearer |basic )?\[redacted|[/~.\\]|\d{1,9}\b|[\w.-]{1,100}/[\w./-]{0,200}\.\w{1,6}(?![\w+=/]))" + _VALUE
)
# Without its header: what has a slash is a path, unless it is written as base64 is; a hash behind `basic` is one.
_ALONE: Final = (
    r"(?i)(?<![\w/\\])(bearer|basic)\s+(?=\S{0,200}[\d=]|\S{24})(?!(?<=basic )[0-9a-f]{7,128}(?![\w=+/]))"
    r"(?=[\w.~+=-]+(?![\w.~+/=-])|[\w.~/-]{0,200}[+=])[\w.~+/=-]{8,}"
)
# One pattern, and a set of letters first: it is looked for in every text.
_KEYS: Final = (
    rf"[sdAghxnewprGS]{_BEGUN}(?:(?<=s)(?<![/-]s)k-(?=[A-Za-z_-]{{0,80}}\d|[A-Za-z0-9]{{16}})[A-Za-z0-9_-]{{12,}}|(?<=d)(?:api|kea|ose)[0-9a-fA-F]{{16,}}(?:-\d+)?(?!\w)"
    r"|(?<=A)(?:KIA|SIA|BIA|CCA)[0-9A-Z]{16}(?!\w)|(?<=g)(?:h[pousr]_[A-Za-z0-9]{20,}|ithub_pat_\w{20,}|lpat-[\w-]{20,})|(?<=x)ox[abeoprs]-[\w-]{10,}"
    r"|(?<=A)Iza[\w-]{35}|(?<=h)f_[A-Za-z0-9]{30,}|(?<=n)pm_[A-Za-z0-9]{36}|(?<=e)yJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*|(?<=[rs])k_live_[A-Za-z0-9]{20,}"
    r"|(?<=w)hsec_[A-Za-z0-9]{24,}|(?<=p)ypi-AgE[\w-]{40,}|(?<=x)ai-[A-Za-z0-9]{40,}|(?<=G)OCSPX-[\w-]{20,}|(?<=S)G\.[\w-]{20,}\.[\w-]{20,}"
    r"|(?<=A)ccountKey=[A-Za-z0-9+/]{40,}={0,2}|(?<=s)ig=[A-Za-z0-9%]{43,})"
)
_LITERAL: Final = rf"(?i)({_NAME}{_QUOTE}\s{{0,3}}(?::|=|:=|=>)\s{{0,3}})(\\{{0,3}}[\"'`])[^\"'`\s]{{6,}}\2"
_PATTERNS: Final = (
    (rf"-----BEGIN [A-Z ]{{0,40}}{_KEY}[\s\S]*?(?:-----END [A-Z ]{{0,40}}{_KEY}|\Z)", MASK),
    (r"(?i)((?<![\w/\\-])(?:set-)?cookie[\"']?\s{0,3}[:=]\s{0,3})[^\r\n]+", rf"\1{MASK}"),
    (rf"(?i)(authorization{_TO}(?:bearer|basic)\s{{1,3}})(?!\[redacted){_VALUE}", rf"\1{MASK}"),
    (_ALONE, rf"\1 {MASK}"),
    (_KEYS, MASK),
    (
        r"(--(?:[a-z-]{0,20}-)?(?:password|token|secret|api-key) {1,3})(?=\S{0,80}\d)[^\s\"',;/.~\[$-][^\s\"',;]{5,}",
        rf"\1{MASK}",
    ),
    (r"(hooks\.slack\.com/services/T\w+/B\w+/)\w{16,}", rf"\1{MASK}"),
    (
        rf"(?i)(?:(?<![\w.+-])|{_ESCAPED})([a-z][a-z0-9+.-]{{0,20}}:(?:\\?/){{2}})(?!git@)[^/?#\s@'\"]{{1,512}}@",
        rf"\1{MASK}@",
    ),
    (_NAMED, rf"\1{MASK}"),
    (_LITERAL, rf"\1\2{MASK}\2"),
)
# What every pattern above needs at least: where none of it stands, none of them can match.
_SUSPICIOUS: Final = re.compile(
    r"[:=@\s]|sk-|d(?:api|kea|ose)|A[KSBC][IC]A|gh[pousr]_|github_pat_|glpat-|xox|AIza|hf_|npm_|eyJ"
    r"|k_live_|whsec_|pypi-|xai-|GOCSPX-|SG\.|hooks\."
)


def redact(text: str, secrets: Collection[str] = ()) -> str:
    """The text without credentials: known shapes, `name: value` pairs that name one, and the given values."""
    return _covered(text, secrets, code=False)


def redact_code(text: str, secrets: Collection[str] = ()) -> str:
    """As `redact`, for code: of `name = value` pairs only those whose value is a literal, since `token = read()` tells nothing."""
    return _covered(text, secrets, code=True)


def _covered(text: str, secrets: Collection[str], *, code: bool) -> str:
    for secret in secrets:
        text = text.replace(secret, MASK)
    if _SUSPICIOUS.search(text):
        *shapes, named, literal = _patterns()
        for pattern, replacement in (*shapes, literal if code else named):
            text = pattern.sub(replacement, text)
    return text


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The patterns, compiled when a text first needs them: the start does not."""
    return tuple((re.compile(pattern), replacement) for pattern, replacement in _PATTERNS)
