"""The embedded provider: no key, no network, no model. Plain requests are answered from our own analysers.

It says what it is in every answer. What it cannot do it says too, with the list of what it can; it never writes
what a model would have to think up.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import orjson

from sidecar.core.errors import SidecarError
from sidecar.core.events import Event
from sidecar.core.messages import Json, MessagesRequest
from sidecar.core.ports import Analyst, Capabilities, Model
from sidecar.core.reply import Reply
from sidecar.core.turn import Handling, Turn
from sidecar.providers.wishes import Wish, understand, words_of
from sidecar.trace import get_logger

log = get_logger("providers")

INTRODUCTION: Final = "I am Sidecar's offline provider, not a model"
_FROM_ANALYSERS: Final = f"*{INTRODUCTION}; this comes from Sidecar's own analysers.*\n\n"
_ABILITIES: Final = """\
What I can do, asked in plain words:

- **summarize the recent diff**: what the uncommitted change does, file by file
- **review the diff**: its risky places, with reasons
- **where is `name` defined**: find a symbol
- **status**: branch, changed files, provider, workspace
- **help**: this list

For everything else choose a provider with a model, for example
`PROVIDER=databricks` with `DATABRICKS_API_BASE` and `DATABRICKS_API_KEY`, and start Sidecar again."""
_HELP: Final = f"{INTRODUCTION}.\n\n{_ABILITIES}"
_OTHER: Final = f"{INTRODUCTION}, so I cannot do that.\n\n{_ABILITIES}"
_BLOCK_END: Final = "</block>"
_PIECE: Final = 48
_MODEL: Final = "claude-offline-sidecar"
_CHARACTERS_A_TOKEN: Final = 4


class OfflineProvider:
    """Implements `core.ports.Provider` with an analyst in place of a model."""

    name: Final = "offline"
    capabilities: Final = Capabilities(native=False, cache_control=False, server_tools=False, safeguards=False)

    def __init__(self, analyst: Analyst) -> None:
        self._analyst = analyst

    async def send(self, request: MessagesRequest, turn: Turn) -> Reply:
        """The answer as events; the first ones come before any analysis."""
        return Reply(events=self._answer(request), handling=Handling(_MODEL))

    async def count_tokens(self, request: MessagesRequest, turn: Turn) -> int | None:
        """None: there is no model whose tokens could be counted."""
        return None

    async def models(self) -> Sequence[Model]:
        """One name, which says what it is."""
        return (Model(_MODEL, "Sidecar offline (no model)"),)

    async def aclose(self) -> None:
        """Nothing is held open."""

    async def _answer(self, request: MessagesRequest) -> AsyncIterator[Event]:
        yield _start(request)
        yield Event.make({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})
        limit = _limit(request)
        sent = 0
        async for piece in self._pieces(request):
            text = piece[: limit - sent]
            if text:
                sent += len(text)
                delta = {"type": "text_delta", "text": text}
                yield Event.make({"type": "content_block_delta", "index": 0, "delta": delta})
                await asyncio.sleep(0)  # each piece may leave before the next is made
            if sent >= limit:
                break
        yield Event.make({"type": "content_block_stop", "index": 0})
        for event in _end(request, sent, cut=sent >= limit):
            yield event

    async def _pieces(self, request: MessagesRequest) -> AsyncIterator[str]:
        fixed = _side_answer(request)
        if fixed is not None:
            yield fixed
            return
        wish = understand(words_of(request.last_user_text()))
        if wish.intent in {"help", "greeting", "other"}:
            text = _OTHER if wish.intent == "other" else _HELP
        else:
            yield _FROM_ANALYSERS
            text = await self._analysed(wish)
        for start in range(0, len(text), _PIECE):
            yield text[start : start + _PIECE]

    async def _analysed(self, wish: Wish) -> str:
        try:
            match wish.intent:
                case "summarize":
                    return await self._analyst.summarize_diff()
                case "review":
                    return await self._analyst.review_diff()
                case "symbol":
                    return await self._analyst.find_symbol(wish.symbol)
                case _:
                    return await self._analyst.status()
        except SidecarError as error:
            log.info("analysis_failed", intent=wish.intent, error=error)
            return error.sentence


# ── calls that Claude Code makes on its own ─────────────────────────────────────────────────────────
def _is_safety_check(request: MessagesRequest) -> bool:
    return _BLOCK_END in (request.body.get("stop_sequences") or [])


def _side_answer(request: MessagesRequest) -> str | None:
    """The answer to a call that no person reads, or None.

    Auto mode's safety check asks whether an action must be blocked: nobody here can judge that, so it is. What
    wants JSON gets an object of the wanted form with nothing in it but the person's own words.
    """
    if _is_safety_check(request):
        return "<block>yes"
    form = (request.body.get("output_config") or {}).get("format") or request.body.get("output_format") or {}
    if isinstance(form, dict) and form.get("type") == "json_schema":
        words = " ".join(words_of(request.last_user_text()).split())
        return orjson.dumps(_example(form.get("schema") or {}, words)).decode()
    return None


def _example(schema: Any, words: str, name: str = "", depth: int = 8) -> Any:
    """The smallest value of a JSON schema; a field called `title` is made of the person's first words."""
    if not isinstance(schema, dict) or depth == 0:
        return None
    if "const" in schema or schema.get("enum"):
        return schema.get("const", (schema.get("enum") or [None])[0])
    kind = schema.get("type")
    if kind == "object":
        fields = schema.get("properties") or {}
        return {key: _example(fields.get(key), words, key, depth - 1) for key in schema.get("required") or fields}
    if kind == "array":
        return [_example(schema.get("items"), words, name, depth - 1)] * min(int(schema.get("minItems", 0)), 8)
    plain: Json = {"string": "", "boolean": False, "integer": 0, "number": 0}
    if kind == "string":
        text = (words[:50].rstrip() or "Offline") if name == "title" else ""
        return text.ljust(min(int(schema.get("minLength", 0)), 200), "-")
    return schema.get("minimum", plain.get(str(kind)))


# ── frames ──────────────────────────────────────────────────────────────────────────────────────────
def _limit(request: MessagesRequest) -> int:
    tokens = request.body.get("max_tokens") or 64_000
    return int(tokens) * _CHARACTERS_A_TOKEN


def _start(request: MessagesRequest) -> Event:
    message: Json = {
        "id": f"msg_{secrets.token_hex(12)}",
        "type": "message",
        "role": "assistant",
        "model": request.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _usage(request, 1),
    }
    return Event.make({"type": "message_start", "message": message})


def _end(request: MessagesRequest, characters: int, *, cut: bool) -> tuple[Event, Event]:
    delta = {"stop_reason": "max_tokens" if cut else "end_turn", "stop_sequence": None}
    if _is_safety_check(request):
        delta = {"stop_reason": "stop_sequence", "stop_sequence": _BLOCK_END}
    usage = _usage(request, max(1, round(characters / _CHARACTERS_A_TOKEN)))
    return (Event.make({"type": "message_delta", "delta": delta, "usage": usage}), Event.make({"type": "message_stop"}))


def _usage(request: MessagesRequest, output: int) -> Json:
    """Estimates: four characters a token, as nothing is counted or billed here."""
    return {
        "input_tokens": max(1, len(request.raw) // _CHARACTERS_A_TOKEN),
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": output,
    }
