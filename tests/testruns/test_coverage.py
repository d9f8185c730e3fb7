"""Coverage reports of every form: the same three lines of a file, two of them run."""

import json

import pytest

from sidecar.store.runs import Coverage
from sidecar.testruns.coverage import read

PY = json.dumps(
    {"meta": {"version": "7"}, "files": {"a.py": {"executed_lines": [1, 3], "missing_lines": [2]}}}
).encode()
LCOV = b"TN:\nSF:a.py\nDA:1,5\nDA:2,0\nDA:3,1\nend_of_record\n"
COBERTURA = b"""<?xml version="1.0"?><!DOCTYPE coverage SYSTEM "x.dtd"><coverage><packages><package><classes>
<class filename="a.py"><lines><line number="1" hits="1"/><line number="2" hits="0"/><line number="3" hits="2"/></lines></class>
</classes></package></packages></coverage>"""
ISTANBUL = json.dumps(
    {"a.py": {"statementMap": {str(n): {"start": {"line": n}} for n in (1, 2, 3)}, "s": {"1": 1, "2": 0, "3": 4}}}
).encode()
GO = b"mode: set\na.py:1.1,1.9 1 1\na.py:2.1,2.9 1 0\na.py:3.1,3.9 1 1\n"
JACOCO = b"""<?xml version="1.0"?><!DOCTYPE report PUBLIC "-//JACOCO//DTD Report 1.1//EN" "report.dtd"><report name="x">
<package name="p"><sourcefile name="A.java"><line nr="1" mi="0" ci="2"/><line nr="2" mi="1" ci="0"/><line nr="3" mi="0" ci="1"/>
</sourcefile></package></report>"""
SUMMARY = json.dumps(
    {
        "total": {"lines": {"total": 3, "covered": 2, "pct": 66.6}},
        "a.py": {"lines": {"total": 3, "covered": 2, "pct": 66.6}},
    }
).encode()


@pytest.mark.parametrize(
    ("source", "data", "path"),
    [
        ("coverage.py", PY, "a.py"),
        ("lcov", LCOV, "a.py"),
        ("Cobertura", COBERTURA, "a.py"),
        ("Istanbul", ISTANBUL, "a.py"),
        ("Go", GO, "a.py"),
        ("JaCoCo", JACOCO, "p/A.java"),
        ("Istanbul summary", SUMMARY, "a.py"),
    ],
)
def test_each_form_says_the_same(source: str, data: bytes, path: str) -> None:
    found = read(data)
    assert isinstance(found, Coverage)
    assert found.source == source
    assert found.total == pytest.approx(2 / 3)
    assert found.files == {path: pytest.approx(2 / 3)}
    assert found.missed == ({} if source == "Istanbul summary" else {path: [2]})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"mode: set\n",
        b"TN:\n",
        b"<coverage/>",
        b'{"total": 1, "pct": 2}',
        b"\xff",
        b'{"meta": 1, "version": 2, "files": [1]}',
    ],
)
def test_what_is_none_is_none(data: bytes) -> None:
    assert read(data) is None
