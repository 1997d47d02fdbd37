"""Any stored decision, made again from what was stored with it: is it still the same?"""

import json
from dataclasses import dataclass
from typing import Any

from maitred.contracts.stored_floor import floor_from_document
from maitred.planner.answer.explanation import explanation_data
from maitred.planner.answer.replay import replay
from maitred.planner.floor.index import FloorIndex, compile_floor


@dataclass(frozen=True, slots=True)
class Recorded:
    """One attempt as it is stored. ``layout``: the floor document of the version it was made on."""

    restaurant_id: str
    layout_version: int
    layout: dict[str, Any]
    replay: str
    explanation: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Replayed:
    """``again``: the decision as it is made now; ``identical``: it is explained by the very same data."""

    again: dict[str, Any]
    identical: bool


class Replays:
    """Replays decisions; floors are compiled once a layout version."""

    def __init__(self) -> None:
        self._floors: dict[tuple[str, int], FloorIndex] = {}

    def run(self, recorded: Recorded) -> Replayed:
        decision = replay(self._floor(recorded), recorded.replay)
        again = json.loads(json.dumps(explanation_data(decision)))
        return Replayed(again, again == recorded.explanation)

    def _floor(self, recorded: Recorded) -> FloorIndex:
        key = (recorded.restaurant_id, recorded.layout_version)
        if key not in self._floors:
            self._floors[key] = compile_floor(floor_from_document(recorded.layout, *key))
        return self._floors[key]
