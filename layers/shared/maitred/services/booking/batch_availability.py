"""``POST /restaurants/{id}/availability``: how many more parties of each size fit, for many days at once.

One reading of all days, at one moment, and the rules and the planner of the single call. Only slots without a
free table ask whether a move would let the party in. An answer serves again for a second at most, and only
while the database says that its days have not changed.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from maitred.contracts import responses
from maitred.domain.booking import Preferences
from maitred.planner.model import Deadline, PartyRequest
from maitred.planner.search.join_search import SearchEndedError
from maitred.services.assignment.day import DaySnapshots, Floors, Reading, day_of_services
from maitred.services.assignment.planning import DayPlanner, Planning
from maitred.services.booking.availability import BUDGET_MS, AvailabilityRequest, ask_twice, slots_for
from maitred.services.booking.recent_days import AnsweredDay, RecentDays, stands_alone
from maitred.services.booking.request import unknown_words
from maitred.services.budget import Budget
from maitred.services.idempotency import Reply
from maitred.services.ports import BookingStore, Charge, Clock, Json


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """Days and sizes, each once. The rest is as in `AvailabilityRequest`."""

    client: str
    restaurant_id: str
    dates: Sequence[date]
    party_sizes: Sequence[int]
    preferences: Preferences
    is_staff: bool = False

    @property
    def question(self) -> Hashable:
        """All that the answer depends on but the days."""
        return self.restaurant_id, tuple(self.party_sizes), self.preferences, self.is_staff

    def single(self, day: date, party_size: int) -> AvailabilityRequest:
        """The call that asks for one of the days and one of the sizes."""
        return AvailabilityRequest(
            self.client, self.restaurant_id, day, party_size, self.preferences, self.is_staff
        )


@dataclass(frozen=True, slots=True)
class Openings:
    """How many more parties of one size fit at one start.

    ``by_moves``: the only one that does needs others to move. ``decided``: no more than ``parties`` fit; else
    that is only what was proven in time.
    """

    parties: int = 0
    by_moves: bool = False
    decided: bool = True


#: A service day, a start on it, and the size of a party.
type _Slot = tuple[date, datetime, int]


class BatchAvailability:
    def __init__(self, clock: Clock, store: BookingStore, floors: Floors, planning: Planning) -> None:
        self._clock = clock
        self._store = store
        self._floors = floors
        self._days = DaySnapshots(store, floors)
        self._planning = planning
        self._recent = RecentDays()

    def of_days(self, request: BatchRequest) -> Reply:
        """All slots of the days. Raises RestaurantNotFound, StoreError if the days cannot be read.

        What was not proven in time is not called open, and its size is named as undecided.
        """
        now, budget = self._clock.now(), Budget(self._clock, BUDGET_MS)
        days = self._known(request, now, budget) or self._read(request, now, budget)
        index = days[request.dates[0]].index
        answer = [{"date": day.isoformat(), "slots": answered.slots} for day, answered in days.items()]
        as_of = responses.local(min(each.as_of for each in days.values()), index.floor.timezone)
        warnings = responses.warnings_json(unknown_words(index, request.preferences))
        return Reply(200, responses.dumps({"asOf": as_of, "days": answer, **warnings}))

    def _known(self, request: BatchRequest, now: datetime, budget: Budget) -> dict[date, AnsweredDay] | None:
        """What was answered within the last second, if no day has changed since; None: it has to be read."""
        if self._floors.latest(request.restaurant_id) is None:
            return None
        known = self._recent.find(request.question, request.dates, now, self._clock.monotonic())
        if known is None:
            return None
        charge, left = (
            Charge(request.client),
            budget.remaining_ms(),
        )  # nothing is planned: as for one question
        revisions = self._store.revisions(request.restaurant_id, request.dates, left, charge)
        if revisions is None or not all(each.still_holds(day, revisions) for day, each in known.items()):
            return None
        return known

    def _read(self, request: BatchRequest, now: datetime, budget: Budget) -> dict[date, AnsweredDay]:
        readings = self._days.read_all(
            request.restaurant_id,
            lambda floor: [day_of_services(floor, day, now) for day in request.dates],
            budget,
            Charge(request.client, len(request.dates) * len(request.party_sizes)),
        )
        index = readings[0].index
        slots = {
            (day, start, size): slot
            for day in request.dates
            for size in request.party_sizes
            for start, slot in slots_for(request.single(day, size), index, now).items()
        }
        parties = {slot: each for slot, each in slots.items() if isinstance(each, PartyRequest)}
        openings = self._openings(parties, readings, budget)
        found: dict[date, list[Json]] = {day: [] for day in request.dates}
        for day, start in sorted({(day, start) for day, start, _ in slots}):
            of_sizes = {size: openings.get((day, start, size), Openings()) for size in request.party_sizes}
            found[day].append(_slot_json(responses.local(start, index.floor.timezone), of_sizes))
        undecided = {day for (day, *_), each in openings.items() if not each.decided}
        days = {}
        for day, reading in zip(request.dates, readings, strict=True):
            final = day not in undecided and stands_alone(index.floor, day)
            read = reading.snapshot
            days[day] = AnsweredDay(index, read.revision, now, read.first_expiry, found[day], final)
            self._recent.keep(request.question, day, days[day], self._clock.monotonic())
        return days

    def _openings(
        self, parties: Mapping[_Slot, PartyRequest], readings: Sequence[Reading], budget: Budget
    ) -> dict[_Slot, Openings]:
        """First how many fit as the days are, which is quick; then whether a move lets one in elsewhere."""
        planners = {
            reading.snapshot.day.service_date: self._planning.of_day(reading.index, reading.snapshot)
            for reading in readings
        }
        openings = {
            slot: _as_it_is(planners[party.service_date], party, share)
            for (slot, party), share in zip(parties.items(), budget.shares(len(parties)), strict=True)
        }
        full = {slot: party for slot, party in parties.items() if not openings[slot].parties}

        def with_moves(party: PartyRequest, share: Deadline) -> Openings:
            return _with_moves(planners[party.service_date], party, share)

        return openings | ask_twice(full, budget, with_moves, lambda each: not (each.parties or each.decided))


def _as_it_is(planner: DayPlanner, party: PartyRequest, deadline: Deadline) -> Openings:
    found = planner.count(party, deadline)
    return Openings(found.parties, decided=found.exact)


def _with_moves(planner: DayPlanner, party: PartyRequest, deadline: Deadline) -> Openings:
    try:
        plan = planner.place(party, deadline)
    except SearchEndedError:
        return Openings(decided=False)
    if plan is None:
        return Openings()
    return Openings(1, by_moves=bool(plan.moves), decided=bool(plan.moves))  # without moves, more may fit


def _slot_json(start_at: str, found: Mapping[int, Openings]) -> Json:
    slot: Json = {"time": start_at[11:16], "startAt": start_at}
    slot["open"] = {str(size): each.parties for size, each in found.items()}
    undecided = [size for size, each in found.items() if not each.decided]
    if any(each.by_moves for each in found.values()):
        slot["moves"] = True
    if undecided:
        slot["undecided"] = undecided
    return slot
