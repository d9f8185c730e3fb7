"""Signing in to a server by OAuth, as the library does it: a person once, then tokens that are kept and renewed."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import orjson
from mcp.client.auth import OAuthClientProvider
from mcp.shared import auth
from pydantic import AnyUrl, ValidationError

from sidecar.core.errors import Refused
from sidecar.store.runtime import replace_file

FILE: Final = "mcp-tokens.json"
_PATH: Final = "/callback"
_PAGE: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n\r\nYou can close this page.\n"
)

Show = Callable[[str], None]


class Tokens:
    """What is kept of one server: tokens, our registration with it, where its tokens are had. 0600, in the state folder."""

    def __init__(self, state: Path | None, url: str) -> None:
        self._path = state / FILE if state is not None else None
        self._url = url
        self._memory: dict[str, Any] = {}
        self.provider: OAuthClientProvider | None = None

    async def get_tokens(self) -> auth.OAuthToken | None:
        """The tokens kept, however old."""
        tokens: auth.OAuthToken | None = self._kept("tokens", auth.OAuthToken)
        return tokens

    async def set_tokens(self, tokens: auth.OAuthToken) -> None:
        """Keep them, with the moment at which they end and the place that renews them."""
        metadata = self.provider.context.oauth_metadata if self.provider is not None else None
        ends = time.time() + tokens.expires_in if tokens.expires_in is not None else None
        self._keep(
            tokens=tokens.model_dump(mode="json"),
            ends=ends,
            metadata=metadata.model_dump(mode="json", exclude_none=True) if metadata is not None else None,
        )

    async def get_client_info(self) -> auth.OAuthClientInformationFull | None:
        """Our registration."""
        client: auth.OAuthClientInformationFull | None = self._kept("client", auth.OAuthClientInformationFull)
        return client

    async def set_client_info(self, client_info: auth.OAuthClientInformationFull) -> None:
        """Keep our registration."""
        self._keep(client=client_info.model_dump(mode="json", exclude_none=True))

    def restore(self, provider: OAuthClientProvider) -> None:
        """Tell the library what it does not keep itself: when the tokens end, and where they are renewed."""
        self.provider = provider
        provider.context.token_expiry_time = self._row().get("ends")
        provider.context.oauth_metadata = self._kept("metadata", auth.OAuthMetadata)

    @property
    def port(self) -> int:
        """The port of the address that we registered for coming back; 0 where we have not."""
        addresses = self._row().get("client", {}).get("redirect_uris") or [""]
        return urlsplit(str(addresses[0])).port or 0

    def _kept(self, name: str, kind: Any) -> Any:
        try:
            return kind.model_validate(self._row()[name])
        except (KeyError, ValidationError):
            return None

    def _row(self) -> dict[str, Any]:
        row = self._all().get(self._url)
        return row if isinstance(row, dict) else {}

    def _all(self) -> dict[str, Any]:
        if self._path is None:
            return self._memory
        try:
            rows = orjson.loads(self._path.read_bytes())
        except (OSError, orjson.JSONDecodeError):
            return {}
        return rows if isinstance(rows, dict) else {}

    def _keep(self, **values: Any) -> None:
        rows = self._all()
        rows[self._url] = {**self._row(), **values}
        self._memory = rows
        if self._path is not None:
            replace_file(self._path, orjson.dumps(rows))


class SignIn:
    """One sign-in under way: shows the address to a person and waits until the browser comes back to us on loopback."""

    def __init__(self, name: str, url: str, state: Path | None, show: Show | None) -> None:
        self._name = name
        self._url = url
        self._show = show
        self._tokens = Tokens(state, url)
        self._came: asyncio.Future[auth.AuthorizationCodeResult] = asyncio.get_running_loop().create_future()
        self._server: asyncio.Server | None = None

    async def provider(self) -> OAuthClientProvider:
        """What signs the library's requests. Listens for the browser only where there is a person."""
        port = self._tokens.port
        if self._show is not None:
            try:
                self._server = await asyncio.start_server(self._answer, "127.0.0.1", port, limit=16_384)
            except OSError:  # the port we registered is taken: register another one
                self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0, limit=16_384)
            port = self._server.sockets[0].getsockname()[1]
        metadata = auth.OAuthClientMetadata(
            client_name="Sidecar for Claude Code",
            redirect_uris=[AnyUrl(f"http://127.0.0.1:{port or 1}{_PATH}")],
            grant_types=["authorization_code", "refresh_token"],
            token_endpoint_auth_method="none",  # noqa: S106 - the method's name
        )
        provider = OAuthClientProvider(self._url, metadata, self._tokens, self._ask, self._wait)
        self._tokens.restore(provider)
        return provider

    async def aclose(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()

    async def _ask(self, address: str) -> None:
        if self._show is None:
            raise Refused(f"The MCP server {self._name} wants you to sign in: run `sidecar mcp approve {self._name}`.")
        parts = urlsplit(address)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost"}):
            raise Refused(f"The MCP server {self._name} sends you to {address[:100]} to sign in, which is not safe.")
        self._show(address)

    async def _wait(self) -> auth.AuthorizationCodeResult:
        return await self._came

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The browser's way back; the library compares the state that came along."""
        with contextlib.suppress(ConnectionError, ValueError, IndexError):
            target = (await reader.readline()).decode("latin-1").split()[1]
            query = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
            if urlsplit(target).path == _PATH and ("code" in query or "error" in query) and not self._came.done():
                self._came.set_result(
                    auth.AuthorizationCodeResult(
                        code=query.get("code", ""), state=query.get("state"), iss=query.get("iss")
                    )
                )
            writer.write(_PAGE)
            await writer.drain()
        writer.close()
