"""An MCP server that wants a sign-in: `mcp_oauth_server.py PORT [SECONDS]`; consent is given at once, tokens live SECONDS."""

from __future__ import annotations

import secrets
import sys
import time

from mcp.server.auth.provider import AccessToken, AuthorizationCode, RefreshToken, construct_redirect_uri
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions
from mcp.server.mcpserver import MCPServer
from mcp.shared.auth import OAuthToken

PORT = int(sys.argv[1])
SECONDS = int(sys.argv[2]) if len(sys.argv) > 2 else 3600


class Provider:
    """Everything in memory; every client may register, everybody consents."""

    def __init__(self) -> None:
        self.clients, self.codes, self.tokens, self.renewals = {}, {}, {}, {}

    async def get_client(self, client_id):
        return self.clients.get(client_id)

    async def register_client(self, client_info):
        self.clients[client_info.client_id] = client_info

    async def authorize(self, client, params):
        code = AuthorizationCode(
            code=secrets.token_hex(16), scopes=params.scopes or [], expires_at=time.time() + 60, client_id=client.client_id,
            code_challenge=params.code_challenge, redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly, resource=params.resource,
        )  # fmt: skip
        self.codes[code.code] = code
        return construct_redirect_uri(str(params.redirect_uri), code=code.code, state=params.state)

    async def load_authorization_code(self, client, authorization_code):
        return self.codes.get(authorization_code)

    async def exchange_authorization_code(self, client, authorization_code):
        del self.codes[authorization_code.code]
        return self._given(client, authorization_code.scopes, authorization_code.resource)

    async def load_refresh_token(self, client, refresh_token):
        return self.renewals.get(refresh_token)

    async def exchange_refresh_token(self, client, refresh_token, scopes):
        del self.renewals[refresh_token.token]
        print("renewed", file=sys.stderr, flush=True)
        return self._given(client, scopes, None)

    async def load_access_token(self, token):
        found = self.tokens.get(token)
        return found if found and found.expires_at > time.time() else None

    async def revoke_token(self, token):
        self.tokens.pop(token.token, None)

    def _given(self, client, scopes, resource):
        access, renewal = secrets.token_hex(16), secrets.token_hex(16)
        self.tokens[access] = AccessToken(
            token=access,
            client_id=client.client_id,
            scopes=scopes,
            expires_at=int(time.time() + SECONDS),
            resource=resource,
        )
        self.renewals[renewal] = RefreshToken(token=renewal, client_id=client.client_id, scopes=scopes)
        return OAuthToken(access_token=access, refresh_token=renewal, expires_in=SECONDS, scope=" ".join(scopes))


server = MCPServer(
    "signed",
    auth_server_provider=Provider(),
    auth=AuthSettings(
        issuer_url=f"http://127.0.0.1:{PORT}",
        resource_server_url=f"http://127.0.0.1:{PORT}/mcp",
        client_registration_options=ClientRegistrationOptions(enabled=True),
        validate_token_resource=False,
    ),
)


@server.tool()
def whoami() -> str:
    """Say who is there."""
    return "somebody who signed in"


server.run("streamable-http", host="127.0.0.1", port=PORT)
