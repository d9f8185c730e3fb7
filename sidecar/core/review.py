"""Values of a review: the risk report of a change, and threads of comments with their anchors."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from sidecar.core import bands
from sidecar.core.diff import FileStatus

Band = bands.Band
ThreadState = Literal["open", "resolved"]
Author = Literal["sidecar", "user", "model"]
Severity = Literal["danger", "warning", "notice"]
"""How grave a finding is, the gravest first."""
DismissalScope = Literal["lines", "file", "folder"]
ScopeKind = Literal["working", "staged", "branch", "commit"]
INDEX, NOTHING = "index", "none"
"""Names of sides that are no commit: what is staged, and the empty one before a first commit."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Which diff is reviewed: the uncommitted change, what is staged, a branch since its base, or one commit.

    `ref` names the base of a branch (empty: chosen by `vcs.revisions.base_of`) or the commit; else it is empty.
    """

    kind: ScopeKind = "working"
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Viewed:
    """What a review looks at, with a title for people.

    `old` and `new` name the texts on both sides: a commit's id, `INDEX`, `NOTHING`; `new` is empty for the files
    of the working tree.
    """

    scope: Scope = field(default_factory=Scope)
    title: str = "Working tree"
    old: str = NOTHING
    new: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """One feature's share in a score. `effect` is in signed log-odds; `text` a sentence, empty for silent features."""

    feature: str
    value: float
    effect: float
    text: str


@dataclass(frozen=True, slots=True)
class LineRisk:
    """An added line of production code and its score; `line` counts on the new side, from 1."""

    line: int
    score: float


@dataclass(frozen=True, slots=True)
class HunkRisk:
    """A stretch of new-side lines `start`..`end` (both included) and its score; `evidence` is what can be opened beside it."""

    file: str
    start: int
    end: int
    score: float
    lines: tuple[LineRisk, ...] = ()
    reasons: tuple[Reason, ...] = ()
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class FileRisk:
    """One file's score."""

    file: str
    score: float


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was not scored, and why (generated, documentation, binary, …)."""

    file: str
    why: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found on the added lines `start`..`end` (both included): what stands there, why it matters, what to do.

    A `hazard` is one on its face (a key, a conflict marker); other rules are kept because such lines were repaired
    more often than others. No text of a finding repeats a secret. `remedy` has Markdown's marks of code around commands
    and names; where nothing draws Markdown, `advice` is shown.
    """

    rule: str
    file: str
    start: int
    end: int
    severity: Severity
    title: str
    what: str
    why: str
    remedy: str
    hazard: bool = True

    @property
    def advice(self) -> str:
        """What to do, in plain text."""
        return unmarked(self.remedy)

    @property
    def text(self) -> str:
        """All of it in one paragraph of plain text."""
        return f"{self.what} {self.why} {self.advice}"


def unmarked(text: str) -> str:
    """A sentence of ours without its marks of code."""
    return text.replace("`", "")


@dataclass(frozen=True, slots=True)
class RiskReport:
    """What a change risks.

    `score` is the calibrated probability (0..1) that a later fix repairs the change; `base` plus the effects of
    `reasons` add up to logit(score). `commit` is None for anything that is not a commit. `findings` stand beside the
    score and are no part of it, the gravest first.
    """

    score: float
    band: Band
    base: float
    model: str
    ms: float = 0.0
    commit: str | None = None
    files: tuple[FileRisk, ...] = ()
    hunks: tuple[HunkRisk, ...] = ()
    reasons: tuple[Reason, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Touched:
    """What the tests touched of a file: lines (from 1) that they ran, and such that they could have run and did not.

    `source` names the kind of the report, `at` is when it was written, UTC seconds. A line in neither set is none that
    runs (a comment, the second line of a statement), or one that the report does not know.
    """

    ran: frozenset[int]
    missed: frozenset[int]
    source: str
    at: float


@dataclass(frozen=True, slots=True)
class Anchor:
    """Where a thread belongs, by content: the lines' own texts and a few neighbours before and after.

    `start` and `end` are the last known place (new side, from 1); the texts are what decides. `outdated` tells
    that the text was not found any more.
    """

    path: str
    start: int
    end: int
    text: tuple[str, ...]
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    outdated: bool = False

    @property
    def place(self) -> tuple[str, int, int]:
        """Path, first and last line."""
        return self.path, self.start, self.end


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Other lines for some of a file: `was` is what must still stand there, `now` what is to stand there (none: taken away)."""

    was: tuple[str, ...]
    now: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a comment rests on and an editor can open. `target` is a commit's id, or a path relative to the repository.

    `line` counts from 1; 0 means the whole file. `label` is plain text.
    """

    kind: Literal["commit", "file", "function", "test"]
    label: str
    target: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment of a thread: Markdown body, who wrote it, when (UTC seconds).

    `partial` says that it is still being written. `suggestion` is a mend that can be applied.
    """

    id: str
    author: Author
    body: str
    created: float
    name: str = ""
    partial: bool = False
    suggestion: Suggestion | None = None
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation about a place in a change. `score` and `band` are those of its lines when it was opened or last scored.

    `kind` is what it is about, in one word that a dismissal can name (a finding's rule); empty means its origin.
    """

    id: str
    anchor: Anchor
    state: ThreadState
    score: float
    band: Band
    comments: tuple[Comment, ...]
    created: float
    updated: float
    revision: int = 0
    title: str = ""
    origin: Literal["risk", "user", "review"] = "risk"
    tags: tuple[str, ...] = field(default=())
    kind: str = ""
    standing: tuple[int, int] | None = None
    """Where these lines stand in the working tree, for a thread on another text; None where they do not."""

    def moved(self, anchor: Anchor) -> Thread:
        """The same thread at another place."""
        return replace(self, anchor=anchor)

    def saying(self, comment: Comment) -> Thread:
        """The thread with a comment at its end, or in the place that a draft of it has already."""
        if any(each.id == comment.id for each in self.comments):
            comments = tuple(comment if each.id == comment.id else each for each in self.comments)
        else:
            comments = (*self.comments, comment)
        return replace(self, comments=comments, updated=comment.created)


@dataclass(frozen=True, slots=True)
class Dismissal:
    """A comment that is not wanted here: others of its kind stay silent where it reaches.

    `scope` says how far: the anchored lines, wherever they stand; the file `pattern` names; or all that match
    `pattern` (`*` matches anything, also `/`). `thread` is what was dismissed, with all that was said in it.
    """

    id: str
    kind: str
    scope: DismissalScope
    pattern: str
    reason: str
    created: float
    thread: Thread


@dataclass(frozen=True, slots=True)
class LineEdit:
    """Put `lines` where `count` lines stand from line `start` on (from 1); with no count, before that line."""

    start: int
    count: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Staging:
    """What was staged: how many stretches of changed lines; `whole` where it is the whole file, which git did not know before."""

    hunks: int
    whole: bool = False


@dataclass(frozen=True, slots=True)
class HunkOutline:
    """A scored place of a change: new-side lines (from 1, both included) and the strongest reason in words."""

    start: int
    end: int
    score: float
    band: Band
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FileOutline:
    """A file of a change with its risk. `score` and `band` are None where it was not scored; `why` says why."""

    path: str
    status: FileStatus
    added: int
    removed: int
    old_path: str | None = None
    score: float | None = None
    band: Band | None = None
    why: str = ""
    hunks: tuple[HunkOutline, ...] = ()
