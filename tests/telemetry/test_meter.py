"""What the meter makes of records."""

from __future__ import annotations

import asyncio
import threading

import pytest

from sidecar.store.turns import TurnRecord
from sidecar.telemetry.meter import CACHE, COST, DURATION, REQUESTS, RETRIES, SAVED, TOKENS, Meter, Spread

ASKED = {"asked": "claude-sonnet-4-5", "served": "claude-sonnet-4-5"}
OF = ("model", "claude-sonnet-4-5")


def numbers(meter: Meter, instrument) -> dict:
    found = {reading.instrument: dict(reading.values) for reading in meter.read()}
    return found.get(instrument, {})


def test_sums_by_model_and_outcome():
    meter = Meter()
    done = TurnRecord("a", 0.0, **ASKED, input=5, output=7, cache_read=11, cache_write=13, cost=0.5, ms=300.0)
    assert meter.count(done) is done
    meter.count(TurnRecord("b", 0.0, **ASKED, outcome="error", error="rate_limit_error", retries=2, ms=20.0))
    meter.count(TurnRecord("c", 0.0, **ASKED, outcome="left", cost=0.25))
    assert numbers(meter, REQUESTS) == {
        (OF, ("outcome", "done"), ("error", "")): 1,
        (OF, ("outcome", "error"), ("error", "rate_limit_error")): 1,
        (OF, ("outcome", "left"), ("error", "")): 1,
    }
    kinds = {"input": 5, "output": 7, "cache_read": 11, "cache_write": 13}
    assert numbers(meter, TOKENS) == {(OF, ("kind", kind)): count for kind, count in kinds.items()}
    assert numbers(meter, COST) == {(OF,): 0.75}
    assert numbers(meter, RETRIES) == {(OF,): 2}
    spread = numbers(meter, DURATION)[(OF, ("outcome", "done"))]
    assert (sum(spread.counts), spread.counts[2], spread.total) == (1, 1, pytest.approx(0.3))


def test_what_our_own_cache_spared_is_counted_apart():
    meter = Meter()
    meter.count(TurnRecord("a", 0.0, **ASKED, cache="hit", input=5, output=7, cost=0.0, saved=0.125))
    meter.count(TurnRecord("b", 0.0, **ASKED, cache="miss: new", input=1, output=1))
    assert numbers(meter, TOKENS)[(OF, ("kind", "own_cache"))] == 12
    assert numbers(meter, TOKENS)[(OF, ("kind", "input"))] == 1
    assert numbers(meter, SAVED) == {(OF,): 0.125}
    assert numbers(meter, CACHE) == {
        (("result", "hit"), ("reason", "")): 1,
        (("result", "miss"), ("reason", "new")): 1,
    }


@pytest.mark.parametrize(("seconds", "place"), [(0.0, 0), (0.1, 0), (0.11, 1), (599.0, 11), (600.0, 11), (601.0, 12)])
def test_a_bound_belongs_to_its_range(seconds: float, place: int):
    spread = Spread()
    spread.add(seconds)
    assert spread.counts.index(1) == place


def test_names_without_end_make_no_rows_without_end():
    meter = Meter()
    for number in range(500):
        meter.count(TurnRecord("x", 0.0, asked=f"model-{number}"))
    assert len(numbers(meter, REQUESTS)) == 65
    assert numbers(meter, REQUESTS)[(("model", "other"), ("outcome", "done"), ("error", ""))] == 436


def test_what_was_read_does_not_change_any_more():
    meter = Meter()
    meter.count(TurnRecord("a", 0.0, **ASKED))
    read = meter.read()
    meter.count(TurnRecord("b", 0.0, **ASKED))
    (spread,) = dict(next(r for r in read if r.instrument is DURATION).values).values()
    assert sum(spread.counts) == 1


def test_threads_lose_nothing():
    meter = Meter()
    record = TurnRecord("a", 0.0, **ASKED, input=1)

    def many() -> None:
        for _ in range(500):
            meter.count(record)

    threads = [threading.Thread(target=many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(numbers(meter, REQUESTS).values()) == {2000}


async def test_counted_where_the_record_is_made_or_soon():
    meter, heard, drafts = Meter(), [], []
    meter.subscribe(heard.append)
    record = TurnRecord("a", 0.0, **ASKED)
    meter.before(drafts.append)(lambda: record)
    assert heard == []
    assert drafts[0]() is record
    meter.soon(lambda: record)
    assert heard == [record]
    await asyncio.sleep(0)
    assert heard == [record, record]
