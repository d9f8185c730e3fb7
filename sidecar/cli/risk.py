"""`sidecar risk`: scores a change, or many commits, and prints it for people, programs and code scanners."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, fields, replace
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from sidecar.cli.options import Json, Quiet, Verbose
from sidecar.cli.output import Output
from sidecar.cli.riskreport import as_text
from sidecar.core.critique import NamedChange
from sidecar.core.diff import Change
from sidecar.core.errors import BadInput, SetupError, StoreError
from sidecar.core.review import RiskReport
from sidecar.critique.named import change_of, ranged
from sidecar.history.kept import KeptTraces
from sidecar.review.buffers import change_with
from sidecar.review.forms import as_json, as_sarif
from sidecar.review.scorer import RiskScorer, Unscored
from sidecar.risk.explain import plural
from sidecar.settings import environment, from_machine
from sidecar.store.runtime import open_folder
from sidecar.testruns.seen import LastReport
from sidecar.vcs import worktree
from sidecar.vcs.runner import Git


class Format(Enum):
    """How a report is printed."""

    text = "text"
    json = "json"
    jsonl = "jsonl"
    sarif = "sarif"


Repo = Annotated[
    str, typer.Option("--repo", metavar="DIR", help="The repository, bare or not.  [default: this folder]")
]
WorkingTree = Annotated[bool, typer.Option("--working-tree", help="The uncommitted change (this is the default).")]
Staged = Annotated[bool, typer.Option("--staged", help="What the next commit would hold.")]
Base = Annotated[str | None, typer.Option("--base", metavar="REV", help="HEAD against where it left REV.")]
Range = Annotated[str | None, typer.Option("--range", metavar="A..B", help="B against A.")]
Commits = Annotated[
    str | None,
    typer.Option(
        "--commits", metavar="FILE|-", help="Each commit named in the file, one a line, against its first parent."
    ),
]
Patch = Annotated[str | None, typer.Option("--patch", metavar="FILE|-", help="A patch, as if it were applied here.")]
Buffer = Annotated[
    str | None,
    typer.Option("--buffer", metavar="FILE", help="The working tree with FILE as it comes on standard input, unsaved."),
]
FormatOption = Annotated[
    Format | None, typer.Option("--format", help="How to print.  [default: text; jsonl for --commits]")
]
FailOver = Annotated[
    float | None,
    typer.Option("--fail-over", metavar="X", min=0.0, max=1.0, help="Exit 1 when a score is above X (0..1)."),
]
FailOnHazard = Annotated[
    bool, typer.Option("--fail-on-hazard", help="Exit 1 when there is a plain hazard: a secret, a conflict marker, …")
]


def risk(  # noqa: PLR0913 - the options of the command, as the command line wants them
    *,
    repo: Repo = ".",
    working_tree: WorkingTree = False,
    staged: Staged = False,
    base: Base = None,
    range_: Range = None,
    commits: Commits = None,
    patch: Patch = None,
    buffer: Buffer = None,
    format_: FormatOption = None,
    fail_over: FailOver = None,
    fail_on_hazard: FailOnHazard = False,
    json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> int:
    """Score how likely it is that a later fix repairs a change; by default the uncommitted one."""
    choice = _Choice(working_tree, staged, base, range_, commits, patch, buffer)
    form = format_ or (Format.json if json else Format.jsonl if commits else Format.text)
    out = Output(json, quiet, verbose)
    gate = _Gate(fail_over, fail_on_hazard)
    if commits is not None:
        return _score_commits(repo, commits, form, gate, out)
    report = _score(repo, choice, out)
    _print([report], form, out)
    return _verdict(report, gate, out)


@dataclass(frozen=True)
class _Gate:
    """What makes the command end with 1."""

    score: float | None
    hazards: bool

    def stops(self, report: RiskReport) -> list[str]:
        """Why a report is not let through, a sentence each."""
        found = sum(finding.hazard for finding in report.findings) if self.hazards else 0
        said = [f"There {'is' if found == 1 else 'are'} {plural(found, 'plain hazard')} in it."] if found else []
        if self.score is not None and report.score > self.score:
            said.append(f"The score {report.score:.2f} is above {self.score:g}.")
        return said


@dataclass(frozen=True)
class _Choice:
    """What is to be scored; at most one of it may be named."""

    working_tree: bool
    staged: bool
    base: str | None
    range: str | None
    commits: str | None
    patch: str | None
    buffer: str | None

    def __post_init__(self) -> None:
        given = [
            f"--{one.name.replace('_', '-')}" for one in fields(self) if getattr(self, one.name) not in (None, False)
        ]
        if len(given) > 1:
            raise BadInput(f"{' and '.join(given)} cannot go together; name one of them.")


def _score(repo: str, choice: _Choice, out: Output) -> RiskReport:
    git = Git.open_blocking(Path(repo))
    change = _change(git, choice)
    if change.base is None and change.files:
        out.detail("The repository has no commit yet, so nothing is known of its history.")
    return _scorer(git, out).evident_blocking(change)


def _scorer(git: Git, out: Output) -> RiskScorer:
    """A scorer that reads the history once: what it read is kept where this repository's state is."""
    try:
        state = from_machine({"server.workspace": git.root}).state
        return RiskScorer(git, traces=KeptTraces(open_folder(state)) if state else None, tests=LastReport(git.root))
    except (SetupError, StoreError) as error:
        out.detail(f"What is read of the history will not be kept: {error.sentence}")
        return RiskScorer(git, tests=LastReport(git.root))


def _change(git: Git, choice: _Choice) -> Change:
    from sidecar import signals  # noqa: PLC0415 - only the single forms need a loop, and `--help` needs none

    if choice.patch is not None:
        patch = worktree.from_patch(_read(choice.patch))
        return signals.run(_as_if_here(git, patch))
    if choice.buffer is not None:
        return signals.run(change_with(git, Path.cwd() / choice.buffer, _read("-").decode("utf-8", "replace")))
    if choice.range is not None:
        named = ranged(choice.range)
    elif choice.base is not None:
        named = NamedChange("base", choice.base)
    elif choice.staged:
        git.index = _of_the_commit_under_way(git)
        named = NamedChange("staged")
    else:
        named = NamedChange()
    return signals.run(change_of(git, named))


def _of_the_commit_under_way(git: Git) -> Path | None:
    """The index of the commit whose hook this is: `git commit -a` and `git commit FILE` have one of their own."""
    named = environment().get("GIT_INDEX_FILE")
    file = Path(named).resolve() if named else None
    return file if file is not None and file.parent == git.git_dir.resolve() and file.is_file() else None


async def _as_if_here(git: Git, patch: Change) -> Change:
    """A patch on top of HEAD, by the user of this machine; by nobody and on nothing where that is not known."""
    if git.bare:
        return patch
    here = await worktree.staged(git)
    return replace(patch, base=here.base, author=patch.author or here.author, time=patch.time or here.time)


def _score_commits(repo: str, source: str, form: Format, gate: _Gate, out: Output) -> int:
    revisions = [line.strip() for line in _read(source).decode("utf-8", "replace").splitlines() if line.strip()]
    git = Git.open_blocking(Path(repo))
    bad = 0
    reports: list[RiskReport] = []
    over = False
    with closing(_scorer(git, out).score_commits_blocking(revisions, evident=out.verbose)) as scored:
        for report in _told(scored, form, out):
            if report is None:
                bad += 1
                continue
            over |= bool(_verdict(report, gate, out))
            if form is not Format.jsonl:
                reports.append(report)
            else:
                _print([report], form, out)
    if form is not Format.jsonl:
        _print(reports, form, out)
    if bad:
        others = "the others were scored" if bad < len(revisions) else "nothing was scored"
        out.complain(f"{bad} of {plural(len(revisions), 'revision')} could not be scored; {others}.")
        return 2
    return int(over)


def _told(scored: Iterator[RiskReport | Unscored], form: Format, out: Output) -> Iterator[RiskReport | None]:
    """The reports; each revision without one is told in its place, and stands as None."""
    for report in scored:
        if isinstance(report, RiskReport):
            yield report
            continue
        if form is Format.jsonl:
            out.record({"commit": report.revision, "error": report.why})
        else:
            out.complain(report.why)
        yield None


def _read(source: str) -> bytes:
    """A file, or standard input for `-`."""
    if source == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(source).read_bytes()
    except OSError as error:
        raise BadInput(f"{source} cannot be read: {error.strerror or error}.") from error


def _print(reports: list[RiskReport], form: Format, out: Output) -> None:
    if form is Format.sarif:
        out.record(as_sarif(reports))
    elif form is Format.text:
        for report in reports:
            out.data(as_text(report, verbose=out.verbose))
    else:
        for report in reports:
            out.record(as_json(report))


def _verdict(report: RiskReport, gate: _Gate, out: Output) -> int:
    said = gate.stops(report)
    for sentence in said:
        out.complain(f"{report.commit[:12]}: {sentence}" if report.commit else sentence)
    return int(bool(said))
