"""`sidecar notes`: release notes, changelog, pull-request text and commit message, by the configured model or from facts."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any

import typer

from sidecar.app import Sidecar
from sidecar.cli.options import Json, Provider, Quiet, Workspace
from sidecar.cli.output import Output
from sidecar.cli.within import settings_for, within
from sidecar.core.errors import BadInput
from sidecar.core.tool import Caller, ToolResult


class Text(Enum):
    """Which text."""

    release = "release-notes"
    changelog = "changelog"
    pull_request = "pull-request"
    commit = "commit-message"


_TOOLS = {
    Text.release: "review_release_notes",
    Text.changelog: "review_changelog",
    Text.pull_request: "review_pull_request",
    Text.commit: "review_commit_message",
}

RangeArgument = Annotated[
    str, typer.Argument(metavar="[RANGE]", help="A..B, or A for A..HEAD.  [default: since the last tag]")
]
Kind = Annotated[Text, typer.Option("--kind", help="Which text.")]
Version = Annotated[str, typer.Option("--version", metavar="NAME", help="The heading of release notes and changelog.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=1_000, help="How many commits at most.")]
Staged = Annotated[bool, typer.Option("--staged", help="For a commit message or pull request: only what is staged.")]
NoModel = Annotated[bool, typer.Option("--no-model", help="From facts alone: nothing is sent.")]


def notes(  # noqa: PLR0913 - one parameter an option
    range_: RangeArgument = "",
    *,
    kind: Kind = Text.release,
    version: Version = "",
    limit: Limit = 200,
    staged: Staged = False,
    no_model: NoModel = False,
    provider: Provider = None,
    workspace: Workspace = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Write release notes (or another text about commits) with links to the commits."""
    out = Output(json, quiet)
    given = {**_arguments(kind, range_, version, limit, staged=staged), "model": not no_model}

    async def act(sidecar: Sidecar) -> ToolResult:
        box = await sidecar.reviewing_tools()
        return await box.call(_TOOLS[kind], given, Caller(road="command"))

    result = within(settings_for(workspace, provider), act)
    if result.error:
        raise BadInput(result.text)
    if json:
        out.record({"kind": kind.value, **result.value})
        return 0
    out.data(result.value["text"])
    if result.value["note"]:
        out.say(result.value["note"])
    return 0


def _arguments(kind: Text, range_: str, version: str, limit: int, *, staged: bool) -> dict[str, Any]:
    """What the tool of this text is called with. Raises BadInput for what does not go together."""
    since, dots, until = range_.partition("..")
    if until.startswith("."):
        raise BadInput("The range is A..B, with two dots.")
    until = until or "HEAD"
    if kind is Text.commit:
        if range_:
            raise BadInput("A commit message is about the uncommitted change, so it takes no range.")
        return {"staged": staged}
    if kind is Text.pull_request:
        return {"base": since, "head": until, "staged": staged}
    if staged:
        raise BadInput(f"--staged does not go with {kind.value}, which is about commits.")
    if dots and not since:
        raise BadInput("The range needs its beginning: A..B, or A for A..HEAD.")
    return {"since": since, "until": until, "limit": limit, "version": version}
