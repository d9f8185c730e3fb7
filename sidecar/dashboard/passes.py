"""How a browser that cannot send the endpoint's token proves that it may see the dashboard.

Whoever knows the token makes a *code* out of it, good for a minute and once, and puts it behind the `#` of the page's
address, which no browser sends anywhere. The page changes it for a *key* that reads the dashboard and nothing else, and
keeps that for its tab alone. No cookie is set: cookies of 127.0.0.1 go to whatever listens on any of its ports.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable
from typing import Final

from sidecar.core.errors import Unauthenticated

CODE_LIFE: Final = 60.0
"""Seconds in which a code must be used."""
KEY_LIFE: Final = 12 * 3600.0
"""Seconds for which a key holds; a sidecar that was started anew knows none of them any more."""

_MOST_KEYS: Final = 32
_CODE: Final = re.compile(r"(\d{1,12})\.([0-9a-f]{32})\.([0-9a-f]{64})", re.ASCII)
_SPENT: Final = (
    "This link to the dashboard was used already, or is older than a minute. Get a new one with `sidecar dashboard`."
)


def make_code(token: str, now: float | None = None) -> str:
    """A code that the sidecar with this token takes, once and within a minute."""
    ends = int((time.time() if now is None else now) + CODE_LIFE)
    head = f"{ends}.{secrets.token_hex(16)}"
    return f"{head}.{_sign(token, head)}"


class Passes:
    """Takes codes made with `token` and gives keys for them. Without a token nothing is taken."""

    def __init__(self, token: str | None, clock: Callable[[], float] = time.time) -> None:
        self._token = token
        self._clock = clock
        self._used: dict[str, float] = {}
        self._keys: dict[str, float] = {}

    def redeem(self, code: str) -> str:
        """A key for a code, which is spent by it. Raises Unauthenticated."""
        found = _CODE.fullmatch(code)
        if found is None or not self._token:
            raise Unauthenticated(_SPENT)
        ends, nonce, sign = found.groups()
        now = self._clock()
        self._used = {name: until for name, until in self._used.items() if until >= now}
        genuine = hmac.compare_digest(_sign(self._token, f"{ends}.{nonce}"), sign)
        if not genuine or not now <= int(ends) <= now + CODE_LIFE + 5 or nonce in self._used:
            raise Unauthenticated(_SPENT)
        self._used[nonce] = float(ends) + 1
        key = secrets.token_urlsafe(32)
        self._keys = {name: until for name, until in self._keys.items() if until > now}
        while len(self._keys) >= _MOST_KEYS:
            del self._keys[next(iter(self._keys))]
        self._keys[_digest(key)] = now + KEY_LIFE
        return key

    def holds(self, key: str) -> bool:
        """Whether this is a key that was given and still holds."""
        return bool(key) and self._keys.get(_digest(key), 0.0) > self._clock()


def _sign(token: str, head: str) -> str:
    message = f"sidecar dashboard\0{head}".encode()
    return hmac.new(token.encode("utf-8", "surrogateescape"), message, hashlib.sha256).hexdigest()


def _digest(key: str) -> str:
    """What a key is looked up by, so that finding it takes as long as not finding it."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
