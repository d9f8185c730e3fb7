"""Tests that are switched off, in each language's own way."""

import pytest

from sidecar.risk.hazards.disabled_test import RULE
from tests.risk.hazards.cases import check_words, findings, lines, mend


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
    assert "`.only`" in found.remedy


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


@pytest.mark.parametrize(
    ("line", "mended"),
    [
        ("it.only('a', () => {", "it('a', () => {"),
        ("  describe.only.each([1, 2])('n', f)", "  describe.each([1, 2])('n', f)"),
        ("test.only(`the only one`, async () => {", "test(`the only one`, async () => {"),
        ("\tfit('a', () => {", "\tit('a', () => {"),
        ("fdescribe('a', f)", "describe('a', f)"),
    ],
)
def test_the_only_one_is_one_of_many_again(line, mended):
    assert mend(RULE, "test/a.spec.ts", f"x()\n{line}\n}})") == f"x()\n{mended}\n}})"


def test_one_only_in_another_is_left_to_its_author():
    assert mend(RULE, "a.test.js", "describe.only('a', () => it.only('b', f))") is None


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("a.test.js", "it('a', () => {\n})", "it.skip('a', () => {\n})"),
        ("a.test.js", "  test.each([1])('a', f)", "  test.skip.each([1])('a', f)"),
        ("a.test.js", "describe('a', () => {\n})", "xdescribe('a', () => {\n})"),
        ("spec/a_spec.rb", "  it 'works' do", "  xit 'works' do"),
        ("tests/ATests.cs", "    [Fact]\n    void A() {}", '    [Fact(Skip = "flaky")]\n    void A() {}'),
        ("tests/test_a.py", "def test_a():\n    pass", "def _test_a():\n    pass"),
        ("a_test.go", "func TestA(t *testing.T) {\n}", "func xTestA(t *testing.T) {\n}"),
        ("tests/test_a.py", "x = 1\n\ndef test_a():\n    pass", "x = 1\n\n@pytest.mark.skip\ndef test_a():\n    pass"),
        (
            "tests/test_a.py",
            "class A:\n    @mark('x')\n    def test_a(self):\n        pass",
            "class A:\n    @unittest.skip('later (soon)')\n    @mark('x')\n    def test_a(self):\n        pass",
        ),
        (
            "a_test.go",
            "func TestA(t *testing.T) {\n\tf()\n}",
            'func TestA(t *testing.T) {\n\tt.Skip("flaky")\n\tf()\n}',
        ),
        ("src/test/ATest.java", "  @Test\n  void a() {}", '  @Disabled("flaky")\n  @Test\n  void a() {}'),
        ("tests/a.rs", "#[test]\nfn a() {}", '#[ignore = "slow"]\n#[test]\nfn a() {}'),
    ],
)
def test_a_test_that_this_change_switched_off_is_as_it_was(path, before, after):
    assert mend(RULE, path, after, before) == before


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("a.test.js", "x()", "x()\nit.skip('new', f)"),
        ("a.test.js", "it('a', () => 1)", "it.skip('a', () => 2)"),
        ("tests/test_a.py", "x = 1", "x = 1\n\n@pytest.mark.skip\ndef test_new():\n    pass"),
        ("tests/test_a.py", "def test_a():\n    pass", "@pytest.mark.skip(reason=WHY)(f)\ndef test_a():\n    pass"),
        ("tests/test_a.py", "@pytest.mark.skipif(WIN)\ndef test_a(): pass", "@pytest.mark.skip\ndef test_a(): pass"),
        (
            "tests/test_a.py",
            "import pytest\ndef test_a(): pass",
            "import pytest\npytestmark = pytest.mark.skip\ndef test_a(): pass",
        ),
        ("tests/test_a.py", "def test_a(x):\n    pass", "def _test_a():\n    pass"),
        ("a_test.go", "func TestA(t *testing.T) {\n}", "func TestA(t *testing.T) {\n\tt.Skip(why())\n}"),
        ("a_test.go", "func help(t *testing.T) {\n}", "func help(t *testing.T) {\n\tt.Skip()\n}"),
        ("src/test/ATest.java", "  @Test void a() {}", "  @Disabled @Test void a() {}"),
    ],
)
def test_another_test_that_rests_is_left_to_its_author(path, before, after):
    assert mend(RULE, path, after, before) is None


def test_words():
    check_words(RULE)
