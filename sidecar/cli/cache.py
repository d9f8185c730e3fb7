"""`sidecar cache`: what the prompt cache of this workspace holds, and how to empty it; a running sidecar is not needed."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path

from sidecar import signals
from sidecar.cli.options import Json, Quiet, Workspace
from sidecar.cli.output import Output
from sidecar.core.errors import SetupError
from sidecar.settings import Settings, from_machine
from sidecar.store.answers import FOLDER, Answers, AnswerStore, CacheLimits, CacheStats, SharedStats, kept_answers
from sidecar.store.shared import shared_answers


def stats(*, workspace: Workspace = None, json: Json = False) -> int:
    """Show how many answers are kept for this workspace, how large they are, and what giving them again has spared."""
    settings = _settings(workspace)
    told = signals.run(_stats(settings))
    out = Output(json)
    counts = told.counts
    asked = counts.hits + counts.joins + counts.misses
    share = (counts.hits + counts.joins) / asked if asked else None
    if json:
        limits = {"entries": told.limits.entries, "bytes": told.limits.total_bytes, "ttl_ms": settings.cache.ttl_ms}
        flat = {"entries": told.entries, "bytes": told.size, "folder": told.folder}
        flat |= {"hits": counts.hits, "joins": counts.joins, "misses": counts.misses, "tokens_saved": counts.tokens}
        if told.shared is not None:
            flat["shared"] = asdict(told.shared)
        out.record({**flat, "hit_rate": share, "limits": limits, "enabled": settings.cache.enabled})
        return 0
    out.data(f"answers  {told.entries} of at most {told.limits.entries}, {told.size:,} bytes")
    spared = f" ({share:.0%} spared)" if share is not None else ""
    out.data(f"asked    {asked}: {counts.hits} hits, {counts.joins} joined, {counts.misses} misses{spared}")
    out.data(f"saved    {counts.tokens:,} tokens")
    out.data(f"kept for {told.limits.ttl:g} s in {told.folder or 'nothing yet'}")
    if told.shared is not None:
        count = told.shared.entries
        out.data(f"shared   {'not reached: ' + told.shared.problem if count is None else count} ({told.shared.server})")
    if not settings.cache.enabled:
        out.say("The cache is switched off (PROMPT_CACHE_ENABLED).")
    return 0


def clear(*, workspace: Workspace = None, json: Json = False, quiet: Quiet = False) -> int:
    """Forget all answers that are kept for this workspace; a sidecar that runs there forgets them, too.

    Where a team shares answers, the team's are taken from its server as well.
    """
    count, shared = signals.run(_clear(_settings(workspace)))
    out = Output(json, quiet)
    if json:
        out.record({"cleared": count})
    else:
        out.say(f"Forgot {count} answer{'' if count == 1 else 's'}.")
    if shared is not None and shared.entries is None:
        out.say(f"The server {shared.server} was not reached ({shared.problem}); what it holds runs out by itself.")
        return 1
    return 0


def _settings(workspace: str | None) -> Settings:
    settings = from_machine({"server.workspace": workspace})
    if settings.state is None:
        raise SetupError("There is no state folder, so nothing is kept on disk; set SIDECAR_STATE_DIR.")
    return settings


def _answers(settings: Settings) -> AnswerStore:
    """The workspace's answers; none in memory where nothing was ever kept, so that asking makes no folder."""
    limits = CacheLimits.of(settings.cache)
    if settings.state is None or not (settings.state / FOLDER).is_dir():
        return shared_answers(Answers(None, limits), settings.cache)
    return shared_answers(kept_answers(settings.state, Path(settings.server.workspace), limits), settings.cache)


async def _stats(settings: Settings) -> CacheStats:
    async with aclosing(_answers(settings)) as answers:
        return await answers.stats()


async def _clear(settings: Settings) -> tuple[int, SharedStats | None]:
    async with aclosing(_answers(settings)) as answers:
        return await answers.clear(), (await answers.stats()).shared
