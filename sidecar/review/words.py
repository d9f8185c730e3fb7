"""What a review says, in words: a probability as cases out of a hundred, reasons as a short list, names made harmless."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sidecar.core.review import Band, Evidence, Finding, HunkRisk, Reason, RiskReport, Suggestion
from sidecar.risk.paths import extension

MOST_REASONS = 3
MOST_EVIDENCE = 6
_MOST_BESIDE = 1

_SEVERITY: dict[Band, str] = {
    "low": "Low risk",
    "medium": "Some risk",
    "high": "High risk",
    "critical": "Very high risk",
}
_MARKUP = re.compile(
    r"[\\`*\[\]<~]"
    r"|(?<![^\W_])_|_(?![^\W_])"
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

    Why this place comes first, then why this change, then what the history shows of it; the lead is what lists of comments show of it.
    """
    proof = [reason for reason in hunk.reasons if reason.effect == 0 and reason.text][: MOST_REASONS - 1]
    said = reasons([*_telling(hunk.reasons), *_telling(report.reasons)], MOST_REASONS - len(proof)) + reasons(proof)
    if not said:
        return f"**{title(band)}.** {placed(hunk, report)}"
    first, *more = said
    lead = f"**{title(band)}.** {first.removeprefix('- ')}"
    return "\n\n".join(filter(None, [lead, "\n".join(more), placed(hunk, report)]))


def head(finding: Finding) -> str:
    """The head of a thread about a finding, in place of a degree of risk."""
    return f"{'Hazard' if finding.hazard else 'Worth a look'}: {finding.title}"


def found(findings: Sequence[Finding], risk: str = "", mend: Suggestion | None = None) -> str:
    """The first comment of a thread about findings, as Markdown: what stands there, why it matters, what to do.

    The gravest is told in full, with the `mend` that can be applied, at most two more in a line each; `risk` is what
    the score says of the place.
    """
    first, *others = findings
    parts = [f"**{head(first)}.** {escape(first.what)}", f"{escape(first.why)} {marked(first.remedy)}"]
    parts.append(suggested(mend, first.file) if mend else "")
    told = dict.fromkeys(
        f"- {escape(f'{head(one)}. {one.what}')} {marked(one.remedy)}" for one in others if one != first
    )
    parts.append("\n".join(list(told)[: MOST_REASONS - 1]))
    return "\n\n".join(filter(None, [*parts, risk]))


def suggested(mend: Suggestion, path: str) -> str:
    """What a comment offers to put in, as Markdown; the lines stand in a fence that they cannot leave."""
    if not mend.now:
        return "Suggested: take the line out." if len(mend.was) == 1 else "Suggested: take the lines out."
    lines = [_UNSEEN.sub(_shown, line.expandtabs(4)) for line in mend.now]
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    name = re.fullmatch(r"\.(\w{1,12})", extension(path))
    return "\n".join(["Suggested in its place:", "", f"{fence}{name[1] if name else ''}", *lines, fence])


def beside(findings: Sequence[Finding]) -> list[str]:
    """What rules found on risky lines, a line more in the comment on these: the first kinds, each once."""
    told = dict.fromkeys(f"{escape(f'{head(one)}.')} {marked(one.remedy)}" for one in findings)
    return list(told)[:_MOST_BESIDE]


def whole(finding: Finding) -> str:
    """All that is said of a finding, in one paragraph of Markdown."""
    return f"**{head(finding)}.** {escape(f'{finding.what} {finding.why}')} {marked(finding.remedy)}"


def evidence(hunk: HunkRisk, report: RiskReport) -> tuple[Evidence, ...]:
    """What a thread's first comment rests on, each once: the commits that its reasons, or those of its file, name, then the rest."""
    said = [*_telling(hunk.reasons), *_telling(report.reasons)]
    shown = list(dict.fromkeys(reason.text for reason in said))[:MOST_REASONS]
    proof = [reason.text for reason in hunk.reasons if reason.effect == 0]
    texts = [*proof, *shown, *(reason.text for reason in said if reason.text.startswith(f"{hunk.file} "))]
    ids = dict.fromkeys(id_ for text in texts for id_ in _COMMIT.findall(text))
    return (*(Evidence("commit", id_, id_) for id_ in list(ids)[:MOST_EVIDENCE]), *hunk.evidence)


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
    return _literal(text.strip())


def marked(text: str) -> str:
    """A sentence of ours as Markdown: what stands between its backticks is code, all else is just this text."""
    return "".join(code(part) if at % 2 else _literal(part) for at, part in enumerate(text.strip().split("`")))


def plain(text: str) -> str:
    """Text for a terminal, on one line: nothing invisible, no markup added."""
    return " ".join(_UNSEEN.sub(_shown, text).split())


def code(text: str) -> str:
    """Text as inline code, whatever it holds."""
    plain = _UNSEEN.sub(_shown, text)
    longest = max((len(run) for run in re.findall("`+", plain)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if plain[:1] in {"`", " ", ""} or plain[-1:] in {"`", " "} else ""
    return f"{fence}{pad}{plain}{pad}{fence}"


_FENCE = re.compile(r"(`{3,})[^`]*|(~{3,}).*")
_SPAN = re.compile(r"(?<!`)(`+)(?!`)[^|]*?(?<!`)\1(?!`)")
_LEADS_AWAY = re.compile(r"(?<=\])(?=[(\[:])|(?<=!)(?=\[)")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")


def defuse(markdown: str) -> str:
    """A model's Markdown without what could lead or send anything elsewhere: links, images and HTML are shown as text.

    Code stays as it is where every reader of Markdown takes it for code: spans that begin and end on one line, and
    fences at its edge; other marks of code lose their meaning. Invisible and control characters are shown by their numbers.
    """
    told, fence = [], ""
    for raw in markdown.splitlines():
        line = _UNSEEN.sub(_shown, raw.replace("\t", "    "))
        opened = _FENCE.fullmatch(line)
        if fence:
            fence = "" if re.fullmatch(f" {{0,3}}{fence[0]}{{{len(fence)},}} *", line) else fence
        elif opened:
            fence = opened[1] or opened[2]
        else:
            line = _harmless_line(line)
        told.append(line)
    return "\n".join([*told, *([fence] if fence else [])])


def _harmless_line(line: str) -> str:
    """A line outside of fences. Marks of code that have no partner on it could find one elsewhere, so they go."""
    plain = "|" in line or "\\`" in line or "`" in _SPAN.sub("", line)
    told, at = [], 0
    for match in [] if plain else list(_SPAN.finditer(line)):
        told += [_harmless(line[at : match.start()]), match[0]]
        at = match.end()
    rest = line[at:].replace("`", "&#96;") if plain else line[at:]
    return "".join([*told, _harmless(rest)])


def _harmless(text: str) -> str:
    return _TAG.sub("&lt;", _LEADS_AWAY.sub(r"\\", text)).replace("~~~", "&#126;~~")


def _literal(text: str) -> str:
    return _UNSEEN.sub(_shown, _MARKUP.sub(_escaped, text))


def _telling(found: Iterable[Reason]) -> list[Reason]:
    return sorted((r for r in found if r.text and r.effect > 0), key=lambda r: (-r.effect, r.feature))


def _escaped(match: re.Match[str]) -> str:
    """A backslash before the last character, which is the one that makes it markup."""
    return f"{match[0][:-1]}\\{match[0][-1]}"


def _shown(match: re.Match[str]) -> str:
    return f"(U+{ord(match[0]):04X})"
