"""``GET /restaurants/{id}/availability``: what the planner would say to each slot of a day, asked now.

One reading of the day and the one planner: a slot that is called available confirms if it is asked for
next. Nothing is kept.
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
from maitred.planner.model import Decision, PartyRequest, Plan, Refusal
from maitred.services.assignment.day import DaySnapshots, Reading, day_of_services
from maitred.services.assignment.planning import DayPlanner, Planning, party_request
from maitred.services.booking.request import BookingRequest, stay
from maitred.services.budget import Budget
from maitred.services.idempotency import Reply
from maitred.services.ports import Clock, Json

_BUDGET_MS = 900  # an answer is at most a second old
_PASSES = 2  # who used up its share is asked once more, with what the others left over


@dataclass(frozen=True, slots=True)
class AvailabilityRequest:
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

    def of_day(self, request: AvailabilityRequest) -> Reply:
        """Every slot of the service day. Raises RestaurantNotFound, StoreError if the day cannot be read.

        A slot that could not be decided in time has the reason ``search_truncated``, never that it is full.
        """
        now, budget = self._clock.now(), Budget(self._clock, _BUDGET_MS)
        reading = self._days.read(
            request.restaurant_id, lambda floor: day_of_services(floor, request.service_date, now), budget
        )
        slots = list(_slots(request, reading.index, now))
        decisions = self._decisions(request, reading, slots, budget)
        zone = reading.index.floor.timezone
        answers = [_slot_json(slot.start, _answer(slot, decisions), zone.key) for slot in slots]
        return Reply(200, responses.dumps({"asOf": responses.local(now, zone), "slots": answers}))

    def _decisions(
        self, request: AvailabilityRequest, reading: Reading, slots: Sequence[_Slot], budget: Budget
    ) -> Mapping[int, Decision]:
        """By start, for the slots that have a stay."""
        planner = self._planning.of_day(reading.index, reading.snapshot)
        waiting = [
            party_request(request.party_size, slot.stay, request.preferences)
            for slot in slots
            if isinstance(slot.stay, Window)
        ]
        decisions: dict[int, Decision] = {}
        for _ in range(_PASSES):
            decisions |= self._pass(planner, waiting, budget)
            waiting = [party for party in waiting if _undecided(decisions[party.start])]
        return decisions

    def _pass(
        self, planner: DayPlanner, parties: Sequence[PartyRequest], budget: Budget
    ) -> dict[int, Decision]:
        """Each has an equal share of what is left, so that one hard slot does not silence the others."""
        decisions = {}
        for left, party in zip(range(len(parties), 0, -1), parties, strict=True):
            share = Budget(self._clock, budget.remaining_ms() / left)
            decisions[party.start] = planner.decide(party, share)
        return decisions


def _slots(request: AvailabilityRequest, index: FloorIndex, now: datetime) -> Iterator[_Slot]:
    """The day's slots, without those that would be booked on another service day."""
    for _, start in slot_starts(index.floor, request.service_date):
        next_call = BookingRequest(request.restaurant_id, request.party_size, start, request.preferences)
        try:
            window, _ = stay(next_call, index, now)
        except MaitredError as error:
            yield _Slot(start, error)
        else:
            if window.service_date == request.service_date:
                yield _Slot(start, window)


def _undecided(decision: Decision) -> bool:
    return isinstance(decision, Refusal) and decision.reason.code is ReasonCode.SEARCH_TRUNCATED


def _answer(slot: _Slot, decisions: Mapping[int, Decision]) -> Decision | MaitredError:
    return slot.stay if isinstance(slot.stay, MaitredError) else decisions[to_minutes(slot.start)]


def _slot_json(start: datetime, answer: Decision | MaitredError, timezone: str) -> Json:
    start_at = responses.local(start, timezone)
    slot: Json = {"time": start_at[11:16], "startAt": start_at}
    match answer:
        case Plan():
            return {**slot, "available": True, "tables": list(answer.tables)}
        case Refusal():
            return {**slot, "available": False, "reason": responses.reason_json(answer.reason)}
        case MaitredError():  # some of these codes a booking never has as a reason, since it is not made
            category = Category.DETERMINISTIC.value
            reason = {"code": answer.code, "category": category, "detail": answer.detail}
            return {**slot, "available": False, "reason": reason}
