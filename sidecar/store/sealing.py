"""What leaves this machine of a kept answer: a name that says nothing, and bytes that only the team can read or write.

Both come from one secret that the team shares. Names are HMACs of the answers' keys. Values are AES-256-GCM, whose tag
also binds them to their name and time: a value that was changed, exchanged for another or written by someone else is
none. An HMAC alone would let whoever looks into the server read what was asked and answered; the standard library has
no cipher, and one of our own would be worse than none, so this needs `cryptography`.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SHORTEST: Final = 32
"""Characters that a secret must have: keys are derived from it at once, so it must be random, no word."""

OVERHEAD: Final = 12 + 8 + 16
"""Bytes that sealing adds: nonce, time, tag."""

_NONCE: Final = 12
_TIME: Final = struct.Struct(">d")
_FORM: Final = 1
_AHEAD: Final = 60.0  # seconds that the clock of another machine may be ahead of ours


class Sealer:
    """Seals answers for a team. `prefix` begins all names of this team, and no others."""

    def __init__(self, secret: str) -> None:
        if len(secret) < SHORTEST:
            raise ValueError(f"a secret has at least {SHORTEST} characters")
        self._names = _derived(secret, "names")
        self._cipher = AESGCM(_derived(secret, "values"))
        self.prefix = f"sidecar:{_FORM}:{_derived(secret, 'team').hex()[:16]}:"

    def name(self, key: str) -> str:
        """The name under which the answer to `key` lies."""
        return self.prefix + hmac.new(self._names, key.encode(), hashlib.sha256).hexdigest()

    def sealed(self, name: str, answer: bytes, now: float) -> bytes:
        """The answer as it may leave; `now` (UTC seconds) is when it was stored."""
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, _TIME.pack(now) + answer, name.encode())

    def opened(self, name: str, sealed: bytes, now: float, ttl: float) -> tuple[bytes, float] | None:
        """The answer and when it was stored; None where it is not ours, not this one, or older than `ttl` seconds."""
        try:
            told = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], name.encode())
            (stored,) = _TIME.unpack_from(told)
        except (InvalidTag, ValueError, struct.error):
            return None
        if not -_AHEAD <= now - stored < ttl:
            return None
        return told[_TIME.size :], min(stored, now)


def _derived(secret: str, purpose: str) -> bytes:
    return hmac.new(secret.encode(), f"claude-sidecar cache {purpose}".encode(), hashlib.sha256).digest()
