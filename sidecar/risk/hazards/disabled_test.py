"""Tests that are switched off, or that switch off all others."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sidecar.risk.hazards.seen import Hit, Rule, Seen

_JS = frozenset({".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx"})
_OFF: tuple[tuple[frozenset[str], str], ...] = (
    (
        frozenset({".py"}),
        r"^\s*@(?:pytest\.mark\.skip\b(?!if)|(?:unittest\.)?skip\b\()|^pytest\.skip\(|^pytestmark\s*=\s*pytest\.mark\.skip\b(?!if)",
    ),
    (_JS, r"^\s*(?:x(?:it|describe|test|context)|(?:it|describe|test|context|suite)\.skip)(?:\.each)?\s*\("),
    (frozenset({".go"}), r"^\tt\.Skip(?:Now|f)?\("),
    (frozenset({".java", ".kt", ".scala", ".groovy"}), r"^\s*@(?:Ignore|Disabled)\b(?!If|On|Unless|For)"),
    (frozenset({".rs"}), r"^\s*#\[ignore\b"),
    (frozenset({".cs"}), r"^\s*\[(?:Ignore\b|(?:Fact|Theory)\(\s*Skip\s*=)"),
    (frozenset({".rb"}), r"^\s*x(?:it|describe|context)\b"),
)
_ONLY = re.compile(r"^\s*(?:(?:it|describe|test|context|suite)\.only(?:\.each)?\s*\(|f(?:it|describe)\s*\(\s*['\"`])")
_RULES = tuple((languages, re.compile(pattern)) for languages, pattern in _OFF)
_TEST_NAME = re.compile(r"^\s*(?:async\s+)?def\s+(?P<name>test_\w+)|^func\s+(?P<go>Test\w+)\(")

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
                remedy="Take the `only` away before this is committed.",
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
                if re.match(
                    rf"^\s*(?:async\s+)?(?:def|func)\s+(?:_+|x|no|disabled_?|skip_?|off_?|no_?){re.escape(name)}\b",
                    text,
                    re.IGNORECASE,
                ):
                    line = hunk.new_start + at
                    yield Hit(line, line, f"This line renames {name} so that no runner finds it any more.")


RULE = Rule(
    id="disabled-test",
    title="a test is switched off",
    severity="warning",
    why="What it watched over can break from now on without anybody hearing of it.",
    remedy="Mend the test or what it found; if it must rest, leave a reason and an issue beside it, or delete it.",
    find=find,
    words=_WORDS,
)
