"""All rules together: order, bounds, and that a finding is a function of the lines alone."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.diff import Change, FileDiff, Hunk
from sidecar.risk.hazards.rules import MOST, RULES, find, mended
from tests.risk.hazards.test_secret import KEY

FILES = {
    "app.py": ["import os", "", f'token = "{KEY}"', "try:", "    run()", "except OSError:", "    pass", "breakpoint()"],
    "release.sh": ["git push --force"],
    "tests/test_app.py": ["@pytest.mark.skip", "def test_a():", "    pass"],
    "db/2.sql": ["DROP TABLE users;"],
}


def added(files):
    return Change(tuple(FileDiff(path, "added", (Hunk(0, 1, (), tuple(text)),)) for path, text in files.items()))


def test_the_gravest_come_first():
    found = find(added(FILES))
    hazards = [(one.rule, one.file, one.start) for one in found if one.hazard]
    assert hazards == [
        ("secret", "app.py", 3),
        ("migration", "db/2.sql", 1),
        ("debugger", "app.py", 8),
        ("force", "release.sh", 1),
        ("disabled-test", "tests/test_app.py", 1),
    ]
    assert [one.hazard for one in found] == sorted((one.hazard for one in found), reverse=True)


def test_no_two_rules_have_one_name():
    assert len({rule.id for rule in RULES}) == len(RULES)


@given(st.permutations(sorted(FILES)))
def test_the_order_of_files_does_not_matter(order):
    assert find(added({path: FILES[path] for path in order})) == find(added(FILES))


@given(st.lists(st.text(alphabet="abc =()\n", max_size=20), max_size=5))
def test_other_files_do_not_matter(texts):
    more = {**FILES, "zzz/other.md": [text.replace("\n", "") for text in texts]}
    assert find(added(more)) == find(added(FILES))


def test_line_ends_do_not_matter():
    carried = {path: [line + "\r" for line in text] for path, text in FILES.items()}
    assert find(added(carried)) == find(added(FILES))


def test_what_is_taken_away_is_no_finding():
    files = tuple(FileDiff(path, "modified", (Hunk(1, 0, tuple(text)),)) for path, text in FILES.items())
    assert find(Change(files)) == ()


def test_a_flood_is_cut():
    assert len(find(added({"a.sh": [f"git push --force # {n}" for n in range(3 * MOST)]}))) == MOST


PIECES = st.sampled_from([
    "breakpoint()", "debugger;", "import pdb; pdb.set_trace()", "it.only('a', f)", "@pytest.mark.skip", "def test_a():",
    "verify=False", "check_hostname = False", "rm -rf $X/a", "yaml.load(x)", "if x:", "  ", "    ", "# ", "(", ")", '"', ";",
    "InsecureSkipVerify: true", "fit('a', f)", "x = 1", "t.Skip()", "curl -k x", "<<<<<<< a",
])  # fmt: skip


@given(
    st.lists(st.lists(PIECES, max_size=4).map("".join), max_size=8),
    st.sampled_from(["a.py", "a.ts", "a.go", "a.rs", "a.sh", "a.rb", "test/t.spec.js", "tests/test_a.py", "a_test.go"]),
)
def test_a_mend_puts_nothing_in_that_is_found_again(lines, path):
    hunk = Hunk(0, 1, (), tuple(lines))
    for found in find(Change((FileDiff(path, "added", (hunk,)),))):
        mend = mended(found, lines, (hunk,))
        if mend is not None:
            assert mend.was == (lines[found.start - 1],) != mend.now
            put = Change((FileDiff(path, "modified", (Hunk(1, 1, (), mend.now),)),))
            assert found.rule not in {each.rule for each in find(put)}
            assert found.rule not in {"secret", "credential-file", "conflict", "migration"}


@given(
    st.lists(st.text(max_size=60), max_size=10),
    st.sampled_from(["a.py", "a.ts", "a.go", "A.java", "a.rs", "a.sh", "db/a.sql", "t.spec.js"]),
)
def test_no_text_stops_the_rules(texts, path):
    find(added({path: [text.replace("\n", " ") for text in texts]}))


@pytest.mark.parametrize(
    "line", ["rm -" * 5000, "git " * 5000, "'" * 10000, "exec(`" * 3000, "a:" * 5000, "-a " * 5000]
)
def test_no_line_takes_long(line):
    begun = time.process_time()
    for path in ("a.sh", "a.py", "a.js", "db/a.sql"):
        find(added({path: [line, f"git push {line}", f"password = '{line}'", f"rm {line}"]}))
    assert time.process_time() - begun < 2
