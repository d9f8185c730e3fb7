"""One file from its name to its entry in the index; and the worker process that does so for many.

A worker is `python -m sidecar.index.reading ROOT [mild]`: it reads jobs from standard input and writes entries to standard
output, both as marshalled values, and ends with its input.
"""

from __future__ import annotations

import marshal
import os
import sys
import time
from pathlib import Path
from typing import IO, Any, Final

from sidecar.index import walk
from sidecar.index.detect import facts_of, says_something
from sidecar.index.grammars import BY_NAME, language_of, spoken_in

GONE: Final = None
"""What comes of a file that is not there."""

Job = tuple[str, bytes]
"""A path relative to the root, and the digest of the content that is known of it (empty: none)."""

Read = tuple[Any, ...] | None
"""The fields of a `store.symbolwriter.Entry`; the first eight alone when the content is the known one; None: it is gone."""


def read_entry(root: Path, path: str, known: bytes = b"") -> Read:
    """Read, look at and parse one file."""
    looked = time.time_ns()
    place, language = f"{root}/{path}", language_of(path)
    head: tuple[Any, ...] = (path, 0, 0, looked)
    try:
        facts = os.lstat(place)
        head = (path, facts.st_size, facts.st_mtime_ns, looked)
        reason = walk.by_name(path)
        walk.check(facts)
        if not _worth_reading(path, language) or reason:
            return (*head, b"", language, reason)
        source, facts = walk.read(place)
    except walk.Skipped as skipped:
        return (*head, b"", language, str(skipped))
    except (FileNotFoundError, NotADirectoryError):
        return GONE
    except OSError as error:
        return (*head, b"", language, f"cannot be read ({error.strerror})")
    head, hashed = (path, facts.st_size, facts.st_mtime_ns, looked), walk.digest(source)
    language = spoken_in(path, source)
    same = hashed == known
    return (*head, hashed, language, "", _SAME) if same else (*head, hashed, language, *_parsed(path, source, language))


def _worth_reading(path: str, language: str) -> bool:
    return language in BY_NAME or says_something(path) or bool(facts_of(path, b""))


_SAME: Final = -1


def is_same(read: tuple[Any, ...]) -> bool:
    """Whether a file was read and had the known content."""
    return len(read) == 8 and read[7] == _SAME


def _parsed(path: str, source: bytes, language: str) -> tuple[Any, ...]:
    """The rest of an entry, from `skipped` on."""
    reason = walk.by_content(source)
    if reason:
        return (reason,)
    marks = facts_of(path, source)
    if language not in BY_NAME:
        return ("", "", (), {}, (), (), b"", marks)
    from sidecar.index.extract import extract  # noqa: PLC0415 - the parser: a process that only compares needs none

    try:
        facts = extract(source, language)
    except ImportError as error:
        return (str(error), "", (), {}, (), (), b"", marks)
    return ("", facts.doc, facts.defined, facts.uses, facts.imports, facts.bases, marshal.dumps(facts.bound), marks)


def send(stream: IO[bytes], value: Any) -> None:
    """Write one value, with its length before it, so that nothing is read beyond it."""
    packed = marshal.dumps(value)
    stream.write(len(packed).to_bytes(8, "big") + packed)
    stream.flush()


def receive(stream: IO[bytes]) -> Any:
    """Read one value. Raises EOFError where there is none, or not all of one."""
    size = int.from_bytes(_exactly(stream, 8), "big")
    return marshal.loads(_exactly(stream, size))  # noqa: S302 - from a process of our own


def _exactly(stream: IO[bytes], size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = stream.read(size - len(parts))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)


def main() -> int:
    """Read jobs until the input ends."""
    root = Path(sys.argv[1])
    if "mild" in sys.argv[2:]:
        from sidecar.mildness import be_last  # noqa: PLC0415 - who only reads one file needs no psutil

        be_last()
    while True:
        try:
            jobs = receive(sys.stdin.buffer)
        except EOFError:
            return 0
        send(sys.stdout.buffer, [read_entry(root, path, known) for path, known in jobs])


if __name__ == "__main__":
    sys.exit(main())
