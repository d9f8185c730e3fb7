"""Runs an event loop that hears signals at once, also one that comes just before it goes to sleep.

`asyncio.run` and `signal.signal` rely on the signal to interrupt the loop's sleep; one that comes between the
interpreter's last look and the sleep is heard with the next event only, which for a stalled provider is never.
A handler of the loop's own writes to a descriptor that the loop waits for.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

T = TypeVar("T")

ENDING: Final = (signal.SIGINT, signal.SIGTERM)


def run(main: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`: Ctrl-C cancels it and raises KeyboardInterrupt here; a second one interrupts at once."""
    interrupted = False

    async def heard() -> T:
        task = asyncio.current_task()

        def interrupt() -> None:
            nonlocal interrupted
            interrupted = True
            if task is not None:
                task.cancel()

        with handled((signal.SIGINT,), interrupt, then=signal.default_int_handler):
            return await main

    try:
        return asyncio.run(heard())
    except asyncio.CancelledError:
        if interrupted:
            raise KeyboardInterrupt from None
        raise


@contextmanager
def until_signalled() -> Iterator[asyncio.Event]:
    """An event that SIGINT or SIGTERM sets; a second signal ends the process at once, as by default."""
    stopped = asyncio.Event()
    with handled(ENDING, stopped.set, then=signal.SIG_DFL):
        yield stopped


@contextmanager
def handled(numbers: tuple[signal.Signals, ...], act: Callable[[], None], *, then: Any) -> Iterator[None]:
    """Call `act` in the running loop for the first of these signals; what comes next is `then`'s.

    In another thread than the main one nothing is changed: signals are not heard there.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    former = {number: signal.getsignal(number) for number in numbers}

    def hear(*_: object) -> None:
        for number in numbers:
            _forget(loop, number)
            signal.signal(number, then)
        act()

    for number in numbers:
        try:
            loop.add_signal_handler(number, hear)
        except NotImplementedError:  # Windows, whose loop has such a descriptor always
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(hear))
    try:
        yield
    finally:
        for number in numbers:
            _forget(loop, number)
            signal.signal(number, former[number] or signal.SIG_DFL)


def _forget(loop: asyncio.AbstractEventLoop, number: signal.Signals) -> None:
    try:
        loop.remove_signal_handler(number)
    except NotImplementedError:
        return
