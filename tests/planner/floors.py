"""Small floors, requests and deadlines for the planner's tests."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from maitred.domain.floor import (
    Adjacency,
    Closure,
    Combination,
    Floor,
    Pacing,
    Policy,
    Service,
    Table,
    Zone,
)
from maitred.domain.reasons import ReasonCode
from maitred.domain.windows import to_minutes
from maitred.planner.day.drawn_day import Problem
from maitred.planner.day.occupancy import Occupancy
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import Allocation, Covers, Decision, PartyRequest, Plan, Refusal

UTC_ZONE = ZoneInfo("UTC")
DAY = date(2026, 12, 4)
SEVEN = to_minutes(datetime(2026, 12, 4, 19, 0, tzinfo=UTC_ZONE))
#: From noon to the next morning.
SPAN = (SEVEN - 7 * 60, SEVEN + 12 * 60)
DINNER = Service("dinner", "Dinner", frozenset(range(7)), 17 * 60, 23 * 60, 21 * 60 + 30, False, None)


class Unhurried:
    """A deadline that never comes."""

    def expired(self) -> bool:
        return False


class AfterChecks:
    """A deadline that has passed after it was asked ``checks`` times."""

    def __init__(self, checks: int) -> None:
        self.left = checks

    def expired(self) -> bool:
        self.left -= 1
        return self.left < 0


def table(table_id: str, capacity: int = 4, zone: str = "main", **changes: Any) -> Table:
    plain = Table(
        id=table_id,
        zone=zone,
        capacity=capacity,
        min_party=1,
        max_party=capacity,
        movable=True,
        active=True,
        out_of_service=False,
        walk_in_only=False,
        priority=0,
        seating_type="standard",
        attributes=frozenset({"standard"}),
    )
    return replace(plain, **changes)


def floor(
    tables: Sequence[Table],
    edges: Iterable[str] = (),
    *,
    combinations: Iterable[Combination] = (),
    closures: Iterable[Closure] = (),
    services: Sequence[Service] = (DINNER,),
    timezone: ZoneInfo = UTC_ZONE,
    max_covers: int | None = None,
    **policy: Any,
) -> Floor:
    """``edges`` are written ``"A-B"``."""
    pairs = (edge.split("-") for edge in edges)
    policy.setdefault("buffer_after_minutes", 0)
    return Floor(
        restaurant_id="harbour",
        layout_version=1,
        name="Harbour Room",
        timezone=timezone,
        policy=replace(Policy(pacing=Pacing(15, max_covers)), **policy),
        services=tuple(services),
        closures=tuple(closures),
        zones=tuple(Zone(zone, zone) for zone in sorted({t.zone for t in tables})),
        tables=tuple(tables),
        adjacency=frozenset((min(pair), max(pair)) for pair in pairs),
        combinations=tuple(combinations),
    )


def party(size: int, start: int = SEVEN, minutes: int = 90, **more: Any) -> PartyRequest:
    return PartyRequest(size, start, start + minutes, "dinner", DAY, **more)


def taken(*tables: str, start: int = SEVEN, minutes: int = 90, hold: bool = False) -> list[Allocation]:
    owner = {"hold_id": "hold"} if hold else {"booking_id": "booking"}
    return [Allocation(name, start, start + minutes, **owner) for name in tables]


def evening(index: FloorIndex, allocations: Iterable[Allocation] = ()) -> Occupancy:
    return Occupancy.build(index, SPAN, allocations)


def problem(request: PartyRequest, busy: Iterable[Allocation] = (), **more: Any) -> Problem:
    return Problem(request, SPAN, tuple(busy), **more)


def refused_by(decision: Decision) -> ReasonCode | None:
    return decision.reason.code if isinstance(decision, Refusal) else None


def arrangement(plan: Plan) -> tuple[object, ...]:
    """The plan without what it was compared to."""
    return plan.tables, plan.seats, plan.zone, plan.strategy, plan.score, plan.terms, plan.moves


def covers(count: int, start: int = SEVEN, *, on_hold: bool = False) -> list[Covers]:
    return [Covers(start, count, on_hold)]


ALL_MODES = tuple(Adjacency)
