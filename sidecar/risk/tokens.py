"""Reads single lines of code: tokens, whether a line is code at all, and the small facts of its shape.

Works on lines without a parser, so that it serves any state of an edit; the classes of words are those by which the
training data describes a line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress

_TOKEN = re.compile(
    r"[A-Za-z_]\w*|\d+(?:\.\d+)?"
    r'|"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`'
    r"|==|!=|<=|>=|->|=>|&&|\|\||::|\+=|-=|\*\*|//|<<|>>|\?\?|\?\.|:=|\S"
)
_BRANCH = frozenset({
    "if", "elif", "else", "for", "while", "try", "except", "catch", "finally", "switch", "case", "match", "&&", "||",
    "and", "or", "?", "??", "select", "when", "unless", "loop",
})  # fmt: skip
_COMPARE = frozenset({"==", "!=", "<=", ">=", "<", ">", "===", "!==", "is", "in", "not", "!"})
_EXIT = frozenset({"return", "raise", "throw", "break", "continue", "yield", "panic"})
_CONCURRENT = frozenset({
    "async", "await", "go", "defer", "lock", "Lock", "mutex", "Mutex", "spawn", "synchronized", "thread", "Thread",
    "chan", "select", "with",
})  # fmt: skip
_NULL = frozenset({
    "None", "null", "undefined", "nil", "Option", "Optional", "unwrap", "Some", "hasattr", "getattr",
})  # fmt: skip
_ARITHMETIC = frozenset({"+", "-", "*", "/", "%", "+=", "-=", "**", "//", "<<", ">>"})
_FUNCTION = frozenset({"def", "function", "func", "fn", "=>", "lambda"})
_CLASSES = frozenset({"class", "struct"})
_NUMBERS = frozenset({"<num>", "0", "1"})
_IMPORT = re.compile(
    r"\s*(import\b|from\s+\S+\s+import\b|package\s|use\s+[\w:{]|extern\s+crate"
    r"|export\s+(\*|\{[^}]*\})\s+from|(const|var|let)\s+[\w{},\s]+=\s*require\()"
)
_PYTHON_COMMENT = re.compile(r"\s*#")
_C_COMMENT = re.compile(r"\s*(//|/\*|\*/|\*( |$))")
_WORD = re.compile(r"\w")
_NAME = re.compile(r"[A-Za-z_]\w*")
_ENTRY = re.compile(r"[\"'\w]+\s*:\s")
_DEFINING = (
    "def ", "func ", "function ", "fn ", "pub fn", "async def", "class ", "public ", "private ", "async function",
)  # fmt: skip
_KEYWORDS = frozenset({
    "if", "else", "elif", "for", "while", "try", "except", "finally", "return", "raise", "def", "class", "import",
    "from", "as", "with", "in", "is", "not", "and", "or", "None", "True", "False", "self", "this", "function", "const",
    "let", "var", "new", "typeof", "null", "undefined", "func", "type", "struct", "interface", "map", "chan", "go",
    "defer", "range", "package", "nil", "fn", "mut", "pub", "impl", "use", "match", "unwrap", "Some", "Ok", "Err",
    "public", "private", "static", "final", "void", "int", "string", "boolean", "throws", "throw", "catch", "await",
    "async", "yield", "lambda", "pass", "break", "continue",
})  # fmt: skip
_KINDS = {
    "branch": _BRANCH,
    "compare": _COMPARE,
    "exit": _EXIT,
    "concurrent": _CONCURRENT,
    "null": _NULL,
    "arithmetic": _ARITHMETIC,
    "number": _NUMBERS,
    "string": frozenset({"<str>"}),
    "call": frozenset("("),
    "index": frozenset("["),
    "assign": frozenset("="),
    "function": _FUNCTION,
    "class": _CLASSES,
}
"""The facts of a line that one of these tokens makes."""
_NAMED = 300
"""Characters of a line whose identifiers are looked at."""
_LONGEST = 2000
"""Characters of a line that are looked at: what stands beyond is no hand-written code."""

BITS = (
    "branch", "compare", "exit", "concurrent", "null", "arithmetic", "number", "string", "call", "index", "assign",
    "function", "import", "class",
)  # fmt: skip
"""Names of the yes/no facts of a line, in the order of the training data's bits."""


FORMS = ("comma", "opens", "defines", "entry")
"""More yes/no facts: the line ends with a comma, opens a block or call, begins a definition, is an entry `key: …`."""


@dataclass(frozen=True, slots=True)
class LineShape:
    """What one line of code looks like: `tokens` and `branches` are counts, `indent` columns.

    `bits` are some of `BITS` and `FORMS`; `calls` and `dots` count opening parentheses and dots; `names` are the
    identifiers on it.
    """

    tokens: int
    branches: int
    indent: int
    bits: frozenset[str]
    calls: int = 0
    dots: int = 0
    names: frozenset[str] = frozenset()


def tokenize(text: str) -> list[str]:
    """The tokens of a line; texts become `<str>`, numbers but 0 and 1 `<num>`."""
    found: list[str] = []
    for raw in _TOKEN.findall(text[:_LONGEST]):
        if raw[0] in "\"'`" and len(raw) > 1:
            found.append("<str>")
        elif raw[0].isdigit() and raw not in {"0", "1"}:
            found.append("<num>")
        else:
            found.append(raw)
    return found


def shape(text: str) -> LineShape:
    """The shape of one line; those of the last lines of usual length are kept."""
    return _shape(text) if len(text) <= _NAMED else _shape.__wrapped__(text)


@lru_cache(2048)
def _shape(text: str) -> LineShape:
    tokens = tokenize(text)
    branches = sum(token in _BRANCH for token in tokens)
    bare, wide = text[:_LONGEST].strip(), text[:_LONGEST].expandtabs(4)
    indent = len(wide) - len(wide.lstrip())
    forms = (bare.endswith(","), bare.endswith(("{", ":", "(")), bare.startswith(_DEFINING), _ENTRY.match(bare))
    bits = {kind for kind, some in _KINDS.items() if not some.isdisjoint(tokens)} | set(compress(FORMS, forms))
    if is_import(text):
        bits.add("import")
    return LineShape(len(tokens), branches, indent, frozenset(bits), bare.count("("), bare.count("."), names_in(text))


def names_in(text: str) -> frozenset[str]:
    """The identifiers of a line, in texts and comments too; words of the languages left out."""
    return frozenset(_NAME.findall(text[:_NAMED])) - _KEYWORDS


def is_code(text: str, language: str) -> bool:
    """Whether a line, looked at alone, is code: not blank, not punctuation only, no comment, no one-line docstring."""
    if not _WORD.search(text):
        return False
    if language != "python":
        return _C_COMMENT.match(text) is None
    if _PYTHON_COMMENT.match(text):
        return False
    return toggles_docstring(text) or text.lstrip()[:3] not in {'"""', "'''", 'r""'}


def is_import(text: str) -> bool:
    """Whether a line brings in names from elsewhere."""
    return _IMPORT.match(text) is not None


def docstring_edges(lines: Sequence[str]) -> tuple[int, ...]:
    """Indices of the lines of a Python text on which texts in triple quotes open or close."""
    return tuple(index for index, text in enumerate(lines) if '"""' in text or "'''" in text if toggles_docstring(text))


def toggles_docstring(text: str) -> bool:
    """Whether a text in triple quotes begins or ends on this line of Python and does not do both."""
    # A comment or a line of nothing but quotes and punctuation keeps the data's rule: `"""` alone toggles.
    if ('"""' not in text and "'''" not in text) or _PYTHON_COMMENT.match(text):
        return False
    return (text.count('"""') + text.count("'''")) % 2 == 1
