"""How large an image is, read from the first bytes of its file, without decoding it.

Sources: the PNG, GIF, JPEG (JFIF) and WebP specifications; Anthropic's documentation for how images are scaled down.
"""

from __future__ import annotations

import base64
import binascii
import struct
from typing import Final

MOST_PIXELS: Final = 1_200_000
"""Pixels of the largest image that a model is shown (about 1,600 tokens)."""

_LONG_EDGE: Final = 1568
_HEAD: Final = 256 * 1024  # base64 characters that are looked at: a JPEG may carry a preview before its size
_NO_SIZE: Final = frozenset({0xC4, 0xC8, 0xCC})  # markers among those of a JPEG frame that are none


def shown_pixels(data: str) -> float:
    """Pixels of a base64 image after the scaling that the API does; `MOST_PIXELS` when the size cannot be read."""
    try:
        size = image_size(base64.b64decode(data[:_HEAD].encode("ascii", "ignore"), validate=False))
    except binascii.Error:
        size = None
    if size is None:
        return MOST_PIXELS
    width, height = size
    scale = min(1.0, _LONG_EDGE / max(width, height, 1))
    return min(width * scale * height * scale, MOST_PIXELS)


def image_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG, GIF, JPEG or WebP file by its head; None for anything else."""
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            width, height = struct.unpack_from(">II", data, 16)
        elif data.startswith((b"GIF87a", b"GIF89a")):
            width, height = struct.unpack_from("<HH", data, 6)
        elif data.startswith(b"\xff\xd8"):
            width, height = _jpeg(data)
        elif data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            width, height = _webp(data)
        else:
            return None
    except (struct.error, IndexError):
        return None
    return width, height


def _jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    while True:
        marker = data[at + 1]
        if data[at] != 0xFF:
            raise IndexError(at)
        if 0xC0 <= marker <= 0xCF and marker not in _NO_SIZE:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]


def _webp(data: bytes) -> tuple[int, int]:
    match data[12:16]:
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", data, 26)
            return width & 0x3FFF, height & 0x3FFF
        case b"VP8L":
            (bits,) = struct.unpack_from("<I", data, 21)
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            low, middle, high = struct.unpack_from("<HHH", data, 24)  # two numbers of 24 bits
            return (low | (middle & 0xFF) << 16) + 1, (middle >> 8 | high << 8) + 1
    raise IndexError(12)
