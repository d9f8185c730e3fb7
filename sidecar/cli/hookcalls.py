"""What Claude Code's hooks and git's call: a payload in, the running sidecar's word out. Loaded at every hook, so kept light."""

from __future__ import annotations

import re
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from sidecar import signals
from sidecar.cli.output import Output
from sidecar.cli.reached import running
from sidecar.core.errors import NotARepository, SetupError, SidecarError
from sidecar.core.shell import git_acts
from sidecar.hooks import BLOCK, EDIT_SECONDS, SECONDS
from sidecar.settings import Settings, environment, from_machine


def check() -> int:
    """Answer Claude Code's hook: its payload on standard input. Not for people."""
    raw = sys.stdin.buffer.read()
    payload = _payload(raw)
    command = payload.get("tool_input", {}).get("command") if isinstance(payload.get("tool_input"), dict) else None
    if not isinstance(command, str):
        return 0
    if not git_acts(command) and not re.search(r"git|\$\w", command, re.IGNORECASE):
        return 0  # most commands: nothing to ask
    settings = from_machine({"server.workspace": _folder(payload)})
    answer = _asked(settings, raw, SECONDS)
    if answer is None:
        if not git_acts(command, _aliases(settings)):
            return 0
        Output().complain(
            "no sidecar runs to say whether git may do this, so it may not. Leave it to the user, who can start one "
            f"with `sidecar serve --workspace {settings.server.workspace}`, or remove the guard with `sidecar hooks remove`."
        )
        return BLOCK
    if answer:
        Output().record(answer)
    return 0


def edit() -> int:
    """Answer Claude Code's hook on its own edits, before and after: their payload on standard input. Not for people.

    It never stands in the way: without an answer in time the edit flows, and standard error says why.
    """
    try:
        raw = sys.stdin.buffer.read()
        settings = from_machine({"server.workspace": _folder(_payload(raw))})
        answer = _asked(settings, raw, EDIT_SECONDS)
    except SidecarError as error:
        Output().complain(f"this edit is not weighed: {error.sentence}")
        return 0
    if answer is None:
        Output().complain("no sidecar answers, so this edit is not weighed; start one with `sidecar serve`.")
    elif answer:
        Output().record(answer)
    return 0


def pre_push() -> int:
    """Answer git's `pre-push` hook: the pushed refs on standard input. Not for people."""
    from sidecar.hooks.guards import PRE_PUSH, GitGuard  # noqa: PLC0415 - git's machinery, only needed here
    from sidecar.tools.opening import rules_of  # noqa: PLC0415
    from sidecar.vcs.runner import Git  # noqa: PLC0415

    refs = sys.stdin.read()
    folder = Path.cwd()
    settings = from_machine({"server.workspace": str(folder)})
    payload = {"hook_event_name": PRE_PUSH, "refs": refs, "cwd": str(folder)}
    answer = _asked(settings, orjson.dumps(payload), SECONDS)
    if answer is None:

        async def no_gate(_: Git) -> None:
            return None

        answer = signals.run(GitGuard(folder, rules_of(settings), no_gate).judge(payload))
    if not answer:
        return 0
    Output().complain(str(answer["hookSpecificOutput"]["permissionDecisionReason"]))
    return 1


# ── how it is done ──────────────────────────────────────────────────────────────────────────────────
def _aliases(settings: Settings) -> dict[str, str]:
    """Git's own aliases there; none outside of a repository."""
    from sidecar.vcs import names  # noqa: PLC0415
    from sidecar.vcs.runner import Git  # noqa: PLC0415

    async def ask() -> dict[str, str]:
        return await names.aliases(await Git.open(Path(settings.server.workspace)))

    try:
        return signals.run(ask())
    except NotARepository:
        return {}


def _payload(raw: bytes) -> dict[str, Any]:
    try:
        payload = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise SetupError("The hook was given no JSON; it is for Claude Code to call.") from None
    return payload if isinstance(payload, dict) else {}


def _folder(payload: Mapping[str, Any]) -> str | None:
    """The workspace that the CLI works in: its project's folder, else where the command would run."""
    folder = environment().get("CLAUDE_PROJECT_DIR") or str(payload.get("cwd") or "")
    return folder if folder and Path(folder).is_dir() else None


def _asked(settings: Settings, raw: bytes, seconds: float) -> dict[str, Any] | None:
    """What the running sidecar says; None where none runs or it does not answer."""
    reached = running(settings)
    if reached is None:
        return None
    headers = {"content-type": "application/json", "authorization": f"Bearer {reached.token.get_secret_value()}"}
    request = urllib.request.Request(f"{reached.base_url}/hooks/claude", raw, headers)  # noqa: S310 - our own address
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=seconds) as response:
            answer = orjson.loads(response.read())
    except (OSError, ValueError, urllib.error.URLError):
        return None
    return answer if isinstance(answer, dict) else None
