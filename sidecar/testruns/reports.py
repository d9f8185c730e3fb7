"""What test runners report, read: JUnit's XML, TAP, the JSON of jest, vitest, mocha and go, the text of cargo and unittest.

Pure: bytes in, cases out. What cannot be read gives no cases; the run's exit status still tells how it went.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from sidecar.core.messages import object_in
from sidecar.store.runs import Case, CaseOutcome

MOST_MESSAGE: Final = 2_000
_SKIPPED: Final = frozenset({"skipped", "pending", "todo", "disabled", "ignored"})


def junit(data: bytes) -> list[Case]:
    """JUnit's XML (pytest, node, maven, gradle, ctest)."""
    root = parse_xml(data)
    return [] if root is None else [_junit_case(element) for element in root.iter("testcase")]


def parse_xml(data: bytes) -> ET.Element | None:
    """The root of an XML document; None for what is none, or declares entities of its own."""
    if b"<!ENTITY" in data:
        return None
    try:
        return ET.fromstring(data)  # noqa: S314 - see above
    except ET.ParseError:
        return None


def _junit_case(element: ET.Element) -> Case:
    name, group, file = (element.get(key) or "" for key in ("name", "classname", "file"))
    failed = next((found for tag in ("failure", "error") if (found := element.find(tag)) is not None), None)
    if failed is not None:
        outcome: CaseOutcome = "failed"
    else:
        off = element.find("skipped") is not None or (element.get("status") or "").lower() in _SKIPPED | {"notrun"}
        outcome = "skipped" if off else "passed"
    said = "" if failed is None else "\n".join(part for part in (failed.get("message"), failed.text) if part)
    return Case(_node_id(name, group, file), outcome, _number(element.get("time")), file, said[:MOST_MESSAGE])


def _node_id(name: str, group: str, file: str) -> str:
    """A test's name as pytest takes it where its file is known, else its group and name."""
    if file.endswith(".py"):
        module = file.removesuffix(".py").replace("/", ".")
        inner = group[len(module) + 1 :] if group.startswith(f"{module}.") else ""
        return "::".join([file, *inner.split("."), name] if inner else [file, name])
    return f"{group}::{name}" if group and group not in {"test", name} else name


def tap(data: bytes) -> list[Case]:
    """The Test Anything Protocol; of nested tests the innermost count."""
    cases: list[tuple[int, Case]] = []
    pattern = re.compile(r"^( *)(not )?ok\b *\d* *-? *(.*?)(?: # *(SKIP|TODO)\b.*| # time=.*)?$", re.IGNORECASE)
    for line in data.decode("utf-8", "replace").splitlines():
        found = pattern.match(line)
        if found is None:
            continue
        depth = len(found[1])
        nested = bool(cases) and cases[-1][0] > depth
        if nested:  # the line that sums up the ones before it
            cases = [(depth, case) for _, case in cases]
            continue
        outcome: CaseOutcome = "skipped" if found[4] else "failed" if found[2] else "passed"
        cases.append((depth, Case(found[3] or f"test {len(cases) + 1}", outcome)))
    return [case for _, case in cases]


def jest_json(data: bytes) -> list[Case]:
    """The JSON of jest and vitest."""
    return [
        Case(
            str(test.get("fullName") or test.get("title") or "?"),
            _outcome(str(test.get("status"))),
            (test.get("duration") or 0) / 1000,
            str(suite.get("name") or ""),
            "\n".join(map(str, test.get("failureMessages") or ()))[:MOST_MESSAGE],
        )
        for suite in _objects(object_in(data).get("testResults"))
        for test in _objects(suite.get("assertionResults"))
    ]


def mocha_json(data: bytes) -> list[Case]:
    """The JSON of mocha."""
    told = object_in(data)
    outcomes: tuple[tuple[str, CaseOutcome], ...] = (
        ("passes", "passed"),
        ("failures", "failed"),
        ("pending", "skipped"),
    )
    return [
        Case(
            str(test.get("fullTitle")),
            outcome,
            (test.get("duration") or 0) / 1000,
            str(test.get("file") or ""),
            str((test.get("err") or {}).get("message") or "")[:MOST_MESSAGE],
        )
        for key, outcome in outcomes
        for test in _objects(told.get(key))
    ]


def go_json(data: bytes) -> list[Case]:
    """The JSON lines of `go test -json`."""
    cases: list[Case] = []
    said: dict[str, list[str]] = {}
    for line in data.splitlines():
        told = object_in(line)
        name = f"{told.get('Package')}::{told.get('Test')}"
        if not told.get("Test"):
            continue
        if told.get("Action") == "output":
            said.setdefault(name, []).append(str(told.get("Output")))
        elif told.get("Action") in {"pass", "fail", "skip"}:
            outcome = _outcome({"pass": "passed", "fail": "failed"}.get(str(told["Action"]), "skipped"))
            message = "".join(said.get(name, ()))[:MOST_MESSAGE] if outcome == "failed" else ""
            cases.append(Case(name, outcome, _number(told.get("Elapsed")), "", message))
    return cases


def cargo_text(data: bytes) -> list[Case]:
    """What `cargo test` prints."""
    words: Mapping[str, CaseOutcome] = {"ok": "passed", "FAILED": "failed", "ignored": "skipped"}
    text = data.decode("utf-8", "replace")
    return [Case(name, words[word]) for name, word in re.findall(r"(?m)^test (\S.*?) \.\.\. (ok|FAILED|ignored)", text)]


def unittest_text(data: bytes) -> list[Case]:
    """What `python -m unittest -v` prints."""
    words: Mapping[str, CaseOutcome] = {"ok": "passed", "FAIL": "failed", "ERROR": "failed", "skipped": "skipped"}
    text = data.decode("utf-8", "replace")
    pattern = r"(?m)^(\w+) \(([\w.]+)\)(?:\n.*)? \.\.\. (?:.*\n){0,50}?.*?(ok|FAIL|ERROR|skipped)\b"
    found = re.findall(pattern, text)
    return [
        Case(group if group.endswith(f".{name}") else f"{group}.{name}", words[word]) for name, group, word in found
    ]


READERS: Final[Mapping[str, Callable[[bytes], list[Case]]]] = {
    "junit": junit,
    "tap": tap,
    "jest": jest_json,
    "mocha": mocha_json,
    "go": go_json,
    "cargo": cargo_text,
    "unittest": unittest_text,
}


def recognized(output: bytes) -> list[Case]:
    """The cases in an output of unknown form: the first reader that finds some."""
    for name in ("go", "tap", "cargo", "unittest", "junit", "jest"):
        if cases := READERS[name](output):
            return cases
    return []


def _outcome(word: str) -> CaseOutcome:
    return "passed" if word == "passed" else "skipped" if word in _SKIPPED else "failed"


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    return (item for item in value or () if isinstance(item, dict)) if isinstance(value, list) else iter(())


def _number(value: Any) -> float:
    try:
        return float(str(value).replace(",", "")) if value is not None else 0.0
    except ValueError:
        return 0.0
