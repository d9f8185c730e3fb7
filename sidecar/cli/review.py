"""`sidecar review`: a review of a change in words, by the configured model or from facts."""

from __future__ import annotations

import asyncio
import re
import sys
from typing import Annotated, Final

import typer

from sidecar.app import Sidecar
from sidecar.cli.options import Json, Provider, Quiet, Workspace
from sidecar.cli.output import Output, paint
from sidecar.cli.within import settings_for, within
from sidecar.core.critique import SEVERITIES, Critique, Limits, NamedChange, Wish
from sidecar.core.errors import BadInput
from sidecar.critique.named import ranged
from sidecar.critique.told import as_json, as_markdown, gravest

_LIMITS: Final = Limits()
_COLORS: Final = {"Critical": "red", "High": "red", "Medium": "yellow", "Low": "green"}
_GRAVE: Final = re.compile(rf"^### ({'|'.join(_COLORS)}):(.*)$")

Staged = Annotated[bool, typer.Option("--staged", help="What the next commit would hold.")]
Base = Annotated[str | None, typer.Option("--base", metavar="REV", help="HEAD against where it left REV.")]
Range = Annotated[str | None, typer.Option("--range", metavar="A..B", help="B against A.")]
Commit = Annotated[str | None, typer.Option("--commit", metavar="REV", help="One commit against its first parent.")]
Model = Annotated[str, typer.Option("--model", metavar="NAME", help="The model to ask.  [default: by the settings]")]
NoModel = Annotated[bool, typer.Option("--no-model", help="Facts alone: nothing is sent.")]
Focus = Annotated[str, typer.Option("--focus", metavar="TEXT", help="What to mind above all, such as security.")]
Refresh = Annotated[bool, typer.Option("--refresh", help="Ask again though this change was reviewed before.")]
NoThreads = Annotated[bool, typer.Option("--no-threads", help="Make no threads of the comments for the editor.")]
MostTokens = Annotated[int, typer.Option("--max-tokens", min=1_000, help="Tokens of the change to send at most.")]
Seconds = Annotated[float, typer.Option("--seconds", min=1.0, help="How long it may take.")]
FailOver = Annotated[
    str,
    typer.Option(
        "--fail-over",
        metavar="X",
        help="Exit 1 when the risk score is above X (0..1), or a comment graver than X (low, medium, high).",
    ),
]


def review(  # noqa: PLR0913 - one parameter an option
    *,
    staged: Staged = False,
    base: Base = None,
    range_: Range = None,
    commit: Commit = None,
    provider: Provider = None,
    model: Model = "",
    no_model: NoModel = False,
    focus: Focus = "",
    refresh: Refresh = False,
    no_threads: NoThreads = False,
    max_tokens: MostTokens = _LIMITS.tokens,
    seconds: Seconds = _LIMITS.seconds,
    fail_over: FailOver = "",
    workspace: Workspace = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Review a change in words; by default the uncommitted one."""
    named = _named(staged=staged, base=base, range_=range_, commit=commit)
    limit = _limit(fail_over)
    out = Output(json, quiet)
    limits = Limits(tokens=max_tokens, part_tokens=min(max_tokens, _LIMITS.part_tokens), seconds=seconds)
    wish = Wish(limits, model, focus, refresh, by_model=not no_model)
    hear = out.say if sys.stderr.isatty() else out.detail

    async def act(sidecar: Sidecar) -> Critique:
        reviewer = await asyncio.to_thread(lambda: sidecar.reviewer)
        return await reviewer.review(named, wish, lambda _done, _total, said: hear(f"{said} …"), threads=not no_threads)

    critique = within(settings_for(workspace, provider), act)
    if json:
        out.record(as_json(critique, named))
    else:
        out.data("\n".join(_painted(line) for line in as_markdown(critique, named).splitlines()))
    return _verdict(critique, limit, out)


def _named(*, staged: bool, base: str | None, range_: str | None, commit: str | None) -> NamedChange:
    """The one change that is named. Raises BadInput for two of them."""
    named = {
        "--staged": NamedChange("staged") if staged else None,
        "--base": NamedChange("base", base) if base is not None else None,
        "--range": ranged(range_) if range_ is not None else None,
        "--commit": NamedChange("commit", head=commit) if commit is not None else None,
    }
    given = {name: one for name, one in named.items() if one is not None}
    if len(given) > 1:
        raise BadInput(f"{' and '.join(given)} cannot go together; name one of them.")
    return next(iter(given.values()), NamedChange())


def _limit(fail_over: str) -> float | str:
    """A score, a severity, or nothing (an empty text). Raises BadInput."""
    if fail_over in {"", *SEVERITIES}:
        return fail_over
    try:
        score = float(fail_over)
    except ValueError:
        score = -1.0
    if not 0 <= score <= 1:
        raise BadInput(f"--fail-over wants a score from 0 to 1, or one of {', '.join(SEVERITIES)}; got {fail_over!r}.")
    return score


def _verdict(critique: Critique, limit: float | str, out: Output) -> int:
    if critique.by == "model" and critique.unread:
        out.say(f"Not everything was read: {len(critique.unread)} places are listed with the reason.")
    if isinstance(limit, float):
        score = critique.report.score if critique.report is not None else 0.0
        if score > limit:
            out.complain(f"The score {score:.2f} is above {limit:g}.")
        return int(score > limit)
    worst = gravest(critique)
    over = bool(limit) and worst is not None and SEVERITIES.index(worst) > [*map(str, SEVERITIES)].index(limit)
    if over:
        out.complain(f"A comment is {worst}, which is graver than {limit}.")
    return int(over)


def _painted(line: str) -> str:
    """A line of Markdown with colours on a terminal: headings bold, severities by what they mean."""
    grave = _GRAVE.match(line)
    if grave is not None:
        return f"### {paint(grave[1], _COLORS[grave[1]])}:{paint(grave[2], 'bold')}"
    return paint(line, "bold") if line.startswith("#") else paint(line, "dim") if line.startswith("*") else line
