"""Decode large JSON in steps that let other threads run in between, with the same outcome as orjson.

orjson holds the interpreter's lock from the first byte to the last: 20 MB stop every other thread for up to 100 ms,
an event loop's too. The standard library's decoder takes as long, but comes back to Python with each object.
"""

from __future__ import annotations

import codecs
import json
import math
from typing import Any, Final, NoReturn

_STEP: Final = 1024 * 1024
_DIGITS: Final = 18
"""A whole number of so many digits fits into 64 bits."""
_LOW: Final = -(2**63)
_HIGH: Final = 2**64 - 1


def decode_in_steps(raw: bytes) -> Any:
    """The value. Raises ValueError for what orjson refuses: bad UTF-8, lone surrogates, NaN, too large, too deep."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    parts = [decoder.decode(raw[at : at + _STEP]) for at in range(0, len(raw), _STEP)]
    text = "".join([*parts, decoder.decode(b"", final=True)])
    try:
        value = _DECODER.decode(text)
        _check(value)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    for key, item in value.items():
        _check(key)
        if not isinstance(item, dict):
            _check(item)
    return value


def _check(value: Any) -> None:
    """Refuse halves of characters; objects have been looked at when they were made."""
    if isinstance(value, str):
        if not value.isascii():
            for at in range(0, len(value), _STEP):
                value[at : at + _STEP].encode()
    elif isinstance(value, list):
        for item in value:
            _check(item)


def _whole(digits: str) -> int | float:
    if len(digits) <= _DIGITS:
        return int(digits)
    number = float(digits)
    if math.isinf(number):
        raise ValueError("a number is too large")
    if len(digits) > _DIGITS + 2:
        return number
    whole = int(digits)
    return whole if _LOW <= whole <= _HIGH else number


def _fraction(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_whole, parse_float=_fraction, parse_constant=_constant
)
