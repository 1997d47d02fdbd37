"""``python -m bench.batch``: a week of three sizes by one call, against the 21 single calls that it replaces.

All go through the true handler to a real PostgreSQL, in turns, so that the machine's other work slows them
alike. Then the one call at a steady rate. ``again``: as another guest's page asks within the same second; for
all others the days have changed since the call before.
"""

import argparse
import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product
from random import Random
from statistics import median, quantiles
from time import perf_counter, process_time, sleep
from typing import Any

from bench.restaurant import LAST, filled, restaurant
from bench.serving import serving, silence
from maitred.bootstrap.bookings import services
from maitred.domain.floor import Adjacency, Floor
from maitred.domain.windows import from_minutes
from maitred.planner.model import MovableBooking
from tests.harness.service import Answer, Service, evening

_NAME = "harbour"
_TABLES = 40
_FULL = 0.96
_DAYS = 7
_SIZES = (2, 4, 6)
_LAST_SEATING = "21:30"
_TAKEN = """
select (sum(extract(epoch from upper(t.part) - lower(t.part))) / 60)::float
from (select a.occupied
             * tstzrange(d::timestamptz + interval '17 hours', d::timestamptz + interval '22 hours') as part
      from allocations a, unnest(%s::text[]) d where a.live) t
where not isempty(t.part)"""


@dataclass(frozen=True, slots=True)
class CallCost:
    """What it took: milliseconds by the clock and of CPU, and round trips to the database."""

    wall: float
    cpu: float
    trips: int


def main() -> None:
    """Print medians, P95 and their ratios."""
    parser = argparse.ArgumentParser(prog="python -m bench.batch", description=__doc__)
    parser.add_argument("--rounds", type=int, default=40, help="of each kind")
    parser.add_argument("--rate", type=float, default=5.0, help="calls a second")
    parser.add_argument("--calls", type=int, default=150, help="at that rate")
    asked = parser.parse_args()
    with serving() as service:
        first = date.fromisoformat(evening())
        days = [(first + timedelta(days=number)).isoformat() for number in range(_DAYS)]
        full = _fill(service, days)
        gc.freeze()  # what the bench itself has made would not have to be looked through in a sandbox
        print(f"{_TABLES} tables, {full:.0%} full from 17:00 to 22:00; {_DAYS} days, sizes {_SIZES}\n")
        _compare(service, days, asked.rounds)
        for name, again in (("1 call", False), ("again", True)):
            times = _steady(service, days, asked.rate, asked.calls, again=again)
            print(f"{name:>10} {median(times):>10.1f} {_p95(times):>10.1f}  at {asked.rate:g}/s")


def _compare(service: Service, days: Sequence[str], rounds: int) -> None:
    many: list[CallCost] = []
    one: list[CallCost] = []
    again: list[CallCost] = []
    for _ in range(rounds):
        _touch(service)
        many.append(_cost(lambda: _singles(service, days)))
        _touch(service)
        one.append(_cost(lambda: _batch(service, days)))
        again.append(_cost(lambda: _batch(service, days)))
    print(f"{'':>10} {'median ms':>10} {'P95 ms':>10} {'CPU ms':>10} {'trips':>6} {'ratio':>6} {'of CPU':>6}")
    wall, cpu = median(each.wall for each in many), median(each.cpu for each in many)
    for name, kind in ((f"{_DAYS * len(_SIZES)} calls", many), ("1 call", one), ("again", again)):
        walls, cpus = [each.wall for each in kind], [each.cpu for each in kind]
        times = f"{median(walls):>10.1f} {_p95(walls):>10.1f} {median(cpus):>10.1f}"
        ratios = f"{median(walls) / wall:>6.3f} {median(cpus) / cpu:>6.3f}"
        print(f"{name:>10} {times} {max(each.trips for each in kind):>6} {ratios}")


def _cost(ask: Callable[[], None]) -> CallCost:
    database = services().runtime.database
    trips, wall, cpu = database.round_trips, perf_counter(), process_time()
    with silence():
        ask()
    took = (perf_counter() - wall) * 1000, (process_time() - cpu) * 1000
    return CallCost(*took, database.round_trips - trips)


def _steady(service: Service, days: Sequence[str], rate: float, calls: int, *, again: bool) -> list[float]:
    """Milliseconds from when each call was due."""
    times = []
    began = perf_counter()
    for number in range(calls):
        if not again:
            _touch(service)
        due = began + number / rate
        sleep(max(0.0, due - perf_counter()))
        with silence():
            _batch(service, days)
        times.append((perf_counter() - due) * 1000)
    return times


def _batch(service: Service, days: Sequence[str]) -> None:
    _must(service.openings(_NAME, *_SIZES, dates=days), 200)


def _singles(service: Service, days: Sequence[str]) -> None:
    for day, size in product(days, _SIZES):
        _must(service.availability(_NAME, date=day, partySize=size), 200)


def _touch(service: Service) -> None:
    """The days have changed, as far as anybody can tell."""
    service.database.query("update service_days set revision = revision + 1 returning revision")


# --- the restaurant and its week ---


def _fill(service: Service, days: Sequence[str]) -> float:
    """Every stay of a packed evening that is kept, at its table. Returns the share of the time taken."""
    floor = restaurant(_TABLES, Adjacency.CONNECTED)
    with silence():
        _must(service.put_restaurant(_NAME, _document(floor)), 201)
        for day in days:
            for stay in _stays(floor, day):
                _book(service, day, stay)
    [(minutes,)] = service.database.query(_TAKEN, list(days))
    return float(minutes) / (len(days) * _TABLES * 5 * 60)


def _stays(floor: Floor, day: str) -> list[MovableBooking]:
    stays = filled(floor, _FULL, Random(day)).movable
    return [stay for stay in stays if stay.start <= LAST]


def _book(service: Service, day: str, stay: MovableBooking) -> None:
    body = {
        "partySize": stay.party_size,
        "startAt": f"{day}T{from_minutes(stay.start):%H:%M}:00Z",
        "durationMinutes": stay.end - stay.start,
    }
    booking = _must(service.book(_NAME, body), 201).json["booking"]
    if booking["tables"] != list(stay.tables):
        _must(service.assign(booking["id"], *stay.tables, pin=False), 200)


def _document(floor: Floor) -> dict[str, Any]:
    return {
        "name": floor.name,
        "timezone": "UTC",
        "policy": {},
        "services": [{"id": "dinner", "opens": "16:00", "closes": "01:00", "lastSeating": _LAST_SEATING}],
        "zones": [{"id": zone.id, "name": zone.name} for zone in floor.zones],
        "tables": [
            {"id": table.id, "zone": table.zone, "capacity": table.capacity, "movable": table.movable}
            for table in floor.tables
        ],
        "adjacency": [list(pair) for pair in sorted(floor.adjacency)],
    }


def _must(answer: Answer, status: int) -> Answer:
    if answer.status != status:
        raise RuntimeError(answer.text)
    return answer


def _p95(times: Sequence[float]) -> float:
    return quantiles(times, n=20)[-1]


if __name__ == "__main__":
    main()
