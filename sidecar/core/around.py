"""What the text around a name tells by itself, where nothing was parsed: the call it is an argument of, what a value is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

_FAR: Final = 60
"""How many lines above an argument its call may begin."""

LONG: Final = 1_000
"""More of a line than so many characters is not looked at: that is no text that people write."""

_STRINGS: Final = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|`[^`]*`|(?:#|//).*")
_CALLEE: Final = re.compile(r"([\w$]+)\s*$")
_ARGUMENTS: Final = re.compile(r"\((?:[^()'\"]|\(\)|'[^']*'|\"[^\"]*\")+\)")
_HEAD: Final = r"(?:(?:Optional|type|Type|ClassVar|Final|Annotated|Awaitable|Promise)[\[<]\s*)?(?:readonly\s+)?[\"'*&]*"
_VAGUE: Final = frozenset(
    {"Any", "Union", "object", "Optional", "Final", "ClassVar", "any", "unknown", "Self", "Generic"}
)
_LITERAL: Final = r"(?:[\[{\"'\d`]|[rbfu]{1,2}[\"']|True\b|False\b|true\b|false\b)"
_PLAIN: Final = (
    "list|dict|set|tuple|frozenset|str|bytes|bytearray|int|float|bool|sorted|open|Map|Set|Array|Promise|Date"
)


def call_around(lines: Sequence[str], line: int, column: int, end: int) -> tuple[int, int] | None:
    """The place (line and column from 1) of the name that is called with `name=`, written from a column to an end column."""
    if len(lines[line - 1]) > LONG or not re.match(r"\s*=(?!=)", lines[line - 1][end - 1 :]):
        return None
    depth = 0
    for number in range(line, max(0, line - _FAR), -1):
        text = lines[number - 1][: LONG if number < line else column - 1]
        text = _STRINGS.sub(lambda match: " " * len(match[0]), text)
        for at in range(len(text) - 1, -1, -1):
            depth += (text[at] in ")]}") - (text[at] in "([{")
            if depth < 0:
                callee = _CALLEE.search(text[:at]) if text[at] == "(" else None
                return (number, callee.start() + 1) if callee else None
    return None


def without_arguments(before: str) -> str:
    """The text before a name, with the arguments of the calls that lead to it left out: of `a(1).b(c(2)).` stays `a().b().`, no more."""
    before = before[-LONG:]
    while (shorter := _ARGUMENTS.sub("()", before, count=1)) != before:
        before = shorter
    return before


def values_of(text: str, name: str) -> Iterator[str]:
    """What a line says that a name is: a type or something that is called (`a.B`, `f()`), or another name; the best first."""
    quoted = re.escape(name)
    for pattern, ending in (
        (rf"\b{quoted}\??\s*:\s*{_HEAD}([\w.]+)", ""),
        (rf"\b{quoted}\s*(?::[^=]*)?:?=\s*(?:await\s+)?(?:new\s+|&)?([\w.]+)\s*(?:<[^<>]*>)?[({{]", "()"),
        (rf"\b([\w.]+)\(.*\)\s+as\s+{quoted}\b", "()"),
        (rf"\b{quoted}\s*=\s*([\w.]+)\s*(?:or\b|if\b|\|\||[,;#)]|$)", ""),
        (rf"\b([A-Z]\w*)(?:<[^<>]*>)?[&*\s]+\$?{quoted}\b", ""),
        (rf"\b{quoted}\s+\*?([A-Z][\w.]*)", ""),
    ):
        match = re.search(pattern, text)
        if match and match[1].strip(".") and match[1] not in _VAGUE:
            yield match[1].strip(".") + ending


def annotated(text: str, name: str) -> str:
    """The head of the type that a line gives a name (`a.B`); empty where there is none, or one that says nothing."""
    match = re.search(rf"\b{re.escape(name)}\??\s*:\s*{_HEAD}([\w.]+)", text)
    return match[1] if match and match[1] not in _VAGUE else ""


def is_plain(text: str, name: str) -> bool:
    """Whether a line gives a name a literal, or a value of a type that comes with the language."""
    return bool(
        re.search(rf"\b{re.escape(name)}\s*(?::[^=]*)?=\s*(?:{_LITERAL}|(?:new\s+)?(?:{_PLAIN})\b\s*[(<])", text)
    )


def hands_through(value: str) -> bool:
    """Whether what is called (`copy.copy()`) gives back what it is given, whoever wrote it."""
    return value.rpartition(".")[2] in {"copy()", "deepcopy()", "cast()", "replace()", "partial()", "proxy()"}


def result_of(signature: str) -> str:
    """The type that a function's head says it gives (`a.B`); empty where it says none, or none in particular."""
    match = re.search(rf"->\s*{_HEAD}([\w.]+)", signature) or re.search(rf"\)\s*:?\s*{_HEAD}([\w.]+)", signature)
    return match[1] if match and match[1] not in _VAGUE else ""
