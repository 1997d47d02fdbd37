"""Every minute: the plans that the room has beaten by now, because time went on. See assignment/room.py."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from maitred.domain import errors
from maitred.services import ports
from maitred.services.assignment.day import Floors, read_floor
from maitred.services.assignment.room import BUDGET_MS, Replanner, locked_room
from maitred.services.dependencies import Dependencies
from maitred.services.unit_of_work import committed

logger = logging.getLogger(__name__)

ACTOR = "clock"
_AT_ONCE = 200  # service days a minute; the others come first the next minute, as theirs are then the oldest


@dataclass(frozen=True, slots=True)
class RoomFigures:
    """``over_time``: parties that sit longer than they were to. ``at_risk``: tables of guests at risk."""

    over_time: int
    at_risk: int


class Rooms(Protocol):
    """Every method may raise StoreError."""

    def end_blocks_in_the_way(self, now: datetime) -> None:
        """Blocks that are over stand no longer in the way of plans that they have put at risk."""

    def to_plan_again(self, now: datetime, limit: int) -> Sequence[tuple[str, date]]:
        """Restaurants and service days with a plan that the room beats, or that was at risk before."""

    def figures(self, now: datetime) -> RoomFigures: ...


class RoomUpkeep:
    def __init__(self, deps: Dependencies, rooms: Rooms, floors: Floors, replanner: Replanner) -> None:
        self._deps = deps
        self._rooms = rooms
        self._floors = floors
        self._replanner = replanner

    def run(self, now: datetime, correlation_id: str) -> dict[str, int]:
        """How many service days were planned again. What fails is tried again in a minute."""
        self._rooms.end_blocks_in_the_way(now)
        done = sum(
            self._replan(*each, now, correlation_id) for each in self._rooms.to_plan_again(now, _AT_ONCE)
        )
        figures = self._rooms.figures(now)
        self._deps.telemetry.count("OverTime", figures.over_time)
        self._deps.telemetry.count("TablesAtRisk", figures.at_risk)
        return {"replanned": done, "overTime": figures.over_time, "tablesAtRisk": figures.at_risk}

    def _replan(self, restaurant_id: str, day: date, now: datetime, correlation_id: str) -> bool:
        try:
            index = read_floor(self._deps.store, self._floors, restaurant_id, BUDGET_MS)
            with locked_room(self._deps, index, day, now) as room:
                replanned = self._replanner.replan(room, room.snapshot, ACTOR, correlation_id)
                if replanned.nothing:
                    return False
                changes = replanned.added_to(ports.Changes())
                committed(self._deps, changes, room.locked.apply(changes))
        except (ports.StoreError, errors.RestaurantNotFound):
            logger.warning("a room was not planned again; the next minute tries", exc_info=True)
            return False
        if replanned.moves:
            self._deps.telemetry.count("Moves", len(replanned.moves))
        return True
