"""What a model answered: the call of our tool, or JSON in its text. Whatever is not as it was asked for is told. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from sidecar.core.messages import Json, texts
from sidecar.core.review import Band
from sidecar.critique.material import LONGEST
from sidecar.critique.prompt import MOST_COMMENTS, TOOL
from sidecar.review.words import code, defuse

_MOST_TEXT: Final = 6_000
_MOST_TITLE: Final = 120
_MOST_ITEMS: Final = 60
_MOST_SUGGESTED: Final = 60
"""Lines that one comment may put in."""
_FENCED: Final = re.compile(r"```(?:json)?[ \t]*\n(.*?)\n[ \t]*```", re.DOTALL)
_BLOCK: Final = re.compile(r"^```suggestion[^\n]*\n(.*?)^```[ \t\r]*$", re.DOTALL | re.MULTILINE)
_MARKED: Final = re.compile(r"^(`{3,}|~{3,})suggestion[^\n]*$", re.MULTILINE)
_WRAPPED: Final = re.compile(r"```[\w+-]*[ \t]*\n(.*?)\n?[ \t]*```[ \t]*", re.DOTALL)
_ROW: Final = re.compile(r"\s*\d+ [-+ ] ")
_SPOKEN: Final[Mapping[str, Band]] = {
    "critical": "critical", "blocker": "critical", "high": "high", "major": "high", "error": "high", "medium": "medium",
    "moderate": "medium", "warning": "medium", "low": "low", "minor": "low", "info": "low", "nit": "low", "note": "low",
}  # fmt: skip


class Unusable(Exception):
    """An answer of which nothing can be taken; `args[0]` is a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A comment as the model placed it; nothing of its place is believed yet."""

    file: str
    line: int
    end: int
    quote: str
    severity: Band
    title: str
    body: str
    suggestion: tuple[str, ...] = ()
    """Lines to stand in place of `line`..`end`; none where none are suggested."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said of one part; `odd` counts comments that could not be read."""

    summary: str = ""
    files: tuple[tuple[str, str], ...] = ()
    checklist: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()
    odd: int = 0


def read(message: Mapping[str, Any]) -> Answer:
    """The answer in a message of the Messages API. Raises Unusable."""
    stop = message.get("stop_reason")
    value = _value(message)
    if value is None:
        if stop == "refusal":
            raise Unusable("the model refused to answer.")
        cut = " It was cut off at its limit of tokens: write less, at most 10 comments." if stop == "max_tokens" else ""
        raise Unusable(f"it holds no {TOOL} call and no JSON object of that form.{cut}")
    told = _list(value.get("comments"))
    claims = [claim for each in told[:_MOST_ITEMS] if (claim := _claim(each)) is not None]
    answer = Answer(
        _text(value.get("summary")),
        tuple((_text(e.get("file")), _text(e.get("note"))) for e in _list(value.get("files")) if isinstance(e, dict)),
        tuple(_line(each) for each in _list(value.get("checklist")) if isinstance(each, str) and each.strip()),
        tuple(claims[:MOST_COMMENTS]),
        len(told) - len(claims[:MOST_COMMENTS]),
    )
    if not (answer.summary or answer.claims or answer.checklist):
        raise Unusable("it has neither a summary nor a comment.")
    return answer


def _value(message: Mapping[str, Any]) -> Json | None:
    """The object that was wanted: the tool's input, or the last JSON object of that form in the text."""
    content = message.get("content")
    blocks = content if isinstance(content, list) else []
    for block in blocks:
        called = isinstance(block, dict) and block.get("type") == "tool_use" and block.get("name") == TOOL
        if called and isinstance(block.get("input"), dict) and _meant(block["input"]):
            return _inner(block["input"])
    said = "\n".join(texts(content))
    whole = said[said.find("{") : said.rfind("}") + 1]
    for raw in (*reversed(_FENCED.findall(said)), whole):
        try:
            value = orjson.loads(raw)
        except orjson.JSONDecodeError:
            continue
        if isinstance(value, list):
            value = {"comments": value}
        if isinstance(value, dict) and _meant(value):
            return _inner(value)
    return None


def _meant(value: Json) -> bool:
    return bool(value.keys() & {"summary", "comments"})


def _inner(value: Json) -> Json:
    """Lists that came as JSON in a string, as some models write nested arguments, become lists."""
    return {
        name: _decoded(each) if name != "summary" and isinstance(each, str) else each for name, each in value.items()
    }


def _decoded(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _claim(value: Any) -> Claim | None:
    if not isinstance(value, dict):
        return None
    raw = value.get("body") or value.get("comment")
    said = _text(raw)
    file, line = value.get("file"), _number(value.get("line"))
    if not (isinstance(file, str) and file.strip() and said):
        return None
    spoken = str(value.get("severity") or "").strip().lower()
    end = _number(value.get("end_line"))
    quote = value.get("quote")
    title = _line(value.get("title"))[:_MOST_TITLE]
    told = value.get("suggestion")
    told = told if isinstance(told, str) and told.strip() else "".join(_BLOCK.findall(str(raw))[:1])
    # A marked block in the text would be taken for lines that replace the thread's own, wherever these are in the end.
    said = _MARKED.sub(r"\1", said)
    return Claim(
        file.strip(), line, max(line, end), quote if isinstance(quote, str) else "", _SPOKEN.get(spoken, "medium"), title, said,
        _suggested(told),
    )  # fmt: skip


def _suggested(text: str) -> tuple[str, ...]:
    """The suggested lines; none where they are no plain text of a few lines, or still bear numbers and signs."""
    if fenced := _WRAPPED.fullmatch(text.strip("\n")):
        text = fenced[1]
    lines = [line.rstrip("\r") for line in text.strip("\n").split("\n")]
    told = text.strip() and len(lines) <= _MOST_SUGGESTED and max(map(len, lines)) <= LONGEST
    if not told or any(_unseen(line.replace("\t", " ")) for line in lines) or all(_ROW.match(line) for line in lines):
        return ()
    return tuple(lines)


def _unseen(line: str) -> bool:
    """Whether something stands in it that its reader does not see: control, direction, zero-width characters."""
    return line not in code(line)


def _number(value: Any) -> int:
    """A line's number; 0 for none."""
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31 else 0


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _text(value: Any) -> str:
    return defuse(value.strip()[:_MOST_TEXT]) if isinstance(value, str) else ""


def _line(value: Any) -> str:
    return " ".join(_text(value).split())
