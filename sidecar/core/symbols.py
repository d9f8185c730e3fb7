"""Values of symbol intelligence: what may be asked of a source, and an answer that says where it comes from and whether it is whole.

Lines and columns count from 1; a column counts characters (code points) of the line, and an end is exclusive. Who speaks
a protocol that counts otherwise (LSP: from 0, in UTF-16 units) converts at its own border.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

AnswerStatus = Literal["ready", "warming", "partial", "unsupported"]
"""`ready`: whole. `warming`: the source is still starting or indexing. `partial`: something is missing, and the note
says what. `unsupported`: nobody here can answer this for this file."""

Operation = Literal[
    "definition",
    "type_definition",
    "implementations",
    "references",
    "hover",
    "document_symbols",
    "workspace_symbols",
    "callers",
    "callees",
    "rename",
    "diagnostics",
    "code_actions",
    "mentions",
]
"""`mentions` is asked of the index alone: places in code that bear the name of what stands at a place, and that no rule
gives to something else. Who answers about the whole project is held against them."""

Severity = Literal["error", "warning", "information", "hint"]

DEFAULT_DEADLINE: Final = 3.0
DEFAULT_LIMIT: Final = 200


@dataclass(frozen=True, slots=True)
class Position:
    """A place between two characters of a file."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one file. `path` is relative to the workspace with `/`, absolute where the file lies outside it."""

    path: str
    start: Position
    end: Position


@dataclass(frozen=True, slots=True)
class Symbol:
    """Something with a name that is defined somewhere.

    `span` is the name itself, `extent` all of the definition. `container` is the dotted path of what it stands in
    (`Outer.Inner`, empty at the top), `kind` a lower-case word (`function`, `class`, `method`, `field`, `constant`, …).
    """

    name: str
    kind: str
    container: str
    span: Span
    extent: Span
    signature: str = ""
    doc: str = ""
    language: str = ""

    @property
    def path(self) -> str:
        """The dotted name path, as it can be asked for."""
        return f"{self.container}.{self.name}" if self.container else self.name


@dataclass(frozen=True, slots=True)
class Location:
    """A place that an answer names, with the text of its line and the symbol it stands in, where known."""

    span: Span
    text: str = ""
    within: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One side of a call: who calls (or is called), and the places of the calls themselves."""

    symbol: Symbol
    places: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Hover:
    """What is known of the symbol at a place, as Markdown."""

    text: str
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class TextEdit:
    """Replace a stretch of a file by a text; proposed, never applied by whoever answers."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """Something that a checker says about a place."""

    span: Span
    severity: Severity
    message: str
    source: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class CodeAction:
    """Something that a language's tools offer to do at a place; the edits are proposed, never applied."""

    title: str
    kind: str = ""
    edits: tuple[TextEdit, ...] = ()


Item = Symbol | Location | Call | Hover | TextEdit | Diagnostic | CodeAction
"""What an answer is made of, by operation: definition, type_definition, implementations, references, mentions → Location;
document_symbols, workspace_symbols → Symbol; callers, callees → Call; rename → TextEdit; the others as they are called."""


@dataclass(frozen=True, slots=True)
class Query:
    """One question.

    About a place (`path` and `position`), about a file (`path`), or about a name: `name` is a dotted name path
    (`Class.method`) or, for `workspace_symbols`, any part of one. `new_name` is for `rename` only. `deadline` in seconds.
    `also` are files to be looked at besides those that the source counts to the project. Two are for `mentions` only: `of` is
    the question whose answer they are held against, `meant` where the symbol is defined, as far as others know that.
    """

    operation: Operation
    path: str = ""
    position: Position | None = None
    name: str = ""
    new_name: str = ""
    limit: int = DEFAULT_LIMIT
    deadline: float = DEFAULT_DEADLINE
    also: tuple[str, ...] = ()
    of: Operation = "references"
    meant: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What one source says.

    `source` is `editor`, `jedi`, `server:<name>` or `index`. `truncated`: there is more than `limit` allowed.
    `version` tells two states of the source apart (a document's version, the index's revision), None where it has none.
    `note` is a sentence: why it is not whole, and what would mend that. `unresolved` counts places that bear the name but
    stand behind something whose type nobody could tell, so that they may belong to the answer; `maybe` are these, the likeliest first.
    """

    status: AnswerStatus
    source: str
    items: tuple[Item, ...] = field(default=())
    truncated: bool = False
    version: int | None = None
    ms: float = 0.0
    note: str = ""
    unresolved: int = 0
    maybe: tuple[Location, ...] = ()
