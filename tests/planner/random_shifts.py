"""Random small shifts, and the best seats for them, found by trying all."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from maitred.domain.floor import Floor, Pacing
from maitred.planner.day.demand import PRIOR
from maitred.planner.floor.index import compile_floor
from maitred.planner.model import Allocation, Covers, MovableBooking, PartyRequest
from maitred.planner.shift.model import Booked, Shift, Waiting
from tests.planner.brute_force import Judge
from tests.planner.floors import SPAN, party
from tests.planner.move_judge import ways_kept
from tests.planner.random_evenings import Evening, evenings, requests
from tests.planner.random_floors import ATTRIBUTES, ZONES

_SLOT = 15


def shift_of(
    place: Floor,
    busy: Sequence[Allocation] = (),
    booked: Sequence[Booked] = (),
    waiting: Sequence[PartyRequest] = (),
    max_moves: int = 9,
) -> Shift:
    """``busy``: all rows. The waiting ones are called w0, w1, and so on."""
    names = {each.booking.booking_id for each in booked}
    own = tuple(row for row in busy if row.booking_id in names)
    sizes = {each.booking.booking_id: each.booking.party_size for each in booked}
    zones = {table.id: table.zone for table in place.tables}
    started = {row.booking_id: row.start + place.policy.buffer_before_minutes for row in own}
    return Shift(
        index=compile_floor(place),
        span=SPAN,
        given=tuple(row for row in busy if row.booking_id not in names),
        allocations=own,
        booked=tuple(booked),
        waiting=tuple(Waiting(f"w{number}", each) for number, each in enumerate(waiting)),
        covers=tuple(
            Covers(
                start,
                sizes[str(name)],
                zones=tuple(sorted({zones[row.table_id] for row in own if row.booking_id == name})),
                owner=name,
            )
            for name, start in started.items()
        ),
        demand=PRIOR,
        max_moves=max_moves,
    )


@dataclass(frozen=True)
class Case:
    floor: Floor
    shift: Shift


@st.composite
def shifts(draw: DrawFn) -> Case:
    """Up to five tables; the bookings of an evening, and up to three parties who wait."""
    evening: Evening = draw(evenings(most_tables=5))
    per_zone = draw(st.sampled_from([{}, {}, {ZONES[0]: draw(st.integers(2, 9))}]))
    pacing = Pacing(_SLOT, draw(st.sampled_from([None, None, None, 6])), per_zone)
    place = replace(evening.floor, policy=replace(evening.floor.policy, pacing=pacing))
    booked = [Booked(each, draw(once_asked(each))) for each in evening.movable]
    waiting = draw(st.lists(requests(), min_size=0, max_size=3))
    assume(booked or waiting)
    return Case(place, shift_of(place, evening.busy, booked, waiting, draw(st.sampled_from([0, 1, 2, 9]))))


@st.composite
def once_asked(draw: DrawFn, booking: MovableBooking) -> PartyRequest:
    zone = draw(st.sampled_from([None, *ZONES]))
    return party(
        booking.party_size,
        booking.start,
        booking.end - booking.start,
        zone=zone,
        attributes=frozenset(draw(st.sets(st.sampled_from(ATTRIBUTES), max_size=1))),
    )


type Chosen = Mapping[str, frozenset[str]]


def best_value(case: Case) -> tuple[int, float, int]:
    """The lowest (-covers, score, moves) that the rules allow."""
    judge, shift = Judge(case.floor), case.shift
    options = [*(_of_booked(case, judge, each) for each in shift.booked), *_all_waiting(case, judge)]
    found = []
    for chosen in _arrangements(shift, options, {}, list(shift.given)):
        moved = [each for each in shift.booked if chosen[each.booking.booking_id] != set(each.booking.tables)]
        if len(moved) <= shift.max_moves and _paced(case, chosen):
            found.append(value(case, judge, chosen, len(moved)))
    return min(found)


def value(case: Case, judge: Judge, chosen: Chosen, moved: int) -> tuple[int, float, int]:
    seated = [(each.booking.booking_id, each.request) for each in case.shift.booked]
    seated += [(each.booking_id, each.request) for each in case.shift.waiting if each.booking_id in chosen]
    score = sum(judge.score(chosen[name], request) for name, request in seated)
    return -sum(request.party_size for _, request in seated), round(score, 4), moved


type _Option = tuple[str, int, int, list[frozenset[str] | None]]


def _of_booked(case: Case, judge: Judge, each: Booked) -> _Option:
    booking, rows = (
        each.booking,
        [r for r in case.shift.allocations if r.booking_id == each.booking.booking_id],
    )
    now = frozenset(booking.tables)
    limited = set(case.floor.policy.pacing.per_zone)
    zones = {table.id: table.zone for table in case.floor.tables}
    here = {zones[name] for name in now}
    able = judge.candidates(booking.party_size)
    ways = [
        way
        for way in ways_kept(judge, booking)
        if way in able and way != now and not {zones[name] for name in way} & limited - here
    ]
    return booking.booking_id, rows[0].start, rows[0].end, [now, *ways]


def _all_waiting(case: Case, judge: Judge) -> Iterator[_Option]:
    policy = case.floor.policy
    for each in case.shift.waiting:
        request = each.request
        able = judge.candidates(request.party_size)
        ways = [way for way in judge.free(request, case.shift.given) if way in able]
        window = request.start - policy.buffer_before_minutes, request.end + policy.buffer_after_minutes
        yield each.booking_id, *window, [None, *ways]


def _arrangements(
    shift: Shift, options: Sequence[_Option], chosen: dict[str, frozenset[str]], rows: list[Allocation]
) -> Iterator[Chosen]:
    if not options:
        yield chosen
        return
    (name, start, end, ways), rest = options[0], options[1:]
    taken = {row.table_id for row in rows if row.start < end and start < row.end}
    for way in ways:
        if way is None:
            yield from _arrangements(shift, rest, chosen, rows)
        elif not way & taken:
            own = [Allocation(table, start, end, name) for table in way]
            yield from _arrangements(shift, rest, {**chosen, name: way}, [*rows, *own])


def _paced(case: Case, chosen: Chosen) -> bool:
    """In every slot in which a party is newly seated: the slot's limit, and that of its zones."""
    pacing, shift = case.floor.policy.pacing, case.shift
    zones = {table.id: table.zone for table in case.floor.tables}
    for slot in {each.request.start // _SLOT for each in shift.waiting if each.booking_id in chosen}:
        new = [w for w in shift.waiting if w.booking_id in chosen and w.request.start // _SLOT == slot]
        old = [b for b in shift.booked if b.booking.start // _SLOT == slot]
        guests = sum(w.request.party_size for w in new) + sum(b.booking.party_size for b in old)
        if pacing.max_covers_per_slot is not None and guests > pacing.max_covers_per_slot:
            return False
        for zone, most in pacing.per_zone.items():
            inside = {table for table, lies in zones.items() if lies == zone}
            fresh = sum(w.request.party_size for w in new if chosen[w.booking_id] & inside)
            after = sum(b.booking.party_size for b in old if chosen[b.booking.booking_id] & inside)
            today = sum(b.booking.party_size for b in old if inside & set(b.booking.tables))
            if fresh and (today > most or fresh + after > most):
                return False
    return True
