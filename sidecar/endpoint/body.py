"""Read a request's body: bounded in size and in time, and ended early when it cannot be wanted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final

from aiohttp import web

from sidecar.core.errors import BadInput, TooLarge
from sidecar.core.messages import AT_ONCE
from sidecar.endpoint.call import ClientLeft
from sidecar.endpoint.errors import Rejected
from sidecar.endpoint.limits import Limits

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_SAMPLED: Final = 256 * 1024  # bytes from which on a look at every sixteenth kilobyte says whether to count
_LOOK: Final = 1024
_EACH: Final = 16
_STEP: Final = 512 * 1024


async def read_body(request: web.BaseRequest, limits: Limits) -> bytes:
    """The whole body.

    Raises TooLarge as soon as the declared or the received size passes the limit, Rejected (408) when the client
    stalls or drips, BadInput when its framing is broken, ClientLeft.
    """
    largest = limits.body_bytes
    if (request.content_length or 0) > largest:
        raise _too_large(largest)
    if request.headers.get("expect", "").lower() == "100-continue":
        await request.writer.write(_CONTINUE)
        request.writer.output_size = 0
    if request.content_length and request.content.is_eof() and request.content.exception() is None:
        return request.content.read_nowait()  # all of it came with its head: nobody need watch the clock
    chunks: list[bytes] = []
    size = 0
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with asyncio.timeout(limits.body_stall) as clock:
            while chunk := await request.content.readany():
                size += len(chunk)
                if size > largest:
                    raise _too_large(largest)
                chunks.append(chunk)
                if not request.content.is_eof():
                    whole = began + limits.body_stall + size / limits.body_rate
                    clock.reschedule(min(loop.time() + limits.body_stall, whole))
    except TimeoutError:
        raise Rejected(408, "The request's body did not arrive in time; send it without pauses.") from None
    except ConnectionError:
        raise ClientLeft from None
    except web.RequestPayloadError as error:
        raise BadInput(f"The request's body is not framed as HTTP wants it: {error}") from None
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def read_json(request: web.BaseRequest, limits: Limits) -> bytes:
    """The whole body of a request that is decoded later: as `read_body`, and TooLarge for one of too many values.

    Each value becomes an object, and hundreds of thousands of them stop the event loop when they are made, looked
    through by the garbage collector, and dropped, on whichever thread.
    """
    raw = await read_body(request, limits)
    if len(raw) > AT_ONCE:
        much = await asyncio.to_thread(crowded, raw, limits.values)
    else:
        much = (len(raw) < _SAMPLED or _marks(_sample(raw)) * _EACH > limits.values // 2) and crowded(
            raw, limits.values
        )
    if much:
        what = "send fewer at once, or one long text in their place"
        raise TooLarge(f"The request holds more than {limits.values:,} values; {what}.")
    return raw


def crowded(raw: bytes, most: int) -> bool:
    """Whether JSON holds more than so many values, told from its bytes: some milliseconds a megabyte, of any kind.

    An empty list or object counts twice. What is no JSON is told somehow; whoever decodes it will refuse it.
    """
    if len(raw) < 2 * most:
        return False
    if sum(map(_marks, _steps(raw))) < most:  # each value but the first has a comma or an opening bracket before it
        return False
    marks = quotes = 0
    for step in _steps(raw):
        bare = step.replace(b"\\\\", b"").replace(b'\\"', b"")  # now each quotation mark begins or ends a string
        inside, quotes = quotes % 2, quotes + bare.count(b'"')
        if quotes > 4 * most:  # a string is a value, or the name of one
            return True
        marks += _marks(b"".join(bare.split(b'"')[inside::2]))
        if marks >= most:
            return True
    return False


def _steps(raw: bytes) -> Iterator[bytes]:
    """It in pieces, so that no call holds the interpreter's lock for long; never cut within an escape."""
    begin = 0
    while begin < len(raw):
        end = begin + _STEP
        while raw[end - 1 : end] == b"\\":
            end += 1
        yield raw[begin:end]
        begin = end


def _marks(raw: bytes) -> int:
    return len(raw) - len(raw.translate(None, b",[{"))


def _sample(raw: bytes) -> bytes:
    return b"".join(raw[at : at + _LOOK] for at in range(0, len(raw), _EACH * _LOOK))


def _too_large(largest: int) -> TooLarge:
    return TooLarge(f"The request is larger than {largest // (1024 * 1024)} MB; send fewer or smaller attachments.")
