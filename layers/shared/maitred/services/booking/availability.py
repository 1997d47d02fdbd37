"""``GET /restaurants/{id}/availability``: what the planner would say to each slot of a day, asked now.

One reading of the day and the one planner: a slot that is called available confirms if it is asked for
next. Nothing is kept.
"""

from dataclasses import dataclass
from datetime import date, datetime

from maitred.contracts import responses
from maitred.domain.booking import Preferences
from maitred.domain.errors import MaitredError
from maitred.domain.reasons import Category, ReasonCode
from maitred.domain.windows import slot_starts
from maitred.planner.model import Decision, PartyRequest, Plan, Refusal
from maitred.services.assignment.day import DaySnapshots, Reading, day_of_services
from maitred.services.assignment.planning import Planning, party_request
from maitred.services.booking.request import BookingRequest, stay, unknown_words
from maitred.services.budget import Budget
from maitred.services.idempotency import Reply
from maitred.services.ports import Clock, Json

_BUDGET_MS = 900  # an answer is at most a second old
_PASSES = 2  # who used up its share is asked once more, with what the others left over


@dataclass(frozen=True, slots=True)
class AvailabilityRequest:
    """``preferences``: musts only. ``is_staff``: limits for guests do not bind who asks."""

    restaurant_id: str
    service_date: date
    party_size: int
    preferences: Preferences
    is_staff: bool = False


#: By start: what the planner decides, or what the floor document says against it.
type _Answers = dict[datetime, Decision | MaitredError]


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
        answers, zone = self._answers(request, reading, now, budget), reading.index.floor.timezone
        slots = [_slot_json(start, answers[start], zone.key) for start in sorted(answers)]
        warnings = responses.warnings_json(unknown_words(reading.index, request.preferences))
        return Reply(200, responses.dumps({"asOf": responses.local(now, zone), "slots": slots, **warnings}))

    def _answers(
        self, request: AvailabilityRequest, reading: Reading, now: datetime, budget: Budget
    ) -> _Answers:
        """The day's slots, without those that would be booked on another service day."""
        answers: _Answers = {}
        waiting: dict[datetime, PartyRequest] = {}
        for _, start in slot_starts(reading.index.floor, request.service_date):
            next_call = BookingRequest(request.restaurant_id, request.party_size, start, request.preferences)
            try:
                window, _ = stay(next_call, reading.index, now, is_staff=request.is_staff)
            except MaitredError as error:
                answers[start] = error
                continue
            if window.service_date == request.service_date:
                waiting[start] = party_request(request.party_size, window, request.preferences)
        planner = self._planning.of_day(reading.index, reading.snapshot)
        for _ in range(_PASSES):
            for (start, party), share in zip(waiting.items(), budget.shares(len(waiting)), strict=True):
                answers[start] = planner.decide(party, share)
            waiting = {start: party for start, party in waiting.items() if _undecided(answers[start])}
        return answers


def _undecided(answer: Decision | MaitredError) -> bool:
    return isinstance(answer, Refusal) and answer.reason.code is ReasonCode.SEARCH_TRUNCATED


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
