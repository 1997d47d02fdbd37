"""``GET /restaurants/{id}/availability``: what the planner would say to each slot of a day, asked now.

One reading of the day and the one planner: a slot that is told available confirms if it is asked for
next. Nobody is seated and nothing is kept.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from maitred.contracts import responses
from maitred.domain.booking import Preferences
from maitred.domain.errors import MaitredError
from maitred.domain.reasons import Category, ReasonCode
from maitred.domain.timeline import to_minutes
from maitred.domain.windows import Window, slot_starts
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import Decision, PartyRequest
from maitred.services.assignment.budget import Budget
from maitred.services.assignment.day import day_of_services
from maitred.services.assignment.day_snapshots import DaySnapshots, Reading
from maitred.services.assignment.planning import DayPlanner, Planning, party_request
from maitred.services.booking.day_reader import stay
from maitred.services.booking.request import BookingWish
from maitred.services.idempotency import Reply
from maitred.services.ports import Clock, Json

_BUDGET_MS = 900  # an answer is at most a second old
_PASSES = 2  # who used up its share is asked once more, with what the others left over


@dataclass(frozen=True, slots=True)
class AvailabilityWish:
    """``preferences``: musts only."""

    restaurant_id: str
    service_date: date
    party_size: int
    preferences: Preferences


@dataclass(frozen=True, slots=True)
class _Slot:
    """A start, and the stay from there, or what the floor document says against it."""

    start: datetime
    stay: Window | MaitredError


class Availability:
    def __init__(self, clock: Clock, days: DaySnapshots, planning: Planning) -> None:
        self._clock = clock
        self._days = days
        self._planning = planning

    def of_day(self, wish: AvailabilityWish) -> Reply:
        """Every slot of the service day. Raises RestaurantNotFound, BookError if the day cannot be read.

        A slot that could not be decided in time is told as ``search_truncated``, never as full.
        """
        now, budget = self._clock.now(), Budget(self._clock, _BUDGET_MS)
        reading = self._days.read(
            wish.restaurant_id, lambda floor: day_of_services(floor, wish.service_date, now), budget
        )
        slots = list(_slots(wish, reading.index, now))
        decisions = self._decisions(wish, reading, slots, budget)
        zone = reading.index.floor.timezone
        told = [_told(slot, decisions.get(to_minutes(slot.start)), zone.key) for slot in slots]
        return Reply(200, responses.dumps({"asOf": responses.local(now, zone), "slots": told}))

    def _decisions(
        self, wish: AvailabilityWish, reading: Reading, slots: Sequence[_Slot], budget: Budget
    ) -> Mapping[int, Decision]:
        """By start, for the slots that have a stay."""
        planner = self._planning.of_day(reading.index, reading.snapshot)
        waiting = [
            party_request(wish.party_size, slot.stay, wish.preferences)
            for slot in slots
            if isinstance(slot.stay, Window)
        ]
        decisions: dict[int, Decision] = {}
        for _ in range(_PASSES):
            decisions |= self._pass(planner, waiting, budget)
            waiting = [request for request in waiting if _undecided(decisions[request.start])]
        return decisions

    def _pass(
        self, planner: DayPlanner, requests: Sequence[PartyRequest], budget: Budget
    ) -> dict[int, Decision]:
        """Each has an equal share of what is left, so that one hard slot does not silence the others."""
        decisions = {}
        for left, request in zip(range(len(requests), 0, -1), requests, strict=True):
            share = Budget(self._clock, budget.remaining_ms() / left)
            decisions[request.start] = planner.decide(request, share)
        return decisions


def _slots(wish: AvailabilityWish, index: FloorIndex, now: datetime) -> Iterator[_Slot]:
    """The day's slots; one that would be booked on another service day is told there."""
    for _, start in slot_starts(index.floor, wish.service_date):
        try:
            window, _ = stay(_booking_of(wish, start), index, now)
        except MaitredError as error:
            yield _Slot(start, error)
        else:
            if window.service_date == wish.service_date:
                yield _Slot(start, window)


def _booking_of(wish: AvailabilityWish, start: datetime) -> BookingWish:
    """What would be asked for next."""
    return BookingWish(
        restaurant_id=wish.restaurant_id,
        party_size=wish.party_size,
        start=start,
        guest={},
        preferences=wish.preferences,
        notes=None,
        duration_minutes=None,
        refuse_if_full=True,
    )


def _undecided(decision: Decision) -> bool:
    return decision.refusal is not None and decision.refusal.code is ReasonCode.SEARCH_TRUNCATED


def _told(slot: _Slot, decision: Decision | None, timezone: str) -> Json:
    start_at = responses.local(slot.start, timezone)
    told: Json = {"time": start_at[11:16], "startAt": start_at}
    if isinstance(slot.stay, MaitredError):
        return {**told, "available": False, "reason": _against(slot.stay)}
    if decision is None:
        raise ValueError("every stay has been decided")
    if decision.plan is not None:
        return {**told, "available": True, "tables": list(decision.plan.tables)}
    return {**told, "available": False, "reason": responses.reason_json(decision.refusal)}


def _against(error: MaitredError) -> Json:
    """As a reason; some of these codes a booking is never given as one, since it is not made at all."""
    return {"code": error.code, "category": Category.DETERMINISTIC.value, "detail": error.detail}
