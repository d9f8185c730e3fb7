"""What the structured results of our tools hold: the shapes that MCP clients are told of, a model each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final, Literal

from pydantic import BaseModel

Json = dict[str, Any]


class Edit(BaseModel):
    """An edit that a tool made; its number takes it back."""

    id: int
    path: str


class Edits(BaseModel):
    """The edits that a call made."""

    edits: list[Edit]


class PastEdit(Edit):
    """An edit as the history has it; `at` is in UTC seconds."""

    tool: str
    at: float


class History(BaseModel):
    """Edits, newest first."""

    edits: list[PastEdit]


class Files(BaseModel):
    """Paths, and how many there are in all."""

    files: list[str]
    total: int


class Match(BaseModel):
    """Where a text was found."""

    path: str
    line: int


class Matches(BaseModel):
    """Places, and whether there are more."""

    matches: list[Match]
    more: bool


class Status(BaseModel):
    """How the working tree stands, file by file."""

    branch: str
    head: str | None
    upstream: str
    ahead: int
    behind: int
    staged: list[str]
    unstaged: list[str]
    untracked: list[str]
    conflicted: list[str]
    doing: str


class Standing(BaseModel):
    """How the working tree stands after an act, in numbers of files."""

    branch: str
    staged: int
    unstaged: int
    untracked: int
    conflicted: int


class Commit(BaseModel):
    """One commit; `files` only where they were asked for."""

    id: str
    author: str
    date: str
    subject: str
    files: str


class Commits(BaseModel):
    """Commits, newest first."""

    commits: list[Commit]


class ConflictedFile(BaseModel):
    """A file, and the lines at which its conflicts begin."""

    path: str
    lines: list[int]


class Conflicts(BaseModel):
    """What is under way, and where it stopped."""

    doing: str
    conflicts: list[ConflictedFile]


Band = Literal["low", "medium", "high", "critical"]


class RiskyPlace(BaseModel):
    """Lines of a change and their score."""

    file: str
    start: int
    end: int
    score: float


class Risk(BaseModel):
    """A change's score (0..1), with its reasons and places."""

    score: float
    band: Band
    reasons: list[Json]
    files: list[Json]
    hunks: list[RiskyPlace]


class Note(BaseModel):
    """A comment on lines; `moved` where the model named others and the text that it quoted decided.

    `suggestion` are the lines that it would have there.
    """

    file: str
    line: int
    end_line: int
    severity: str
    title: str
    body: str
    moved: bool
    suggestion: list[str] | None = None


class DroppedNote(BaseModel):
    """A comment that has no place in the change, and why."""

    file: str
    line: int
    title: str
    why: str


class UnreadPlace(BaseModel):
    """What the model was not shown, and why."""

    place: str
    why: str


class Review(BaseModel):
    """A change read by a model, or by our own analysers: comments, notes by file, what to do before merging, what was not read."""

    change: str
    score: float | None
    band: Band | None
    findings: list[Json]
    by: str
    summary: str
    comments: list[Note]
    files: dict[str, str]
    checklist: list[str]
    dropped: list[DroppedNote]
    unread: list[UnreadPlace]
    notes: list[str]
    provider: str
    model: str
    parts: int
    requests: int
    cached: bool
    facts: str
    threads: int


class Said(BaseModel):
    """Something said in a thread."""

    author: str
    body: str


class Thread(BaseModel):
    """A review thread and where it stands."""

    id: str
    state: Literal["open", "resolved"]
    score: float
    band: Band
    file: str
    start: int
    end: int
    outdated: bool
    comments: list[Said]


class Threads(BaseModel):
    """Review threads."""

    threads: list[Thread]


class Text(BaseModel):
    """A text and who wrote it: a model, or nobody (from facts)."""

    text: str
    by: Literal["model", "facts"]


class Task(BaseModel):
    """One task; times are UTC seconds."""

    id: int
    title: str
    status: str
    priority: int
    tags: list[str]
    files: list[str]
    body: str
    created: float
    updated: float
    note: str | None = None


class Tasks(BaseModel):
    """Tasks; `note` says what is not as it should be with what keeps them."""

    tasks: list[Task]
    note: str | None = None


class Failure(BaseModel):
    """A test that failed."""

    id: str
    file: str
    message: str


class TestRun(BaseModel):
    """One run of the tests; `coverage` is a share of lines."""

    id: int
    started: float
    runner: str
    outcome: str
    seconds: float
    passed: int
    failed: int
    skipped: int
    failures: list[Failure]
    coverage: float | None


class TestRuns(BaseModel):
    """Runs, newest first."""

    runs: list[TestRun]


class Command(BaseModel):
    """How a command ended."""

    status: int | None
    timed_out: bool
    seconds: float


class Page(BaseModel):
    """A page's main text."""

    url: str
    media: str
    text: str


class Hit(BaseModel):
    """A result of a search of the web."""

    title: str
    url: str
    snippet: str


class Hits(BaseModel):
    """What a search found."""

    results: list[Hit]


class Skill(BaseModel):
    """A skill by its description."""

    name: str
    description: str
    triggers: list[str]
    origin: str
    parameters: list[Json]


class Skills(BaseModel):
    """Skills."""

    skills: list[Skill]


class Server(BaseModel):
    """An MCP server, and the tools of an approved one."""

    name: str
    state: str
    running: bool
    tools: list[str]


class Servers(BaseModel):
    """MCP servers."""

    servers: list[Server]


class Symbols(BaseModel):
    """What was found, by whom, and whether it is all; what an item holds depends on the question.

    `unresolved` counts places that bear the name on something whose type nobody could tell; `maybe` are these. `version` tells
    two states of the source apart (null where it has none), `ms` how long it took, `note` what the answer lacks.
    """

    source: str
    status: str
    truncated: bool
    version: int | None
    ms: float
    note: str
    items: list[Json]
    unresolved: int
    maybe: list[Json]


RESULTS: Final[Mapping[str, type[BaseModel]]] = {
    **dict.fromkeys(("files_write", "files_edit", "files_patch", "files_revert"), Edits),
    "files_history": History,
    "files_list": Files,
    "files_search": Matches,
    "git_status": Status,
    "git_log": Commits,
    "git_conflicts": Conflicts,
    **dict.fromkeys(
        ("git_stage", "git_unstage", "git_checkout", "git_fetch", "git_pull", "git_merge", "git_rebase"), Standing
    ),
    "review_risk": Risk,
    "review_diff": Review,
    "review_threads": Threads,
    **dict.fromkeys(("review_reply", "review_resolve"), Thread),
    **dict.fromkeys(
        ("review_release_notes", "review_changelog", "review_pull_request", "review_commit_message", "review_patch_plan"),
        Text,
    ),
    "tasks_list": Tasks,
    **dict.fromkeys(("tasks_get", "tasks_create", "tasks_update", "tasks_set_status", "tasks_delete"), Task),
    **dict.fromkeys(("tests_run", "tests_last"), TestRun),
    "tests_history": TestRuns,
    "command_run": Command,
    "web_fetch": Page,
    "web_search": Hits,
    "skills_list": Skills,
    "mcp_servers": Servers,
    **dict.fromkeys(
        (
            "symbols_search", "symbols_outline", "symbols_definition", "symbols_references", "symbols_implementations",
            "symbols_callers", "symbols_callees", "symbols_hover", "symbols_diagnostics", "symbols_rename_preview",
        ),
        Symbols,
    ),
}  # fmt: skip
"""The results' shapes by tool; whoever is not here answers with text alone. A result may hold more than its shape says."""

_PIECE: Final[Json] = {
    "type": "object",
    "properties": {"result": {"type": "string"}, "next": {"type": "string"}},
    "required": ["result", "next"],
}
"""A result that was too long for one answer, in place of its shape: a piece of its text, and how to go on."""


def output_schema(tool: str) -> Json | None:
    """The JSON schema of a tool's structured result; None for one that has none."""
    model = RESULTS.get(tool)
    return _schema(model) if model is not None else None


@cache
def _schema(model: type[BaseModel]) -> Json:
    own = _plain(model.model_json_schema(mode="serialization"))
    definitions = own.pop("$defs", None)
    schema: Json = {"type": "object", "anyOf": [own, _PIECE]}
    return {**schema, "$defs": definitions} if definitions else schema


def _plain(schema: Any) -> Any:
    """Without titles and sentences, which only cost."""
    if isinstance(schema, dict):
        kept = {
            key: value
            for key, value in schema.items()
            if key not in {"title", "description"} or isinstance(value, dict)
        }
        return {key: _plain(value) for key, value in kept.items()}
    return [_plain(item) for item in schema] if isinstance(schema, list) else schema
