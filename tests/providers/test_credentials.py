"""Signing in: fixed keys, Databricks' unified authentication and Entra ID, each against a token server on loopback."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sidecar.core.errors import SetupError, UpstreamUnreachable
from sidecar.providers.azure_anthropic import AzureAnthropicProvider
from sidecar.providers.credentials import (
    Fixed,
    Renewed,
    Token,
    databricks_login,
    entra_login,
    profile_host,
)
from sidecar.providers.databricks import DatabricksProvider
from sidecar.providers.models import ModelMap
from sidecar.providers.transport import Transport
from tests.fakes.upstream import Seen, Upstream, answer, fault
from tests.fakes.upstream import Turn as Scripted
from tests.providers.asking import TURN, ask

MINE = ("DATABRICKS_", "AZURE_", "ARM_", "IDENTITY_", "MSI_", "IMDS_", "GOOGLE_")


@pytest.fixture(autouse=True)
def no_identity_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What this machine's user is signed in with must not be found, nor the programs that would know."""
    import os

    for name in list(os.environ):
        if name.startswith(MINE):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("NO_PROXY", "*")


def found(body: Any, status: int = 200) -> Scripted:
    return Scripted(status=status, body=json.dumps(body).encode(), headers={"content-type": "application/json"})


class TokenServer:
    """A rule for the scripted upstream: OAuth as a Databricks workspace and an Azure host speak it; each token is a new one."""

    def __init__(self, life: int = 3600) -> None:
        self.life = life
        self.given: list[str] = []
        self.url = ""

    def __call__(self, seen: Seen) -> Scripted | None:
        if "oauth-authorization-server" in seen.path or "openid-configuration" in seen.path:
            return found({"authorization_endpoint": f"{self.url}/authorize", "token_endpoint": f"{self.url}/token"})
        if seen.path.endswith("databricks-config"):
            return found({"oidc_endpoint": f"{self.url}/oidc", "account_id": "a", "workspace_id": "1"})
        if seen.path.startswith("/token"):
            return found({"access_token": self._new(), "token_type": "Bearer", "expires_in": self.life})
        if seen.path.startswith("/msi"):
            until = str(int(time.time()) + self.life)
            return found({"access_token": self._new(), "expires_on": until, "resource": "r", "token_type": "Bearer"})
        return None if seen.path.endswith("/messages") else fault(404)

    def _new(self) -> str:
        self.given.append(f"token-{len(self.given) + 1}")
        return self.given[-1]


async def sent_by(provider: Any, times: int = 1) -> None:
    for _ in range(times):
        async with await provider.send(ask(), TURN) as reply:
            await reply.message()
    await provider.aclose()


async def test_a_service_principal_signs_in_at_the_workspace_once() -> None:
    server = TokenServer()
    async with Upstream([answer("a"), answer("b")], rule=server) as upstream:
        server.url = upstream.url
        secret = databricks_login({"host": upstream.url, "client_id": "me", "client_secret": "s3cret"})
        provider = DatabricksProvider(upstream.url, secret, "", ModelMap(prefix="databricks-"), Transport())
        await sent_by(provider, 2)
        asked = [seen.headers["authorization"] for seen in upstream.requests if seen.path.endswith("/messages")]
        token = next(seen for seen in upstream.requests if seen.path.startswith("/token"))
    assert asked == ["Bearer token-1", "Bearer token-1"]
    assert b"client_credentials" in token.raw
    assert server.given == ["token-1"]


async def test_a_token_of_the_workspace_that_has_ended_is_asked_for_again() -> None:
    """OAuth M2M with the real SDK: a token that lives no longer than the margin is replaced, in the same process."""
    server = TokenServer(life=1)
    async with Upstream(rule=server) as upstream:
        server.url = upstream.url
        secret = databricks_login({"host": upstream.url, "client_id": "me", "client_secret": "s3cret"})
        first = await secret()
        assert await secret() == first, "those who ask meanwhile share it"
        secret._clock = lambda: time.time() + 10
        second = await secret()
    assert (first, second) == ("token-1", "token-2")
    assert server.given == ["token-1", "token-2"]


@pytest.mark.skipif(sys.platform == "win32", reason="the scripted program is a POSIX one")
async def test_a_person_signs_in_by_the_databricks_cli(tmp_path: Path) -> None:
    """OAuth U2M with the real SDK: it asks the Databricks CLI, here a program that gives another token each time."""
    program, count = tmp_path / "databricks", tmp_path / "count"
    told = (
        f"#!{sys.executable}\nimport json, pathlib, sys\ncount = pathlib.Path({str(count)!r})\n"
        "if 'version' in sys.argv:\n    print(json.dumps({'Major': 0, 'Minor': 300, 'Patch': 0})); sys.exit()\n"
        "count.write_text(count.read_text() + 'x' if count.exists() else 'x')\n"
        "print(json.dumps({'access_token': f'mine-{len(count.read_text())}', 'token_type': 'Bearer',"
        " 'expiry': '2020-01-01T00:00:00Z'}))\n"
    )
    program.write_text(told + "#" * 1024 * 1024)  # smaller ones the SDK takes for the old Python CLI
    program.chmod(0o755)
    async with Upstream([answer("a"), answer("b")], rule=TokenServer()) as upstream:
        given = {"host": upstream.url, "auth_type": "databricks-cli", "databricks_cli_path": str(program)}
        secret = databricks_login(given)
        provider = DatabricksProvider(upstream.url, secret, "", ModelMap(prefix="databricks-"), Transport())
        for _ in range(2):
            async with await provider.send(ask(), TURN) as reply:
                await reply.message()
            secret._clock = lambda: time.time() + 10
        await provider.aclose()
        asked = [seen.headers["authorization"] for seen in upstream.requests if seen.path.endswith("/messages")]
    assert all(one.startswith("Bearer mine-") for one in asked)
    assert asked[0] != asked[1], "one that has ended is asked for again"


async def test_a_profile_signs_in_as_its_file_says(tmp_path: Path) -> None:
    file = tmp_path / "profiles"
    server = TokenServer()
    async with Upstream(rule=server) as upstream:
        server.url = upstream.url
        file.write_text(f"[work]\nhost = {upstream.url}\ntoken = dapi-of-the-profile\n")
        assert await databricks_login({"profile": "work", "config_file": str(file)})() == "dapi-of-the-profile"
        assert profile_host("work", file) == upstream.url


@pytest.mark.parametrize(
    "content", ["", "[other]\nhost = x\n", "[work]\ntoken = x\n", "no profiles\n", "[work\n", None, b"\xff\xfe["]
)
def test_a_profile_without_a_host_is_named(tmp_path: Path, content: Any) -> None:
    file = tmp_path / "profiles"
    if content is not None:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SetupError, match="databricks auth login --profile work") as caught:
        profile_host("work", file)
    assert caught.value.variable == "DATABRICKS_CONFIG_PROFILE"


async def test_a_profile_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    secret = databricks_login({"profile": "work", "config_file": str(tmp_path / "none")})
    with pytest.raises(SetupError, match="databricks auth login"):
        await secret()


async def test_a_workspace_that_gives_no_token_says_so_without_the_secret() -> None:
    async with Upstream(rule=lambda seen: fault(401, {"error": "invalid_client"})) as upstream:
        secret = databricks_login({"host": upstream.url, "client_id": "me", "client_secret": "s3cret"})
        with pytest.raises((SetupError, UpstreamUnreachable)) as caught:
            await secret()
    assert "s3cret" not in caught.value.sentence
    assert "DATABRICKS_API_KEY" in caught.value.sentence


async def test_entra_gives_the_token_that_azure_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    server = TokenServer()
    async with Upstream([answer("a"), answer("b")], rule=server) as upstream:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{upstream.url}/msi")
        monkeypatch.setenv("IDENTITY_HEADER", "h")
        secret = entra_login("https://cognitiveservices.azure.com/.default")
        provider = AzureAnthropicProvider(upstream.url, secret, "", ModelMap(), Transport(), entra=True)
        await sent_by(provider, 2)
        asked = [seen for seen in upstream.requests if seen.path.endswith("/messages")]
        token = next(seen for seen in upstream.requests if seen.path.startswith("/msi"))
    assert [seen.headers["authorization"] for seen in asked] == ["Bearer token-1"] * 2
    assert all("x-api-key" not in seen.headers for seen in asked)
    assert "cognitiveservices" in token.path


async def test_a_token_of_entra_that_has_ended_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    server = TokenServer(life=1)
    async with Upstream(rule=server) as upstream:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{upstream.url}/msi")
        monkeypatch.setenv("IDENTITY_HEADER", "h")
        secret = entra_login("scope/.default")
        assert [await secret(), await secret()] == ["token-1", "token-1"]
        secret._clock = lambda: time.time() + 10
        assert await secret() == "token-2"


async def test_entra_that_knows_nobody_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Upstream(rule=lambda seen: fault(400)) as upstream:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{upstream.url}/msi")
        monkeypatch.setenv("IDENTITY_HEADER", "h")
        with pytest.raises(SetupError, match="az login"):
            await entra_login("scope/.default")()


@pytest.mark.parametrize(
    ("login", "module", "extra"),
    [
        (lambda: databricks_login({}), "databricks.sdk.core", "databricks"),
        (lambda: entra_login("s"), "azure.identity", "azure"),
    ],
)
async def test_a_package_that_is_missing_is_named_with_the_command(
    monkeypatch: pytest.MonkeyPatch, login: Any, module: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(SetupError, match=rf"pip install 'claude-sidecar\[{extra}\]'"):
        await login()()


# ── renewal ─────────────────────────────────────────────────────────────────────────────────────────
async def test_a_token_is_fetched_again_before_it_ends_and_once_for_all_who_wait() -> None:
    now, fetched = [1000.0], 0
    gate = asyncio.Event()

    async def fetch() -> Token:
        nonlocal fetched
        await gate.wait()
        fetched += 1
        return Token(f"t{fetched}", now[0] + 600)

    secret = Renewed(fetch, clock=lambda: now[0])
    waiting = [asyncio.ensure_future(secret()) for _ in range(5)]
    gate.set()
    assert await asyncio.gather(*waiting) == ["t1"] * 5
    now[0] += 539
    assert await secret() == "t1"
    now[0] += 2
    assert await secret() == "t2"


async def test_a_fetch_that_failed_is_tried_again_by_the_next_request() -> None:
    outcomes: list[Any] = [SetupError("no"), Token("t", 1e12)]

    async def fetch() -> Token:
        outcome = outcomes.pop(0)
        if isinstance(outcome, SetupError):
            raise outcome
        return outcome

    secret = Renewed(fetch)
    with pytest.raises(SetupError):
        await secret()
    assert await secret() == "t"


async def test_a_key_stays() -> None:
    assert await Fixed("k")() == "k"
