"""Texts from facts, and links at commits' ids."""

from sidecar.core.diff import Change, FileDiff, Hunk
from sidecar.core.review import FileRisk, RiskReport
from sidecar.critique.texts import (
    CommitRow,
    grouped,
    linked,
    listed,
    moves_data,
    plain_message,
    planned,
    pull_request,
    told_tests,
)

ONE = CommitRow("a1b2c3d4e5f60718293a4b5c6d7e8f9001122334", "Ada", "2026-01-02", "feat(api)!: new fees")
TWO = CommitRow("ffffffffffffffffffffffffffffffffffffffff", "Grace", "2026-01-01", "Tidy up")
COMMITS = [ONE, TWO]


def change(*paths: str, status: str = "modified") -> Change:
    return Change(tuple(FileDiff(path, status, hunks=(Hunk(1, 1, ("a",), ("b",)),)) for path in paths))


def test_commits_by_kind_and_in_a_row() -> None:
    assert (
        grouped(COMMITS)
        == "### Added\n\n- **Breaking:** new fees (a1b2c3d4e5)\n\n### Changed\n\n- Tidy up (ffffffffff)"
    )
    assert listed(COMMITS).splitlines()[1] == "- Tidy up (ffffffffff, Grace, 2026-01-01)"


def test_links_stand_at_known_ids_alone() -> None:
    def link(commit: str) -> str:
        return f"https://h/{commit}"

    told = linked(f"- x ({ONE.id[:10]}), `{ONE.id[:7]}`, {ONE.id}, abcdef1, 1234567, {ONE.id[:6]}", COMMITS, link)
    at = f"(https://h/{ONE.id})"
    assert told == f"- x ([{ONE.id[:10]}]{at}), [`{ONE.id[:7]}`]{at}, [{ONE.id}]{at}, abcdef1, 1234567, {ONE.id[:6]}"
    assert linked("(a1b2c3d4e5)", COMMITS, None) == "(a1b2c3d4e5)"
    for part in (f"x/{ONE.id[:10]}", f"{ONE.id[:10]}.js", f"v-{ONE.id[:10]}", f"{ONE.id[:10]}-rc"):
        assert linked(part, COMMITS, link) == part


def test_a_message_says_what_happens_to_which_files() -> None:
    assert plain_message(change("a.py", status="added")) == "Add a.py"
    assert plain_message(change("src/a.py", "src/b.py")).startswith("Change 2 files in src\n\nsrc/a.py: +1 -1")


def test_a_plan_begins_with_what_is_least_risky() -> None:
    report = RiskReport(0.3, "high", 0.0, "m@1", files=(FileRisk("b/x.py", 0.3),))
    assert planned(change("b/x.py", "a/y.py"), report).startswith("1. a: a/y.py (risk 0.00)\n2. b: b/x.py (risk 0.30)")


def test_a_pull_request_has_its_parts() -> None:
    told = pull_request(change("db/schema.sql"), ["One", "Two"], "DESCRIBED")
    assert told.startswith("## Summary\n\n- One\n- Two\n\n## Changes and risk\n\nDESCRIBED\n\n## Testing\n\n")
    assert "It changes data or its schema" in told


def test_what_names_of_files_tell() -> None:
    assert told_tests(change("tests/test_a.py")) == "Tests that change with it: tests/test_a.py."
    assert "say how it was tried" in told_tests(change("contest.py"))
    assert not moves_data(change("a.py"))
