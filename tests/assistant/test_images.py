"""Sizes from the heads of image files."""

from __future__ import annotations

import base64
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.assistant.images import MOST_PIXELS, image_size, shown_pixels


def jpeg(width: int, height: int, before: bytes = b"") -> bytes:
    frame = b"\xff\xc0" + struct.pack(">HBHH", 17, 8, height, width)
    return b"\xff\xd8" + b"\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0" + b"\0" * 9 + before + frame


HUFFMAN = b"\xff\xc4" + struct.pack(">H", 6) + b"\0" * 4  # a marker among those of frames that is none
WEBP = b"RIFF\0\0\0\0WEBP"

FILES = [
    (b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 640, 480), (640, 480)),
    (b"GIF89a" + struct.pack("<HH", 640, 480), (640, 480)),
    (b"GIF87a" + struct.pack("<HH", 1, 2), (1, 2)),
    (jpeg(640, 480), (640, 480)),
    (jpeg(640, 480, HUFFMAN), (640, 480)),
    (WEBP + b"VP8 " + b"\0" * 10 + struct.pack("<HH", 640, 480), (640, 480)),
    (WEBP + b"VP8L\0\0\0\0\x2f" + struct.pack("<I", 639 | 479 << 14), (640, 480)),
    (WEBP + b"VP8X" + b"\0" * 8 + (639).to_bytes(3, "little") + (479).to_bytes(3, "little"), (640, 480)),
    (WEBP + b"XXXX", None),
    (b"BM" + b"\0" * 50, None),
    (b"", None),
]


@pytest.mark.parametrize(("data", "size"), FILES)
def test_sizes(data, size):
    assert image_size(data) == size


@pytest.mark.parametrize("data", [data for data, size in FILES if size])
def test_a_head_that_is_cut_has_no_size(data):
    assert all(image_size(data[:length]) is None for length in range(len(data) - 3))


@given(st.binary(max_size=200))
def test_any_bytes_are_survived(data):
    for start in (b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", WEBP):
        image_size(start + data)


@pytest.mark.parametrize(
    ("data", "pixels"),
    [
        (jpeg(100, 100), 10_000),
        (jpeg(3136, 1000), 1568 * 500),  # scaled down to the long edge
        (jpeg(4000, 4000), MOST_PIXELS),
        (b"no image", MOST_PIXELS),
    ],
)
def test_what_a_model_is_shown(data, pixels):
    assert shown_pixels(base64.b64encode(data).decode()) == pytest.approx(pixels)


@pytest.mark.parametrize("text", ["", "!", "\u2603", "a", "====", "A" * 1_000_001])
def test_text_that_is_no_base64(text):
    assert shown_pixels(text) == MOST_PIXELS
