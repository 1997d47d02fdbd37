"""Reads parts of the ledger on the current layout: one round trip if the floor is known already."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from maitred.domain import errors
from maitred.domain.floor import Floor
from maitred.planner.floor.index import FloorIndex
from maitred.services import ports
from maitred.services.assignment.budget import Budget
from maitred.services.assignment.day import Floors, read_floor

_TRIES = 3  # the layout changing under one request is rare; twice is the end


@dataclass(frozen=True, slots=True)
class Reading:
    """A snapshot and the floor it was read on. ``cache_hit``: the floor was kept, not read for this."""

    index: FloorIndex
    snapshot: ports.Snapshot
    cache_hit: bool


@dataclass(frozen=True, slots=True)
class Readings:
    """As `Reading`, of several days."""

    index: FloorIndex
    snapshots: Sequence[ports.Snapshot]
    cache_hit: bool


class DaySnapshots:
    def __init__(self, book: ports.Book, floors: Floors) -> None:
        self._book = book
        self._floors = floors

    def read(self, restaurant_id: str, day_on: Callable[[Floor], ports.Day], budget: Budget) -> Reading:
        """``day_on`` says which part is wanted, given the floor. Raises RestaurantNotFound, BookError."""
        found = self.read_all(restaurant_id, lambda floor: [day_on(floor)], budget)
        return Reading(found.index, found.snapshots[0], found.cache_hit)

    def read_all(
        self, restaurant_id: str, days_on: Callable[[Floor], Sequence[ports.Day]], budget: Budget
    ) -> Readings:
        """As `read`, of several days, also in one round trip."""
        index = self._floors.latest(restaurant_id)
        cache_hit = index is not None
        index = index or read_floor(self._book, self._floors, restaurant_id, budget.remaining_ms())
        for _ in range(_TRIES):
            days, version = days_on(index.floor), index.floor.layout_version
            read = self._book.snapshots(days, version, budget.remaining_ms()) if days else []
            if read is None:
                raise errors.RestaurantNotFound
            newer = next((each for each in read if each.document is not None), None)
            if newer is None or newer.document is None:
                return Readings(index, read, cache_hit)
            index, cache_hit = self._floors.keep(restaurant_id, newer.layout_version, newer.document), False
        raise ports.Conflict("the layout keeps changing")
