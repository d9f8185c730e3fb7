"""The name under which an answer is kept: a digest of everything that could have made the answer another one. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final

import orjson

from sidecar.core.messages import MessagesRequest

VOLATILE: Final = frozenset({"stream", "metadata"})
"""Top-level fields that leave the answer as it is: how it travels, and who asks. Every other one counts, known or not."""

_FORM: Final = 2  # of the signature and of what is kept under it; another number forgets everything
_BILLING: Final = "x-anthropic-billing-header:"
_LIST_HEADER: Final = "anthropic-beta"


def signature(request: MessagesRequest, origin: str, workspace: str) -> str | None:
    """64 hexadecimal digits; None for a request that is nested too deeply to be written in one form.

    `origin` tells who would answer: the provider, its address, how it maps the names of models. Keys may stand in any
    order. Claude Code's first system block, which only counts its own requests, is left out.
    """
    body = {name: value for name, value in request.body.items() if name not in VOLATILE}
    if "system" in body:
        body["system"] = _without_billing(body["system"])
    told = [_FORM, origin, workspace, _headers(request.headers), body]
    try:
        written = orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return None
    return hashlib.sha256(written).hexdigest()


def _without_billing(system: Any) -> Any:
    if not isinstance(system, list) or not system or not isinstance(system[0], dict):
        return system
    return system[1:] if str(system[0].get("text") or "").startswith(_BILLING) else system


def _headers(headers: Mapping[str, str]) -> dict[str, Any]:
    """The API's headers; betas may come in any order."""
    told: dict[str, Any] = dict(headers)
    if _LIST_HEADER in headers:
        told[_LIST_HEADER] = sorted({beta.strip() for beta in headers[_LIST_HEADER].split(",")} - {""})
    return told
