"""Server-sent events from bytes: feed any split of a stream, get the same events. No input or output here.

Source: WHATWG HTML, section 9.2 (event stream interpretation): lines end in LF, CR or CRLF, a blank line
ends an event, lines that begin with a colon are comments.
"""

from __future__ import annotations

import re

from sidecar.core.errors import UpstreamError
from sidecar.core.events import Event

MAX_FRAME = 64 * 1024 * 1024
"""Bytes one event may have before the stream is given up."""

_END = re.compile(rb"\r\n\r\n|\n\n|\r\r|\n\r\n|\r\n\n|\r\n\r(?!\n)|\n\r(?!\n)")
_NAME = re.compile(rb"(?:^|[\r\n])event:[ ]?([^\r\n]*)")
_TYPE = re.compile(rb'"type"\s*:\s*"([a-z_]+)"')


class Decoder:
    """Turns the bytes of an event stream into events, whatever way they were cut."""

    def __init__(self) -> None:
        self._buffer = b""
        self._first = True

    @property
    def pending(self) -> bytes:
        """Bytes of an event that has not ended yet; not empty at the end of input means a cut stream."""
        return self._buffer

    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes complete, in order. Raises UpstreamError past `MAX_FRAME`."""
        buffer = self._buffer + data
        if self._first and buffer:
            if len(buffer) < 3 and b"\xef\xbb\xbf".startswith(buffer):
                self._buffer = buffer
                return []
            buffer = buffer.removeprefix(b"\xef\xbb\xbf")
            self._first = False
        # A CR at the very end may be half of a CRLF: wait for the next byte before ending a frame with it.
        held = b""
        if buffer.endswith(b"\r"):
            buffer, held = buffer[:-1], b"\r"
        frames: list[Event] = []
        start = 0
        if b"\r" not in buffer:
            while (end := buffer.find(b"\n\n", start)) >= 0:
                _append(frames, buffer[start : end + 2])
                start = end + 2
        else:
            for match in _END.finditer(buffer):
                _append(frames, buffer[start : match.end()])
                start = match.end()
        self._buffer = buffer[start:] + held
        if len(self._buffer) > MAX_FRAME:
            raise UpstreamError(f"The provider sent one event of more than {MAX_FRAME} bytes.")
        return frames


def _append(frames: list[Event], raw: bytes) -> None:
    named = _NAME.search(raw)
    if named:
        frames.append(Event(named.group(1).decode("utf-8", "replace"), raw))
    elif b"data:" in raw:
        typed = _TYPE.search(raw)
        frames.append(Event(typed.group(1).decode() if typed else "message", raw))
