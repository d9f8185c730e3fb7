"""What people read about a score, word for word."""

from dataclasses import replace
from pathlib import Path

from sidecar.core.diff import Change, FileDiff, Hunk
from sidecar.core.review import RiskReport
from sidecar.risk.assess import assess
from sidecar.risk.eras import Level
from sidecar.risk.explain import headline, main_reasons, plural
from sidecar.risk.facts import Facts, FileFacts
from sidecar.risk.model import load
from sidecar.risk.repairs import Repaired

GOLDEN = Path(__file__).parents[1] / "golden" / "risk"
MODEL = load()
CODE = (
    "def retry(call, times=3):",
    "    for attempt in range(times):",
    "        try:",
    "            return call()",
    "        except Exception:",
    "            if attempt == times - 1:",
    "                raise",
)
CHANGE = Change(
    (
        FileDiff("app/core.py", "modified", (Hunk(10, 11, (), CODE), Hunk(40, 48, ("x = 1",), ("x = items[0] + 2",)))),
        FileDiff("app/other.py", "added", (Hunk(0, 1, (), ("import os",)),)),
    ),
    message="Retry calls",
)
KNOWN = Facts(
    history=True,
    files={
        "app/core.py": FileFacts(40, frozenset({"a", "b", "c"}), 9, 5, 12.0, ("a1b2c3d", "b2c3d4e", "c3d4e5f")),
    },
    exp=12,
    sexp=8,
    dev_days=400.0,
    fix_rate=0.31,
    recent={"sexp": (1.0, 9.0), "age": (1.0, 20.0), "ndev": (1.0,), "nfix_sum": (0.0, 1.0)},
)


def told(report: RiskReport) -> str:
    lines = [
        headline(report),
        *(f"{r.effect:+.2f} {r.feature}={r.value:.3g} {r.text}".rstrip() for r in report.reasons),
    ]
    for hunk in report.hunks:
        lines.append(f"{hunk.file}:{hunk.start}-{hunk.end}")
        lines += [f"  {r.effect:+.2f} {r.feature}={r.value:.3g} {r.text}" for r in hunk.reasons]
    return "\n".join(lines) + "\n"


TRACED = replace(
    KNOWN,
    traced=True,
    files={"app/core.py": replace(KNOWN.of("app/core.py"), repairs=Repaired(6, 2.4, 3.1, ("a1b2c3d", "b2c3d4e")))},
    folders={"app": Repaired(9, 5.0)},
    here=Repaired(31, 44.5),
    level=Level(100, 11, 19.6),
)


def test_a_change_whose_repairs_are_traced():
    assert told(assess(CHANGE, TRACED, MODEL)) == (GOLDEN / "traced.txt").read_text("utf-8")


def test_without_traces_it_is_said_that_they_are_left_out():
    assert [r.feature for r in assess(CHANGE, KNOWN, MODEL).reasons if not r.effect] == ["repairs"]
    assert not any(r.feature == "repairs" for r in assess(CHANGE, TRACED, MODEL).reasons)


def test_how_earlier_changes_fared_is_told_or_said_to_be_left_out():
    def level(facts):
        return next((r for r in assess(CHANGE, facts, MODEL).reasons if r.feature == "level"), None)

    known = level(TRACED)
    assert known.effect < 0
    assert known.text == (
        "Of 100 earlier changes here 11 were known to be repaired, where the same model would have said 20: less than in "
        "other repositories."
    )
    more = level(replace(TRACED, level=Level(100, 40, 19.6)))
    assert (more.effect > 0, more.text.endswith("20: more than in other repositories.")) == (True, True)
    absent = level(replace(TRACED, level=None))
    assert (absent.effect, absent.text.endswith("left out, not taken as nothing.")) == (0.0, True)
    assert level(KNOWN) is None
    assert level(Facts()) is None


def test_a_change_with_history():
    assert told(assess(CHANGE, KNOWN, MODEL)) == (GOLDEN / "history.txt").read_text("utf-8")


def test_the_diff_alone():
    change = Change(CHANGE.files)
    assert told(assess(change, Facts(), MODEL)) == (GOLDEN / "diff.txt").read_text("utf-8")


def test_a_first_commit():
    assert told(assess(CHANGE, Facts(history=True, fix_rate=1 / 8), MODEL)) == (GOLDEN / "first.txt").read_text("utf-8")


def test_headlines():
    def report(score):
        return RiskReport(score, MODEL.band(score), 0.0, MODEL.name, files=assess(CHANGE, KNOWN, MODEL).files)

    assert headline(report(0.314)) == "Of 100 changes like this, about 31 were repaired later."
    assert headline(report(0.001)) == "Of 100 changes like this, about 1 were repaired later."
    assert headline(assess(Change(()), KNOWN, MODEL)) == "Nothing is changed, so there is nothing to score."
    docs = assess(Change((FileDiff("a.md", "added"),)), KNOWN, MODEL)
    assert headline(docs) == "The change adds no production code, so there is nothing to score."


def test_at_most_three_reasons_and_all_with_words():
    found = main_reasons(assess(CHANGE, KNOWN, MODEL))
    assert len(found) == 3
    assert all(reason.text for reason in found)


def test_plural():
    assert [plural(n, "branch", "branches") for n in (0, 1, 2)] == ["0 branches", "1 branch", "2 branches"]
