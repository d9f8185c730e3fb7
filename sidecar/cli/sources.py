"""What `sidecar doctor` says of those who tell of symbols: the index and its grammars, and the language servers, one by one."""

from __future__ import annotations

import contextlib
import importlib.util
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

from sidecar.cli.finding import Finding, first_line
from sidecar.core.errors import StoreError
from sidecar.index.grammars import GRAMMARS
from sidecar.index.process import LOCK
from sidecar.languages.files import Files
from sidecar.languages.process import find_program
from sidecar.languages.rows import ROWS, Row
from sidecar.settings import Settings
from sidecar.store.lock import Lock
from sidecar.store.symbols import INDEX, SymbolReader

_NAMES: Final = {
    ".py": "Python",
    ".ts": "TypeScript, JavaScript",
    ".go": "Go",
    ".rs": "Rust",
    ".c": "C, C++",
    ".java": "Java",
    ".rb": "Ruby",
    ".php": "PHP",
    ".kt": "Kotlin",
    ".scala": "Scala",
    ".cs": "C#",
    ".swift": "Swift",
    ".sh": "Bash",
}
"""The language of a row, by the first of its suffixes."""

_VERSION: Final = re.compile(r"v?\d+\.\d[\w.+-]*")


# ── the index ───────────────────────────────────────────────────────────────────────────────────────
def check_index(settings: Settings) -> Iterator[Finding]:
    """The index can be read and is whole; each language's grammar is there."""
    missing = sorted(
        {f"tree-sitter-{g.wheel}" for g in GRAMMARS if importlib.util.find_spec(f"tree_sitter_{g.wheel}") is None}
    )
    if missing:
        text = f"not installed: {', '.join(missing)}; files of these languages are not parsed"
        yield Finding("grammars", "warn", text, f"pip install {' '.join(missing)}")
    if not settings.index.enabled:
        yield Finding("index", "ok", "switched off (SIDECAR_INDEX)")
    elif settings.state is not None:
        yield _index_of(settings.state)


def _index_of(state: Path) -> Finding:
    file = state / INDEX
    if not file.exists():
        return Finding("index", "ok", "none yet; the first start makes it, or `sidecar index`")
    keeper = _keeper(state / LOCK)
    kept = f"process {keeper} keeps it" if keeper else "nobody keeps it just now"
    try:
        with contextlib.closing(SymbolReader(file)) as reader:
            notes, parsed = reader.notes(), sum(reader.symbol_counts().values())
    except StoreError as error:
        return Finding("index", "warn", error.sentence, "sidecar index --rebuild")
    done, total = notes.get("done", 0), notes.get("total", 0)
    size = file.stat().st_size / 1e6
    if notes.get("complete"):
        text = f"whole: {total} files, {parsed} symbols, {size:.0f} MB; {kept}"
        return Finding("index", "ok", text)
    if keeper:
        return Finding("index", "ok", f"being made: {done} of {total} files; {kept}")
    return Finding("index", "warn", f"left off at {done} of {total} files; {kept}", "sidecar index")


def _keeper(path: Path) -> int | None:
    """The process that writes the index now."""
    if not path.exists():
        return None
    lock = Lock(path)
    try:
        before = lock.holder()
        return None if lock.take() else before
    except OSError:
        return None
    finally:
        lock.release()


# ── language servers ────────────────────────────────────────────────────────────────────────────────
def check_servers(settings: Settings, rows: Sequence[Row] = ROWS) -> Iterator[Finding]:
    """Each language's server: installed, with version and place, or how to install it. None of them is started."""
    if settings.languages.servers is False:
        yield Finding("servers", "ok", "never started (SIDECAR_LANGUAGE_SERVERS)")
        return
    root = Path(settings.server.workspace)
    spoken = {path.suffix for path, _ in Files(root).walk(frozenset(s for row in rows for s in row.suffixes))}
    idle: list[str] = []
    for suffixes, several in groupby(rows, key=lambda row: row.suffixes):
        known = list(several)
        name = _NAMES.get(suffixes[0], suffixes[0])
        used = bool(spoken & set(suffixes))
        findings = [finding for row in known if (finding := _server(row, name, root, used=used)) is not None]
        yield from findings
        install = " or ".join(f"`{row.install}`" for row in known)
        if not findings and used:
            yield Finding("server", "warn", f"{name}: none is installed; the index answers alone", install)
        elif not findings:
            idle.append(f"{name} ({install})")
    if idle:
        yield Finding("servers", "ok", f"not installed, and no file here needs them: {'; '.join(idle)}")
    if settings.languages.servers is None and not settings.trusted:
        yield Finding("servers", "ok", "started for an editor that trusts the folder; else SIDECAR_LANGUAGE_SERVERS=on")


def _server(row: Row, language: str, root: Path, *, used: bool) -> Finding | None:
    """How an installed server is; None for one that is not there."""
    program = find_program(row.command[0], root)
    if program is None:
        return None
    told = f"{language}: {row.name}"
    asked = find_program(row.version[0], root) if row.version else None
    if asked is None:
        return Finding("server", "ok", f"{told} ({program})")
    said = first_line([asked, *row.version[1:]])
    if not said:
        return Finding(
            "server",
            "warn" if used else "ok",
            f"{told} ({program}) does not start",
            f"install it again: `{row.install}`",
        )
    version = _VERSION.search(said)
    return Finding("server", "ok", f"{told} {version.group() if version else said} ({program})")
