"""Tests that are switched off, in each language's own way."""

import pytest

from sidecar.risk.hazards.disabled_test import RULE
from tests.risk.hazards.cases import check_words, findings, lines


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("tests/test_a.py", "@pytest.mark.skip(reason='flaky')"),
        ("tests/test_a.py", "@pytest.mark.skip"),
        ("tests/test_a.py", "    @unittest.skip('later')"),
        ("tests/test_a.py", "pytestmark = pytest.mark.skip('all')"),
        ("tests/test_a.py", "pytest.skip('all', allow_module_level=True)"),
        ("a.test.js", "it.skip('works', () => {"),
        ("a.spec.ts", "  xdescribe('group', () => {"),
        ("test/a.js", "xit('works', function () {"),
        ("test/a.js", "test.skip.each([1])('n', () => {"),
        ("a_test.go", '\tt.Skip("flaky")'),
        ("src/test/java/ATest.java", '    @Disabled("flaky")'),
        ("src/test/java/ATest.java", "@Ignore"),
        ("tests/a.rs", "#[ignore]"),
        ("tests/a.rs", '    #[ignore = "slow"]'),
        ("tests/ATests.cs", '    [Fact(Skip = "flaky")]'),
        ("spec/a_spec.rb", "  xit 'works' do"),
    ],
)  # fmt: skip
def test_switched_off(path, line):
    (found,) = findings(RULE, path, "x", line)
    assert (found.start, found.what) == (2, "This line switches a test off.")


@pytest.mark.parametrize(
    "line", ["it.only('a', () => {", "describe.only('a', () => {", "  fit('a', () => {", "fdescribe('a', f)"]
)
def test_only_this_one(line):
    (found,) = findings(RULE, "test/a.spec.ts", line)
    assert "only" in found.what
    assert "`only`" in found.remedy


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("tests/test_a.py", "@pytest.mark.skipif(sys.platform == 'win32', reason='x')"),
        ("tests/test_a.py", "@unittest.skipUnless(ssl, 'x')"),
        ("tests/test_a.py", "        pytest.skip('no network')"),
        ("tests/test_a.py", "    pytestmark = pytest.mark.skip('could not import')"),
        ("tests/test_a.py", "# @pytest.mark.skip"),
        ("a_test.go", '\t\tt.Skip("short")'),
        ("src/test/java/ATest.java", "@DisabledOnOs(OS.WINDOWS)"),
        ("src/test/java/ATest.java", '@DisabledIf("x")'),
        ("src/fit.ts", "fit('a')"),
        ("test/a.ts", "model.fit(data)"),
        ("test/a.ts", "commit('a')"),
        ("app.py", "@pytest.mark.skip"),
        ("test/fixtures/only.js", "it.only('a', () => {"),
        ("docs/test.md", "it.skip('a')"),
    ],
)  # fmt: skip
def test_conditions_and_other_things_are_none(path, line):
    assert lines(RULE, path, line) == []


def test_a_reason_that_is_reworded_is_no_news():
    assert lines(RULE, "tests/test_a.py", "@pytest.mark.skip", removed=("    @pytest.mark.skip",)) == []


@pytest.mark.parametrize(
    "new", ["def _test_a():", "def xtest_a():", "    async def disabled_test_a(self):", "def no_test_a():"]
)
def test_a_name_that_no_runner_finds(new):
    (found,) = findings(RULE, "tests/test_a.py", new, removed=("def test_a():",))
    assert "renames test_a" in found.what


def test_a_test_that_is_renamed_stays_one():
    assert lines(RULE, "tests/test_a.py", "def test_ab():", removed=("def test_a():",)) == []
    assert lines(RULE, "a_test.go", "func TestB(t *testing.T) {", removed=("func TestA(t *testing.T) {",)) == []


def test_words():
    check_words(RULE)
