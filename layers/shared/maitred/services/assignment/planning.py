"""The one way to ask the planner, for every flow: snapshots turned into quotes."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from maitred.domain.booking import Booking, Preferences
from maitred.domain.reasons import Reason, ReasonCode
from maitred.domain.timeline import to_minutes
from maitred.domain.windows import Window
from maitred.planner.answer.alternatives import find_alternatives
from maitred.planner.answer.choice import keep_held
from maitred.planner.answer.inputs import PlannerInputs
from maitred.planner.answer.quote import quote
from maitred.planner.day.demand import PRIOR, Demand, learn_demand
from maitred.planner.day.occupancy import Occupancy
from maitred.planner.day.places import Movers
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import Alternative, Covers, Deadline, Decision, PartyRequest
from maitred.planner.options import FULL, PlannerOptions
from maitred.services.assignment.attempt import Quote, Verdict
from maitred.services.assignment.moves import movable_bookings
from maitred.services.ports import Clock, Day, Snapshot
from maitred.services.rollout import ConductOf, everything

logger = logging.getLogger(__name__)


def party_request(party_size: int, window: Window, preferences: Preferences) -> PartyRequest:
    return PartyRequest(
        party_size=party_size,
        start=to_minutes(window.start),
        end=to_minutes(window.end),
        service_id=window.service.id,
        service_date=window.service_date,
        zone=preferences.zone,
        zone_required=preferences.zone_required,
        attributes=frozenset(preferences.attributes),
        required=frozenset(preferences.required),
    )


def booking_request(booking: Booking) -> PartyRequest:
    """What a kept booking asks for: the stay that was promised, with its wishes and musts."""
    wishes = booking.preferences
    return PartyRequest(
        party_size=booking.party_size,
        start=to_minutes(booking.start_at),
        end=to_minutes(booking.end_at),
        service_id=booking.service_id,
        service_date=booking.service_date,
        zone=wishes.zone,
        zone_required=wishes.zone_required,
        attributes=frozenset(wishes.attributes),
        required=frozenset(wishes.required),
    )


@dataclass(frozen=True, slots=True)
class Question:
    """A party on a floor. ``cache_hit``: the floor was kept, not read for this.

    ``options``: how much of the planner it gets; decided once an attempt, as flags may change meanwhile.
    """

    index: FloorIndex
    request: PartyRequest
    options: PlannerOptions
    cache_hit: bool


class Planning:
    """Asks the planner about a snapshot.

    ``conduct_of``: how much of the planner a restaurant gets; ``decide`` is the planner, but in tests of its
    faults. ``may_move``: may other bookings be given other tables?
    """

    def __init__(
        self,
        clock: Clock,
        conduct_of: ConductOf = everything,
        decide: Callable[..., Decision] = quote,
        *,
        may_move: bool = True,
    ) -> None:
        self._clock = clock
        self.conduct_of = conduct_of
        self._decide = decide
        self._may_move = may_move

    def moving_nobody(self) -> "Planning":
        """The same, but that no booking is given other tables."""
        return Planning(self._clock, self.conduct_of, self._decide, may_move=False)

    def allowed(self, options: PlannerOptions) -> PlannerOptions:
        """As much of these as may be used here."""
        return options if self._may_move else options.moving_nobody()

    def quote(self, question: Question, snapshot: Snapshot, deadline: Deadline) -> Quote:
        """A defect of the planner's is an outcome (``planner_error``): no booking is lost by it."""
        began = self._clock.monotonic()
        inputs = self._inputs(question, snapshot)
        return self._quoted(question.index, inputs, deadline, cache_hit=question.cache_hit, began=began)

    def fully(self, quote: Quote, budget: Deadline) -> Quote:
        """The same question about the same day, to the full planner."""
        inputs = replace(quote.inputs, options=self.allowed(FULL))
        began = self._clock.monotonic()
        return self._quoted(quote.index, inputs, budget, cache_hit=quote.cache_hit, began=began)

    def _quoted(
        self, index: FloorIndex, inputs: PlannerInputs, deadline: Deadline, *, cache_hit: bool, began: float
    ) -> Quote:
        movers = None
        try:
            occupancy = Occupancy.build(index, inputs.span, inputs.allocations)
            movers = Movers(index, occupancy, inputs.movable)
            decision = self._decision(movers, inputs, deadline)
        except Exception:
            logger.exception("the planner failed")
            decision = _failed()
        duration = round((self._clock.monotonic() - began) * 1000, 3)
        return Quote(decision, duration, cache_hit, index, inputs, movers)

    def of_day(self, index: FloorIndex, snapshot: Snapshot) -> "DayPlanner":
        """For many questions about one snapshot: what they share is made once."""
        occupancy = Occupancy.build(index, _span(snapshot.day), snapshot.allocations)
        return DayPlanner(
            Movers(index, occupancy, movable_bookings(index, snapshot)),
            snapshot.covers,
            learn_demand(snapshot.demand) if snapshot.demand else PRIOR,
            self.allowed(self.conduct_of(index.floor.restaurant_id).options),
            self._decide,
        )

    def keep_held(self, question: Question, snapshot: Snapshot, tables: Sequence[str]) -> Verdict:
        """The tables of the party's own hold, which ``snapshot`` is without; nothing is searched for."""
        began = self._clock.monotonic()
        inputs = self._inputs(question, snapshot)
        try:
            occupancy = Occupancy.build(question.index, inputs.span, inputs.allocations)
            decision = keep_held(question.index, occupancy, inputs.request, inputs.demand, tables)
        except Exception:
            logger.exception("the planner failed")
            decision = _failed()
        duration = round((self._clock.monotonic() - began) * 1000, 3)
        return Verdict(decision, duration, question.cache_hit)

    def alternatives(
        self, quote: Quote, duration_minutes: int | None, now: datetime, deadline: Deadline
    ) -> tuple[Alternative, ...]:
        """Other starts for a party that was refused; none if the planner fails at that.

        Not part of the quote: nobody else should wait for them, as they would while the day is held. What the
        quote found out about the day is not worked out again.
        """
        inputs, movers = quote.inputs, quote.movers
        if movers is None:
            return ()
        planner = DayPlanner(movers, inputs.pacing, inputs.demand, inputs.options, self._decide)
        return planner.alternatives(inputs.request, duration_minutes, now, deadline)

    def _inputs(self, question: Question, snapshot: Snapshot) -> PlannerInputs:
        return PlannerInputs(
            layout_version=question.index.floor.layout_version,
            span=_span(snapshot.day),
            request=question.request,
            allocations=snapshot.allocations,
            pacing=snapshot.covers,
            movable=movable_bookings(question.index, snapshot),
            demand=learn_demand(snapshot.demand) if snapshot.demand else PRIOR,
            options=question.options,
        )

    def _decision(self, movers: Movers, inputs: PlannerInputs, deadline: Deadline) -> Decision:
        return self._decide(
            movers.index,
            movers.occupancy,
            inputs.request,
            inputs.pacing,
            deadline,
            movable=movers,
            demand=inputs.demand,
            options=inputs.options,
        )


@dataclass(frozen=True, slots=True)
class DayPlanner:
    """The planner, bound to one reading of a day."""

    movers: Movers
    covers: Sequence[Covers]
    demand: Demand
    options: PlannerOptions
    ask: Callable[..., Decision]

    def decide(self, request: PartyRequest, deadline: Deadline) -> Decision:
        """As `Planning.quote`; a defect of the planner's is the refusal ``planner_error``."""
        try:
            return self.ask(
                self.movers.index,
                self.movers.occupancy,
                request,
                self.covers,
                deadline,
                movable=self.movers,
                demand=self.demand,
                options=self.options,
            )
        except Exception:
            logger.exception("the planner failed")
            return _failed()

    def alternatives(
        self, request: PartyRequest, duration_minutes: int | None, now: datetime, deadline: Deadline
    ) -> tuple[Alternative, ...]:
        """Other starts for this party, as many as are found in time; none if the planner fails."""
        try:
            return find_alternatives(
                self.movers.index,
                self.movers.occupancy,
                request,
                self.covers,
                deadline,
                to_minutes(now),
                duration_minutes=duration_minutes,
                movable=self.movers,
                demand=self.demand,
                options=self.options,
                other_zones=True,
            )
        except Exception:
            logger.exception("the planner failed to find alternatives")
            return ()


def _span(day: Day) -> tuple[int, int]:
    return to_minutes(day.start), to_minutes(day.end)


def _failed() -> Decision:
    reason = Reason(ReasonCode.PLANNER_ERROR, "The planner failed; the booking is tried again.")
    return Decision(None, reason, 0, 0, 0, truncated=False, explanation=reason.detail)
