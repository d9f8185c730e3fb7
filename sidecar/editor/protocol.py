"""Names and types of our own `sidecar/*` methods between the server and the extension, and nothing else.

The JSON schema of these types is a golden file (`tests/golden/protocol.schema.json`); the extension's
`src/protocol.ts` is held true to it. Field names travel in camelCase. Lines count from 0 here, as everywhere in LSP;
the core counts from 1, and `editor/review.py` is the one place that converts.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

# client → server requests
STATUS: Final = "sidecar/status"
REVIEW: Final = "sidecar/review"
MODEL_REVIEW: Final = "sidecar/review/model"
SNAPSHOT: Final = "sidecar/threads/snapshot"
OUTLINE: Final = "sidecar/review/outline"
SCOPES: Final = "sidecar/review/scopes"
TEXT: Final = "sidecar/review/text"
REPLY: Final = "sidecar/thread/reply"
SET_STATE: Final = "sidecar/thread/setState"
HAND_OVER: Final = "sidecar/thread/handOver"
DISMISS: Final = "sidecar/thread/dismiss"
DISMISSALS: Final = "sidecar/dismissals"
UNDISMISS: Final = "sidecar/dismissal/undo"
STAGE: Final = "sidecar/hunk/stage"
REVERT: Final = "sidecar/hunk/revert"
SUGGESTION: Final = "sidecar/suggestion/get"
PROPOSAL: Final = "sidecar/proposal/get"
DECIDE: Final = "sidecar/proposal/decide"
SELECT: Final = "sidecar/selection"
MENTION: Final = "sidecar/mention"
DASHBOARD: Final = "sidecar/dashboard"
# server → client requests
HOST_QUERY: Final = "sidecar/host/query"
# server → client notifications
STATUS_CHANGED: Final = "sidecar/statusChanged"
THREADS_CHANGED: Final = "sidecar/threads/changed"
PROPOSAL_OPENED: Final = "sidecar/proposal/opened"
PROPOSAL_CLOSED: Final = "sidecar/proposal/closed"
SHOW: Final = "sidecar/window/show"


class _Type(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")


class ScopeItem(_Type):
    """Which diff is reviewed; `ref` is the base of a branch (empty: chosen by the server), or the commit. `title` is for people."""

    kind: Literal["working", "staged", "branch", "commit"]
    ref: str
    title: str


class Status(_Type):
    """What the status item shows. `message` is a sentence with the mend when `state` is `degraded`."""

    state: Literal["starting", "ready", "degraded"]
    provider: str
    port: int = Field(description="the port that the endpoint listens on; 0 while it does not")
    requested_port: int
    base_url: str
    version: str
    workspace: str
    message: str = ""
    companion_port: int = Field(default=0, description="where the Claude Code CLI finds its IDE; 0 where it does not")
    score: float | None = Field(default=None, description="risk of the reviewed change, 0..1; null when there is none")
    band: Literal["low", "medium", "high", "critical"] | None = None
    open_threads: int = 0
    scope: ScopeItem | None = Field(default=None, description="what is reviewed; null where there is no review")
    revision: int = Field(default=0, description="the review's; another one means that the outline may have changed")


class EvidenceItem(_Type):
    """What a comment rests on: a commit's id, or a file with a line (from 0). `label` is plain text."""

    kind: Literal["commit", "file", "function", "test"]
    label: str
    commit: str
    uri: str
    line: int


class CommentItem(_Type):
    """One comment; `body` is Markdown, never trusted."""

    id: str
    author: Literal["sidecar", "user", "model"]
    name: str
    body: str
    created: float
    partial: bool = Field(default=False, description="it is still being written")
    suggestion: bool = Field(default=False, description="`sidecar/suggestion/get` has an edit for it")
    evidence: list[EvidenceItem] = []


class PlaceItem(_Type):
    """Lines of a document; they count from 0, both included."""

    uri: str
    start_line: int
    end_line: int


class ThreadItem(_Type):
    """One thread as the editor shows it; `start_line` and `end_line` count from 0, both included.

    `uri` is the file of the working tree where the thread's lines stand there, else the text of the revision.
    """

    id: str
    uri: str
    start_line: int
    end_line: int
    state: Literal["open", "resolved"]
    outdated: bool
    band: Literal["low", "medium", "high", "critical"]
    score: float
    title: str
    comments: list[CommentItem]
    revision: int
    rules: list[str] = Field(default_factory=list, description="the rules whose findings it tells of; empty for a risk")
    origin: Literal["risk", "user", "review"] = Field(default="risk", description="`review`: a model's comment")
    in_revision: PlaceItem | None = Field(
        default=None, description="the place in the text of the reviewed revision; null where that is the working tree"
    )


class ReviewParams(_Type):
    """Look at the change again; without `paths` all of it, without `scope` the one that is shown.

    Paths are relative to the repository's top folder, with `/`, or `file:` URIs.
    """

    paths: list[str] | None = None
    scope: ScopeItem | None = None


class ReviewResult(_Type):
    """What the last look found."""

    revision: int
    score: float | None
    band: Literal["low", "medium", "high", "critical"] | None
    open_threads: int


class ModelReviewParams(_Type):
    """Review a change in words; `base` is the revision for `scope: base`. Progress is told to the token, as LSP has it."""

    scope: Literal["working", "staged", "base"] = "working"
    base: str = ""
    refresh: bool = Field(default=False, description="ask again though this change was reviewed before")
    work_done_token: str | int | None = None


class ModelReviewResult(_Type):
    """The review as Markdown (never trusted), and how many comments it has and how many of them are new threads."""

    title: str
    markdown: str
    by: Literal["model", "facts"]
    comments: int
    threads: int
    unread: int


class HunkItem(_Type):
    """A scored place of a file: lines of the reviewed text from 0, both included; `reason` is a sentence or empty."""

    start_line: int
    end_line: int
    score: float
    band: Literal["low", "medium", "high", "critical"]
    reason: str


class FileItem(_Type):
    """A file of the change. `score` and `band` are null where it was not scored; `why` says why not."""

    path: str
    old_path: str | None
    status: Literal["added", "deleted", "modified", "renamed", "copied", "type-changed"]
    added: int
    removed: int
    score: float | None
    band: Literal["low", "medium", "high", "critical"] | None
    why: str
    uri: str = Field(description="the file in the working tree")
    old_uri: str = Field(description="the text before the change")
    new_uri: str = Field(description="the text after it")
    hunks: list[HunkItem]


class OutlineItem(_Type):
    """The change by risk: its files, the riskiest first, those without a score last."""

    revision: int
    scope: ScopeItem
    root: str = Field(description="the repository's top folder, as a URI")
    score: float | None
    band: Literal["low", "medium", "high", "critical"] | None
    files: list[FileItem]


class ScopeChoices(_Type):
    """The diffs that can be reviewed: the plain ones, then other bases of the branch, then the last commits."""

    scopes: list[ScopeItem]


class TextParams(_Type):
    """A text on a side of the diff, by the URI that an outline or a thread gave."""

    uri: str


class TextItem(_Type):
    """A text; empty where that side has none."""

    text: str


class SnapshotParams(_Type):
    """All threads; with `since_revision` only what changed after it."""

    since_revision: int = 0


class ThreadsChanged(_Type):
    """A change of the set of threads; also the answer to a snapshot. `removes` holds ids."""

    revision: int
    upserts: list[ThreadItem]
    removes: list[str]
    full: bool = Field(default=False, description="true when `upserts` is everything there is")


class ReplyParams(_Type):
    """The user's reply in a thread. The answer to the request is the thread with both comments."""

    id: str
    body: str


class SetStateParams(_Type):
    """Resolve a thread or open it again."""

    id: str
    state: Literal["open", "resolved"]


class ThreadName(_Type):
    """One thread."""

    id: str


class HandOver(_Type):
    """A thread as a task for Claude Code: plain text of several lines without control characters, not to be run by a shell."""

    prompt: str


class Staged(_Type):
    """How many stretches of changed lines were staged."""

    hunks: int
    whole: bool = Field(default=False, description="it is the whole file, which git did not know before")


class RevertParams(_Type):
    """Take back what changed under a thread; `text` is the file as it is in the editor, saved or not."""

    id: str
    text: str


class SuggestionParams(_Type):
    """What a comment of a thread suggests for the file as it is in the editor."""

    id: str
    comment: str
    text: str


class LineEditItem(_Type):
    """Put `lines` where `line_count` lines stand from `start_line` on (from 0); with no count, before that line."""

    start_line: int
    line_count: int
    lines: list[str]


class EditItem(_Type):
    """Edits of one file, of the text that was sent; in order and apart from each other."""

    uri: str
    edits: list[LineEditItem]


class DismissParams(_Type):
    """Take a thread away for a reason, and keep others of its kind silent.

    `scope`: where these lines stand, in this file, or in this folder (and below) for files of this suffix.
    """

    id: str
    reason: str
    scope: Literal["lines", "file", "folder"] = "lines"


class DismissalItem(_Type):
    """What was dismissed, where and why; plain text. `pattern` is a path, or `*` for any part of one."""

    id: str
    scope: Literal["lines", "file", "folder"]
    pattern: str
    reason: str
    title: str
    uri: str
    start_line: int
    created: float


class Dismissals(_Type):
    """What was dismissed in this repository, the newest first."""

    items: list[DismissalItem]


class DismissalName(_Type):
    """One dismissal."""

    id: str


class ProposalName(_Type):
    """One proposal of the assistant, by the id that the server gave it."""

    id: str


class ProposalItem(_Type):
    """A whole file as the assistant wants to write it, with the risk comments on it; `uri` is the file's own."""

    id: str
    uri: str
    title: str
    text: str
    threads: list[ThreadItem]


class DecideParams(_Type):
    """What the user made of a proposal; with `accepted` the `text` is the whole file, perhaps changed."""

    id: str
    accepted: bool
    text: str = ""


class Heard(_Type):
    """Whether anybody was there to hear it."""

    heard: bool


class SelectionParams(_Type):
    """What is selected in a file; characters count in UTF-16 units, as LSP has them."""

    uri: str
    text: str
    start_line: int
    start_character: int
    end_line: int
    end_character: int


class MentionParams(_Type):
    """Lines to put into the assistant's prompt, both included."""

    uri: str
    start_line: int
    end_line: int


class DashboardParams(_Type):
    """An address of the dashboard, with its query: `/dashboard`, a file below it, or `/api/…`."""

    target: str


class DashboardAnswer(_Type):
    """What stands there: text of this media type."""

    media: str
    text: str


class ShowParams(_Type):
    """Open a file and select these lines; none where both are 0."""

    uri: str
    start_line: int
    end_line: int


HostQuestion = Literal[
    "definition",
    "typeDefinition",
    "implementation",
    "references",
    "hover",
    "documentSymbols",
    "workspaceSymbols",
    "callers",
    "callees",
    "rename",
    "diagnostics",
    "codeActions",
    "languages",
]


class HostPosition(_Type):
    """A place in a document as the editor counts: line and UTF-16 unit, both from 0."""

    line: int
    character: int


class HostQuery(_Type):
    """A question to the editor's own languages: about a place, a document, or (`query`) a name."""

    what: HostQuestion
    uri: str | None = None
    position: HostPosition | None = None
    query: str = Field(default="", description="a name for workspaceSymbols, the new name for rename")
    deadline_ms: int
    limit: int
    also: list[str] = Field(default=[], description="documents to be opened before, so that they are looked at too")


class HostAnswer(_Type):
    """What they say. `result` has the form that LSP gives this question's answer, as a list in every case."""

    status: Literal["ready", "warming", "partial", "unsupported"]
    result: list[Any]
    truncated: bool
    provider: str = Field(description="the extensions that handle the document's language")
    version: int | None = Field(default=None, description="the document's version")
    ms: float
    diagnostics_scope: Literal["open"] | None = Field(
        default=None, description="`open` where only documents in a tab are checked"
    )


REQUESTS: Final = {
    STATUS: (None, Status),
    REVIEW: (ReviewParams, ReviewResult),
    MODEL_REVIEW: (ModelReviewParams, ModelReviewResult),
    OUTLINE: (None, OutlineItem),
    SCOPES: (None, ScopeChoices),
    TEXT: (TextParams, TextItem),
    SNAPSHOT: (SnapshotParams, ThreadsChanged),
    REPLY: (ReplyParams, ThreadItem),
    SET_STATE: (SetStateParams, ThreadItem),
    HAND_OVER: (ThreadName, HandOver),
    DISMISS: (DismissParams, DismissalItem),
    DISMISSALS: (None, Dismissals),
    UNDISMISS: (DismissalName, DismissalItem),
    STAGE: (ThreadName, Staged),
    REVERT: (RevertParams, EditItem),
    SUGGESTION: (SuggestionParams, EditItem),
    PROPOSAL: (ProposalName, ProposalItem),
    DECIDE: (DecideParams, Heard),
    SELECT: (SelectionParams, Heard),
    MENTION: (MentionParams, Heard),
    DASHBOARD: (DashboardParams, DashboardAnswer),
}
READS: Final = frozenset({STATUS, REVIEW, OUTLINE, SCOPES, TEXT, SNAPSHOT, DISMISSALS, HAND_OVER, DASHBOARD})
"""What is answered in a window that is not trusted: these change nothing and ask nobody."""
NOTIFICATIONS: Final = {
    STATUS_CHANGED: Status,
    THREADS_CHANGED: ThreadsChanged,
    PROPOSAL_OPENED: ProposalName,
    PROPOSAL_CLOSED: ProposalName,
    SHOW: ShowParams,
}
HOST_REQUESTS: Final = {HOST_QUERY: (HostQuery, HostAnswer)}
