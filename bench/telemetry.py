"""``python -m bench.telemetry``: the cost that events and metrics add to an inline booking, as a ratio.

Bookings go through the true handler to a real PostgreSQL, with and without telemetry in turns, so that the
machine's other work slows both alike.
"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from statistics import median, quantiles
from time import perf_counter
from typing import Any

import pytest

from bench.serving import serving, silence
from maitred.adapters.postgres.booking_store import PostgresBookingStore
from maitred.adapters.telemetry.recorder import Recorder
from maitred.services import ports
from tests.harness.service import Service, evening, house, party

_TABLES = 40
_WARM = 20


def main() -> None:
    """Print medians, P95 and their ratios."""
    parser = argparse.ArgumentParser(prog="python -m bench.telemetry", description=__doc__)
    parser.add_argument("--bookings", type=int, default=400, help="of each kind")
    bookings = parser.parse_args().bookings
    with serving() as service:
        on, off = _measure(service, bookings)
    print(f"{'telemetry':>10} {'median ms':>10} {'P95 ms':>10}")
    for name, times in (("on", on), ("off", off)):
        print(f"{name:>10} {median(times):>10.2f} {_p95(times):>10.2f}")
    print(f"{'ratio':>10} {median(on) / median(off):>10.3f} {_p95(on) / _p95(off):>10.3f}")


def _measure(service: Service, bookings: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each booking, with and without."""
    times: dict[bool, list[float]] = {True: [], False: []}
    capacities, restaurant = [4] * _TABLES, ""
    for number in range(2 * bookings + _WARM):
        if number % (_TABLES // 2) == 0:  # an evening that is half full at most
            restaurant = f"house{number}"
            with silence():
                service.put_restaurant(restaurant, house(*capacities))
                service.book(restaurant, party(2))  # the floor is compiled now
        loud = number % 2 == 0
        with silence(), nullcontext() if loud else _mute():
            began = perf_counter()
            answer = service.book(restaurant, party(4, date=evening(14 + number % 7)))
            took = (perf_counter() - began) * 1000
        assert answer.json["assignment"]["outcome"] == "confirmed"
        if number >= _WARM:
            times[loud].append(took)
    return times[True], times[False]


@contextmanager
def _mute() -> Iterator[None]:
    """Without telemetry: no metric, no log line, no event."""
    apply = PostgresBookingStore.apply

    def without_events(self: PostgresBookingStore, effects: ports.Changes, *more: Any) -> Any:
        return apply(self, replace(effects, events=()), *more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PostgresBookingStore, "apply", without_events)
        for name in ("count", "milliseconds", "committed", "later"):
            patch.setattr(Recorder, name, lambda *_, **__: None)
        yield


def _p95(times: list[float]) -> float:
    return quantiles(times, n=20)[-1]


if __name__ == "__main__":
    main()
