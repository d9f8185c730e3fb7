"""A change as the rules see it: each file with its sort, its new lines, and what a rule says of them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate

from sidecar.core.diff import Change, FileDiff, Hunk
from sidecar.core.review import Finding, Severity
from sidecar.risk.code import generated, quoted_lines
from sidecar.risk.facts import Old
from sidecar.risk.hazards.mending import Mend, unmended
from sidecar.risk.paths import Kind, classify, extension

_CODE = frozenset({
    ".py", ".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".go", ".java", ".rs", ".kt", ".scala", ".rb", ".php", ".cs",
    ".c", ".h", ".cc", ".cpp", ".hpp", ".swift", ".pl", ".lua", ".ex", ".exs", ".dart", ".groovy", ".vue", ".svelte",
})  # fmt: skip
_SCRIPTS = frozenset({
    ".sh", ".bash", ".zsh", ".fish", ".ksh", ".ps1", ".bat", ".cmd", ".yml", ".yaml", ".mk", ".dockerfile", ".gradle",
    ".toml", ".cfg", ".ini", ".just",
})  # fmt: skip
_SCRIPT_NAMES = ("makefile", "dockerfile", "jenkinsfile", "justfile", "procfile", "vagrantfile", "package.json")
_NO_HASHES = frozenset({".js", ".jsx", ".ts", ".tsx", ".go", ".java", ".rs", ".c", ".cpp", ".cs", ".md"})
_HASH_COMMENT = re.compile(r"\s*#(?!\[)")
_OTHER_COMMENT = re.compile(r"\s*(//|/\*|\*/|\*( |$)|--\s|<!--|;;)")
_TRIAL = re.compile(
    r"(?:^|/)(?:t|funtests|(?:dummy|mock|fake)[\w-]*|(?:[\w-]*[-_])?(?:tests?|testing|testlib|fixtures?|samples?|stubs?)|(?-i:[a-z]\w*Tests?))/",
    re.IGNORECASE,
)
"""Folders whose files are made up for tests, beyond those that the training data calls so."""
_MADE_UP = re.compile(r"(?:^|/)(?:fixtures?|__fixtures__|testdata|test-data)/|\.fixture\.", re.IGNORECASE)
LONGEST = 2_000
"""Characters of a line that are looked at: what stands beyond was not written by hand."""


@dataclass(frozen=True, slots=True)
class New:
    """A line that the change brings: its number on the new side and its text."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Seen:
    """One file of a change. `whole` holds every added line, `lines` those that stood nowhere in the change before.

    `lower` is their text in lower case, to be asked quickly where a word stands, `starts` where each line begins in it. `quoted` are the
    numbers of the lines of a Python file that lie in texts in triple quotes.
    """

    path: str
    kind: Kind
    status: str
    hunks: tuple[Hunk, ...]
    whole: tuple[New, ...]
    lines: tuple[New, ...]
    lower: str
    starts: tuple[int, ...]
    quoted: frozenset[int] = frozenset()
    binary: bool = False

    @property
    def name(self) -> str:
        """The file's own name in lower case."""
        return self.path.rpartition("/")[2].lower()

    @property
    def extension(self) -> str:
        """With its dot, in lower case."""
        return extension(self.path)

    @property
    def product(self) -> bool:
        """Whether it is part of the product or of what builds and ships it: no test, document, example."""
        return self.kind in {"production", "support", "other"}

    @property
    def made_up(self) -> bool:
        """Whether it is data of tests, which may be code that no runner takes for a test."""
        return _MADE_UP.search(self.path) is not None

    @property
    def code(self) -> bool:
        """Whether it is in a programming language, known to the model or not."""
        return self.extension in _CODE

    @property
    def script(self) -> bool:
        """Whether its lines are commands: shells, build files, pipelines."""
        if self.extension in _SCRIPTS or self.name.startswith(_SCRIPT_NAMES):
            return True
        first = self.whole[0].text if self.whole and self.whole[0].number == 1 else ""
        return not self.extension and first.startswith("#!") and "sh" in first

    def has(self, words: Iterable[str]) -> bool:
        """Whether any of these words (in lower case) can be on a new line."""
        return any(word in self.lower for word in words)

    def holding(self, words: Iterable[str], *, comments: bool = False) -> Iterator[New]:
        """The new lines that hold one of these words (in lower case), top down; comments only if they are wanted."""
        at: set[int] = set()
        starts = self.starts
        for word in words:
            found = self.lower.find(word)
            while found >= 0:
                line = bisect_right(starts, found) - 1
                at.add(line)
                following = starts[line + 1] if line + 1 < len(starts) else len(self.lower)
                found = self.lower.find(word, following)
        lines = (self.lines[index] for index in sorted(at))
        return lines if comments else (line for line in lines if self.is_statement(line))

    def is_statement(self, line: New) -> bool:
        """Whether a line is neither a comment nor in a Python text in triple quotes."""
        if line.number in self.quoted or (self.extension not in _NO_HASHES and _HASH_COMMENT.match(line.text)):
            return False
        return _OTHER_COMMENT.match(line.text) is None

    def statements(self) -> Iterator[New]:
        """The new lines that are neither comments nor in a Python text in triple quotes."""
        return (line for line in self.lines if self.is_statement(line))


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule is called and says. `words` are those (in lower case) without which a file cannot break it.

    Without words it is asked about every file. `mend` knows what to put in the place of a line that it found.
    """

    id: str
    title: str
    severity: Severity
    why: str
    remedy: str
    find: Callable[[Seen], Iterable[Hit]]
    words: tuple[str, ...] = ()
    hazard: bool = True
    mend: Mend = unmended

    def on(self, file: Seen) -> Iterator[Finding]:
        """The findings in a file."""
        if self.words and not file.has(self.words):
            return
        for hit in self.find(file):
            yield Finding(
                rule=self.id,
                file=file.path,
                start=hit.start,
                end=max(hit.start, hit.end),
                severity=hit.severity or self.severity,
                title=self.title,
                what=hit.what,
                why=hit.why or self.why,
                remedy=hit.remedy or self.remedy,
                hazard=self.hazard,
            )


@dataclass(frozen=True, slots=True)
class Hit:
    """Lines that break a rule, and what stands there, in a sentence; the rest where it differs from the rule's own."""

    start: int
    end: int
    what: str
    why: str = ""
    remedy: str = ""
    severity: Severity | None = None


def see(change: Change, before: Callable[[str], Old | None] = lambda _: None) -> Iterator[Seen]:
    """The files of a change by path, but generated, vendored and lock files. `before` gives a file's old side."""
    gone = {same for file in change.files for hunk in file.hunks for line in hunk.removed if (same := line.strip())}
    for file in sorted(change.files, key=lambda item: item.path):
        kind = classify(file.path)
        if kind not in {"test", "docs"} and _TRIAL.search(file.path):
            kind = "test"
        if kind in {"generated", "vendored", "lock"} or file.status == "deleted" or file.mark:
            continue
        old = before(file.path)
        if generated(file, old):
            continue
        yield _seen(file, kind, gone, old)


def _seen(file: FileDiff, kind: Kind, gone: set[str], old: Old | None) -> Seen:
    whole = tuple(
        New(number, text[:LONGEST]) for hunk in file.hunks for number, text in enumerate(hunk.added, hunk.new_start)
    )
    lines = tuple(line for line in whole if (same := line.text.strip()) and same not in gone)
    lower = "\n".join(line.text for line in lines).lower()
    quoted = _quoted(file, old) if file.path.endswith(".py") else frozenset()
    return Seen(
        path=file.path,
        kind=kind,
        status=file.status,
        hunks=file.hunks,
        whole=whole,
        lines=lines,
        lower=lower,
        starts=tuple(accumulate((len(text) + 1 for text in lower.split("\n")[:-1]), initial=0)) if lines else (),
        quoted=quoted,
        binary=file.binary,
    )


def _quoted(file: FileDiff, old: Old | None) -> frozenset[int]:
    """Numbers of the new lines that lie in texts in triple quotes; hunk by hunk where the old side is not known."""
    if old is None and file.status != "added":
        return frozenset[int]().union(*(quoted_lines([hunk], ()) for hunk in file.hunks))
    return quoted_lines(file.hunks, old.edges if old else ())
