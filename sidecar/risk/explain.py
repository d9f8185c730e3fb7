"""Says in sentences, with their evidence, what made a score. Every feature's effect is listed; not each gets words.

Features that tell of the same thing (four that count repairs, say) share one sentence: it goes to the one with the
largest effect in the direction in which they pull together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sidecar.core.review import Reason, RiskReport
from sidecar.risk.code import Reading
from sidecar.risk.facts import Facts
from sidecar.risk.features import LEVEL, MESSAGE

_WORTH_SAYING = 0.05
"""Log-odds below which a theme stays without words."""
_MOST_HUNK_REASONS = 3


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a sentence may draw on."""

    values: Mapping[str, float]
    parts: Mapping[str, float]
    reading: Reading
    facts: Facts

    def count(self, name: str) -> int:
        return round(self.values.get(name, 0))


def explain_change(
    values: Mapping[str, float], parts: Mapping[str, float], reading: Reading, facts: Facts
) -> tuple[Reason, ...]:
    """All features with their effects, the largest first. Their sum and the head's base are the logit of the score."""
    words: dict[str, str] = {}
    seen = _Seen(values, parts, reading, facts)
    for names, sentence in _THEMES:
        here = {name: parts[name] for name in names if name in parts}
        total = sum(here.values())
        if abs(total) >= _WORTH_SAYING:
            words[max(here, key=lambda name: here[name] * total)] = sentence(seen)
    reasons = [Reason(name, values[name], effect, words.get(name, "")) for name, effect in parts.items()]
    reasons.sort(key=lambda reason: (-abs(reason.effect), reason.feature))
    if not facts.history:
        reasons.append(Reason("history", 0.0, 0.0, _NO_HISTORY))
    elif not facts.traced:
        reasons.append(Reason("repairs", 0.0, 0.0, _NO_REPAIRS))
    elif facts.level is None:
        reasons.append(Reason(LEVEL, 0.0, 0.0, _NO_LEVEL))
    return tuple(reasons)


_NO_HISTORY = "No history is known here: what files and author did before is left out, not taken as nothing."
_NO_REPAIRS = (
    "Which lines earlier fixes repaired, and so how earlier changes fared, is not known (yet): it is left out, not taken "
    "as nothing."
)
_NO_LEVEL = "How earlier changes here fared could not be told: it is left out, not taken as nothing."


def explain_nothing() -> tuple[Reason, ...]:
    """The one reason of a change that adds no production code."""
    return (Reason("no_code", 0.0, 0.0, "The change adds no production code, so there is nothing to score."),)


def explain_lines(lines: Sequence[Mapping[str, float]], parts: Mapping[str, float]) -> tuple[Reason, ...]:
    """Why a hunk has more of its change's risk than others: at most three reasons, the strongest first.

    `parts` are the line model's effects of what has `LINE_WORDS`, averaged over the hunk; they are relative to the average line.
    """
    found: list[Reason] = []
    for name, sentence in LINE_WORDS.items():
        effect = parts.get(name, 0.0)
        if effect >= _WORTH_SAYING:
            value = max(line[name] for line in lines)
            count = sum(line[name] > 0 for line in lines)
            text = sentence(round(value), count)
            if value > 0 and text:
                found.append(Reason(name, value, effect, text))
    found.sort(key=lambda reason: -reason.effect)
    return tuple(found[:_MOST_HUNK_REASONS])


def headline(report: RiskReport) -> str:
    """The score in one sentence, as a frequency."""
    if not report.files and not report.skipped:
        return "Nothing is changed, so there is nothing to score."
    if not report.files:
        return "The change adds no production code, so there is nothing to score."
    return f"Of 100 changes like this, about {max(1, round(report.score * 100))} were repaired later."


def main_reasons(report: RiskReport, most: int = 3) -> tuple[Reason, ...]:
    """The reasons with words, the strongest first."""
    return tuple(reason for reason in report.reasons if reason.text)[:most]


def plural(count: int, one: str, many: str | None = None) -> str:
    """A number with its noun: `1 file`, `3 files`."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def _size(seen: _Seen) -> str:
    branches = seen.count("branches")
    where = plural(seen.count("prod_nf"), "production file")
    tokens = plural(seen.count("tokens"), "token")
    return f"It adds {tokens} of code in {where}, with {plural(branches, 'branch', 'branches') if branches else 'no branch'}."


def _depth(seen: _Seen) -> str:
    return f"Its most deeply nested line is indented by {plural(seen.count('indent_max'), 'column')}."


def _made(seen: _Seen) -> str:
    calls, indexes, sums = (seen.count(name) for name in ("n_call", "n_index", "n_arithmetic"))
    busiest = f"{plural(seen.count('calls_max'), 'bracket')} and {plural(seen.count('dots_max'), 'dot')}"
    return (
        f"Of its {plural(seen.count('lines'), 'line')} of new code {calls} have a call or bracket, {indexes} an index, "
        f"{sums} a calculation; the busiest have {busiest}."
    )


def _tests(seen: _Seen) -> str:
    added = seen.count("test_la")
    if not added:
        return "It adds nothing to tests."
    return f"It adds {plural(added, 'line')} to tests."


def _repairs(seen: _Seen) -> str:
    files = [(seen.facts.of(file.path), file.path) for file in seen.reading.files]
    worst, path = max(files, key=lambda item: (item[0].fixes, item[0].changes))
    if not worst.fixes:
        return "None of its files was repaired before."
    newest = ", ".join(worst.fix_commits)
    evidence = f" ({'newest: ' if worst.fixes > len(worst.fix_commits) else ''}{newest})" if newest else ""
    return f"{path} was repaired {times(worst.fixes)} in {plural(worst.changes, 'change')} before{evidence}."


def _churn(seen: _Seen) -> str:
    if not seen.count("nuc"):
        return "Its files have no history yet."
    changed = times(seen.count("nuc"))
    age = _days(seen.values["age"])
    return f"Its files were changed {changed} before by {plural(seen.count('ndev'), 'author')}, on average {age} ago."


def _author(seen: _Seen) -> str:
    exp = seen.count("exp")
    if not exp:
        return "It is the author's first commit here."
    near = seen.count("sexp")
    first = _days(seen.values["dev_days"])
    return f"Its author has {plural(exp, 'earlier commit')} here, the first {first} ago, and touched these folders {times(near)}."


def _repository(seen: _Seen) -> str:
    return f"Of 100 recent commits here, about {round(seen.values['fix_rate'] * 100)} were fixes."


def _message(seen: _Seen) -> str:
    fix = "speaks of a fix" if seen.values["fix"] else "does not speak of a fix"
    return f"The message has {plural(seen.count('msg_len'), 'character')} and {fix}."


def times(count: int) -> str:
    """How often, in words: `never`, `once`, `twice`, `3 times`."""
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


def _days(days: float) -> str:
    if days < 1:
        return "less than a day"
    if days < 60:
        return plural(round(days), "day")
    return plural(round(days / 30.44), "month") if days < 730 else plural(round(days / 365.25), "year")


def _repaired(seen: _Seen) -> str:
    files = [(seen.facts.of(file.path).repairs, file.path) for file in seen.reading.files]
    worst, path = max(files, key=lambda item: (item[0].heat, item[1]))
    usual = f"about {worst.expected:.0f} would be usual" if worst.expected >= 1 else "less than one would be usual"
    if not worst.found:
        return f"No line that earlier commits wrote in its files was repaired; {usual}."
    newest = ", ".join(worst.fixes)
    return f"In {path} lines of {plural(worst.found, 'earlier commit')} were repaired ({newest}); {usual}."


def _repaired_here(seen: _Seen) -> str:
    here = seen.facts.here
    return (
        f"Of the newest commits here {here.found} had lines repaired by now; about {here.expected:.0f} would be usual."
    )


def _fared(seen: _Seen) -> str:
    level = seen.facts.level
    if level is None or not level.changes:
        return "Too few changes were made here to say how they fared."
    compared = "more" if seen.parts[LEVEL] > 0 else "less"
    return (
        f"Of {plural(level.changes, 'earlier change')} here {level.found} were known to be repaired, where the same model "
        f"would have said {level.told:.0f}: {compared} than in other repositories."
    )


_SIZES = (
    "tokens", "branches", "prod_nf", "lines", "names", "names_all", "names_once", "tokens_max", "tokens_mean", "hunk_max",
    "replacing",
)  # fmt: skip
_FORMS = (
    "n_arithmetic", "n_number", "n_call", "n_index", "n_comma", "n_exit", "n_assign", "calls_max", "dots_max",
)  # fmt: skip
_THEMES: tuple[tuple[tuple[str, ...], Callable[[_Seen], str]], ...] = (
    (_SIZES, _size),
    (("indent_max", "indent_mean"), _depth),
    (_FORMS, _made),
    (("test_la",), _tests),
    (("fix_density", "nfix_max", "nfix_sum", "r_nfix_sum"), _repairs),
    (("nuc", "ndev", "age", "r_age", "r_ndev"), _churn),
    (("exp", "sexp", "dev_days", "r_sexp"), _author),
    (("rep_file", "rep_heat", "rep_folder"), _repaired),
    (("rep_here",), _repaired_here),
    ((LEVEL,), _fared),
    (("fix_rate",), _repository),
    (MESSAGE, _message),
)

LINE_WORDS: dict[str, Callable[[int, int], str]] = {
    "f_nfix": lambda value, _: f"This file was repaired {times(value)} before.",
    "ntok": lambda value, _: f"Its longest line has {plural(value, 'token')}.",
    "indent": lambda value, _: f"It is nested {plural(value, 'column')} deep.",
    "branch": lambda _, count: (
        f"{plural(count, 'line')} of it {'chooses' if count == 1 else 'choose'} a way (if, for, catch, …)."
    ),
    "arithmetic": lambda _, count: f"{plural(count, 'line')} of it {'calculates' if count == 1 else 'calculate'}.",
    "call": lambda _, count: f"{plural(count, 'line')} of it {'calls' if count == 1 else 'call'} something.",
    "index": lambda _, count: f"{plural(count, 'line')} of it {'takes' if count == 1 else 'take'} something by index.",
    "hunk_del": lambda value, _: f"It replaces {plural(value, 'line')}.",
    "calls": lambda value, _: f"A line of it has {plural(value, 'call or bracket', 'calls or brackets')}.",
    "rare": lambda value, _: f"A line of it has {plural(value, 'name')} that nothing else in the change has.",
}
"""Sentences for a hunk: from the largest value of a feature and the number of lines that have it."""
