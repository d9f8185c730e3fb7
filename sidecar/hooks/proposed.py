"""What a file would be after an edit that the Claude Code CLI is about to make, read from what its hook is told."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

EDITS: Final = ("Edit", "Write", "MultiEdit", "NotebookEdit")
"""The CLI's own tools that write files."""

MOST_BYTES: Final = 2 * 1024 * 1024
_QUOTES: Final = str.maketrans("\u2018\u2019\u201c\u201d", "''\"\"")


@dataclass(frozen=True, slots=True)
class Edit:
    """A proposed edit: the file relative to the repository (with `/`), its text before (None for a new file) and after.

    Of a notebook the code cells count, as one text of Python: `path` ends in `.py` then, `shown` never does.
    """

    path: str
    before: str | None
    after: str
    shown: str


def file_of(given: Mapping[str, Any]) -> str:
    """The path that an edit is about, as the CLI names it; empty where it names none."""
    path = given.get("file_path") or given.get("notebook_path")
    return path if isinstance(path, str) else ""


def inside(root: str, path: str) -> str | None:
    """A path relative to the repository with `/`, also where one of the two was reached by a symbolic link; blocks."""
    for top, inner in ((Path(root), Path(path)), (Path(root).resolve(), Path(path).resolve())):
        if inner.is_absolute() and inner.is_relative_to(top) and ".." not in inner.parts:
            return inner.relative_to(top).as_posix()
    return None


def proposed(tool: str, given: Mapping[str, Any], root: str, cwd: str = "") -> Edit | None:
    """The edit, or None where there is nothing to weigh; reads the file, so it blocks.

    Nothing to weigh: a file outside of the repository, one that is no text or too large, an edit that does not fit
    (the CLI refuses that itself).
    """
    named = file_of(given)
    path = inside(root, str(Path(cwd, named))) if named else None
    if path is None:
        return None
    file = Path(root, path)
    if tool == "NotebookEdit":
        return _in_notebook(path, file, given)
    before = _text(file)
    if before is None and file.exists():
        return None
    after = _whole(given) if tool == "Write" else _edited(before or "", _edits(given))
    return None if after is None or after == before else Edit(path, before, after, path)


def _whole(given: Mapping[str, Any]) -> str | None:
    content = given.get("content")
    return content.replace("\r\n", "\n") if isinstance(content, str) else None


def _edits(given: Mapping[str, Any]) -> Sequence[Any]:
    edits = given.get("edits")
    return edits if isinstance(edits, list) else [given]


def _edited(text: str, edits: Sequence[Any]) -> str | None:
    """The text after all replacements, each in the result of the one before."""
    for edit in edits:
        old, new = (edit.get(name) if isinstance(edit, dict) else None for name in ("old_string", "new_string"))
        if not isinstance(old, str) or not isinstance(new, str):
            return None
        if not old:
            text = new
            continue
        exact = old in text
        # The CLI also finds a text whose quotes are curly in the file; that changes no length.
        wanted, seen = (old, text) if exact else (old.translate(_QUOTES), text.translate(_QUOTES))
        if wanted not in seen:
            return None
        if edit.get("replace_all") is True and exact:
            text = text.replace(old, new)
        else:
            at = seen.index(wanted)
            text = text[:at] + new + text[at + len(wanted) :]
    return text


def _in_notebook(path: str, file: Path, given: Mapping[str, Any]) -> Edit | None:
    text = _text(file)
    try:
        notebook = json.loads(text or "")
        cells = [dict(cell) for cell in notebook["cells"]]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    before = _code(cells)
    source, mode, named = given.get("new_source"), given.get("edit_mode") or "replace", given.get("cell_id")
    at = next((n for n, cell in enumerate(cells) if named and named in (cell.get("id"), f"cell-{n}")), -1)
    if mode == "delete":
        cells[at : at + 1] = []
    elif mode == "insert" and isinstance(source, str):
        cells.insert(at + 1, {"cell_type": given.get("cell_type"), "source": source})
    elif at >= 0 and isinstance(source, str):
        cells[at] |= {"source": source, "cell_type": given.get("cell_type") or cells[at].get("cell_type")}
    else:
        return None
    after = _code(cells)
    return Edit(f"{path}.py", before, after, path) if after != before else None


def _code(cells: Sequence[Mapping[str, Any]]) -> str:
    sources = [cell.get("source") for cell in cells if cell.get("cell_type") == "code"]
    return "\n".join("".join(map(str, source)) if isinstance(source, list) else str(source) for source in sources)


def _text(file: Path) -> str | None:
    """The file's text with plain line ends; None where there is none, or none that can be weighed."""
    try:
        if not file.is_file() or file.stat().st_size > MOST_BYTES:
            return None
        return file.read_bytes().decode("utf-8").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError):
        return None
