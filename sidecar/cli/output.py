"""How commands speak: data on standard output, talk on standard error, and nothing else prints."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from threading import Timer
from typing import Any, Final, TextIO

import orjson

from sidecar.core.visible import visible, visible_json

PATIENCE: Final = 2.0
"""Seconds after which a person is told that it goes on."""

_COLORS: Final = {"green": "32", "yellow": "33", "red": "31", "bold": "1", "dim": "2"}


_VOICE: Final[ContextVar[tuple[bool, bool]]] = ContextVar("sidecar_voice", default=(False, False))
"""Whether the whole command is quiet, and whether it is verbose."""


class ReaderGone(Exception):
    """Nobody reads our standard output any more (`| head`). No OSError, which the argument parser would take for its own."""


@dataclass(frozen=True)
class Output:
    """One command's voice. `json` makes data machine-readable, `quiet` drops talk, `verbose` adds some."""

    json: bool = False
    quiet: bool = False
    verbose: bool = False

    def data(self, text: str) -> None:
        """What was asked for. Raises ReaderGone when nobody reads any more."""
        _write(sys.stdout, visible(text))

    def record(self, value: Any) -> None:
        """What was asked for, as one line of JSON."""
        _write(sys.stdout, visible_json(orjson.dumps(value, default=str).decode()))

    def tell(self, value: Any, text: str) -> None:
        """What was asked for: the value for machines, the text for people."""
        if self.json:
            self.record(value)
        else:
            self.data(text)

    def say(self, text: str) -> None:
        """Talk for a person at a terminal."""
        if not (self.quiet or _VOICE.get()[0]):
            _write(sys.stderr, visible(text))

    def detail(self, text: str) -> None:
        """Talk for whoever asked for more."""
        if self.verbose or _VOICE.get()[1]:
            _write(sys.stderr, visible(text))

    def complain(self, text: str) -> None:
        """What went wrong, in a sentence; also when quiet."""
        _write(sys.stderr, visible(f"sidecar: {text}"))


@contextmanager
def voice(*, quiet: bool, verbose: bool) -> Iterator[None]:
    """All commands' `-q` and `-v`, for those that do not take them themselves: inside, every `Output` heeds them."""
    before = _VOICE.set((quiet, verbose))
    try:
        yield
    finally:
        _VOICE.reset(before)


@contextmanager
def patience(arguments: Sequence[str]) -> Iterator[None]:
    """Tell a person at a terminal, when it takes longer, that it goes on and how to leave off."""
    if not sys.stderr.isatty() or {"-q", "--quiet"} & set(arguments):
        yield
        return
    timer = Timer(PATIENCE, Output().say, [f"sidecar {arguments[0]} is at work; Ctrl-C leaves off."])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def paint(text: str, color: str) -> str:
    """The text in a colour, if standard output is a terminal that wants one."""
    from sidecar.settings import environment  # noqa: PLC0415 - slow to load; `--version` must be quick

    return f"\x1b[{_COLORS[color]}m{text}\x1b[0m" if wants_color(sys.stdout, environment()) else text


def wants_color(stream: TextIO, env: Mapping[str, str]) -> bool:
    """Whether to colour: on a terminal, unless `NO_COLOR` (no-color.org) or a dumb one says no."""
    return not env.get("NO_COLOR") and env.get("TERM") != "dumb" and stream.isatty()


def forsake_stdout() -> None:
    """Point standard output to nowhere after its reader has gone, so that leaving does not complain again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:
        return
    try:
        try:
            stream.write(f"{text}\n")
        except UnicodeEncodeError:
            # A terminal whose encoding lacks a letter gets an escape in its place.
            stream.write(text.encode(stream.encoding, "backslashreplace").decode(stream.encoding) + "\n")
        stream.flush()
    except BrokenPipeError:
        if stream is sys.stdout:
            raise ReaderGone from None
