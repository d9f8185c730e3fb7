"""What providers refused that could be left out, remembered for each endpoint and model as long as the process lives."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sidecar.providers.fitting import strip, without_betas
from sidecar.providers.refusals import refused

_KEPT_SECONDS: Final = 24 * 3600.0
"""A provider learns too: after a day it is asked again."""

_MOST: Final = 512


@dataclass
class Learned:
    """Refusals by endpoint (URL) and the provider's name for the model. `clock` gives seconds."""

    clock: Callable[[], float] = time.monotonic
    _known: dict[tuple[str, str], dict[str, float]] = field(default_factory=dict)

    def of(self, url: str, model: str) -> frozenset[str]:
        """What this endpoint is known to refuse for this model."""
        known = self._known.get((url, model))
        if not known:
            return frozenset()
        oldest = self.clock() - _KEPT_SECONDS
        return frozenset(refusal for refusal, since in known.items() if since > oldest)

    def learn(
        self, url: str, model: str, words: str, body: Mapping[str, Any], headers: Mapping[str, str]
    ) -> tuple[str, ...]:
        """Remember what a 400's words name of what was sent; those of it that make a difference to that request.

        () where the words name nothing that could be left out: then asking again would bring the same answer.
        """
        found = refused(words, body, headers)
        if not found:
            return ()
        if len(self._known) >= _MOST:
            self._known.clear()  # names of models come from clients
        self._known.setdefault((url, model), {}).update(dict.fromkeys(found, self.clock()))
        return (*strip(body, found)[1], *without_betas(headers, found)[1])
