"""What was counted, as Prometheus reads it (text format 0.0.4)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

import psutil

from sidecar.telemetry.meter import SECONDS, Labels, Meter, Reading, Spread

MEDIA: Final = "text/plain; version=0.0.4; charset=utf-8"
_UNITS: Final = {"s": "_seconds", "USD": "_dollars"}


def exposition(meter: Meter, **info: str) -> str:
    """All numbers of the meter, with what the process itself takes; `info` are labels of `sidecar_info`."""
    lines = ["# HELP sidecar_info Which Sidecar this is.", "# TYPE sidecar_info gauge"]
    lines.append(_row("sidecar_info", tuple(sorted(info.items())), 1))
    for reading in meter.read():
        lines += _family(reading)
    return "\n".join([*lines, *_process()]) + "\n"


def _family(reading: Reading) -> Iterator[str]:
    instrument = reading.instrument
    name = instrument.name.replace(".", "_") + _UNITS.get(instrument.unit, "")
    name += "_total" if instrument.kind == "counter" else ""
    yield f"# HELP {name} {instrument.about}"
    yield f"# TYPE {name} {instrument.kind}"
    for labels, value in reading.values:
        if isinstance(value, Spread):
            yield from _ranges(name, labels, value)
        else:
            yield _row(name, labels, value)


def _ranges(name: str, labels: Labels, spread: Spread) -> Iterator[str]:
    bounds: Sequence[str] = [*(f"{bound:g}" for bound in SECONDS), "+Inf"]
    counts = list(accumulate(spread.counts))
    for bound, count in zip(bounds, counts, strict=True):
        yield _row(f"{name}_bucket", (*labels, ("le", bound)), count)
    yield _row(f"{name}_sum", labels, spread.total)
    yield _row(f"{name}_count", labels, counts[-1])


def _process() -> Iterator[str]:
    """The process, under the names that Prometheus' own clients use."""
    process = psutil.Process()
    rows = (
        ("process_cpu_seconds_total", "counter", "Processor time taken.", time.process_time()),
        ("process_resident_memory_bytes", "gauge", "Memory taken.", process.memory_info().rss),
        ("process_start_time_seconds", "gauge", "When it started, in seconds since 1970.", process.create_time()),
    )
    for name, kind, about, value in rows:
        yield f"# HELP {name} {about}"
        yield f"# TYPE {name} {kind}"
        yield _row(name, (), value)


def _row(name: str, labels: Labels, value: float) -> str:
    told = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
    return f"{name}{{{told}}} {value!r}" if told else f"{name} {value!r}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
