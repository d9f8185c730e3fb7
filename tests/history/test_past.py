"""The past of files and authors, as it was at each commit."""

from dataclasses import replace

import pytest

from sidecar.history.past import Past
from sidecar.risk.facts import RANKED
from sidecar.risk.ledger import Repair, Trace
from sidecar.risk.repairs import DAY
from sidecar.vcs.history import Commit, Touch


def commit(own, parents=(), *, time=0, author="ada", message="Do", touched=()):
    touches = tuple(Touch(*item) if isinstance(item, tuple) else Touch(item) for item in touched)
    return Commit(own, tuple(parents), time, author, message, touches)


def past(*commits, asked=None):
    """From commits given parents first."""
    return Past(reversed(commits), asked or [c.id for c in commits])


HISTORY = (
    commit("1", time=0, touched=("app/a.py", "README.md")),
    commit("2", "1", time=DAY, author="bob", message="Fix crash", touched=("app/a.py",)),
    commit("3", "2", time=2 * DAY, touched=(("app/b.py", "app/a.py"), "lib/c.py")),
    commit("4", "3", time=3 * DAY, message="Fix bug", touched=("app/b.py", "tests/t.py")),
    commit("s", "2", time=2.5 * DAY, author="eve", touched=("app/a.py",)),
    commit("m", ("4", "s"), time=4 * DAY, message="Fix all"),
)


def view(at, author="ada", days=10.0):
    return past(*HISTORY).at(at, author=author, time=days * DAY)


def test_a_file_is_counted_up_to_the_commit_and_no_further():
    first = view("1").file("app/a.py")
    assert (first.changes, first.fixes, first.own, first.age, first.fix_commits) == (1, 0, 1, 10.0, ())
    second = view("2").file("app/a.py")
    assert (second.changes, second.fixes, second.own, second.age, second.fix_commits) == (2, 1, 1, 9.0, ("2",))
    assert second.authors == {"ada", "bob"}


def test_renames_are_followed_back_only_where_they_happened():
    renamed = view("4").file("app/b.py")
    assert (renamed.changes, renamed.fixes, renamed.fix_commits) == (4, 2, ("4", "2"))
    assert view("2").file("app/b.py").changes == 0
    assert view("s").file("app/b.py").changes == 0


def test_a_side_branch_counts_after_the_merge_and_merges_never():
    assert view("4").file("app/b.py").authors == {"ada", "bob"}
    merged = view("m").file("app/b.py")
    assert (merged.changes, merged.fixes, merged.authors) == (5, 2, {"ada", "bob", "eve"})
    assert view("m").experience() == 3


def test_the_author():
    known = view("4")
    assert (known.experience(), known.nearby({"app"}), known.nearby({"app", "lib"}), known.nearby({"."})) == (
        3,
        3,
        4,
        0,
    )
    assert known.days_here() == 10.0
    assert view("4", "bob").days_here() == 9.0
    stranger = view("4", "zoe")
    assert (stranger.experience(), stranger.nearby({"app"}), stranger.days_here()) == (0, 0, 0.0)


def test_the_share_of_fixes():
    assert view("1").fix_rate() == pytest.approx(1 / 9)
    assert view("4").fix_rate() == pytest.approx(3 / 12)
    assert view("m").fix_rate() == pytest.approx(3 / 13)


def test_the_share_of_fixes_looks_at_the_newest_400():
    commits = [commit("0", time=0, message="Fix x", touched=("a.py",))]
    commits += [commit(str(n), (str(n - 1),), time=n, touched=("a.py",)) for n in range(1, 405)]
    made = past(*commits, asked=["404"])
    assert made.at("404", author="a", time=0).fix_rate() == pytest.approx(1 / 408)
    assert all(len(values) == 400 for values in made.at("404", author="a", time=0).recent().values())


def test_recent_features_are_those_of_each_commit_at_its_time():
    recent = view("4").recent()
    assert set(recent) == set(RANKED)
    # commits 1, 2, 3, 4 touch production code; what each saw before itself
    assert recent["ndev"] == (0.0, 1.0, 2.0, 2.0)
    assert recent["nfix_sum"] == (0.0, 0.0, 1.0, 1.0)
    assert recent["sexp"] == (0.0, 0.0, 1.0, 2.0)
    assert recent["age"] == (0.0, 1.0, 1.0, 1.0)


def test_recent_features_are_those_of_the_files_that_are_scored():
    tests = commit("1", time=0, author="bob", message="Fix it", touched=("tests/t.py",))
    both = commit("2", "1", time=DAY, author="bob", touched=("a.py", "tests/t.py"))
    found = past(tests, both).at("2", author="ada", time=2 * DAY).recent()
    assert found == {"sexp": (0.0,), "age": (0.0,), "ndev": (0.0,), "nfix_sum": (0.0,)}


@pytest.mark.parametrize("at", [c.id for c in HISTORY])
def test_a_view_does_not_depend_on_what_else_was_walked(at):
    ancestors, seen = [at], 0
    parents = {c.id: c.parents for c in HISTORY}
    while seen < len(ancestors):
        ancestors += [p for p in parents[ancestors[seen]] if p not in ancestors]
        seen += 1
    cut = past(*(c for c in HISTORY if c.id in ancestors), asked=[at]).at(at, author="ada", time=9 * DAY)
    whole = view(at, days=9)
    assert cut.recent() == whole.recent()
    assert cut.fix_rate() == whole.fix_rate()
    assert [cut.file(name) for name in ("app/a.py", "app/b.py")] == [whole.file(n) for n in ("app/a.py", "app/b.py")]


def test_what_is_kept_of_one_question_changes_no_other():
    """Other authors, other times, other commits between: each is told what it would be told alone."""
    traces = {c.id: Trace((("app/b.py", 9), ("lib/c.py", 4))) for c in HISTORY}
    traces["4"] = Trace((("app/b.py", 2),), (Repair("2", "app/a.py", 1), Repair("3", "app/b.py", 2)))

    def told(made, at, author, days):
        view = made.at(at, author=author, time=days * DAY)
        files = [view.file(name) for name in ("app/a.py", "app/b.py", "lib/c.py", "none.py")]
        return files, view.folders(["app", "lib", "none"]), view.here(), view.recent(), view.fix_rate()

    def made():
        return Past(HISTORY[::-1], [c.id for c in HISTORY], traces)

    one = made()
    for asked in [
        ("4", "ada", 9),
        ("4", "bob", 9),
        ("4", "ada", 500),
        ("2", "ada", 9),
        ("m", "eve", 9),
        ("4", "ada", 9),
    ]:
        assert told(one, *asked) == told(one, *asked) == told(made(), *asked)
    assert told(one, "4", "ada", 9) != told(one, "4", "ada", 10)


def test_names_that_go_round_in_a_circle():
    made = past(
        commit("1", time=0, touched=("a.py",)),
        commit("2", "1", time=1, touched=(("b.py", "a.py"),)),
        commit("3", "2", time=2, touched=(("a.py", "b.py"),)),
    )
    assert made.at("3", author="x", time=3).file("a.py").changes == 3


def test_an_empty_past():
    assert len(Past((), ())) == 0


def test_companions_are_files_that_usually_change_together():
    def touched(n):
        return ("a.py", *(["b.py"] if n % 4 else []), *(["c.py"] if n % 2 else []), "README.md")

    row = [commit(str(n), [str(n - 1)] if n else (), time=n, touched=touched(n)) for n in range(20)]
    large = commit("20", "1", time=20, touched=("a.py", *(f"x{n}.py" for n in range(30))))
    seen = past(*row, replace(large, parents=("19",))).at("20", author="", time=0.0)
    assert seen.companions("a.py") == [("b.py", 15, 20)]
    assert seen.companions("none.py") == []
    assert past(*row[:3]).at("2", author="", time=0.0).companions("a.py") == [], "too few to tell"
