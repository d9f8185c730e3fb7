"""What providers refused that could be left out, remembered for each endpoint and model, also past a restart."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, runtime_checkable

from sidecar.core.ports import Notebook
from sidecar.providers.fitting import strip, without_betas
from sidecar.providers.refusals import may_be_refused, refused

_KEPT_SECONDS: Final = 24 * 3600.0
"""A provider learns too: after a day it is asked again."""

_MOST: Final = 512
_LONGEST: Final = 2000
_FORM: Final = 1


@dataclass
class Learned:
    """Refusals by endpoint (URL) and the provider's name for the model. `clock` gives UTC seconds.

    `wanted` tells whether requests are fitted to what is refused at all; without, they go out as they come.
    """

    clock: Callable[[], float] = time.time
    wanted: bool = True
    _known: dict[tuple[str, str], dict[str, float]] = field(default_factory=dict)
    _notebook: Notebook | None = None

    def of(self, url: str, model: str) -> frozenset[str]:
        """What this endpoint is known to refuse for this model."""
        known = self._known.get((url, model))
        if not known or not self.wanted:
            return frozenset()
        now = self.clock()
        return frozenset(refusal for refusal, since in known.items() if _fresh(since, now))

    def learn(
        self, url: str, model: str, words: str, body: Mapping[str, Any], headers: Mapping[str, str]
    ) -> tuple[str, ...]:
        """Remember what a 400's words name of what was sent; those of it that make a difference to that request.

        () where the words name nothing that could be left out: then asking again would bring the same answer.
        """
        found = refused(words, body, headers) if self.wanted else ()
        if not found:
            return ()
        if len(self._known) >= _MOST:
            self._known.clear()  # names of models come from clients
        self._known.setdefault((url, model), {}).update(dict.fromkeys(found, self.clock()))
        if self._notebook is not None:
            self._notebook.write({"form": _FORM, "refusals": list(self._told())})
        return (*strip(body, found)[1], *without_betas(headers, found)[1])

    def keep_in(self, notebook: Notebook) -> None:
        """Take up what was noted there, and note there from now on. What nobody could have learned is passed over."""
        self._notebook = notebook
        for url, model, refusal, since in _noted(notebook.read(), self.clock()):
            self._known.setdefault((url, model), {})[refusal] = since

    def _told(self) -> Iterator[dict[str, object]]:
        now = self.clock()
        for (url, model), refusals in self._known.items():
            for refusal, since in refusals.items():
                if _fresh(since, now):
                    yield {"url": url, "model": model, "refuses": refusal, "since": since}


@runtime_checkable
class Learner(Protocol):
    """A provider that learns."""

    @property
    def learned(self) -> Learned:
        """What its endpoints refused."""


def _fresh(since: float, now: float) -> bool:
    # One from the future was noted before the clock was set back: how old it is, nobody knows.
    return 0 <= now - since < _KEPT_SECONDS


def _noted(value: object, now: float) -> Iterator[tuple[str, str, str, float]]:
    """What of a notebook can be believed."""
    if not isinstance(value, dict) or value.get("form") != _FORM or not isinstance(value.get("refusals"), list):
        return
    for row in value["refusals"][:_MOST]:
        match row:
            case {"url": str(url), "model": str(model), "refuses": str(refusal), "since": float(since)}:
                if _fresh(since, now) and len(refusal) < _LONGEST and may_be_refused(refusal):
                    yield url, model, refusal, since
