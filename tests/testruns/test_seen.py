"""What the tests touched of a diff: by the newest report, only where its lines are those of the file as it stands."""

import json
import os

import pytest

from sidecar.core.diff import FileDiff, Hunk
from sidecar.testruns.seen import LastReport

TEXT = "a = 1\nb = 2\n\nc = 3\n"
DIFF = FileDiff("pkg/a.py", "modified", (Hunk(1, 2, (), ("b = 2", "", "c = 3")),))


@pytest.fixture
def folder(tmp_path):
    put(tmp_path / "pkg" / "a.py", TEXT, 100)
    return tmp_path


def put(path, text, at):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (at, at))


def report(name="pkg/a.py", ran=(1, 2), missed=(4,)):
    return json.dumps({"meta": {"version": "7"}, "files": {name: {"executed_lines": ran, "missing_lines": missed}}})


def lcov(name, ran, missed):
    lines = [f"DA:{line},1" for line in ran] + [f"DA:{line},0" for line in missed]
    return "\n".join(["TN:", f"SF:{name}", *lines, "end_of_record", ""])


def test_the_lines_of_a_report_that_is_younger_than_the_file(folder):
    put(folder / "coverage.json", report(), 200)
    found = LastReport(folder).of(DIFF)
    assert (found.ran, found.missed, found.source, found.at) == ({1, 2}, {4}, "coverage.py", 200.0)


def test_an_older_report_says_nothing_and_a_newer_one_of_another_kind_is_taken(folder):
    put(folder / "coverage.json", report(), 99)
    tests = LastReport(folder)
    assert tests.of(DIFF) is None
    put(folder / "coverage.json", report(), 100)
    assert tests.of(DIFF) is None, "written in the same moment: which was first is not known"
    put(folder / "lcov.info", lcov(folder / "pkg/a.py", [1], [2, 4]), 300)
    assert tests.of(DIFF).missed == {2, 4}
    put(folder / "lcov.info", "no report", 400)
    put(folder / "coverage.json", report(missed=(2,), ran=(1,)), 350)
    assert tests.of(DIFF).missed == {2}, "what cannot be read is passed over"
    put(folder / "pkg" / "a.py", TEXT, 500)
    assert tests.of(DIFF) is None


@pytest.mark.parametrize("hunk", [Hunk(1, 3, (), ("b = 2",)), Hunk(1, 2, (), ("b = 3",)), Hunk(9, 9, (), ("x",))])
def test_lines_that_are_not_those_of_the_diff(folder, hunk):
    put(folder / "coverage.json", report(), 200)
    assert LastReport(folder).of(FileDiff("pkg/a.py", "modified", (hunk,))) is None


def test_files_that_are_gone_or_not_in_the_report(folder):
    put(folder / "coverage.json", report("pkg/b.py"), 200)
    assert LastReport(folder).of(DIFF) is None
    assert LastReport(folder).of(FileDiff("pkg/gone.py", "deleted")) is None


@pytest.mark.parametrize(
    ("names", "known"),
    [
        (["example.org/shop/pkg/a.py"], True),  # Go: the module's name before it
        (["a.py"], True),  # JaCoCo: from the package on
        (["one/pkg/a.py", "two/pkg/a.py"], False),
        (["example.org/shop/other/pkg/a.py", "example.org/shop/pkg/a.py"], False),
        (["other/a.py"], False),  # there is such a file, and it is another
        (["other_a.py"], False),
    ],
)
def test_the_names_that_reports_use(folder, names, known):
    put(folder / "other" / "a.py", TEXT, 100)
    put(folder / "lcov.info", "".join(lcov(name, [2], [4]) for name in names), 200)
    assert (LastReport(folder).of(DIFF) is not None) == known


def test_tests_that_are_run_in_a_folder_of_the_repository(folder):
    put(folder / "pkg" / "coverage.json", report("a.py"), 200)
    put(folder / "a.py", TEXT, 100)
    assert LastReport(folder, folder / "pkg").of(DIFF).missed == {4}
    assert LastReport(folder, folder / "pkg", ("elsewhere.json",)).of(DIFF) is None


def test_a_report_that_a_link_leads_out_to_is_none(folder, tmp_path_factory):
    put(tmp_path_factory.mktemp("elsewhere") / "coverage.json", report(), 200)
    (folder / "coverage.json").symlink_to(tmp_path_factory.getbasetemp() / "elsewhere0" / "coverage.json")
    assert LastReport(folder).of(DIFF) is None
