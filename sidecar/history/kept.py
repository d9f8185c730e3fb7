"""Traces and deltas in the workspace's state folder, so that a history is read once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import orjson

from sidecar.history.deltas import Delta, decode, encode, plain_name, real_name
from sidecar.history.traces import Traces
from sidecar.risk.ledger import Repair, Trace
from sidecar.store.commits import FILE, CommitFile


class KeptTraces:
    """Implements `TraceStore`. Traces stay in memory too; rows that cannot be read are made again."""

    def __init__(self, state: Path) -> None:
        self._file = CommitFile(state / FILE)
        self._traces: Traces | None = None

    def traces(self) -> Traces:
        """See `TraceStore`."""
        if self._traces is None:
            self._traces = {}
            for own, data in self._file.traces().items():
                trace = _trace(data)
                if trace is not None:
                    self._traces[own] = trace
        return self._traces

    def deltas(self) -> dict[str, Delta]:
        """See `TraceStore`."""
        found: dict[str, Delta] = {}
        for own, data in self._file.deltas().items():
            try:
                found[own] = decode(data)
            except ValueError:
                continue
        return found

    def keep(self, deltas: Mapping[str, Delta], traces: Mapping[str, Trace]) -> None:
        """See `TraceStore`."""
        self._file.keep((own, _bytes(trace), encode(deltas[own])) for own, trace in traces.items())
        self._traces = {**self.traces(), **traces}

    def foretold(self, model: str) -> Mapping[str, float]:
        """See `TraceStore`."""
        return self._file.scores(model)

    def keep_foretold(self, model: str, scores: Mapping[str, float]) -> None:
        """See `TraceStore`."""
        self._file.keep_scores(model, scores)


def _bytes(trace: Trace) -> bytes:
    code = [(plain_name(path), lines) for path, lines in trace.code]
    repairs = [(repair.commit, plain_name(repair.path), repair.lines) for repair in trace.repairs]
    return orjson.dumps((code, repairs))


def _trace(data: bytes) -> Trace | None:
    try:
        code, repairs = orjson.loads(data)
        return Trace(
            tuple((real_name(path), lines) for path, lines in code),
            tuple(Repair(commit, real_name(path), lines) for commit, path, lines in repairs),
        )
    except (ValueError, TypeError, AttributeError, UnicodeError):
        return None
