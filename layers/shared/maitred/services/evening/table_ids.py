"""Which table a path means: its id may have any visible characters, and not all encode a path alike."""

from collections.abc import Sequence

from maitred.services.assignment.day import Floors, read_floor
from maitred.services.assignment.room import BUDGET_MS
from maitred.services.dependencies import Dependencies


class TableIds:
    def __init__(self, deps: Dependencies, floors: Floors) -> None:
        self._deps = deps
        self._floors = floors

    def named(self, restaurant_id: str, readings: Sequence[str]) -> str:
        """The first of ``readings`` that is a table of the restaurant; the first of all if none is.

        ``readings``: what the text in a path may mean. Raises RestaurantNotFound.
        """
        if len(readings) == 1:
            return readings[0]
        tables = read_floor(self._deps.store, self._floors, restaurant_id, BUDGET_MS).position
        return next((each for each in readings if each in tables), readings[0])
