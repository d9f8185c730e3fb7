"""Coverage reports, read: coverage.py's JSON, lcov, Cobertura, Istanbul's summary and final JSON, Go's profile, JaCoCo.

Pure: bytes in, coverage by lines out. A file's form is told from its content.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from sidecar.core.messages import object_in
from sidecar.store.runs import Coverage
from sidecar.testruns.reports import parse_xml

PLACES: Final = (
    "coverage.json", "coverage.xml", "cobertura.xml", "lcov.info", "coverage/lcov.info", "coverage/coverage-summary.json",
    "coverage/coverage-final.json", "coverage/cobertura-coverage.xml", "coverage.lcov", "cover.out", "coverage.out",
    "target/site/jacoco/jacoco.xml", "build/reports/jacoco/test/jacocoTestReport.xml", "target/coverage/cobertura.xml",
)  # fmt: skip
"""Where runners leave them by default."""

Lines = dict[str, dict[int, bool]]
"""By file: each line that counts, and whether it was run."""


def read(data: bytes) -> Coverage | None:
    """What a report says; None for what is none that is known."""
    for source, sniff, reader in _FORMS:
        if sniff(data[:4096]):
            found = reader(data)
            return _told(source, found) if isinstance(found, dict) else found
    return None


def read_lines(data: bytes) -> tuple[str, Lines] | None:
    """The form of a report and what it says of each line; None for what is none that tells lines."""
    for source, sniff, reader in _FORMS:
        if sniff(data[:4096]):
            found = reader(data)
            return (source, found) if isinstance(found, dict) and any(found.values()) else None
    return None


def _told(source: str, lines: Lines) -> Coverage | None:
    if not any(lines.values()):
        return None
    files = {path: sum(found.values()) / len(found) for path, found in lines.items() if found}
    missed = {path: sorted(line for line, ran in found.items() if not ran) for path, found in lines.items()}
    total = sum(sum(found.values()) for found in lines.values()) / sum(len(found) for found in lines.values())
    return Coverage(total, files, {path: found for path, found in missed.items() if found}, source)


def _coverage_py(data: bytes) -> Lines:
    told = _object(object_in(data).get("files"))
    return {
        path: dict.fromkeys(_numbers(file.get("executed_lines")), True)
        | dict.fromkeys(_numbers(file.get("missing_lines")), False)
        for path, file in told.items()
        if isinstance(file, dict)
    }


def _lcov(data: bytes) -> Lines:
    lines: Lines = defaultdict(dict)
    path = ""
    for line in data.decode("utf-8", "replace").splitlines():
        if line.startswith("SF:"):
            path = line[3:].strip()
        elif found := re.match(r"DA:(\d+),(\d+)", line):
            number = int(found[1])
            lines[path][number] = lines[path].get(number, False) or int(found[2]) > 0
    return dict(lines)


def _cobertura(data: bytes) -> Lines:
    lines: Lines = defaultdict(dict)
    root = parse_xml(data)
    for group in root.iter("class") if root is not None else ():
        path = group.get("filename") or "?"
        for line in group.iter("line"):
            number = _int(line.get("number"))
            lines[path][number] = lines[path].get(number, False) or _int(line.get("hits")) > 0
    return dict(lines)


def _jacoco(data: bytes) -> Lines:
    lines: Lines = defaultdict(dict)
    root = parse_xml(data)
    for package in root.iter("package") if root is not None else ():
        for file in package.iter("sourcefile"):
            path = f"{package.get('name')}/{file.get('name')}"
            for line in file.iter("line"):
                lines[path][_int(line.get("nr"))] = _int(line.get("ci")) > 0
    return dict(lines)


def _istanbul_final(data: bytes) -> Lines:
    lines: Lines = defaultdict(dict)
    for path, file in object_in(data).items():
        counts = _object(_object(file).get("s"))
        for key, place in _object(_object(file).get("statementMap")).items():
            number = _int(_object(_object(place).get("start")).get("line"))
            lines[path][number] = lines[path].get(number, False) or _int(counts.get(key)) > 0
    return dict(lines)


def _istanbul_summary(data: bytes) -> Coverage | None:
    told = {path: _object(_object(file).get("lines")) for path, file in object_in(data).items()}
    shares = {path: _share(found) for path, found in told.items() if found}
    if "total" not in shares:
        return None
    return Coverage(shares.pop("total"), shares, {}, "Istanbul summary")


def _go(data: bytes) -> Lines:
    """A profile of blocks: a block's lines count as run when it was."""
    lines: Lines = defaultdict(dict)
    for line in data.decode("utf-8", "replace").splitlines()[1:]:
        found = re.fullmatch(r"(.+):(\d+)\.\d+,(\d+)\.\d+ \d+ (\d+)", line)
        if found is None or int(found[3]) - int(found[2]) > 100_000:
            continue
        for number in range(int(found[2]), int(found[3]) + 1):
            lines[found[1]][number] = lines[found[1]].get(number, False) or int(found[4]) > 0
    return dict(lines)


_FORMS: Final[tuple[tuple[str, Callable[[bytes], bool], Callable[[bytes], Lines | Coverage | None]], ...]] = (
    ("Go", lambda head: head.startswith(b"mode: "), _go),
    ("lcov", lambda head: head.startswith((b"TN:", b"SF:")), _lcov),
    ("JaCoCo", lambda head: b"<report" in head and b"JACOCO" in head.upper(), _jacoco),
    ("Cobertura", lambda head: b"<coverage" in head, _cobertura),
    ("coverage.py", lambda head: b'"meta"' in head and b'"version"' in head, _coverage_py),
    ("Istanbul summary", lambda head: b'"total"' in head and b'"pct"' in head, _istanbul_summary),
    ("Istanbul", lambda head: b'"statementMap"' in head, _istanbul_final),
)


def _share(found: Mapping[str, Any]) -> float:
    total = _int(found.get("total"))
    return _int(found.get("covered")) / total if total else 1.0


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _numbers(value: Any) -> Iterable[int]:
    return [item for item in value if isinstance(item, int)] if isinstance(value, list) else ()


def _int(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0
