"""`/mcp` as strangers see it: the protocol's own conformance suite, and MCP Inspector's command line."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sidecar.assistant.turn import AnswerTurn
from sidecar.endpoint.server import Access, Endpoint, Identity, Offering
from tests.conftest import Rig
from tests.fakes.provider import FakeProvider
from tests.fakes.toolbox import FakeToolBox, opening
from tests.journeys.conftest import Start

TOKEN = "token-of-the-checkers-0123456789"

SCENARIOS = (
    "server-initialize",
    "ping",
    "tools-list",
    "tools-call-simple-text",
    "tools-call-image",
    "tools-call-error",
    "tools-call-with-progress",
    "server-sse-multiple-streams",
    "resources-list",
    "resources-read-text",
    "prompts-list",
    "prompts-get-simple",
    "prompts-get-with-args",
)
"""What concerns what we declare. The rest is about logging, completion, templates, subscriptions to resources,
sampling and elicitation, which we do not declare; `dns-rebinding-protection` has a test of its own below."""


class Checked(FakeToolBox):
    """The toolbox with the names that the suite looks for."""

    def __init__(self) -> None:
        super().__init__()
        self.rename("much", "test_simple_text")
        self.rename("picture", "test_image_content")
        self.rename("refuse", "test_error_handling")
        self.rename("count", "test_tool_with_progress")


@pytest.fixture
async def address() -> AsyncIterator[str]:
    endpoint = Endpoint(
        AnswerTurn(FakeProvider(), ()), identity=Identity("sidecar", "1.2.3", "/"), access=Access("auto", TOKEN), port=0
    )
    async with endpoint.offer(Offering(opening(Checked()), "1.2.3")):
        yield f"{endpoint.base_url}/mcp"


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_the_conformance_suite_passes(
    start: Start, rig: Rig, address: str, tmp_path: Path, scenario: str
) -> None:
    suite = Path(rig.environment["RIG_MCP"]) / "@modelcontextprotocol/conformance/dist/index.js"
    command = (rig.node, suite, "server", "--url", address, "--scenario", scenario, "-o", tmp_path / "results")
    done = await (await start(*command)).outcome()
    told = json.loads(next((tmp_path / "results").rglob("checks.json")).read_text(encoding="utf-8"))
    bad = [check for check in told if check["status"] not in {"SUCCESS", "INFO", "SKIPPED"}]
    assert bad == [], done.out
    assert [check for check in told if check["status"] == "SUCCESS"]
    assert done.code == 0, done.out


async def test_a_page_is_kept_out_even_from_our_own_origin(
    start: Start, rig: Rig, address: str, tmp_path: Path
) -> None:
    """The suite wants an Origin of this very address to be let in. We let no page in: the other check must hold."""
    suite = Path(rig.environment["RIG_MCP"]) / "@modelcontextprotocol/conformance/dist/index.js"
    command = (rig.node, suite, "server", "--url", address, "--scenario", "dns-rebinding-protection", "-o")
    await (await start(*command, tmp_path / "results")).outcome()
    told = json.loads(next((tmp_path / "results").rglob("checks.json")).read_text(encoding="utf-8"))
    status = {check["id"]: check["status"] for check in told}
    assert status["localhost-host-rebinding-rejected"] == "SUCCESS"


INSPECTOR = [
    pytest.param(("tools/list",), "test_simple_text", id="tools"),
    pytest.param(("tools/call", "--tool-name", "echo", "--tool-arg", "word=hello"), '"said": "hello"', id="call"),
    pytest.param(("resources/list",), "test://static-text", id="resources"),
    pytest.param(("resources/read", "--uri", "test://static-text"), "static text resource", id="read"),
    pytest.param(("prompts/list",), "test_simple_prompt", id="prompts"),
    pytest.param(("prompts/get", "--prompt-name", "test_simple_prompt"), "simple prompt", id="prompt"),
]


@pytest.mark.parametrize(("method", "words"), INSPECTOR)
async def test_the_inspector_gets_along_with_it(
    start: Start, rig: Rig, address: str, method: tuple[str, ...], words: str
) -> None:
    inspector = Path(rig.environment["RIG_MCP"]) / ".bin/mcp-inspector"
    header = ("--header", f"Authorization: Bearer {TOKEN}")
    command = (inspector, "--cli", address, "--transport", "http", *header, "--method", *method)
    done = await (await start(*command)).outcome()
    assert done.code == 0, done.out + done.err
    assert words in done.out
