"""How providers are told who asks: a fixed key, Databricks' unified authentication, or Azure's Entra ID.

The two SDKs are extras, loaded when they are first needed and on a thread: they are slow to import, and they block.
"""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sidecar.core.errors import SetupError, UpstreamUnreachable
from sidecar.providers import faults
from sidecar.trace import get_logger

log = get_logger("providers")

_EARLY: Final = 60.0
_UNKNOWN_LIFE: Final = 300.0


@dataclass(frozen=True, slots=True)
class Token:
    """A credential and when it ends (UTC seconds)."""

    value: str
    until: float


class Renewed:
    """A Secret that is fetched again shortly before it ends; callers that come meanwhile wait for the same one."""

    def __init__(self, fetch: Callable[[], Awaitable[Token]], clock: Callable[[], float] = time.time) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lock = asyncio.Lock()
        self._token = Token("", 0.0)

    async def __call__(self) -> str:
        """The credential now. Raises SetupError or UpstreamUnreachable where none can be had."""
        if self._clock() >= self._token.until:
            async with self._lock:
                if self._clock() >= self._token.until:
                    fresh = await self._fetch()
                    # What lives shorter than the margin is used for this request and those that wait for it.
                    self._token = Token(fresh.value, max(fresh.until - _EARLY, self._clock() + 1.0))
        return self._token.value


class Fixed:
    """A Secret that stays."""

    def __init__(self, value: str) -> None:
        self._value = value

    async def __call__(self) -> str:
        """The key."""
        return self._value


def databricks_login(attributes: Mapping[str, str]) -> Renewed:
    """Databricks' unified authentication; `attributes` are those of its SDK's `Config` (`host`, `profile`, `client_id`).

    What is not given the SDK takes from its own variables and files.
    """
    made: list[Any] = []

    def token() -> Token:
        if not made:
            core = _module("databricks.sdk.core", "databricks", "DATABRICKS_CONFIG_PROFILE")
            made.append(core.Config(product="claude-sidecar", product_version="0", **attributes))
        try:
            given = made[0].oauth_token()
            return Token(given.access_token, given.expiry.timestamp() if given.expiry else time.time() + _UNKNOWN_LIFE)
        except ValueError:  # a way of signing in without OAuth, such as a profile that holds a token
            header = str(made[0].authenticate().get("Authorization", ""))
            return Token(header.partition(" ")[2], time.time() + _UNKNOWN_LIFE)

    async def fetch() -> Token:
        try:
            return await asyncio.to_thread(token)
        except (ValueError, OSError) as error:
            made.clear()
            mend = "run `databricks auth login`, or set DATABRICKS_API_KEY"
            raise _refused("Databricks", error, mend, "DATABRICKS_CONFIG_PROFILE") from error

    return Renewed(fetch)


def entra_login(scope: str) -> Renewed:
    """Azure's Entra ID by the default chain of `azure-identity` (environment, workload, managed identity, `az login`)."""
    made: list[Any] = []

    def token() -> Token:
        if not made:
            made.append(_module("azure.identity", "azure", "AZURE_ANTHROPIC_AUTH").DefaultAzureCredential())
        given = made[0].get_token(scope)
        return Token(given.token, float(given.expires_on))

    async def fetch() -> Token:
        try:
            return await asyncio.to_thread(token)
        except SetupError:
            raise
        except Exception as error:
            errors = importlib.import_module("azure.core.exceptions")
            if not isinstance(error, errors.AzureError | OSError | ValueError):
                raise
            mend = "run `az login`, or set AZURE_ANTHROPIC_AUTH=key with a key"
            raise _refused("Entra ID", error, mend, "AZURE_ANTHROPIC_AUTH") from error

    return Renewed(fetch)


def profile_host(profile: str, file: Path) -> str:
    """The workspace's address in a profile of Databricks' settings file. Raises SetupError where it has none."""
    import configparser  # noqa: PLC0415 - only a profile of Databricks is read with it

    parser = configparser.ConfigParser(default_section="", interpolation=None)
    try:
        parser.read(file, encoding="utf-8")
        return parser[profile]["host"]
    except (KeyError, OSError, UnicodeDecodeError, configparser.Error):
        mend = "run `databricks auth login --profile " + profile + "`, or set DATABRICKS_HOST"
        raise SetupError(f"{file} has no profile {profile} with a host; {mend}.", "DATABRICKS_CONFIG_PROFILE") from None


def _module(name: str, extra: str, variable: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise SetupError(
            f"This way of signing in needs a package that is not installed: pip install 'claude-sidecar[{extra}]'.",
            variable,
        ) from error


def _refused(who: str, error: Exception, mend: str, variable: str) -> SetupError | UpstreamUnreachable:
    words = faults.mask(" ".join(str(error).split()))[:300]
    log.warning("login.failed", who=who, error=type(error).__name__, detail=words)
    if isinstance(error, OSError) and not isinstance(error, PermissionError):
        return UpstreamUnreachable(
            f"{who} could not be asked for a token ({type(error).__name__}); please try again, or {mend}."
        )
    return SetupError(f"{who} gave no token: {words} {mend[0].upper()}{mend[1:]}.", variable)
