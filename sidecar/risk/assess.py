"""Assesses a change: a calibrated score with exact additive reasons, shared out over its files, hunks and lines.

A change's score P is the chance that a later fix repairs one of its lines. Its hazard, -log(1 - P), is shared among
the added lines of code by the line model; a part of the change with the share s has the score
1 - (1 - P) ** (s ** spread). So a part never scores above the whole, and a single line can be told beside a file.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sidecar.core.diff import Change
from sidecar.core.review import FileRisk, HunkRisk, LineRisk, RiskReport, Skipped
from sidecar.risk.code import CodeFile, CodeHunk, Reading, read
from sidecar.risk.explain import LINE_WORDS, explain_change, explain_lines, explain_nothing
from sidecar.risk.facts import Facts
from sidecar.risk.features import change_features, line_features, written_in
from sidecar.risk.model import Head, Model, effects, effects_of_rows
from sidecar.risk.moved import WHY_MOVED, Place, files_moved, moved


def assess(change: Change, facts: Facts, model: Model) -> RiskReport:
    """The risk of a change. `base` and the effects of all reasons add up to logit(score).

    A change that adds no production code, or only moves some, cannot be repaired later in the sense of the model; it
    gets the floor. Moved lines of another change have the score 0, whatever the change as a whole has.
    """
    reading = read(change, facts)
    head = model.head(history=facts.history, traced=facts.traced)
    there = moved(change, reading)
    gone = tuple(Skipped(path, WHY_MOVED) for path in files_moved(reading, there))
    reading = replace(reading, skipped=tuple(sorted((*reading.skipped, *gone), key=lambda item: item.file)))
    if not any((file.path, line.line) not in there for file in reading.files for line in file.lines):
        return _nothing(change, reading, model)
    values = change_features(change, reading, facts)
    parts = effects((*head.terms, *model.message), values, written_in(reading))
    score = _sigmoid(head.base + math.fsum(parts.values()))
    files, hunks = _share_out(reading, facts, head, score, there)
    return RiskReport(
        score=score,
        band=model.band(score),
        base=head.base,
        model=head.name,
        commit=change.commit,
        files=files,
        hunks=hunks,
        reasons=explain_change(values, parts, reading, facts),
        skipped=reading.skipped,
    )


def foretell(change: Change, facts: Facts, model: Model) -> float:
    """The score of an earlier change without what its message adds; the floor when it adds no production code.

    Moved code counts as new, in a change that does nothing else too: so it did where the level was weighed.
    """
    reading = read(change, facts)
    if not any(True for file in reading.files for _ in file.lines):
        return model.floor
    head = model.head(history=facts.history, traced=facts.traced)
    parts = effects(head.terms, change_features(change, reading, facts), written_in(reading))
    return _sigmoid(head.base + math.fsum(parts.values()))


def _nothing(change: Change, reading: Reading, model: Model) -> RiskReport:
    return RiskReport(
        score=model.floor,
        band=model.band(model.floor),
        base=math.log(model.floor / (1 - model.floor)),
        model=model.name,
        commit=change.commit,
        reasons=explain_nothing(),
        skipped=reading.skipped,
    )


@dataclass(frozen=True, slots=True)
class _Line:
    """An added line's number, its share of the change, and what its features add."""

    line: int
    share: float
    effects: dict[str, float]
    values: dict[str, float]


def _share_out(
    reading: Reading, facts: Facts, head: Head, score: float, there: frozenset[Place]
) -> tuple[tuple[FileRisk, ...], tuple[HunkRisk, ...]]:
    shared = iter(_shares(reading, facts, head))
    files: list[FileRisk] = []
    hunks: list[HunkRisk] = []
    for file in reading.files:
        of_file, listed = 0.0, False
        for hunk in file.hunks:
            all_lines = [next(shared) for _ in hunk.lines]
            lines = [line for line in all_lines if (file.path, line.line) not in there]
            if all_lines or hunk.kept:
                listed = True
                of_file += math.fsum(line.share for line in lines)
                hunks.append(_hunk_risk(file, hunk, lines, head, score))
        if listed:
            files.append(FileRisk(file.path, _part(score, of_file, head.spread)))
    return tuple(files), tuple(hunks)


def _hunk_risk(file: CodeFile, hunk: CodeHunk, lines: Sequence[_Line], head: Head, score: float) -> HunkRisk:
    total = math.fsum(line.share for line in lines)
    start, end = hunk.hunk.new_range
    names = lines[0].effects.keys() & LINE_WORDS.keys() if lines else ()
    mean = {name: math.fsum(line.share * line.effects[name] for line in lines) / total for name in names}
    # Lines that were only moved, re-indented or re-wrapped are as old as they were: nothing of the hazard is theirs.
    old = (*hunk.kept, *(line.line for line in hunk.lines))
    scores = dict.fromkeys(old, 0.0) | {line.line: _part(score, line.share, head.spread) for line in lines}
    return HunkRisk(
        file=file.path,
        start=start,
        end=end,
        score=_part(score, total, head.spread),
        lines=tuple(LineRisk(line, scores[line]) for line in sorted(scores)),
        reasons=explain_lines([line.values for line in lines], mean),
    )


def _shares(reading: Reading, facts: Facts, head: Head) -> list[_Line]:
    numbers = [line.line for file in reading.files for line in file.lines]
    features = list(line_features(reading, facts))
    added = effects_of_rows(head.lines, features)
    logits = [math.fsum(parts.values()) for parts in added]
    top = max(logits)
    weights = [math.exp(logit - top) for logit in logits]
    total = math.fsum(weights)
    return [
        _Line(number, weight / total, parts, values)
        for number, weight, parts, values in zip(numbers, weights, added, features, strict=True)
    ]


def _part(score: float, share: float, spread: float) -> float:
    """The score of a part of a change that holds this share of it."""
    return -math.expm1(math.log1p(-score) * min(1.0, share) ** spread)


def _sigmoid(logit: float) -> float:
    if logit >= 0:
        return 1 / (1 + math.exp(-logit))
    return math.exp(logit) / (1 + math.exp(logit))
