"""Reports of every form, as runners write them."""

import pytest

from sidecar.store.runs import Case
from sidecar.testruns.reports import READERS, recognized

PYTEST = b"""<?xml version="1.0"?><testsuites><testsuite name="pytest" tests="4">
<testcase classname="tests.test_a.TestX" name="test_in[1]" file="tests/test_a.py" line="3" time="0.25"/>
<testcase classname="tests.test_a" name="test_bad" file="tests/test_a.py" time="1,000.5"><failure message="assert 1 == 2">E  x</failure></testcase>
<testcase classname="tests.test_a" name="test_off" file="tests/test_a.py" time="0"><skipped message="no"/></testcase>
<testcase classname="" name="tests.test_b" time="0"><error message="collection failure">Boom</error></testcase>
</testsuite></testsuites>"""
NODE = b"""<testsuites><testcase name="adds" time="0.01" classname="test"/><testsuite name="group">
<testcase name="fails" time="0" classname="test"><failure message="no">x</failure></testcase></testsuite></testsuites>"""
CTEST = b"""<testsuite><testcase name="one" classname="one" time="0.1" status="run"/>
<testcase name="two" classname="two" status="notrun"/></testsuite>"""
TAP = b"""TAP version 13
1..3
# Subtest: group
    ok 1 - inner one
    not ok 2 - inner two
not ok 1 - group
ok 2 - plain # time=1ms
ok 3 - later # SKIP not now
"""
JEST = b"""{"testResults":[{"name":"/w/a.test.js","assertionResults":[
{"fullName":"sum adds","status":"passed","duration":5,"failureMessages":[]},
{"fullName":"sum fails","status":"failed","duration":null,"failureMessages":["Error: no"]},
{"fullName":"sum later","status":"pending"}]}]}"""
MOCHA = b"""{"stats":{},"passes":[{"fullTitle":"a b","file":"/w/t.js","duration":3}],
"failures":[{"fullTitle":"a c","err":{"message":"no"}}],"pending":[{"fullTitle":"a d"}]}"""
GO = b"""{"Action":"run","Package":"x/y","Test":"TestA"}
{"Action":"output","Package":"x/y","Test":"TestB","Output":"    b_test.go:3: no\\n"}
{"Action":"pass","Package":"x/y","Test":"TestA","Elapsed":0.5}
{"Action":"fail","Package":"x/y","Test":"TestB","Elapsed":0}
{"Action":"skip","Package":"x/y","Test":"TestC","Elapsed":0}
{"Action":"fail","Package":"x/y","Elapsed":0.6}
not json
"""
CARGO = b"""running 3 tests
test tests::adds ... ok
test tests::fails ... FAILED
test src/lib.rs - f (line 3) ... ignored
"""
UNITTEST = b"""test_good (tests.test_a.A.test_good) ... ok
test_doc (tests.test_a.A.test_doc)
It has a docstring. ... FAIL
test_old (tests.test_a.A) ... ERROR
test_off (tests.test_a.A.test_off) ... skipped 'no'

----------------------------------------------------------------------
Ran 4 tests in 0.001s
"""
P, F, S = "passed", "failed", "skipped"


@pytest.mark.parametrize(
    ("form", "data", "cases"),
    [
        ("junit", PYTEST, [
            Case("tests/test_a.py::TestX::test_in[1]", P, 0.25, "tests/test_a.py"),
            Case("tests/test_a.py::test_bad", F, 1000.5, "tests/test_a.py", "assert 1 == 2\nE  x"),
            Case("tests/test_a.py::test_off", S, 0.0, "tests/test_a.py"),
            Case("tests.test_b", F, 0.0, "", "collection failure\nBoom"),
        ]),
        ("junit", NODE, [Case("adds", P, 0.01), Case("fails", F, 0.0, "", "no\nx")]),
        ("junit", CTEST, [Case("one", P, 0.1), Case("two", S)]),
        ("tap", TAP, [Case("inner one", P), Case("inner two", F), Case("plain", P), Case("later", S)]),
        ("jest", JEST, [
            Case("sum adds", P, 0.005, "/w/a.test.js"), Case("sum fails", F, 0.0, "/w/a.test.js", "Error: no"),
            Case("sum later", S, 0.0, "/w/a.test.js"),
        ]),
        ("mocha", MOCHA, [Case("a b", P, 0.003, "/w/t.js"), Case("a c", F, 0.0, "", "no"), Case("a d", S)]),
        ("go", GO, [Case("x/y::TestA", P, 0.5), Case("x/y::TestB", F, 0.0, "", "    b_test.go:3: no\n"), Case("x/y::TestC", S)]),
        ("cargo", CARGO, [Case("tests::adds", P), Case("tests::fails", F), Case("src/lib.rs - f (line 3)", S)]),
        ("unittest", UNITTEST, [
            Case("tests.test_a.A.test_good", P), Case("tests.test_a.A.test_doc", F), Case("tests.test_a.A.test_old", F),
            Case("tests.test_a.A.test_off", S),
        ]),
    ],
    ids=["pytest", "node", "ctest", "tap", "jest", "mocha", "go", "cargo", "unittest"],
)  # fmt: skip
def test_each_form_is_read(form: str, data: bytes, cases: list[Case]) -> None:
    assert READERS[form](data) == cases
    if form != "mocha":
        assert [case.outcome for case in recognized(data)] == [case.outcome for case in cases]


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><testsuite><testcase name="&b;"/></testsuite>'


@pytest.mark.parametrize("form", READERS)
@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfe", b"[]", b"null", b"{", b"<x", b'{"testResults": 3}', b'{"passes": [1]}', BOMB, b"ok" * 9]
)
def test_what_is_no_report_gives_no_cases(form: str, data: bytes) -> None:
    assert READERS[form](data) == [] or form == "tap"
