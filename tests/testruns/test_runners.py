"""Which runner a folder uses, and how it is asked."""

import json
from pathlib import Path

import pytest

from sidecar.core.errors import BadInput, NotFound
from sidecar.testruns.runners import Selection, beside, is_test, plan

FOLDERS = {
    "pytest": {"pyproject.toml": "[tool.pytest.ini_options]\n"},
    "unittest": {"tests/test_a.py": "import unittest\nclass A(unittest.TestCase):\n    def test_a(self): pass\n"},
    "jest": {"package.json": json.dumps({"devDependencies": {"jest": "1"}})},
    "vitest": {"package.json": json.dumps({"devDependencies": {"vitest": "1"}})},
    "mocha": {"package.json": json.dumps({"scripts": {"test": "mocha -R spec"}})},
    "node:test": {"package.json": json.dumps({"scripts": {"test": "node --test"}})},
    "go test": {"go.mod": "module x\n"},
    "cargo": {"Cargo.toml": "[package]\n"},
    "maven": {"pom.xml": "<project/>"},
    "gradle": {"build.gradle.kts": ""},
    "ctest": {"build/CTestTestfile.cmake": ""},
}


def made(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


@pytest.mark.parametrize("name", FOLDERS)
def test_each_runner_is_found(tmp_path: Path, name: str) -> None:
    chosen = plan(made(tmp_path, FOLDERS[name]), Selection(), None, Path("/scratch"))
    assert chosen.runner == name
    assert not any(word == "sh" for word in chosen.argv)


def test_plain_test_functions_are_pytests(tmp_path: Path) -> None:
    assert plan(made(tmp_path, {"test_a.py": "def test_a(): pass\n"}), Selection(), None, tmp_path).runner == "pytest"


@pytest.mark.parametrize(
    ("command", "runner", "argv"),
    [
        ("pytest -q 'a b'", "pytest", ("pytest", "-q", "a b", "-o", "junit_family=xunit1", "--junitxml=/s/report")),
        ("npm test", "command", ("npm", "test")),
        ("npx vitest run", "vitest", ("npx", "vitest", "run", "--reporter=default", "--reporter=json", "--outputFile=/s/report")),
        ("go test ./...", "go test", ("go", "test", "./...")),
    ],
)  # fmt: skip
def test_a_command_is_split_as_a_shell_splits_words(
    tmp_path: Path, command: str, runner: str, argv: tuple[str, ...]
) -> None:
    chosen = plan(tmp_path, Selection(), command, Path("/s"))
    assert (chosen.runner, chosen.argv) == (runner, argv)


@pytest.mark.parametrize(
    ("name", "selection", "tail"),
    [
        ("pytest", Selection(files=("t.py",)), ["t.py"]),
        ("pytest", Selection(tests=("t.py::a",)), ["t.py::a"]),
        ("unittest", Selection(files=("tests/test_a.py",)), ["tests.test_a"]),
        ("jest", Selection(tests=("sum adds",)), ["-t", "sum\\ adds"]),
        ("go test", Selection(files=("pkg/a_test.go", "b_test.go")), ["./.", "./pkg"]),
        ("go test", Selection(tests=("x/y::TestA/sub",)), ["-run", "^(TestA)$", "./..."]),
        ("cargo", Selection(tests=("tests::a",)), ["--", "--exact", "tests::a"]),
        ("mocha", Selection(files=("t.js",)), ["t.js"]),
        ("maven", Selection(files=("src/test/java/ATest.java",)), ["-Dtest=ATest"]),
        ("ctest", Selection(tests=("one",)), ["-R", "^(one)$"]),
    ],
)  # fmt: skip
def test_some_tests_are_asked_for(tmp_path: Path, name: str, selection: Selection, tail: list[str]) -> None:
    chosen = plan(made(tmp_path, FOLDERS[name]), selection, None, tmp_path)
    assert list(chosen.argv[-len(tail) :]) == tail


def test_what_cannot_be_asked_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="WORKSPACE_TEST_COMMAND"):
        plan(tmp_path, Selection(), None, tmp_path)
    with pytest.raises(BadInput, match="split"):
        plan(tmp_path, Selection(), "a 'b", tmp_path)
    with pytest.raises(BadInput, match="only run everything"):
        plan(tmp_path, Selection(files=("a",)), "make check", tmp_path)
    with pytest.raises(BadInput, match="as a whole"):
        plan(made(tmp_path, FOLDERS["gradle"]), Selection(files=("a",)), None, tmp_path)
    (tmp_path / "pyproject.toml").write_text("not toml [")
    (tmp_path / "package.json").write_text("[]")
    assert plan(tmp_path, Selection(), None, tmp_path).runner == "gradle"


def test_tests_that_belong_to_changes() -> None:
    known = [
        "a.py",
        "tests/test_a.py",
        "tests/test_b.py",
        "src/x.ts",
        "src/x.test.ts",
        "p/y.go",
        "p/y_test.go",
        "Z.java",
        "ZTest.java",
    ]
    assert beside(["a.py"], known) == ("tests/test_a.py",)
    assert beside(["tests/test_b.py", "src/x.ts"], known) == ("tests/test_b.py", "src/x.test.ts")
    assert beside(["p/y.go", "Z.java"], known) == ("p/y_test.go", "ZTest.java")
    assert beside(["README.md"], known) == ()
    assert is_test("a.spec.tsx")
    assert not is_test("latest.py")
