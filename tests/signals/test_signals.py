"""Signals reach a sleeping loop, wherever the kernel delivers them."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading

import pytest

from sidecar.signals import run, until_signalled

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

ASLEEP = """
import asyncio, signal, sys, threading, time
from sidecar import signals

def strike(name):
    # To a thread that is not the main one, which is asleep by then: nothing interrupts its sleep, as when a signal comes just before it.
    time.sleep(0.3)
    signal.pthread_kill(threading.get_ident(), getattr(signal, name))

async def sleep(name):
    threading.Thread(target=strike, args=(name,)).start()
    try:
        await asyncio.Event().wait()
    finally:
        print("left", flush=True)

async def serve(name):
    with signals.until_signalled() as stopped:
        threading.Thread(target=strike, args=(name,)).start()
        await stopped.wait()
    print("left", flush=True)
"""


def ended(last: str) -> tuple[int, str]:
    """Exit code and output of a program that ends with this line."""
    done = subprocess.run(
        [sys.executable, "-c", f"{ASLEEP}\n{last}"], capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout


def test_ctrl_c_reaches_a_loop_that_nothing_else_wakes():
    told = "try:\n    signals.run(sleep('SIGINT'))\nexcept KeyboardInterrupt:\n    sys.exit(130)"
    assert ended(told) == (130, "left\n")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_ending_reaches_a_server_that_nobody_asks(name):
    assert ended(f"asyncio.run(serve({name!r}))") == (0, "left\n")


def test_a_second_signal_ends_it_at_once():
    stubborn = """
async def stubborn():
    with signals.until_signalled() as stopped:
        signal.raise_signal(signal.SIGTERM)
        await stopped.wait()
        signal.raise_signal(signal.SIGTERM)
    print("not reached")

asyncio.run(stubborn())
"""
    assert ended(stubborn) == (-signal.SIGTERM, "")


def test_what_was_there_before_is_there_afterwards():
    async def within() -> object:
        with until_signalled():
            pass
        return signal.getsignal(signal.SIGTERM)

    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    assert asyncio.run(within()) == before[1]
    assert run(within()) == before[1]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_coroutine_that_was_cancelled_otherwise_is_no_interruption():
    async def cancelled() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        run(cancelled())


def test_in_another_thread_it_runs_without_signals():
    told: list[int] = []

    async def one() -> int:
        return 1

    thread = threading.Thread(target=lambda: told.append(run(one())))
    thread.start()
    thread.join(60)
    assert told == [1]
