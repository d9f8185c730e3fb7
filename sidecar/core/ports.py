"""What a room needs from a higher or a sibling room, as small protocols; `app` hands in the real things."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from sidecar.core.messages import MessagesRequest
from sidecar.core.reply import Reply
from sidecar.core.turn import Turn

if TYPE_CHECKING:  # only the editor's side has these at hand: making their classes would hold up the start of `serve`
    from sidecar.core.critique import Critique, Hear, NamedChange, Wish
    from sidecar.core.diff import Change, FileDiff
    from sidecar.core.review import (
        Dismissal,
        DismissalScope,
        FileOutline,
        LineEdit,
        RiskReport,
        Scope,
        Staging,
        Thread,
        ThreadState,
        Touched,
        Viewed,
    )
    from sidecar.core.symbols import Answer, Operation, Query


@dataclass(frozen=True, slots=True)
class Model:
    """A model that can be asked for; `id` begins with `claude-` where the client must accept it."""

    id: str
    display_name: str


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one provider takes of a Messages request; what is not told here goes out as it came.

    `native`: blocks go out untranslated (else through a dialect). `cache_control`: the provider keeps prompts at such
    marks. `server_tools`: tools that run at Anthropic (`web_search_…`). `safeguards`: the field of that name is
    answered. `count_tokens`: it counts. `refuses` is what must be left out or changed, each in the form that
    `providers.fitting` knows (`context_management`, `beta:effort-2025-11-24`, `thinking:disabled`, `role:system`).
    """

    native: bool = True
    cache_control: bool = True
    server_tools: bool = True
    safeguards: bool = True
    count_tokens: bool = False
    refuses: frozenset[str] = frozenset()


class Provider(Protocol):
    """One upstream that answers Messages requests."""

    @property
    def name(self) -> str:
        """The provider's name as settings spell it (`databricks`, `offline`, …)."""

    @property
    def capabilities(self) -> Capabilities:
        """What it is known to take, before anything was learned from its refusals."""

    async def send(self, request: MessagesRequest, turn: Turn) -> Reply:
        """Ask. Raises UpstreamError before the first byte; later faults are events or cut streams.

        Cancelling the caller, or closing the reply, closes the connection behind it.
        """

    async def count_tokens(self, request: MessagesRequest, turn: Turn) -> int | None:
        """Input tokens of the request by the provider's own count; None where it has none."""

    async def models(self) -> Sequence[Model]:
        """Models on offer; empty where the provider cannot tell."""

    async def aclose(self) -> None:
        """Close connections."""


class Asker(Protocol):
    """A way to the configured model with all that belongs to a turn: records, traces, cache marks, retries."""

    @property
    def name(self) -> str:
        """The provider's name as settings spell it."""

    async def answer(self, request: MessagesRequest, turn: Turn) -> Reply:
        """The answer, to be used as a context manager. Raises SidecarError before the first byte."""


class WireTap(Protocol):
    """Whoever traces a turn and wants to see what goes to the provider and what comes back."""

    def asked(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> None:
        """A request is about to be sent; its headers hold the credential."""

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        """The head of an answer has come."""


TAP: Final[ContextVar[WireTap | None]] = ContextVar("sidecar_wire_tap", default=None)
"""The tap of the turn that is being answered; None, as nearly always, where nobody traces it."""


class Analyst(Protocol):
    """What the offline provider asks of our own analysers. Every answer is Markdown for a person."""

    async def summarize_diff(self) -> str:
        """What the uncommitted change does, file by file, with its risk."""

    async def review_diff(self) -> str:
        """The uncommitted change's risky places with reasons."""

    async def find_symbol(self, name: str) -> str:
        """Where a symbol is defined."""

    async def status(self) -> str:
        """Branch, changed files, provider, workspace."""


class SymbolSource(Protocol):
    """Somebody who knows symbols: the editor's own languages, jedi, a language server, or the index."""

    @property
    def name(self) -> str:
        """As an answer's `source` says it."""

    def knows(self, operation: Operation, path: str) -> bool:
        """Whether it is worth asking about this file (`path` is empty for a question about names). Never waits."""

    async def ask(self, query: Query) -> Answer:
        """The answer, within the query's deadline. Raises BadInput for a place that is none; faults are an answer's note."""

    async def aclose(self) -> None:
        """End what it started."""


class Symbols(SymbolSource, Protocol):
    """All sources of one workspace as one, best first; a question about a name finds its place itself."""

    def attach(self, source: SymbolSource, *, last: bool = False) -> Callable[[], None]:
        """Ask this source before all others, or after them, from now on; the result ends it. Whoever attaches closes it."""


class SymbolIndex(SymbolSource, Protocol):
    """The workspace's own index, which must be told what moved."""

    @property
    def root(self) -> str:
        """The folder that its paths are relative to, absolute."""

    def moved(self, paths: Collection[str] | None) -> None:
        """These files (relative to the root, with `/`) may have changed, None: any. Never waits."""

    def subscribe(self, listener: Callable[[int, int], None]) -> Callable[[], None]:
        """Hear, on the event loop, how many files of how many are indexed; the result ends it."""

    async def cancel(self) -> None:
        """Leave off indexing; what was done stays."""

    async def whole(self) -> None:
        """Wait until every file was looked at once."""

    async def settled(self, seconds: float) -> None:
        """Wait for a look that is under way, until so long after it was wanted; not for the first one of all."""

    def state(self) -> str:
        """Why it may not be whole, in a sentence; empty when it is."""


class Notebook(Protocol):
    """A small JSON value that outlives the process. Neither method fails: what cannot be read is None."""

    def read(self) -> object:
        """What was last written; None where nothing was, or nothing that can be believed."""

    def write(self, value: object) -> None:
        """Replace it, soon and whole; nobody waits for the disk."""


class Secret(Protocol):
    """A credential that may have to be renewed; asked for at each request."""

    async def __call__(self) -> str:
        """The credential now."""


class Scorer(Protocol):
    """What the review asks of the risk model."""

    async def score(self, change: Change) -> RiskReport:
        """The risk of a change. Raises GitError when its past cannot be read."""


class TestsSeen(Protocol):
    """What a risk report asks of the tests' last run."""

    def of(self, file: FileDiff) -> Touched | None:
        """Which lines of a file the tests touched; None where nothing is known of the lines that the diff shows. Blocks."""


@dataclass(frozen=True, slots=True)
class ReviewState:
    """What a review shows now, or what of it changed after a revision.

    `threads` are those new or changed, `removed` the ids of those gone; `full` says that `threads` is everything.
    `report` is the risk of the uncommitted change, None while there is no change (or none was looked at yet).
    """

    revision: int
    threads: tuple[Thread, ...]
    removed: tuple[str, ...] = ()
    full: bool = True
    report: RiskReport | None = None


class Desk(Protocol):
    """The review of one repository's working tree, as the editor's door sees it."""

    @property
    def root(self) -> str:
        """The repository's top folder, absolute; thread paths are relative to it."""

    async def refresh(self, paths: Collection[str] | None = None) -> ReviewState:
        """Look at the change again (only these paths, relative to the root) and return the whole state.

        Calls are coalesced: one look runs, at most one waits. Listeners hear what changed.
        """

    def state(self, since: int = 0) -> ReviewState:
        """What changed after revision `since`; everything when it is 0 or too old."""

    def hold(self, path: str, text: str | None) -> None:
        """A file's text that the editor has not saved, None when there is none any more; the next look sees it."""

    @property
    def viewed(self) -> Viewed:
        """Which diff this is the review of, as the last look found it."""

    def outline(self) -> tuple[FileOutline, ...]:
        """The files of the change with their risk, the riskiest first; those that were not scored come last."""

    async def at(self, scope: Scope) -> Desk:
        """The review of another diff of the same repository; its threads are its own. Raises BadInput."""

    async def choices(self) -> tuple[Viewed, ...]:
        """The diffs that can be reviewed here: the plain ones, then other bases of the branch, then the last commits."""

    async def text(self, path: str, side: str) -> str:
        """A file's text on a side of a diff (see `Viewed`); empty where the side has none. Raises BadInput."""

    async def reply(self, thread_id: str, body: str) -> Thread:
        """Add the user's comment and the answer to it. Raises NotFound, BadInput (empty body)."""

    async def set_state(self, thread_id: str, state: ThreadState) -> Thread:
        """Resolve a thread or open it again. Raises NotFound."""

    async def suggest(self, make: Callable[[Sequence[Thread]], Sequence[Thread]]) -> tuple[Thread, ...]:
        """Add the threads that `make` makes, given those that there are; they are moved and closed like all others."""

    async def dismiss(self, thread_id: str, reason: str, scope: DismissalScope) -> Dismissal:
        """Take a thread away and keep its kind silent where `scope` reaches. Raises NotFound, BadInput (no reason)."""

    async def dismissals(self) -> Sequence[Dismissal]:
        """What was dismissed in this repository, the newest first."""

    async def undismiss(self, dismissal_id: str) -> Dismissal:
        """Undo a dismissal: its thread comes back. Raises NotFound, GitError."""

    async def handover(self, thread_id: str) -> str:
        """The thread as a task for the assistant's client, in plain text. Raises NotFound."""

    async def stage(self, thread_id: str) -> Staging:
        """Stage the hunks that a thread stands on. Raises NotFound, Conflict (text moved on), NotSupported, GitError."""

    async def revert(self, thread_id: str, text: str) -> Sequence[LineEdit]:
        """The edits of the file in the editor that take those hunks back. Raises as `stage`."""

    async def suggested(self, thread_id: str, comment_id: str, text: str) -> LineEdit:
        """The edit of the file in the editor that a comment suggests. Raises NotFound, Conflict (text moved on)."""

    async def foresee(self, path: str, text: str) -> tuple[Thread, ...]:
        """The comments that a file (relative to the root) would get for what `text` adds to it; none of them is kept."""

    async def weigh(self, path: str, before: str | None, after: str) -> RiskReport:
        """The risk of an edit of a file (relative to the root) by itself, from `before` (None for a new file) to `after`."""

    def subscribe(self, listener: Callable[[ReviewState], None]) -> Callable[[], None]:
        """Hear each change (as a delta) on the event loop; the result ends it."""


class HookJudge(Protocol):
    """Who says whether a tool of the Claude Code CLI may run, when its hook asks, and hears what has run."""

    async def judge(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a hook in the CLI's form; empty where nothing is against it."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A whole file as the assistant wants to write it, shown before it is written. `path` is absolute.

    `tab` names the question for as long as it is open; `threads` are the risk comments on the proposed text.
    """

    tab: str
    path: str
    text: str
    threads: tuple[Thread, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """What the user made of a proposal: taken, perhaps with changes (`text` is the whole file then), or not."""

    accepted: bool
    text: str = ""


class Window(Protocol):
    """What the assistant's client asks of the editor's window. `path` is absolute, lines count from 1."""

    async def decide(self, proposal: Proposal) -> Decision:
        """Show the proposal beside the file and wait for the user. Cancelling it takes the question back."""

    async def show(self, path: str, first: int = 0, last: int = 0) -> None:
        """Open a file, at these lines where they are given. Raises NotFound."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What is selected in the editor. `path` is absolute; lines and columns count from 0, as LSP has them."""

    path: str
    text: str
    start: tuple[int, int]
    end: tuple[int, int]


class Companion(Protocol):
    """The assistant's client as the editor's door sees it: whoever of it listens is told."""

    def selected(self, selection: Selection) -> bool:
        """The user selected something else, or nothing any more (an empty text); whether a client was there to hear it."""

    def mention(self, path: str, first: int, last: int) -> bool:
        """Put these lines (from 0) into the client's prompt; whether a client was there to hear it."""


@dataclass(frozen=True, slots=True)
class EndpointStatus:
    """How the HTTP door stands. `message` says what is wrong and the mend when `state` is `degraded`.

    `companion_port` is where the assistant's client finds the editor; 0 where it does not.
    """

    state: Literal["starting", "ready", "degraded"]
    provider: str
    port: int
    requested_port: int
    base_url: str
    workspace: str
    message: str = ""
    companion_port: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """What stands at an address: its media type and its bytes."""

    media: str
    body: bytes


class Dashboard(Protocol):
    """The page of a workspace's figures and what is behind it, as either door hands it out."""

    async def get(self, target: str) -> Document:
        """What stands at `/dashboard…` or `/api/…`, with its query. Raises NotFound, BadInput, StoreError, GitError."""


class Reviewer(Protocol):
    """Who reviews a change in words: a model, or our own facts where there is none."""

    async def review(self, named: NamedChange, wish: Wish, hear: Hear, *, threads: bool = True) -> Critique:
        """The review. With `threads` its comments become threads of the working tree. Raises SidecarError."""


class Services(Protocol):
    """What the editor's door is handed for an open workspace."""

    @property
    def desk(self) -> Desk | None:
        """The review; None where there is no git repository."""

    @property
    def reviewer(self) -> Reviewer | None:
        """Who reviews a change in words; None where there is no review."""

    @property
    def symbols(self) -> Symbols | None:
        """Who knows symbols here, to ask and to attach the editor's own languages to."""

    @property
    def index(self) -> SymbolIndex | None:
        """The index of symbols; None where it is switched off or cannot be kept."""

    def status(self) -> EndpointStatus:
        """How the endpoint stands now."""

    def subscribe_status(self, listener: Callable[[EndpointStatus], None]) -> Callable[[], None]:
        """Hear each change of the status on the event loop; the result ends it."""

    @property
    def dashboard(self) -> Dashboard:
        """The figures of this workspace; nothing of it is loaded before it is asked."""

    @property
    def companion(self) -> Companion | None:
        """The assistant's client; None where it cannot connect."""

    def lend(self, window: Window) -> Callable[[], None]:
        """Let the assistant's client use the editor's window; the result ends it."""
