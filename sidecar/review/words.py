"""What a review says, in words: a probability as cases out of a hundred, reasons as a short list, names made harmless."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sidecar.core.review import Band, Evidence, HunkRisk, Reason, RiskReport

MOST_REASONS = 3
MOST_EVIDENCE = 6

_SEVERITY: dict[Band, str] = {
    "low": "Low risk",
    "medium": "Some risk",
    "high": "High risk",
    "critical": "Very high risk",
}
_MARKUP = re.compile(
    r"[\\`*\[\]<~]"
    r"|(?<!\w)_|_(?!\w)"
    r"|&(?=#?\w)"
    r"|^\s*[-+=>#]|^\s*\d+[.)]"
    r"|\b(?:https?|ftp|mailto|file|data|vscode|command):|\bwww\."
)
"""What Markdown would take for markup; a sign inside a word (`my_name`) is none."""

_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


_COMMIT = re.compile(r"(?<![\w./-])(?=[0-9a-f]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{7,40}(?![\w/-]|\.\w)")
"""A commit's id as our own sentences write it."""


def title(band: Band) -> str:
    """The head of a thread: how severe."""
    return _SEVERITY[band]


def cases(score: float) -> str:
    """A probability as a person says it: `about 31 of 100`, never a percentage of being wrong."""
    count = round(score * 100)
    if count < 1:
        return "fewer than 1 of 100"
    return "more than 99 of 100" if count > 99 else f"about {count} of 100"


def likelihood(report: RiskReport) -> str:
    """What a change's score means, as a sentence."""
    return f"Changes like this one were repaired later in {cases(report.score)} cases."


def placed(hunk: HunkRisk, report: RiskReport) -> str:
    """What the scores of a change and of one place in it mean, as a sentence; one number where they are the same."""
    if round(hunk.score * 100) == round(report.score * 100):
        return likelihood(report)
    return f"Changes like this one were repaired later in {cases(report.score)} cases; for these lines alone it is {cases(hunk.score)}."


def comment(hunk: HunkRisk, report: RiskReport, band: Band) -> str:
    """The first comment of a thread, as Markdown: severity with the strongest reason, at most two more, what it means.

    Why this place comes first, then why this change; the lead is what lists of comments show of it.
    """
    said = reasons([*_telling(hunk.reasons), *_telling(report.reasons)])
    if not said:
        return f"**{title(band)}.** {placed(hunk, report)}"
    first, *more = said
    lead = f"**{title(band)}.** {first.removeprefix('- ')}"
    return "\n\n".join(filter(None, [lead, "\n".join(more), placed(hunk, report)]))


def evidence(hunk: HunkRisk, report: RiskReport) -> tuple[Evidence, ...]:
    """The commits that a thread's first comment rests on, each once: those that its reasons, or those of its file, name."""
    said = [*_telling(hunk.reasons), *_telling(report.reasons)]
    shown = list(dict.fromkeys(reason.text for reason in said))[:MOST_REASONS]
    texts = [*shown, *(reason.text for reason in said if reason.text.startswith(f"{hunk.file} "))]
    ids = dict.fromkeys(id_ for text in texts for id_ in _COMMIT.findall(text))
    return tuple(Evidence("commit", id_, id_) for id_ in list(ids)[:MOST_EVIDENCE])


def reasons(found: Sequence[Reason], most: int = MOST_REASONS) -> list[str]:
    """The reasons as list items, each sentence once."""
    texts = dict.fromkeys(reason.text for reason in found if reason.text)
    return [f"- {escape(text)}" for text in list(texts)[:most]]


def raising(found: Iterable[Reason]) -> list[Reason]:
    """The reasons that have words and raise a score, the strongest first."""
    return _telling(found)


def escape(text: str) -> str:
    """Text as Markdown that shows just this text on one line: no markup, no link, nothing invisible.

    Control, direction and zero-width characters are shown by their numbers.
    """
    return _UNSEEN.sub(_shown, _MARKUP.sub(_escaped, text.strip()))


def code(text: str) -> str:
    """Text as inline code, whatever it holds."""
    plain = _UNSEEN.sub(_shown, text)
    longest = max((len(run) for run in re.findall("`+", plain)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if plain[:1] in {"`", " ", ""} or plain[-1:] in {"`", " "} else ""
    return f"{fence}{pad}{plain}{pad}{fence}"


def _telling(found: Iterable[Reason]) -> list[Reason]:
    return sorted((r for r in found if r.text and r.effect > 0), key=lambda r: (-r.effect, r.feature))


def _escaped(match: re.Match[str]) -> str:
    """A backslash before the last character, which is the one that makes it markup."""
    return f"{match[0][:-1]}\\{match[0][-1]}"


def _shown(match: re.Match[str]) -> str:
    return f"(U+{ord(match[0]):04X})"
