"""Answers of a scripted model that reviews, changes and reports from strings, and a way to a scripted provider."""

from __future__ import annotations

import json
from typing import Any

from sidecar.core.diff import Change, FileDiff, Hunk
from sidecar.core.review import FileRisk, HunkRisk, LineRisk, RiskReport
from sidecar.critique.prompt import TOOL
from tests.fakes.upstream import Seen, Turn, answer, text, tool_use

Json = dict[str, Any]


def said(*comments: Json, summary: str = "It adds a thing.", files: Any = (), checklist: Any = ("Try it.",)) -> Json:
    """The tool's arguments."""
    notes = [{"file": file, "note": note} for file, note in files]
    return {"summary": summary, "files": notes, "checklist": list(checklist), "comments": list(comments)}


def comment(file: str, line: Any, quote: str = "", **more: Any) -> Json:
    """One comment as a model writes it."""
    told = {"severity": "high", "title": "Unchecked", "body": "It is not checked; check it."}
    return {"file": file, "line": line, "quote": quote, **told, **more}


def called(*comments: Json, **more: Any) -> Turn:
    """An answer that calls the tool."""
    return answer(tool_use(TOOL, said(*comments, **more)))


def fenced(*comments: Json, **more: Any) -> Turn:
    """An answer with JSON in a fence."""
    return answer(text(f"Here it is:\n```json\n{json.dumps(said(*comments, **more))}\n```\n"))


def asked_text(seen: Seen) -> str:
    """All that the model was told in one request, of either wire."""
    content = [message["content"] for message in seen.body["messages"]]
    return "\n".join(c if isinstance(c, str) else "\n".join(part.get("text", "") for part in c) for c in content)


def file(path: str, *hunks: tuple[int, list[str], list[str]], status: Any = "modified", **more: Any) -> FileDiff:
    """A file whose hunks are (first line on the new side, removed, added)."""
    made = []
    shift = 0
    for start, removed, added in hunks:
        new = start if added else start - 1
        old = start - shift if removed else start - shift - 1
        made.append(Hunk(old, new, tuple(removed), tuple(added)))
        shift += len(added) - len(removed)
    return FileDiff(path, status, hunks=tuple(made), **more)


def change(*files: FileDiff) -> Change:
    return Change(files=files)


def scored(*risks: tuple[str, int, int, float], score: float = 0.5, band: Any = "high") -> RiskReport:
    """A report with these hunks: (file, first, last, score)."""
    hunks = [
        HunkRisk(path, a, b, risk, tuple(LineRisk(line, risk) for line in range(a, b + 1)))
        for path, a, b, risk in risks
    ]
    files = tuple(FileRisk(path, score) for path in dict.fromkeys(hunk.file for hunk in hunks))
    return RiskReport(score=score, band=band, base=-1.0, model="test@1", files=files, hunks=tuple(hunks))
