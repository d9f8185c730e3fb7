"""What a person asks for in plain words, and what of a Claude Code message the person wrote. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Intent = Literal["summarize", "review", "symbol", "status", "help", "greeting", "other"]

PLAIN: Final = 600
"""Characters a plain request has at most; what is longer is a task, whatever words occur in it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for; `symbol` is the name to look for when `intent` is `symbol`."""

    intent: Intent
    symbol: str = ""


# What the client itself puts around or beside the person's words.
_WRAPPERS: Final = (
    "system-reminder", "command-name", "command-message", "command-args", "command-contents", "local-command-stdout",
    "local-command-stderr", "local-command-caveat", "ide_selection", "ide_opened_file", "ide_diagnostics",
    "new-diagnostics", "bash-input", "bash-stdout", "bash-stderr", "user-memory-input", "task-notification",
)  # fmt: skip
_WRAPPED: Final = re.compile(rf"<({'|'.join(_WRAPPERS)})\b[^>]*>.*?(?:</\1>|\Z)", re.DOTALL)

# The words before the verb that carry no meaning of their own.
_POLITE: Final = (
    r"^(?:(?:please|can|could|would|will|you|hi|hey|hello|now|ok|okay|just|sidecar|claude|i want|i'd like|i would like"
    r"|to|let's|give|show|tell|write|do|make|me|us|a|an|the|quick|quickly|short|brief|briefly|code)[\s,:!.]+)*"
)
_CHANGE: Final = (
    r"(?:diffs?\b(?!\s+(?:algorithm|function|tool|viewer|library|module|class|view|parser|command))"
    r"|working (?:tree|copy)\b|(?:my|our|the|these|those|this|all|any|recent|latest|current|last|local|uncommitted|unstaged"
    r"|staged|pending)\s+(?:[\w-]+\s+){0,2}(?:changes?|edits?|modifications?|patch)\b(?!\s+to\b))"
)
_QUOTE: Final = "[`'\"\u2018\u2019\u201c\u201d]"
_NAME: Final = rf"{_QUOTE}?(?P<name>[A-Za-z_$][\w$]*(?:(?:\.|::|#)[A-Za-z_$][\w$]*)*)(?:\(\))?{_QUOTE}?"
_KIND: Final = (
    r"(?:symbol|function|class|method|type|struct|interface|trait|enum|variable|constant|macro|module|definition"
    r"|declaration|implementation)"
)
_SORT: Final = rf"(?:(?:the|a|an|our|my)\s+)?{_KIND}s?\s+(?:(?:of|for|named|called)\s+)?(?:the\s+)?(?:{_KIND}\s+)?"
_STANDS: Final = r"(?:\w+ly\s+)?(?:defined?|declared?|implemented?|located|live|come from)\b"
_SYMBOL: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\bwhere(?:'s|\s+is|\s+are|\s+was|\s+do\s+we|\s+does)?\s+(?:{_SORT})?(?:the\s+)?{_NAME}\s+{_STANDS}",
        rf"{_POLITE}(?:find|locate|look\s+up|search\s+for|go\s*to|jump\s+to|open|get|{_KIND}\s+of)\s+(?:me\s+)?{_SORT}{_NAME}(?![\w$])",
        rf"{_POLITE}(?:definition|declaration)\s+of\s+(?:{_SORT})?{_NAME}[\s?.!]*$",
        rf"^where(?:'s|\s+is)\s+{_SORT}{_NAME}[\s?.!]*$",
        rf"^where(?:'s|\s+is)\s+`{_NAME}[\s?.!]*$",
    )
)
_VERBS: Final = r"(?:summar(?:y|i[sz]e|i[sz]ing)|describe|explain|outline|recap|overview|tl;?dr|what(?:'s)?|which|list)"
_RULES: Final[tuple[tuple[Intent, str], ...]] = (
    ("help", r"^(?:/?help|\?|what can you do|what do you do|what are you|who are you|commands)\b[\s\S]{0,40}$"),
    ("greeting", r"^(?:hi|hello|hey|good (?:morning|evening|day)|ping|test|testing)\b[\s,!.\w]{0,20}$"),
    ("review", rf"{_POLITE}(?:review|critique|audit|assess|inspect|check|look over|score|rate)\b.*\b{_CHANGE}"),
    ("review", rf"{_POLITE}(?:what|which|where|how|is|are|list|risks?)\b.*\b(?:risk\w*|safe|dangerous)\b.*\b{_CHANGE}"),
    ("review", rf"{_POLITE}(?:what|which|where|how|is|are)\b.*\b{_CHANGE}.*\b(?:risk\w*|safe|dangerous)\b"),
    ("review", rf"{_POLITE}review(?:\s+of)?(?:\s+(?:it|this|that|my code|the code))?[\s.!?]*$"),
    ("review", r"^(?:what|which|how|where)\b.{0,30}\brisk(?:y|s|iest)?\b.{0,20}$"),
    ("summarize", rf"{_POLITE}{_VERBS}\b.*\b{_CHANGE}"),
    ("summarize", rf"{_POLITE}what(?:'s|\s+(?:has|have|did|was|were))?\s+(?:\w+\s+){{0,3}}chang(?:e|ed)\b.{{0,40}}$"),
    ("summarize", rf"{_POLITE}(?:git\s+)?(?:(?:recent|latest|current)\s+)?(?:diff|changes)[\s.!?]*$"),
    ("status", rf"{_POLITE}(?:/?(?:git\s+)?status|what(?:'s|\s+is)\s+the\s+(?:git\s+)?status)\b.{{0,30}}$"),
    ("status", r"^(?:what|which)\s+(?:git\s+)?(?:branch|provider|workspace)\b.{0,40}$"),
)
_COMPILED: Final = tuple((intent, re.compile(pattern, re.IGNORECASE)) for intent, pattern in _RULES)


def words_of(text: str) -> str:
    """What the person wrote in a user message: the client's own blocks are left out."""
    return _WRAPPED.sub("", text).strip()


def understand(words: str) -> Wish:
    """What plain words ask for; `other` for everything that is not clearly one of ours."""
    if not words or len(words) > PLAIN:
        return Wish("other")
    line = " ".join(words.split())
    for pattern in _SYMBOL:
        found = pattern.search(line)
        if found:
            return Wish("symbol", found["name"])
    for intent, rule in _COMPILED:
        if rule.search(line):
            return Wish(intent)
    return Wish("other")
