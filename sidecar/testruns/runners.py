"""Which test runner a folder uses, and how it is asked: for all, for some files, for tests by name, with a report."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sidecar.core.errors import BadInput, NotFound
from sidecar.core.messages import object_in

_LARGEST: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Selection:
    """What to run: everything when both are empty. `files` are relative paths, `tests` ids as reports name them."""

    files: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A command to start, and where its report will be.

    `report` names the form; `places` are files or globs, in the workspace or absolute. Without any the report is the
    output itself.
    """

    runner: str
    argv: tuple[str, ...]
    report: str = ""
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Runner:
    """How one runner is found, started, told which files, and made to report.

    `says` finds it in a command's words; `ask` gives the arguments for a selection, or None where it cannot choose.
    """

    name: str
    there: Callable[[Path], bool]
    argv: Callable[[Path], Sequence[str]]
    says: str
    report: str = ""
    options: Callable[[str], Sequence[str]] = field(default=lambda _: ())
    places: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()
    ask: Callable[[Selection], Sequence[str] | None] = field(default=lambda _: None)


def plan(folder: Path, selection: Selection, command: str | None, scratch: Path) -> Plan:
    """How to run a folder's tests; reads files, so not for an event loop. `scratch` is a folder for reports.

    Raises NotFound where no runner is known, BadInput where one cannot run such a selection.
    """
    if command:
        argv = _split(command)
        runner = next((one for one in RUNNERS if re.search(one.says, command)), None)
        if runner is None:
            if selection.files or selection.tests:
                raise BadInput("WORKSPACE_TEST_COMMAND is of no known runner, so it can only run everything.")
            return Plan("command", tuple(argv))
    else:
        runner = next((one for one in RUNNERS if one.there(folder)), None)
        if runner is None:
            raise NotFound("No tests were found here; set WORKSPACE_TEST_COMMAND to the command that runs them.")
        argv = list(runner.argv(folder))
    chosen: Sequence[str] | None = runner.whole if not command else ()
    if selection.files or selection.tests:
        chosen = runner.ask(selection)
    if chosen is None:
        raise BadInput(f"{runner.name} is only run as a whole from here; leave the files out.")
    report = str(scratch / "report")
    places = runner.places or ((report,) if runner.options(report) else ())
    return Plan(runner.name, (*argv, *runner.options(report), *chosen), runner.report, places)


def _split(command: str) -> list[str]:
    try:
        argv = shlex.split(command)
    except ValueError:
        argv = []
    if not argv:
        raise BadInput(f"WORKSPACE_TEST_COMMAND={command!r} cannot be split into words; mind its quotes.")
    return argv


# ── what the folder holds ───────────────────────────────────────────────────────────────────────────
def _text(path: Path) -> str:
    try:
        if not path.is_file() or path.stat().st_size > _LARGEST:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _package(folder: Path) -> dict[str, Any]:
    return object_in(_text(folder / "package.json"))


def _depends(name: str) -> Callable[[Path], bool]:
    """Whether `package.json` or its test script names a package."""

    def there(folder: Path) -> bool:
        package = _package(folder)
        needed = {**(package.get("dependencies") or {}), **(package.get("devDependencies") or {})}
        return name in needed or re.search(rf"\b{name}\b", _script(package)) is not None

    return there


def _script(package: dict[str, Any]) -> str:
    scripts = package.get("scripts")
    return str(scripts.get("test") or "") if isinstance(scripts, dict) else ""


def _node_tests(folder: Path) -> bool:
    return "--test" in _script(_package(folder))


def _pytest(folder: Path) -> bool:
    if any((folder / name).is_file() for name in ("pytest.ini", "conftest.py", "tests/conftest.py")):
        return True
    try:
        project = tomllib.loads(_text(folder / "pyproject.toml"))
    except tomllib.TOMLDecodeError:
        project = {}
    told = _text(folder / "tox.ini") + _text(folder / "setup.cfg") + _text(folder / "requirements-dev.txt")
    return (
        "pytest" in project.get("tool", {}) or "pytest" in str(project.get("dependency-groups", "")) or "pytest" in told
    )


def _python_tests(folder: Path) -> bool:
    return any(any(folder.glob(pattern)) for pattern in ("test*.py", "tests/test*.py", "test/test*.py"))


def _python(folder: Path) -> str:
    own = (folder / name for name in (".venv/bin/python", "venv/bin/python", ".venv/Scripts/python.exe"))
    return next((str(path) for path in own if path.exists()), "python3")


def _uses_pytest(folder: Path) -> bool:
    text = "".join(_text(path) for path in [*folder.glob("tests/test*.py"), *folder.glob("test*.py")][:20])
    return _pytest(folder) or bool(re.search(r"(?m)^(import pytest|from pytest|def test_)", text))


def _has(*names: str) -> Callable[[Path], bool]:
    return lambda folder: any((folder / name).exists() for name in names)


def _gradle(folder: Path) -> Sequence[str]:
    return ("./gradlew" if (folder / "gradlew").exists() else "gradle", "test", "--console=plain")


# ── how each is told which tests ────────────────────────────────────────────────────────────────────
def _files_or_ids(selection: Selection) -> Sequence[str] | None:
    return [*(selection.tests or selection.files)]


def _only_files(selection: Selection) -> Sequence[str] | None:
    return None if selection.tests else list(selection.files)


def _by_name(selection: Selection) -> Sequence[str]:
    names = "|".join(re.escape(test) for test in selection.tests)
    return ["-t", names] if selection.tests else list(selection.files)


def _mocha_names(selection: Selection) -> Sequence[str]:
    return ["-g", "|".join(re.escape(test) for test in selection.tests)] if selection.tests else list(selection.files)


def _modules(selection: Selection) -> Sequence[str]:
    return list(selection.tests) or [name.removesuffix(".py").replace("/", ".") for name in selection.files]


def _go_some(selection: Selection) -> Sequence[str]:
    if selection.tests:
        names = {test.rpartition("::")[2].partition("/")[0] for test in selection.tests}
        return ["-run", f"^({'|'.join(sorted(names))})$", "./..."]
    return sorted({f"./{name.rpartition('/')[0] or '.'}" for name in selection.files})


def _ctest_some(selection: Selection) -> Sequence[str] | None:
    return ["-R", f"^({'|'.join(re.escape(test) for test in selection.tests)})$"] if selection.tests else None


RUNNERS: Final = (
    _Runner(
        "pytest", lambda folder: _uses_pytest(folder) and (_pytest(folder) or _python_tests(folder)),
        lambda folder: (_python(folder), "-m", "pytest", "-q"), r"\bpytest\b", "junit",
        lambda report: ("-o", "junit_family=xunit1", f"--junitxml={report}"), ask=_files_or_ids,
    ),
    _Runner("unittest", _python_tests, lambda folder: (_python(folder), "-m", "unittest", "-v"), r"\bunittest\b", "unittest", ask=_modules),
    _Runner(
        "vitest", _depends("vitest"), lambda _: ("npx", "--no-install", "vitest", "run"), r"\bvitest\b", "jest",
        lambda report: ("--reporter=default", "--reporter=json", f"--outputFile={report}"), ask=_by_name,
    ),
    _Runner(
        "jest", _depends("jest"), lambda _: ("npx", "--no-install", "jest"), r"\bjest\b", "jest",
        lambda report: ("--json", f"--outputFile={report}"), ask=_by_name,
    ),
    _Runner(
        "mocha", _depends("mocha"), lambda _: ("npx", "--no-install", "mocha"), r"\bmocha\b", "mocha",
        lambda report: ("--reporter", "json", "--reporter-option", f"output={report}"), ask=_mocha_names,
    ),
    _Runner(
        "node:test", _node_tests, lambda _: ("node", "--test"), r"\bnode\b.*--test", "junit",
        lambda report: (
            "--test-reporter=spec", "--test-reporter-destination=stdout",
            "--test-reporter=junit", f"--test-reporter-destination={report}",
        ), ask=_only_files,
    ),
    _Runner("go test", _has("go.mod"), lambda _: ("go", "test", "-json"), r"\bgo test\b", "go", whole=("./...",), ask=_go_some),
    _Runner("cargo", _has("Cargo.toml"), lambda _: ("cargo", "test", "--no-fail-fast"), r"\bcargo test\b", "cargo",
            ask=lambda selection: ["--", "--exact", *selection.tests] if selection.tests else None),
    _Runner("maven", _has("pom.xml"), lambda _: ("mvn", "-B", "-q", "test"), r"\bmvn\b", "junit",
            places=("target/surefire-reports/TEST-*.xml", "*/target/surefire-reports/TEST-*.xml"),
            ask=lambda selection: [f"-Dtest={','.join(Path(name).stem for name in selection.files)}"] if selection.files else None),
    _Runner("gradle", _has("build.gradle", "build.gradle.kts"), _gradle, r"\bgradlew?\b", "junit",
            places=("build/test-results/test/TEST-*.xml", "*/build/test-results/test/TEST-*.xml")),
    _Runner("ctest", _has("build/CTestTestfile.cmake"), lambda _: ("ctest", "--test-dir", "build"), r"\bctest\b", "junit",
            lambda report: ("--output-junit", report), ask=_ctest_some),
)  # fmt: skip
"""In the order in which they are looked for."""


def beside(changed: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """The test files that belong to changed files: themselves, and those that are named after them."""
    stems = {re.sub(r"\.[^/]*$", "", name.rpartition("/")[2]) for name in changed}
    wanted = {f"test_{stem}" for stem in stems} | {f"{stem}_test" for stem in stems} | {f"{stem}Test" for stem in stems}
    found = []
    for name in known:
        base = name.rpartition("/")[2]
        stem = re.sub(r"\.[^.]*$", "", base)
        bare = re.sub(r"\.(test|spec)$", "", stem)
        own = name in changed and is_test(name)
        if own or stem in wanted or (bare != stem and bare in stems):
            found.append(name)
    return tuple(found)


def is_test(name: str) -> bool:
    """Whether a file is one of tests, by its name."""
    return bool(
        re.search(
            r"(^|/)(test_[^/]*\.py|[^/]*_test\.(py|go|rs)|[^/]*\.(test|spec)\.[cm]?[jt]sx?|[^/]*Test\.(java|kt))$", name
        )
    )
