"""Tests that are switched off, or that switch off all others."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sidecar.risk.hazards.mending import Spot
from sidecar.risk.hazards.seen import Hit, Rule, Seen

_JS = frozenset({".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx"})
_JAVA = frozenset({".java", ".kt", ".scala", ".groovy"})
_OFF: tuple[tuple[frozenset[str], str], ...] = (
    (
        frozenset({".py"}),
        r"^\s*@(?:pytest\.mark\.skip\b(?!if)|(?:unittest\.)?skip\b\()|^pytest\.skip\(|^pytestmark\s*=\s*pytest\.mark\.skip\b(?!if)",
    ),
    (_JS, r"^\s*(?:x(?:it|describe|test|context)|(?:it|describe|test|context|suite)\.skip)(?:\.each)?\s*\("),
    (frozenset({".go"}), r"^\tt\.Skip(?:Now|f)?\("),
    (_JAVA, r"^\s*@(?:Ignore|Disabled)\b(?!If|On|Unless|For)"),
    (frozenset({".rs"}), r"^\s*#\[ignore\b"),
    (frozenset({".cs"}), r"^\s*\[(?:Ignore\b|(?:Fact|Theory)\(\s*Skip\s*=)"),
    (frozenset({".rb"}), r"^\s*x(?:it|describe|context)\b"),
)
_ONLY = re.compile(r"^\s*(?:(?:it|describe|test|context|suite)\.only(?:\.each)?\s*\(|f(?:it|describe)\s*\(\s*['\"`])")
_RULES = tuple((languages, re.compile(pattern)) for languages, pattern in _OFF)
_TEST_NAME = re.compile(r"^\s*(?:async\s+)?def\s+(?P<name>test_\w+)|^func\s+(?P<go>Test\w+)\(")
_OFF_NAME = r"(?:_+|x|no|disabled_?|skip_?|off_?|no_?)"
"""What stands before a test's name so that no runner finds it."""

_INSIDE: tuple[tuple[frozenset[str], str], ...] = (
    (_JS, r"^(\s*(?:it|describe|test|context|suite))\.(?:skip|only)(?=(?:\.each)?\s*\()"),
    (_JS, r"^(\s*)[xf](?=(?:it|describe|test|context)(?:\.each)?\s*\()"),
    (frozenset({".rb"}), r"^(\s*)x(?=(?:it|describe|context)\b)"),
    (frozenset({".cs"}), r"^(\s*\[(?:Fact|Theory))\(\s*Skip\s*=\s*\"[^\"]*\"\s*\)(?=\])"),
)
"""Marks inside a test's own line; without them it is the test as it was."""
_ALONE: tuple[tuple[frozenset[str], str], ...] = (
    (
        frozenset({".py"}),
        r"\s*@(?:pytest\.mark\.skip|(?:unittest\.)?skip)(?:\((?:[^()\"']|\"[^\"]*\"|'[^']*')*\))?\s*(?:#.*)?",
    ),
    (_JAVA, r"\s*@(?:Ignore|Disabled)(?:\(\s*\"[^\"]*\"\s*\))?\s*"),
    (frozenset({".rs"}), r"\s*#\[ignore(?:\s*=\s*\"[^\"]*\")?\]\s*"),
    (frozenset({".cs"}), r"\s*\[Ignore(?:\(\s*\"[^\"]*\"\s*\))?\]\s*"),
)
"""Marks that have the line above a test to themselves."""
_MARKS_INSIDE, _MARKS_ALONE = (
    tuple((languages, re.compile(pattern)) for languages, pattern in table) for table in (_INSIDE, _ALONE)
)
_GO_SKIP = re.compile(r"\tt\.Skip(?:Now|f)?\((?:\"[^\"]*\")?\)\s*")
_ANOTHER_MARK = re.compile(r"\s*(?:@|#\[|\[|$|//|#)")

_WORDS = ("skip", "xit", "xdescribe", "xtest", "xcontext", "only", "fit", "fdescribe", "ignore", "disabled", "test")


def find(file: Seen) -> Iterator[Hit]:
    """New marks in tests by which one is left out for good; conditions (by platform, by version) are none of these."""
    if file.kind != "test" or file.made_up:
        return
    for line in file.holding(_WORDS):
        if any(file.extension in languages and rule.search(line.text) for languages, rule in _RULES):
            yield Hit(line.number, line.number, "This line switches a test off.")
        elif file.extension in _JS and _ONLY.search(line.text):
            yield Hit(
                line.number,
                line.number,
                "This line makes this test the only one of its file that runs.",
                why="All the others are left out without a word, here and on the build server.",
                remedy="Let the others run again before this is committed: take away `.only`, or the `f` before the name.",
            )
    yield from _renamed(file)


def _renamed(file: Seen) -> Iterator[Hit]:
    """A test whose name was changed so that no runner finds it."""
    for hunk in file.hunks:
        gone = {
            name
            for text in hunk.removed
            if (match := _TEST_NAME.match(text)) and (name := match["name"] or match["go"])
        }
        for at, text in enumerate(hunk.added):
            for name in gone:
                if re.match(rf"^\s*(?:async\s+)?(?:def|func)\s+{_OFF_NAME}{re.escape(name)}\b", text, re.IGNORECASE):
                    line = hunk.new_start + at
                    yield Hit(line, line, f"This line renames {name} so that no runner finds it any more.")


def mend(spot: Spot) -> tuple[str, ...] | None:
    """The test without its mark: a test that was alone in running, or that this change switched off and that ran before."""
    text = spot.text
    for languages, mark in _MARKS_INSIDE:
        if spot.extension in languages and mark.search(text):
            plain = mark.sub(r"\1", text, count=1)
            return (plain,) if plain in spot.gone or (_ONLY.search(text) and ".only" not in plain) else None
    for before in spot.gone:
        named = _TEST_NAME.match(before)
        name = named["name"] or named["go"] if named else ""
        if name and re.sub(rf"\b{_OFF_NAME}(?={re.escape(name)}\b)", "", text, count=1, flags=re.IGNORECASE) == before:
            return (before,)
    return () if not spot.gone and _marks_an_old_test(spot) else None


def _marks_an_old_test(spot: Spot) -> bool:
    """Whether the line is a mark and nothing else, and what it marks was there before this change."""
    if spot.extension == ".go":
        above = range(spot.at - 1, -1, -1)
        head = next((n for n in above if spot.lines[n].startswith(("func ", "}"))), None)
        test = head is not None and spot.lines[head].startswith("func Test") and head not in spot.fresh
        return test and _GO_SKIP.fullmatch(spot.text) is not None
    if not any(spot.extension in languages and mark.fullmatch(spot.text) for languages, mark in _MARKS_ALONE):
        return False
    below = range(spot.at + 1, len(spot.lines))
    head = next((n for n in below if not _ANOTHER_MARK.match(spot.lines[n])), None)
    return head is not None and head not in spot.fresh


RULE = Rule(
    id="disabled-test",
    title="a test is switched off",
    severity="warning",
    why="What it watched over can break from now on without anybody hearing of it.",
    remedy="Mend the test or what it found; if it must rest, leave a reason and an issue beside it, or delete it.",
    find=find,
    words=_WORDS,
    mend=mend,
)
