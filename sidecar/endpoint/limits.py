"""How long and how much the HTTP door puts up with; tests shorten these."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and bytes.

    `head`: a connection that has no whole request head after this long is dropped (an idle one, too).
    `body_bytes`: the largest request body. `values`: how many values its JSON may hold. `body_stall`: the longest wait for a body's next bytes; a body as a whole
    has `body_stall` plus one second for each `body_rate` bytes that came.
    `first_ping`: silence after which a stream that has no answer yet is opened with a ping; errors after that can
    only be events. It is longer than `ping`, the silence between pings later, since a provider may still be asked
    again. `stop`: how long running answers may go on after the endpoint is told to stop.
    `tail`: how long a provider may take to end its answer after its last event.
    """

    head: float = 50.0
    body_bytes: int = 64 * 1024 * 1024
    values: int = 200_000
    body_stall: float = 45.0
    body_rate: int = 64 * 1024
    first_ping: float = 14.0
    ping: float = 10.0
    stop: float = 5.0
    tail: float = 1.0
