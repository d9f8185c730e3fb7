"""What the model says of a sample of the earlier changes, each by what was known before it; kept, so that it is asked once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice

from sidecar.core.errors import GitError
from sidecar.history.before import OldSides
from sidecar.history.facts import facts_of
from sidecar.history.past import Past
from sidecar.history.traces import TraceStore
from sidecar.risk.assess import foretell
from sidecar.risk.model import Model
from sidecar.trace import get_logger
from sidecar.vcs.commits import told_changes_blocking
from sidecar.vcs.history import Commit
from sidecar.vcs.runner import Git

log = get_logger("review")

_BATCH = 64
"""Changes whose old sides are read together."""


class Foretold:
    """The earlier scores of one repository."""

    def __init__(self, git: Git, model: Model, store: TraceStore) -> None:
        self._git = git
        self._model = model
        self._store = store

    def tell_blocking(self, past: Past, walked: Iterable[Commit], asked: Collection[str]) -> None:
        """Let a past of all that was walked know what was foretold where the asked commits take their levels from.

        The first time takes about a second. A past whose repairs are not known, or whose changes git cannot tell, stays
        without levels. For threads.
        """
        if not past.traced:
            return
        told = self._store.foretold(self._model.name)
        missing = past.sampled(asked) - told.keys()
        if missing:
            try:
                fresh = self._ask(past, [commit for commit in walked if commit.id in missing])
            except GitError as error:
                log.warning("past_not_foretold", reason=error.sentence)
                return
            self._store.keep_foretold(self._model.name, fresh)
            told = {**told, **fresh}
        past.foretell(told)

    def _ask(self, past: Past, commits: Sequence[Commit]) -> dict[str, float]:
        past.open({commit.parents[0] for commit in commits if commit.parents})
        found: dict[str, float] = {}
        sides = OldSides(self._git)
        with closing(told_changes_blocking(self._git, commits)) as changes:
            while batch := list(islice(changes, _BATCH)):
                told = [change for change in batch if change]
                before = sides.of_blocking(*told)
                for change in told:
                    # ranks would need those of every commit before; without them they are in the middle
                    facts = replace(facts_of(change, past, before), recent={}, level=None)
                    found[change.commit or ""] = foretell(change, facts, self._model)
        return found
