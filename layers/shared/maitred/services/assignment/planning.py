"""The one way to ask the planner, for every flow: snapshots turned into quotes."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial

from maitred.domain.booking import Booking, Preferences
from maitred.domain.floor import Table
from maitred.domain.reasons import Reason, ReasonCode
from maitred.domain.windows import Window, to_minutes
from maitred.planner.answer.alternatives import Reach, alternatives
from maitred.planner.answer.choice import keep_hold
from maitred.planner.answer.place import count_places, find_place, surely_full
from maitred.planner.answer.quote import quote
from maitred.planner.day.demand import PRIOR, learn_demand
from maitred.planner.day.drawn_day import DrawnDay, Problem, draw_day
from maitred.planner.day.occupancy import Occupancy
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import Alternative, Deadline, Decision, MovableBooking, PartyRequest, Plan, Refusal
from maitred.planner.options import FULL, PlannerOptions
from maitred.planner.search.join_search import SearchEndedError
from maitred.planner.search.packing import PartyCount
from maitred.services.assignment.attempt import PlannerRun, Quote
from maitred.services.feature_flags import FlagSource, SameFlags
from maitred.services.ports import Clock, Day, MovableStay, Snapshot

logger = logging.getLogger(__name__)

_ALL = SameFlags()


def party_request(party_size: int, window: Window, preferences: Preferences) -> PartyRequest:
    stay = window.start, window.end
    return _request(party_size, stay, window.service.id, window.service_date, preferences)


def booking_request(booking: Booking) -> PartyRequest:
    """What a kept booking asks for: the stay that was promised, and what was preferred and required."""
    stay, preferences = (booking.start_at, booking.end_at), booking.preferences
    return _request(booking.party_size, stay, booking.service_id, booking.service_date, preferences)


def _request(
    party_size: int, stay: tuple[datetime, datetime], service: str, day: date, preferences: Preferences
) -> PartyRequest:
    return PartyRequest(
        party_size=party_size,
        start=to_minutes(stay[0]),
        end=to_minutes(stay[1]),
        service_id=service,
        service_date=day,
        zone=preferences.zone,
        zone_required=preferences.zone_required,
        attributes=frozenset(preferences.attributes),
        required=frozenset(preferences.required),
    )


def problem_of(
    index: FloorIndex, request: PartyRequest, options: PlannerOptions, snapshot: Snapshot
) -> Problem:
    """What the planner decides on. ``options``: how much of it is used, decided once an attempt."""
    return _problems(snapshot, options, movable_bookings(index, snapshot))(request)


class Planning:
    """Asks the planner about a snapshot.

    ``flags``: how much of the planner a restaurant gets. ``decide`` is the planner, except in tests of its
    faults. ``may_move``: may other bookings be given other tables?
    """

    def __init__(
        self,
        clock: Clock,
        flags: FlagSource = _ALL,
        decide: Callable[..., Decision] = quote,
        *,
        may_move: bool = True,
    ) -> None:
        self._clock = clock
        self.flags = flags
        self._decide = decide
        self._may_move = may_move

    def moving_nobody(self) -> "Planning":
        """The same, but that no booking is given other tables."""
        return Planning(self._clock, self.flags, self._decide, may_move=False)

    def allowed(self, options: PlannerOptions) -> PlannerOptions:
        """As much of these as may be used here."""
        return options if self._may_move else options.moving_nobody()

    def quote(self, index: FloorIndex, problem: Problem, deadline: Deadline, *, cache_hit: bool) -> Quote:
        """The planner's decision. A defect of the planner's is an outcome too (``planner_error``).

        ``cache_hit``: the floor was kept from an earlier request, not read for this one.
        """
        began = self._clock.monotonic()
        day = None
        try:
            day = draw_day(index, problem)
            decision = self._decide(index, problem, deadline, day)
        except Exception:
            logger.exception("the planner failed")
            decision = _failed()
        duration = round((self._clock.monotonic() - began) * 1000, 3)
        return Quote(decision, duration, cache_hit, index, problem, day)

    def fully(self, quote: Quote, budget: Deadline) -> Quote:
        """The same question about the same day, to the full planner."""
        problem = replace(quote.problem, options=self.allowed(FULL))
        return self.quote(quote.index, problem, budget, cache_hit=quote.cache_hit)

    def of_day(self, index: FloorIndex, snapshot: Snapshot) -> "DayPlanner":
        """For many questions about one snapshot: what they share is made once."""
        options = self.allowed(self.flags.flags_for(index.floor.restaurant_id).options)
        movable = movable_bookings(index, snapshot)
        occupancy = Occupancy.build(index, _span(snapshot.day), snapshot.allocations)
        problem_of = _problems(snapshot, options, movable)
        return DayPlanner(DrawnDay(index, occupancy, movable), problem_of, self._decide)

    def keep_hold(
        self, index: FloorIndex, problem: Problem, tables: Sequence[str], *, cache_hit: bool
    ) -> PlannerRun:
        """The tables of the party's own hold, of which the problem's day is free; nothing is searched for."""
        began = self._clock.monotonic()
        decision: Decision
        try:
            decision = keep_hold(index, problem, tables)
        except Exception:
            logger.exception("the planner failed")
            decision = _failed()
        duration = round((self._clock.monotonic() - began) * 1000, 3)
        return PlannerRun(decision, duration, cache_hit, index)

    def alternatives(
        self, quote: Quote, duration_minutes: int | None, now: datetime, deadline: Deadline
    ) -> tuple[Alternative, ...]:
        """Other starts for a party that was refused; none if the planner fails at that.

        They are no part of the quote: while the day is locked, others would wait for them. What the quote has
        found out about the day is used again.
        """
        if quote.day is None:
            return ()
        return _alternatives(quote.day, quote.problem, duration_minutes, now, deadline)


@dataclass(frozen=True, slots=True)
class DayPlanner:
    """The planner, bound to one reading of a day."""

    day: DrawnDay
    problem_of: Callable[[PartyRequest], Problem]
    ask: Callable[..., Decision]

    def decide(self, request: PartyRequest, deadline: Deadline) -> Decision:
        """As `Planning.quote`; a defect of the planner's is the refusal ``planner_error``."""
        try:
            return self.ask(self.day.index, self.problem_of(request), deadline, self.day)
        except Exception:
            logger.exception("the planner failed")
            return _failed()

    def is_full(self, party_size: int, start: int, end: int, zone: str | None) -> bool:
        """Is it proven at a glance that the stay ``[start, end)`` is not possible? False says nothing."""
        try:
            return surely_full(self.day, party_size, start, end, zone)
        except Exception:
            logger.exception("the planner failed")
            return False

    def place(self, request: PartyRequest, deadline: Deadline) -> Plan | None:
        """The place that `decide` would find; None is a proof that there is none.

        Raises SearchEndedError if that stays open, which it does after a defect of the planner's, too.
        """
        try:
            return find_place(self.day.index, self.problem_of(request), deadline, self.day)
        except SearchEndedError:
            raise
        except Exception as error:
            logger.exception("the planner failed")
            raise SearchEndedError from error

    def count(self, request: PartyRequest, deadline: Deadline) -> PartyCount:
        """How many parties like this one have room together while nobody is moved.

        After a defect of the planner's, nothing is proven.
        """
        try:
            return count_places(self.day.index, self.problem_of(request), deadline, self.day)
        except Exception:
            logger.exception("the planner failed")
            return PartyCount(0, exact=False)

    def alternatives(
        self, request: PartyRequest, duration_minutes: int | None, now: datetime, deadline: Deadline
    ) -> tuple[Alternative, ...]:
        """Other starts for this party, as many as are found in time; none if the planner fails."""
        return _alternatives(self.day, self.problem_of(request), duration_minutes, now, deadline)


def _alternatives(
    day: DrawnDay, problem: Problem, duration_minutes: int | None, now: datetime, deadline: Deadline
) -> tuple[Alternative, ...]:
    reach = Reach(to_minutes(now), duration_minutes=duration_minutes, other_zones=True)
    try:
        return alternatives(day.index, problem, reach, deadline, day)
    except Exception:
        logger.exception("the planner failed to find alternatives")
        return ()


def _problems(
    snapshot: Snapshot, options: PlannerOptions, movable: tuple[MovableBooking, ...]
) -> Callable[[PartyRequest], Problem]:
    """The problem of each party that asks for this day; what they share is made once."""
    return partial(
        Problem,
        span=_span(snapshot.day),
        allocations=snapshot.allocations,
        pacing=snapshot.covers,
        movable=movable,
        demand=learn_demand(snapshot.demand) if snapshot.demand else PRIOR,
        options=options,
    )


def _span(day: Day) -> tuple[int, int]:
    return to_minutes(day.start), to_minutes(day.end)


def _failed() -> Refusal:
    reason = Reason(ReasonCode.PLANNER_ERROR, "The planner failed; the booking is tried again.")
    return Refusal(reason, candidates=0, explanation=reason.detail)


# --- the bookings that a plan may move ---


def movable_bookings(index: FloorIndex, snapshot: Snapshot) -> tuple[MovableBooking, ...]:
    """The snapshot's stays that may be moved, each with the promise that a move must keep."""
    present = tables_of_bookings(snapshot)
    tables = {table.id: table for table in index.floor.tables}
    return tuple(
        _movable(stay, [tables[table] for table in present[stay.booking_id]])
        for stay in snapshot.stays
        if stay.booking_id in present and tables.keys() >= set(present[stay.booking_id])
    )


def tables_of_bookings(snapshot: Snapshot) -> Mapping[str, tuple[str, ...]]:
    """The tables of each booking, sorted."""
    found: dict[str, list[str]] = {}
    for allocation in snapshot.allocations:
        if allocation.booking_id is not None:
            found.setdefault(allocation.booking_id, []).append(allocation.table_id)
    return {booking_id: tuple(sorted(tables)) for booking_id, tables in found.items()}


def _movable(stay: MovableStay, tables: Sequence[Table]) -> MovableBooking:
    """The zone is promised if it was a must, or wished and got; of the attributes, those wished and got.

    A must stays one where the party does not have it: a new floor document may have taken it away.
    """
    wishes = stay.preferences
    promised = wishes.zone_required or tables[0].zone == wishes.zone
    got = frozenset.intersection(*(table.attributes for table in tables))
    return MovableBooking(
        booking_id=stay.booking_id,
        party_size=stay.party_size,
        start=stay.start,
        end=stay.end,
        tables=tuple(table.id for table in tables),
        zone=wishes.zone if promised else None,
        attributes=frozenset(wishes.attributes) & got,
        required=frozenset(wishes.required),
    )
