"""What an import statement brings in, read from its own words: which module, which name of it, and what it is called here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

Bound = tuple[str, str, str]
"""Module as written, name in it (`*` for all of them, empty for the module itself), name here (empty for `*`)."""

Import = tuple[int, str, str, str]
"""One name that a file brings in from elsewhere: the line in which its statement begins, and what is bound."""


def read_imports(language: str, text: str) -> list[Bound]:
    """What the text of one statement brings in; empty for a language whose statements are not read."""
    reader = _READERS.get(language)
    return list(reader(text)) if reader is not None else []


_PYTHON_MARKS: Final = re.compile(r"#[^\n]*|[()\\]")
_PYTHON_FROM: Final = re.compile(r"from\s*([.\w\s]*?)\s+import\s+(.*)", re.DOTALL)
_COMMENT: Final = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)


def _python(text: str) -> Iterator[Bound]:
    text = _PYTHON_MARKS.sub(" ", text)
    match = _PYTHON_FROM.match(text)
    if match is None:
        for part in text.removeprefix("import").split(","):
            module, _, alias = (word.strip() for word in part.partition(" as "))
            if module:
                yield module, "", alias or module
        return
    module = "".join(match[1].split())
    for name, alias in _pairs(match[2], " as "):
        yield module, name, "" if name == "*" else alias


def _ecma(text: str) -> Iterator[Bound]:
    source = re.search(r"""(?:from\s*|require\s*\(\s*|import\s*\(?\s*)["'`]([^"'`]+)["'`]""", text)
    if source is None:
        return
    module = source[1]
    if text.startswith("export"):
        head = text[6 : source.start()].strip().removeprefix("type").strip()
        if head.startswith("*"):
            alias = head.partition(" as ")[2].strip()
            yield (module, "", alias) if alias else (module, "*", "")
            return
    elif text.startswith("import"):
        head = text[6 : source.start()].strip().removeprefix("type ").strip()
    else:
        head = text.partition("=")[0].strip() if "=" in text else ""
    braces = re.search(r"\{([^}]*)\}", head, re.DOTALL)
    if braces is not None:
        separator = ":" if "require" in text and not text.startswith(("import", "export")) else " as "
        for name, alias in _pairs(braces[1], separator):
            yield module, name.removeprefix("type ").strip(), alias.removeprefix("type ").strip()
        head = head[: braces.start()]
    for part in head.split(","):
        word = part.strip()
        if word.startswith("*"):
            yield module, "", word.rpartition(" ")[2]
        elif word.isidentifier() or word.startswith("$"):
            yield module, "" if "require" in text and not text.startswith("import") else "default", word
    if not head.strip() and braces is None:
        yield module, "", ""


def _pairs(text: str, separator: str) -> Iterator[tuple[str, str]]:
    """Names with what they are called here, of a list with commas."""
    for part in (_COMMENT.sub(" ", text) if "/" in text else text).split(","):
        words = " ".join(part.split())
        name, _, alias = map(str.strip, words.partition(separator)) if separator in words else (words, "", "")
        if name:
            yield name, alias or name


def _go(text: str) -> Iterator[Bound]:
    match = re.match(r"""([\w.]*)\s*["`]([^"`]+)["`]""", text.strip())
    if match is None:
        return
    words = [word for word in match[2].split("/") if not re.fullmatch(r"v\d+", word)]
    alias = match[1] or re.sub(r"\.v\d+$", "", words[-1] if words else match[2])
    yield (match[2], "*", "") if alias == "." else (match[2], "", alias)


def _dotted(text: str) -> Iterator[Bound]:
    """Java, Kotlin, Scala, C#: `a.b.C`, `a.b.*`, `a.b.C as D`, `a.b.{C, D => E}`."""
    text = re.sub(r"^(global\s+)?(import|using)\s+(static\s+)?", "", text.strip()).strip().rstrip(";").strip()
    selectors = re.match(r"([\w.]+)\.\{(.*)\}", text, re.DOTALL)
    if selectors is not None:
        for name, alias in _pairs(re.sub(r"=>| as ", "=", selectors[2]).replace(" ", ""), "="):
            yield selectors[1], "*" if name in {"_", "*"} else name, "" if name in {"_", "*"} else alias
        return
    named, equals, value = text.partition("=")  # C#: using X = A.B
    path, _, alias = (value.strip(), "", named.strip()) if equals else text.partition(" as ")
    module, _, name = path.strip().rpartition(".")
    name = name.strip()
    if name in {"*", "_"}:
        yield module, "*", ""
    else:
        yield module, name, alias.strip() or name


def _using(text: str) -> Iterator[Bound]:
    """C#: a namespace brings in everything of it."""
    if "=" in text or "static" in text:
        yield from _dotted(text)
    else:
        yield text.strip().removeprefix("global").strip().removeprefix("using").strip().rstrip("; "), "*", ""


def _rust(text: str) -> Iterator[Bound]:
    module = re.match(r"(?:pub(?:\([^)]*\))?\s+)?mod\s+(\w+)", text)
    if module is not None:
        yield f"self::{module[1]}", "", module[1]
        return
    tree = re.sub(r"^(pub(\([^)]*\))?\s+)?use\s+|;\s*$|\s+(?!as\b)(?<!\bas\s)", "", text.strip())
    yield from _use_tree("", re.sub(r"\s*\bas\s+", "=", tree))


def _use_tree(path: str, tree: str) -> Iterator[Bound]:
    head, brace, rest = tree.partition("{")
    if brace:
        inner = rest[: rest.rindex("}")] if "}" in rest else rest
        for part in _split_level(inner):
            yield from _use_tree(path + head, part)
        return
    whole, _, alias = (path + tree).partition("=")
    module, _, name = whole.rpartition("::")
    if name == "self":
        module, _, name = module.rpartition("::")
    if name:
        yield module, name, "" if name == "*" else alias or name


def _split_level(text: str) -> Iterator[str]:
    """The parts between commas that stand in no braces."""
    depth, start = 0, 0
    for at, letter in enumerate(text):
        depth += (letter == "{") - (letter == "}")
        if letter == "," and depth == 0:
            yield text[start:at]
            start = at + 1
    if text[start:]:
        yield text[start:]


def _php(text: str) -> Iterator[Bound]:
    if not text.startswith("use"):
        yield from _quoted(text)
        return
    text = re.sub(r"^use\s+(function\s+|const\s+)?", "", text).strip().rstrip(";")
    group = re.match(r"([\w\\]+)\\\{(.*)\}", text, re.DOTALL)
    prefix, parts = (f"{group[1]}\\", group[2]) if group else ("", text)
    for path, alias in _pairs(parts, " as "):
        module, _, name = (prefix + path).lstrip("\\").rpartition("\\")
        yield module, name, name if alias == path else alias


def _quoted(text: str) -> Iterator[Bound]:
    """A file that is named in quotes or angle brackets and brings in everything."""
    match = re.search(r"""["'<]([^"'>\n]+)["'>]""", text)
    if match is not None:
        yield match[1], "*", ""


def _ruby(text: str) -> Iterator[Bound]:
    for module, name, alias in _quoted(text):
        yield f"./{module}" if text.startswith("require_relative") else module, name, alias


def _bash(text: str) -> Iterator[Bound]:
    words = text.split()
    if len(words) > 1:
        yield re.sub(r"^(\$\{?\w+\}?|\$\([^)]*\))/", "./", words[1].strip("\"'")), "*", ""


def _swift(text: str) -> Iterator[Bound]:
    yield text.rsplit(maxsplit=1)[-1], "*", ""


_READERS: Final[dict[str, Callable[[str], Iterator[Bound]]]] = {
    **dict.fromkeys(("javascript", "typescript", "tsx"), _ecma),
    **dict.fromkeys(("java", "kotlin", "scala"), _dotted),
    **dict.fromkeys(("c", "cpp"), _quoted),
    "python": _python,
    "go": _go,
    "c_sharp": _using,
    "rust": _rust,
    "ruby": _ruby,
    "php": _php,
    "bash": _bash,
    "swift": _swift,
}
