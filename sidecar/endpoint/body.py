"""Read a request's body: bounded in size and in time, and ended early when it cannot be wanted."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

from sidecar.core.errors import BadInput, TooLarge
from sidecar.endpoint.call import ClientLeft
from sidecar.endpoint.errors import Rejected
from sidecar.endpoint.limits import Limits

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


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


def crowded(raw: bytes, most: int) -> bool:
    """Whether JSON holds more than so many values, told from its bytes: some milliseconds for megabytes of any kind.

    An empty list or object counts twice. What is no JSON is told somehow; whoever decodes it will refuse it.
    """
    if _marks(raw) < most:  # each value but the first has a comma or an opening bracket before it
        return False
    bare = raw.replace(b"\\\\", b"").replace(b'\\"', b"")  # now each quotation mark begins or ends a string
    if bare.count(b'"') > 4 * most:  # a string is a value, or the name of one
        return True
    return _marks(b"".join(bare.split(b'"')[::2])) >= most


def _marks(raw: bytes) -> int:
    return len(raw) - len(raw.translate(None, b",[{"))


def _too_large(largest: int) -> TooLarge:
    return TooLarge(f"The request is larger than {largest // (1024 * 1024)} MB; send fewer or smaller attachments.")
