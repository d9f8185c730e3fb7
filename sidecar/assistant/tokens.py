"""Estimate a request's input tokens where the provider has no count of its own.

Text is counted by its pieces (words, figures, signs, line starts). The weights are a least-squares fit of such counts
to the tokenizer that Anthropic published (anthropic-tokenizer-typescript) over 488 files of code, JSON and
Markdown; on files left out of the fit the median error was 1 to 4 % a kind of file, the 90th percentile under 10 %.
What newer models make of that, and what goes with messages, tools, calls and thinking, was fitted to requests that
were recorded with the usage that the API told (`tests/bench/tokens`, docs/providers.md). Images and documents are
counted by the rules in Anthropic's documentation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sidecar.assistant.images import MOST_PIXELS, shown_pixels
from sidecar.core.families import Version, version_of
from sidecar.core.messages import Json

_WORD: Final = re.compile(r"[A-Za-z]+")
_CAMEL: Final = re.compile(r"[a-z][A-Z]")
_DIGIT: Final = re.compile(r"[0-9]")
_SIGNS: Final = re.compile(r"[!-/:-@\[-`{-~]+")
_SPACE: Final = re.compile(r"\s{2,}|[\n\t]")

_PIECE: Final = 50_000  # characters looked at in one go: a regular expression lets no other thread run meanwhile
_LETTERS: Final = 6  # what a word has beyond so many letters is cut off
_PIXELS_A_TOKEN: Final = 750
_IMAGE: Final = 6  # what goes with one, whatever its size
_DEEPEST: Final = 8  # blocks within blocks; what lies deeper is counted as a plain value
_PAGE: Final = 2000  # a page of a PDF: text and picture (documented: 1,500 to 3,000 of text alone)
_PAGE_BYTES: Final = 60_000
_FRAME: Final = 3  # of a request
_NOT_SHOWN: Final = frozenset({"cache_control", "type"})
_THOUGHTS: Final = frozenset({"thinking", "redacted_thinking"})
_TEXTS: Final = ("said", "described", "called", "shaped")
_NUMBERS: Final = (
    "messages", "tools", "calls", "results", "budget", "adaptive", "budgeted", "tooled", "forced", "formed",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Rates:
    """Tokens for one of each of `Measures`; see there. The defaults are those of Claude 4.5 and 4.6."""

    said: float = 1.08
    described: float = 1.48
    called: float = 2.7
    shaped: float = 2.65
    messages: float = 3.9
    tools: float = 5.4
    calls: float = 0.0
    results: float = 40.0
    budget: float = 30.0
    adaptive: float = 18.0
    tooled: float = 500.0
    forced: float = 103.0
    formed: float = 94.0
    budgeted: float = 39.0


_GENERATIONS: Final[tuple[tuple[Version, _Rates], ...]] = (
    ((4, 7), _Rates(1.4, 1.9, 3.4, 3.4, 2.0, 0.0, 0.0, 8.0, 0.0, 1.7, 376.0, 157.0)),
    ((4, 5), _Rates()),
    ((0, 0), _Rates(1.1, 1.17, 1.76, 2.65, 3.9, 31.0, 66.0, 0.0, 29.0, 0.0, 290.0, 8.0)),
)
"""From which version on which rates hold, newest first."""

_KEEPS: Final = (4, 6)  # from here on, and with Opus 4.5, thoughts of earlier turns stay before the model


def _rates(model: str) -> _Rates:
    version = version_of(model) or _GENERATIONS[0][0]
    return next(rates for since, rates in _GENERATIONS if version >= since)


def _keeps_thoughts(model: str) -> bool:
    version = version_of(model) or _KEEPS
    return version >= _KEEPS or (version == (4, 5) and "opus" in model)


@dataclass(slots=True)
class Measures:
    """What of a request its tokens come from: texts in tokens of the published tokenizer, the rest in numbers.

    `said` is the text of system and messages, `described` that of tools, `called` of calls, `shaped` of the schema
    for the answer. `media` are tokens of images and documents. The last four are 0 or 1: whether there are tools,
    whether one of them must be used, whether an answer's form is given, whether the model is told of a budget for the
    whole task; `budget` and `adaptive` the kind of thinking.
    """

    said: float = 0.0
    described: float = 0.0
    called: float = 0.0
    shaped: float = 0.0
    media: float = 0.0
    messages: int = 0
    tools: int = 0
    calls: int = 0
    results: int = 0
    budget: int = 0
    adaptive: int = 0
    tooled: int = 0
    forced: int = 0
    formed: int = 0
    budgeted: int = 0


@dataclass(frozen=True, slots=True)
class Estimate:
    """Tokens that scale with how finely a model cuts text, and tokens that do not."""

    text: float
    fixed: float

    def scaled(self, ratio: float) -> int:
        """All of them, where a model makes `ratio` tokens of what is counted as one."""
        return round(self.text * ratio + self.fixed)


def estimate(body: Mapping[str, Any]) -> Estimate:
    """Input tokens of a Messages request's body: system, tools, messages with images and documents."""
    return weighed(measure(body), str(body.get("model") or ""))


def weighed(measures: Measures, model: str) -> Estimate:
    """The tokens that a model of this name makes of it."""
    rates = _rates(model)
    text = sum(getattr(measures, name) * getattr(rates, name) for name in _TEXTS)
    fixed = sum(getattr(measures, name) * getattr(rates, name) for name in _NUMBERS)
    return Estimate(text, _FRAME + measures.media + fixed)


def measure(body: Mapping[str, Any]) -> Measures:
    """Look through a Messages request's body."""
    seen = Measures()
    _content(seen, body.get("system"))
    messages = [message for message in body.get("messages") or [] if isinstance(message, dict)]
    kept = _keeps_thoughts(str(body.get("model") or "")) or bool(body.get("context_management"))
    settled = 0 if kept else _settled(messages)
    for place, message in enumerate(messages):
        seen.messages += 1
        _content(seen, message.get("content"), thoughts=place >= settled)
    _tools(seen, body)
    thinking = body.get("thinking")
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    seen.budget, seen.adaptive = int(kind == "enabled"), int(kind == "adaptive")
    output = body.get("output_config")
    seen.budgeted = int(isinstance(output, dict) and bool(output.get("task_budget")))
    form = output.get("format") if isinstance(output, dict) else body.get("output_format")
    if form:
        seen.formed, seen.shaped = 1, of_value(form)
    return seen


def of_text(text: str) -> float:
    """Tokens of plain text, not rounded; 0 for none."""
    if len(text) <= _PIECE:
        return _of_piece(text)
    return sum(_of_piece(text[at : at + _PIECE]) for at in range(0, len(text), _PIECE))


def _of_piece(text: str) -> float:
    words = _WORD.findall(text)
    signs = _SIGNS.findall(text)
    long = sum([(len(word) - 1) // _LETTERS for word in words])
    tokens = 0.92 * len(words) + 0.41 * long + 0.57 * len(_CAMEL.findall(text)) + 0.60 * len(_DIGIT.findall(text))
    tokens += 1.07 * len(signs) + 0.10 * sum(map(len, signs)) + 0.77 * len(_SPACE.findall(text))
    if not text.isascii():
        # Scripts without spaces and accents alike come to about one token a character.
        tokens += len(text) - len(text.encode("ascii", "ignore"))
    return tokens


def of_value(value: Any) -> float:
    """Tokens of a JSON value: its keys and values as text, and one for each object or list."""
    spelled: list[str] = []
    containers = 0
    waiting = [value]
    while waiting:  # no recursion: a request may be nested deeper than Python's stack
        match waiting.pop():
            case dict() as table:
                containers += 1
                spelled.extend(table)
                waiting.extend(table.values())
            case list() as items:
                containers += 1
                waiting.extend(items)
            case None:
                pass
            case scalar:
                spelled.append(str(scalar))
    return containers + of_text(" ".join(spelled))


def _tools(seen: Measures, body: Mapping[str, Any]) -> None:
    tools = [tool for tool in body.get("tools") or [] if not tool.get("defer_loading")]
    choice = body.get("tool_choice")
    seen.tools, seen.tooled = len(tools), int(bool(tools))
    seen.forced = int(bool(tools) and isinstance(choice, dict) and choice.get("type") in {"any", "tool"})
    seen.described = sum(of_value({k: v for k, v in tool.items() if k not in _NOT_SHOWN}) for tool in tools)


def _settled(messages: list[Json]) -> int:
    """Where the last turn begins: thoughts before it are not shown to the model again, within its calls they are."""
    for place in range(len(messages) - 1, -1, -1):
        content = messages[place].get("content")
        if messages[place].get("role") != "user":
            continue
        if not isinstance(content, list) or not any(
            isinstance(b, dict) and b.get("type") == "tool_result" for b in content
        ):
            return place
    return 0


def _content(seen: Measures, content: Any, *, thoughts: bool = True, depth: int = 0) -> None:
    """Look at a string or a list of blocks; what has neither form counts nothing."""
    if isinstance(content, str):
        seen.said += of_text(content)
    elif isinstance(content, list):
        for block in content:
            if isinstance(block, dict) and (thoughts or block.get("type") not in _THOUGHTS):
                _block(seen, block, depth)


def _block(seen: Measures, block: Json, depth: int) -> None:
    match block.get("type"):
        case "text" | "thinking" as kind:
            seen.said += of_text(str(block.get(kind, "")))
        case "redacted_thinking":
            seen.said += len(str(block.get("data", ""))) / 4
        case "image":
            seen.media += _of_image(block.get("source"))
        case "document":
            _document(seen, block.get("source"))
        case "tool_result" if depth < _DEEPEST:
            seen.results += 1
            _content(seen, block.get("content"), depth=depth + 1)
        case "tool_use" | "server_tool_use" | "mcp_tool_use":
            seen.calls += 1
            seen.called += of_text(str(block.get("name", ""))) + of_value(block.get("input"))
        case _:
            seen.said += of_value(block)


def _of_image(source: Any) -> float:
    data = source.get("data") if isinstance(source, dict) else None
    pixels = shown_pixels(data) if isinstance(data, str) else MOST_PIXELS
    return _IMAGE + pixels / _PIXELS_A_TOKEN


def _document(seen: Measures, source: Any) -> None:
    if not isinstance(source, dict):
        return
    data = str(source.get("data") or "")
    match source.get("type"):
        case "text":
            seen.said += of_text(data)
        case "content":
            _content(seen, source.get("content"), depth=_DEEPEST)
        case "base64":
            seen.media += _PAGE * max(1, round(len(data) * 3 / 4 / _PAGE_BYTES))
        case _:
            seen.media += _PAGE
