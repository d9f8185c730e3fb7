"""Server-sent events from bytes: feed any split of a stream, get the same events. No input or output here.

Source: WHATWG HTML, section 9.2 (event stream interpretation): lines end in LF, CR or CRLF, a blank line
ends an event, lines that begin with a colon are comments.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sidecar.core.errors import UpstreamError
from sidecar.core.events import Event

MAX_FRAME = 64 * 1024 * 1024
"""Bytes one event may have before the stream is given up."""

_END = re.compile(rb"\r\n\r\n|\n\n|\r\r|\n\r\n|\r\n\n|\r\n\r(?!\n)|\n\r(?!\n)")
_NAME = re.compile(rb"(?:^|[\r\n])event:[ ]?+([^\r\n]+)")
_DATA = re.compile(rb"(?:^|[\r\n])data:")
_BOM = b"\xef\xbb\xbf"
_LONGEST_END = 4


class Decoder:
    """Turns the bytes of an event stream into events, whatever way they were cut."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._seen = 0
        self._first = True

    @property
    def pending(self) -> bytes:
        """Bytes of an event that has not ended yet; not empty at the end of input means a cut stream."""
        return bytes(self._buffer)

    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes complete, in order. Raises UpstreamError past `MAX_FRAME`."""
        if data.endswith(b"\n\n") and not (self._buffer or self._first or b"\r" in data):
            return _followed([event for frame in data.split(b"\n\n")[:-1] if (event := _read(frame + b"\n\n"))])
        self._buffer += data
        if self._first and not self._begin():
            return []
        # A CR at the very end may be half of a CRLF: wait for the next byte before ending a frame with it.
        limit = len(self._buffer) - self._buffer.endswith(b"\r")
        events = self._take(limit)
        if len(self._buffer) > MAX_FRAME:
            self._buffer.clear()  # the error's traceback would keep it
            raise UpstreamError(f"The provider sent one event of more than {MAX_FRAME} bytes.")
        return events

    def end(self) -> list[Event]:
        """The event that turns out to be complete because nothing follows: one that ends in a held back CR."""
        return self._take(len(self._buffer))

    def _begin(self) -> bool:
        if len(self._buffer) < len(_BOM) and _BOM.startswith(self._buffer):
            return False
        if self._buffer.startswith(_BOM):
            del self._buffer[: len(_BOM)]
        self._first = False
        return True

    def _take(self, limit: int) -> list[Event]:
        """Events that end before `limit`, all but the last marked as followed by more; the buffer keeps the rest."""
        events: list[Event] = []
        start = 0
        for end in self._ends(limit):
            event = _read(bytes(self._buffer[start:end]))
            if event is not None:
                events.append(event)
            start = end
        if start:
            del self._buffer[:start]
        self._seen = max(0, limit - start - _LONGEST_END)
        return _followed(events)

    def _ends(self, limit: int) -> Iterator[int]:
        """Where frames end. What was looked through at earlier calls is not looked through again."""
        if self._buffer.find(b"\r", self._seen, limit) >= 0:
            for match in _END.finditer(self._buffer, self._seen, limit):
                yield match.end()
            return
        at = self._seen
        while (at := self._buffer.find(b"\n\n", at, limit)) >= 0:
            at += 2
            yield at


def _followed(events: list[Event]) -> list[Event]:
    """The events, all but the last marked as followed by more."""
    for event in events[:-1]:
        event.more = True
    return events


def _read(raw: bytes) -> Event | None:
    """The event of one frame; None for a comment or an empty frame. A nameless one is named by its data's `type`."""
    if raw.startswith(b"event: ") and (end := raw.find(b"\n")) > 7 and b"\r" not in (name := raw[7:end]):
        return Event(name.decode("utf-8", "replace"), raw)  # as nearly all of them are written
    if named := _NAME.search(raw):
        return Event(named.group(1).decode("utf-8", "replace"), raw)
    if not _DATA.search(raw):
        return None
    event = Event("message", raw)
    kind = event.data.get("type")
    return Event(kind, raw, event.data) if isinstance(kind, str) and kind else event
