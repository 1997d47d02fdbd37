"""``GET /restaurants/{id}/availability``: what the planner would say to each slot of a day, asked now.

One reading of the day and the one planner: a slot that is called available confirms if it is asked for
next. Nothing is kept.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from maitred.contracts import responses
from maitred.domain.booking import Preferences
from maitred.domain.errors import MaitredError
from maitred.domain.reasons import Category, ReasonCode
from maitred.domain.windows import sittings_near, slot_starts
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import Deadline, Decision, PartyRequest, Plan, Refusal
from maitred.services.assignment.day import DaySnapshots, Reading, day_of_services
from maitred.services.assignment.planning import Planning, party_request
from maitred.services.booking.request import BookingRequest, stay, unknown_words
from maitred.services.budget import Budget
from maitred.services.idempotency import Reply
from maitred.services.ports import Charge, Clock, Json

BUDGET_MS = 900  # an answer is at most a second old
_PASSES = 2


@dataclass(frozen=True, slots=True)
class AvailabilityRequest:
    """``preferences``: musts only. ``is_staff``: limits for guests do not bind who asks, the ``client``."""

    client: str
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
        now, budget = self._clock.now(), Budget(self._clock, BUDGET_MS)
        reading = self._days.read(
            request.restaurant_id,
            lambda floor: day_of_services(floor, request.service_date, now),
            budget,
            Charge(request.client),
        )
        answers, zone = self._answers(request, reading, now, budget), reading.index.floor.timezone
        slots = [_slot_json(start, answers[start], zone.key) for start in sorted(answers)]
        warnings = responses.warnings_json(unknown_words(reading.index, request.preferences))
        return Reply(200, responses.dumps({"asOf": responses.local(now, zone), "slots": slots, **warnings}))

    def _answers(
        self, request: AvailabilityRequest, reading: Reading, now: datetime, budget: Budget
    ) -> _Answers:
        slots = slots_for(request, reading.index, now)
        answers: _Answers = {start: each for start, each in slots.items() if isinstance(each, MaitredError)}
        waiting = {start: each for start, each in slots.items() if isinstance(each, PartyRequest)}
        planner = self._planning.of_day(reading.index, reading.snapshot)
        return answers | ask_twice(waiting, budget, planner.decide, _undecided)


def slots_for(
    request: AvailabilityRequest, index: FloorIndex, now: datetime
) -> dict[datetime, PartyRequest | MaitredError]:
    """The day's slots by start: what the party would ask for, or what the floor document says against it.

    Without those that would be booked on another service day.
    """
    found: dict[datetime, PartyRequest | MaitredError] = {}
    near = sittings_near(index.floor, request.service_date)
    for _, start in slot_starts(index.floor, request.service_date):
        next_call = BookingRequest(request.restaurant_id, request.party_size, start, request.preferences)
        try:
            window, _ = stay(next_call, index, now, is_staff=request.is_staff, near=near)
        except MaitredError as error:
            found[start] = error
            continue
        if window.service_date == request.service_date:
            found[start] = party_request(request.party_size, window, request.preferences)
    return found


def ask_twice[Slot, Answer](
    waiting: Mapping[Slot, PartyRequest],
    budget: Budget,
    ask: Callable[[PartyRequest, Deadline], Answer],
    undecided: Callable[[Answer], bool],
) -> dict[Slot, Answer]:
    """The answer to each of ``waiting``, the time divided among them.

    Who used up its share is asked once more, with what the others left over.
    """
    answers: dict[Slot, Answer] = {}
    for _ in range(_PASSES):
        for (slot, party), share in zip(waiting.items(), budget.shares(len(waiting)), strict=True):
            answers[slot] = ask(party, share)
        waiting = {slot: party for slot, party in waiting.items() if undecided(answers[slot])}
    return answers


def _undecided(answer: Decision) -> bool:
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
