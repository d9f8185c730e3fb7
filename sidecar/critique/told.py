"""A review as Markdown for people and as JSON for programs. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

from sidecar.core.critique import SEVERITIES, Critique, NamedChange, Remark
from sidecar.core.review import Band
from sidecar.critique.opened import with_suggestion
from sidecar.review.forms import finding_json
from sidecar.review.words import code, escape

_MOST: Final = 100


def as_markdown(critique: Critique, named: NamedChange) -> str:
    """The whole review: summary, comments the gravest first, files, checklist, what was not read, facts."""
    return "\n".join(_lines(critique, named)).rstrip() + "\n"


def as_json(critique: Critique, named: NamedChange) -> dict[str, Any]:
    """The same as one object."""
    report = critique.report
    value = asdict(critique)
    value.pop("report")
    value["comments"] = [
        {
            "file": r["file"],
            "line": r["start"],
            "end_line": r["end"],
            **{k: r[k] for k in ("severity", "title", "body", "moved")},
            "suggestion": list(r["suggestion"]["now"]) if r["suggestion"] else None,
        }
        for r in value.pop("remarks")
    ]
    risk = {"score": report.score, "band": report.band} if report is not None else {"score": None, "band": None}
    findings = [finding_json(finding) for finding in report.findings] if report is not None else []
    return {"change": named.told(), **risk, "findings": findings, **value}


def gravest(critique: Critique) -> Band | None:
    """How grave the gravest comment is; None where there is none."""
    return max((remark.severity for remark in critique.remarks), key=SEVERITIES.index, default=None)


def _lines(critique: Critique, named: NamedChange) -> Iterator[str]:
    yield from (f"# Review of {escape(named.told())}", "", _who(critique), "")
    if critique.summary:
        yield from ("## Summary", "", critique.summary, "")
    yield from _comments(critique)
    if critique.files:
        yield from ("## Files", "")
        yield from (f"- {code(path)}: {_flat(note)}" for path, note in list(critique.files.items())[:_MOST])
        yield ""
    if critique.checklist:
        yield from ("## Before merging", "", *(f"- [ ] {_flat(item)}" for item in critique.checklist), "")
    if critique.unread:
        yield from ("## Not read", "")
        yield from (f"- {code(each.place)}: {escape(each.why)}" for each in critique.unread)
        yield ""
    if critique.dropped:
        yield from ("## Comments without a place in the change", "", "They were not taken:", "")
        yield from (
            f"- {code(f'{each.file}:{each.line}')} {escape(each.title)} ({escape(each.why)})"
            for each in critique.dropped
        )
        yield ""
    if critique.facts:
        yield from (
            "## What is known without a model" if critique.by == "model" else "## Facts",
            "",
            critique.facts,
            "",
        )


def _who(critique: Critique) -> str:
    if critique.by == "facts":
        return "\n\n".join(f"*{note}*" for note in critique.notes)
    asked = f"By {critique.model} ({critique.provider})"
    how = "kept from before: the change is the same" if critique.cached else f"{_many(critique.requests, 'request')}"
    parts = f", in {critique.parts} parts, the riskiest first" if critique.parts > 1 else ""
    told = [f"*{asked}{parts}; {how}. A model can be wrong: each comment is a question to you.*"]
    return "\n\n".join([*told, *(f"*{escape(note)}*" for note in critique.notes)])


def _comments(critique: Critique) -> Iterator[str]:
    yield from ("## Comments", "")
    if not critique.remarks:
        yield from ("None." if critique.by == "model" else "No place stands out.", "")
    ranked = sorted(critique.remarks, key=lambda r: (-SEVERITIES.index(r.severity), r.file, r.start))
    for remark in ranked:
        title = f" {escape(remark.title).rstrip('.')}." if remark.title else ""
        moved = " *(the model named another line; the text it quoted decided)*" if remark.moved else ""
        yield from (
            f"### {remark.severity.capitalize()}: {code(_place(remark))}",
            "",
            f"**{title.strip()}**{moved}".replace("****", ""),
            "",
            with_suggestion(remark),
            "",
        )


def _place(remark: Remark) -> str:
    return f"{remark.file}:{remark.start}" + (f"-{remark.end}" if remark.end != remark.start else "")


def _flat(text: str) -> str:
    return " ".join(text.split())


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
