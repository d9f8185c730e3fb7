"""What a newcomer to the project should know, as a marked block for CLAUDE.md: short, stable, made from the index.

The same project gives the same text: nothing in it counts or dates what changes with every edit.
"""

from __future__ import annotations

import os
import posixpath
import re
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from sidecar.core.errors import Conflict, Refused, StoreError
from sidecar.index import walk
from sidecar.index.grammars import BY_NAME
from sidecar.index.modules import Modules
from sidecar.store.runtime import replace_file
from sidecar.store.symbols import SymbolReader

BEGIN: Final = "<!-- sidecar:begin (this block is rewritten by `sidecar summary --write`; write outside of it) -->"
END: Final = "<!-- sidecar:end -->"
FILE: Final = "CLAUDE.md"
MOST_BYTES: Final = 4_000
"""The block's length at most."""

_BLOCK: Final = re.compile(r"<!-- sidecar:begin\b.*?<!-- sidecar:end -->", re.DOTALL)
_FOLDERS: Final = 14
_MODULES: Final = 8
_TEXT: Final = 300
_BADGE: Final = re.compile(r"^\s*(\[?!\[|<|#|=|-{3,}|\*{3,}|\.\. |:[\w-]+:|image:|>|\||```|\{%)")
_READMES: Final = [
    f"{stem}{end}" for end in (".md", ".rst", ".txt", "", ".adoc") for stem in ("README", "Readme", "readme")
]
_TEST: Final = re.compile(r"(?:^|/)(?:(test_)[^/]*|[^/]*?((?:[._](?:test|spec)|Tests?|Spec)\.\w+))$")
_ASIDE: Final = re.compile(r"(^|/)(tests?|spec|fixtures|examples?|docs?|benchmarks?|conftest\.py)(/|$)")
_USEFUL: Final = re.compile(r"\b(test|tests|check|lint|build|format|run|dev|start|typecheck|bench)\b|:test$")


def summarize(reader: SymbolReader, root: Path, notes: Sequence[str] = ()) -> str:
    """The block with its marks. `notes` are lines about the last test run and its coverage, where somebody knows them."""
    modules = Modules(reader)
    sections = [
        ("", _purpose(root)),
        ("Layout", list(_layout(reader))),
        ("Languages", [_languages(reader)]),
        ("Frameworks", [_facts(reader, "framework")]),
        ("Entry points", list(_entries(reader))),
        ("Commands", list(_commands(reader))),
        ("Key modules", list(_central(reader, modules))),
        ("Conventions", list(_conventions(reader, root))),
        ("Tests and coverage", list(notes)),
    ]
    return _fitted(sections)


def write(root: Path, block: str, *, only_existing: bool = False) -> bool:
    """Put the block into CLAUDE.md, in place of the one that is there or at its end; whether that changed the file.

    With `only_existing` nothing is written where no block is. Everything outside the marks stays as it is, byte for
    byte, and so does the file's mode. Raises Refused for a link or no regular file, Conflict for marks that do not fit.
    """
    place = root / FILE
    before = _current(place)
    if before is None and only_existing:
        return False
    text = before or ""
    begins, ends = text.count("<!-- sidecar:begin"), text.count(END)
    if begins != ends or begins > 1 or (begins and not _BLOCK.search(text)):
        raise Conflict(f"The marks of Sidecar's block in {place} do not fit; leave one pair of them, or none.")
    if not begins and only_existing:
        return False
    if begins:
        after = _BLOCK.sub(lambda _: block, text, count=1)
    else:
        gap = "" if not text or text.endswith("\n\n") else "\n" if text.endswith("\n") else "\n\n"
        after = f"{text}{gap}{block}\n"
    if after == before:
        return False
    replace_file(place, after.encode(), 0o644 if before is None else stat.S_IMODE(place.lstat().st_mode))
    return True


def _current(place: Path) -> str | None:
    try:
        facts = place.lstat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(facts.st_mode):
        raise Refused(f"{place} is a link or no regular file, so it is not written; make it a file of its own.")
    try:
        return place.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{place} cannot be read as text ({error}); it is left as it is.") from None


def _fitted(sections: Sequence[tuple[str, list[str]]]) -> str:
    """The sections within the limit: the longest lists give way first."""
    lists = [(title, [_one_line(line) for line in lines if line]) for title, lines in sections]
    while True:
        parts = [BEGIN]
        for title, lines in lists:
            if lines:
                parts.append(f"## {title}\n\n" + "\n".join(lines) if title else "\n".join(lines))
        text = "\n\n".join([*parts, END])
        if len(text.encode()) <= MOST_BYTES:
            return text
        max((lines for _, lines in lists), key=lambda lines: sum(map(len, lines)), default=[""]).pop()


def _one_line(text: str) -> str:
    """A line that files of the project had their say in: neither a second line nor a mark."""
    return " ".join(text.splitlines()).replace("<!--", "<! --")


def _text(root: Path, name: str) -> str:
    """A file's text; nothing of what lies outside of the project, is no file or is gone."""
    place = Path(os.path.realpath(root / name))
    try:
        return walk.read(place)[0].decode("utf-8", "replace") if place.is_relative_to(os.path.realpath(root)) else ""
    except (OSError, walk.Skipped):
        return ""


# ── what it says ──────────────────────────────────────────────────────────────────────────────────
def _purpose(root: Path) -> list[str]:
    """The first paragraph of the README that is prose."""
    for name in _READMES:
        text = _text(root, name)[:20_000]
        for paragraph in re.split(
            r"\n\s*\n", re.sub(r"<!--.*?-->|```.*?```|\[source[^\n]*\n----\n.*?\n----", "", text, flags=re.DOTALL)
        ):
            lines = [line for line in paragraph.strip().splitlines() if not re.fullmatch(r"[=~*#^-]{3,}", line.strip())]
            prose = " ".join(line.strip() for line in lines if not _BADGE.match(line))
            if len(prose) > 30 and prose.count(" ") >= 4:
                return [prose if len(prose) <= _TEXT else prose[: _TEXT - 1].rsplit(" ", 1)[0] + " …"]
    return []


def _layout(reader: SymbolReader) -> Iterator[str]:
    """The folders at the top, and those in the one that holds most, a line each."""
    code = [(path, language) for path, language, _, skipped in reader.all_files() if not skipped and language]
    tops = Counter(path.split("/")[0] for path, _ in code if "/" in path)
    largest, share = max(tops.items(), key=lambda pair: (pair[1], pair[0]), default=("", 0))
    folders = sorted(tops)[:_FOLDERS]
    if share * 2 > sum(tops.values()):
        inner = Counter(
            "/".join(path.split("/")[:2]) for path, _ in code if path.startswith(f"{largest}/") and path.count("/") > 1
        )
        folders = sorted({*folders[: _FOLDERS // 2], *(name for name, _ in inner.most_common(_FOLDERS)), largest})
    for folder in folders[: 2 * _FOLDERS]:
        within = [(path, language) for path, language in code if path.startswith(f"{folder}/")]
        main = Counter(language for _, language in within).most_common(1)
        yield f"- `{folder}/`: {_said_of(reader, folder) or main[0][0]}"


def _said_of(reader: SymbolReader, folder: str) -> str:
    """What a folder says of itself: its package's doc line."""
    file = reader.file(f"{folder}/__init__.py")
    return reader.doc_of(file.id) if file is not None else ""


def _languages(reader: SymbolReader) -> str:
    """The languages by their share of the text, in steps of ten: small edits do not move it."""
    sizes: Counter[str] = Counter()
    for _, language, size, skipped in reader.all_files():
        if language in BY_NAME and not skipped:
            sizes[language] += size
    whole = sum(sizes.values()) or 1
    ordered = sorted(sizes.items(), key=lambda pair: (-pair[1], pair[0]))
    told = [(name, round(10 * size / whole) * 10) for name, size in ordered]
    return ", ".join(f"{name} {share} %" if share else f"{name} (little)" for name, share in told[:8])


def _facts(reader: SymbolReader, kind: str) -> str:
    rows = [row for row in reader.facts() if row[0] == kind and row[3].count("/") <= 2 and not _ASIDE.search(row[3])]
    return ", ".join(sorted({name for _, name, _, _ in rows}))


def _entries(reader: SymbolReader) -> Iterator[str]:
    found = sorted(
        (path.count("/"), name, detail)
        for kind, name, detail, path in reader.facts()
        if kind == "entry" and path.count("/") <= 2 and not _ASIDE.search(path)
    )
    told = {detail for _, name, detail in found if detail != name}
    for _, name, detail in [entry for entry in found if entry[1] not in told][:8]:
        yield f"- `{name}`" + (f" → `{detail}`" if detail != name else "")


def _commands(reader: SymbolReader) -> Iterator[str]:
    facts = reader.facts()
    for kind, name, detail, path in facts:
        if kind == "command" and "/" not in path and _USEFUL.search(name):
            yield f"- `{name}`" + (f": {detail[:80]}" if detail else "")
    for kind, label in (("test", "Tests"), ("lint", "Checks")):
        tools = sorted({name for one, name, _, path in facts if one == kind and path.count("/") <= 1})
        if tools:
            yield f"- {label}: {', '.join(tools)}"


def _central(reader: SymbolReader, modules: Modules) -> Iterator[str]:
    """The files that most others import."""
    wanted: dict[str, set[str]] = {}
    for path, language, module, name in reader.all_imports():
        files = modules.files_of(path, language, module)
        inner = f"{module}{'' if module.endswith('.') else '.'}{name}"
        if language == "python" and name not in {"", "*"}:
            files = modules.files_of(path, language, inner) or files
        for target in files if len(files) == 1 else ():
            if target != path:
                wanted.setdefault(target, set()).add(path)
    ranked = sorted(wanted.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    ranked = [pair for pair in ranked if not _ASIDE.search(pair[0]) and not _TEST.search(pair[0])]
    for path, _ in ranked[:_MODULES]:
        file = reader.file(path)
        said = reader.doc_of(file.id) if file is not None else ""
        yield f"- `{path}`" + (f": {said}" if said else "")


def _conventions(reader: SymbolReader, root: Path) -> Iterator[str]:
    """What can be told without guessing: where tests lie, how files are named, what the editor's settings ask for."""
    paths = [path for path, language, _, skipped in reader.all_files() if language in BY_NAME and not skipped]
    tests = [(path, match) for path in paths if (match := _TEST.search(path))]
    if tests and len(tests) * 50 >= len(paths):
        folder = Counter(posixpath.dirname(path).split("/")[0] or "." for path, _ in tests).most_common(1)[0][0]
        form = Counter("test_*" if match[1] else f"*{match[2]}" for _, match in tests).most_common(1)[0][0]
        yield f"- Tests lie in `{folder}/`, named like `{form}`."
    text = _text(root, ".editorconfig")
    told = dict(re.findall(r"^(indent_style|indent_size|max_line_length)\s*=\s*(\w+)", text, re.MULTILINE)[::-1])
    if told:
        said = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in sorted(told.items()))
        yield f"- {said} (.editorconfig)."
