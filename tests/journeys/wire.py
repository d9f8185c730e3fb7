"""What the journeys along the wire share: the CLI with and without Sidecar between, and looks at what was asked."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.journeys.conftest import NATIVE, Serve, Start, Way
from tests.journeys.plays import Json
from tests.journeys.processes import Outcome
from tests.journeys.upstream import Asked, Line, playing

JSON = ("--output-format", "json")

# With what the CLI calls non-essential traffic allowed, whatever would leave this machine ends at a closed port.
OPEN: Mapping[str, str] = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "",
    "DISABLE_ERROR_REPORTING": "1",
    "HTTPS_PROXY": "http://127.0.0.1:9",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "127.0.0.1",
}


def blocks(body: Json, role: str) -> list[Json]:
    """All blocks that messages of this role hold, without the marks that the client sets anew in each request."""
    found: list[Json] = []
    for said in body["messages"]:
        if said["role"] == role and isinstance(said["content"], list):
            found += [{k: v for k, v in block.items() if k != "cache_control"} for block in said["content"]]
    return found


def tool_named(body: Json, *names: str) -> str:
    """The first of these names that is a tool of the request."""
    offered = [tool.get("name") for tool in body["tools"]]
    return next(name for name in names if name in offered)


@dataclass(frozen=True)
class Seen:
    """What one run of the CLI came to: for its user, and for the provider."""

    outcome: Outcome
    asked: Sequence[Asked]

    @property
    def told(self) -> tuple[int, object, object, object, str]:
        """Exit status, and the result as the user's JSON tells it; addresses and ids are not part of it."""
        said = self.outcome.json
        words = re.sub(r"127\.0\.0\.1:\d+", "HOST", str(said.get("result")))
        words = re.sub(r"\s*\(?[Rr]equest[ -]?[Ii][Dd]:? \S+\)?", "", words)
        return self.outcome.code, said["is_error"], said["subtype"], said.get("api_error_status"), words


async def side_by_side(
    serve: Serve,
    start: Start,
    cli: str,
    script: Callable[[], list[Line]],
    way: Way = NATIVE,
    arguments: Sequence[str] = (),
    **more: str,
) -> tuple[Seen, Seen]:
    """The same script for the CLI pointed straight at the provider, and for the CLI with Sidecar between."""

    async def direct() -> Seen:
        async with playing() as upstream:
            upstream.script = script()
            return Seen(await run(upstream.base_url), upstream.asked)

    async def through() -> Seen:
        async with playing() as upstream:
            upstream.script = script()
            sidecar = await serve(**way.set_for(upstream))
            return Seen(await run(sidecar.base_url), upstream.asked)

    async def run(address: str) -> Outcome:
        credentials = {"ANTHROPIC_BASE_URL": address, "ANTHROPIC_AUTH_TOKEN": "of-no-account"}
        return await (await start(cli, "-p", "Are you there?", *JSON, *arguments, **credentials, **more)).outcome()

    async with asyncio.TaskGroup() as group:
        one, other = group.create_task(direct()), group.create_task(through())
    return one.result(), other.result()


def saved(path: Path) -> Json:
    """A JSON file that a program left."""
    value = json.loads(path.read_text(encoding="utf-8"))
    assert isinstance(value, dict)
    return value
