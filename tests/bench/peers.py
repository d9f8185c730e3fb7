"""The servers that a measurement runs between: a scripted upstream, and two plain pass-throughs to compare with.

    python -m tests.bench.peers upstream PORT
    python -m tests.bench.peers pass PORT UPSTREAM_PORT      aiohttp handing bytes on: the limit of the stack (L)
    python -m tests.bench.peers orjson PORT UPSTREAM_PORT    the same plus one parse and dump of the request (J)

The upstream answers at once; `x-bench-tokens` and `x-bench-gap-ms` in the request's `metadata` shape a stream.
"""

from __future__ import annotations

import asyncio
import sys

import aiohttp
import orjson
from aiohttp import web

MESSAGE = orjson.dumps(
    {
        "id": "msg_bench",
        "type": "message",
        "role": "assistant",
        "model": "claude-bench",
        "content": [{"type": "text", "text": "x" * 600}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 20000, "output_tokens": 150},
    }
)


def frame(name: str, data: dict[str, object]) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), orjson.dumps({"type": name, **data}))


START = frame("message_start", {"message": {**orjson.loads(MESSAGE), "content": [], "stop_reason": None}}) + frame(
    "content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}
)
END = (
    frame("content_block_stop", {"index": 0})
    + frame(
        "message_delta", {"delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 150}}
    )
    + frame("message_stop", {})
)


async def answer(request: web.Request) -> web.StreamResponse:
    raw = await request.read()
    if b'"stream":true' not in raw:
        return web.Response(body=MESSAGE, content_type="application/json")
    plan = orjson.loads(raw)["metadata"]
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)
    await response.write(START)
    loop = asyncio.get_running_loop()
    begin = loop.time()
    for number in range(int(plan["tokens"])):
        due = begin + number * float(plan["gap_ms"]) / 1000
        if (wait := due - loop.time()) > 0:
            await asyncio.sleep(wait)
        # the moment of sending travels in the token, so that the reader can tell each token's delay
        await response.write(
            frame("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": f"{loop.time():.6f}"}})
        )
    await response.write(END)
    return response


def passing(upstream: str, parse: bool) -> web.Application:
    async def hand_on(request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if parse:
            body = orjson.dumps(orjson.loads(body))
        session: aiohttp.ClientSession = request.app["session"]
        async with session.post(
            upstream + request.path_qs, data=body, headers={"content-type": "application/json"}
        ) as answered:
            if answered.content_type != "text/event-stream":
                return web.Response(body=await answered.read(), content_type="application/json")
            response = web.StreamResponse(headers={"content-type": "text/event-stream"})
            await response.prepare(request)
            async for chunk in answered.content.iter_any():
                await response.write(chunk)
            return response

    async def session(app: web.Application):
        app["session"] = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        yield
        await app["session"].close()

    app = web.Application(client_max_size=64 << 20)
    app.cleanup_ctx.append(session)
    app.router.add_post("/{path:.*}", hand_on)
    return app


def main() -> None:
    kind, port = sys.argv[1], int(sys.argv[2])
    if kind == "upstream":
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/{path:.*}", answer)
    else:
        app = passing(f"http://127.0.0.1:{sys.argv[3]}", parse=kind == "orjson")
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main()
