"""The system's certificates, read with the first encrypted connection and not when aiohttp is imported.

aiohttp makes two TLS contexts then, and reads them for each: a sixth of the start of `serve`, whose first answers need none.
A context that has not read them yet trusts nobody: a fault of this could only refuse connections, never let one through.
"""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final, cast

_READERS: Final = ("load_default_certs", "set_default_verify_paths")
_LOCK: Final = threading.Lock()
_WAITING: Final[list[_Late]] = []


class _Late(ssl.SSLContext):
    """A context that reads its certificates when it is first used, and is a plain one from then on."""

    unread: Callable[[], None]

    def wrap_bio(self, *args: Any, **named: Any) -> ssl.SSLObject:
        """As every context does it, asyncio's way."""
        _read(self)
        return ssl.SSLContext.wrap_bio(self, *args, **named)

    def wrap_socket(self, *args: Any, **named: Any) -> ssl.SSLSocket:
        """As every context does it."""
        _read(self)
        return ssl.SSLContext.wrap_socket(self, *args, **named)


@contextlib.contextmanager
def late() -> Iterator[None]:
    """Contexts that are made within this read their certificates when they are first used. For the main thread's imports."""
    own = {name: ssl.SSLContext.__dict__.get(name) for name in _READERS}
    for name in _READERS:
        setattr(ssl.SSLContext, name, _postponed(getattr(ssl.SSLContext, name)))
    try:
        yield
    finally:
        for name, method in own.items():
            if method is None:
                delattr(ssl.SSLContext, name)
            else:
                setattr(ssl.SSLContext, name, method)


def read() -> None:
    """Read what still waits, where it is asked of servers; for a thread, so that the first connection need not."""
    for context in tuple(_WAITING):
        if context.verify_mode != ssl.CERT_NONE:
            _read(context)


def _postponed(reader: Callable[..., None]) -> Callable[..., None]:
    def postpone(context: ssl.SSLContext, *args: Any) -> None:
        if type(context) is not ssl.SSLContext:
            reader(context, *args)
            return
        context.__class__ = _Late
        waiting = cast("_Late", context)
        waiting.unread = lambda: reader(context, *args)
        _WAITING.append(waiting)

    return postpone


def _read(context: _Late) -> None:
    with _LOCK:
        if type(context) is _Late:
            context.unread()
            _WAITING.remove(context)
            plain: ssl.SSLContext = context
            plain.__class__ = ssl.SSLContext
