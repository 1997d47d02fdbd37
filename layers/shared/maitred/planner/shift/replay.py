"""A shift and its answer as JSON, to be judged again later: the same sums, and no rule broken.

The solver is not asked again. What it answered within its time is part of what is kept.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date
from typing import Any

from maitred.planner.day.demand import PRIOR, Demand
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import Allocation, Covers, MovableBooking, PartyRequest
from maitred.planner.shift.model import Booked, Reseating, Shift, Waiting
from maitred.planner.shift.rules import violations
from maitred.planner.shift.score import sum_of

_SCHEMA = 1


def record(shift: Shift, answer: Reseating) -> str:
    """The shift as JSON, for `differences`."""
    booked, observed = shift.booked, shift.demand.observed
    return json.dumps(
        {
            "v": _SCHEMA,
            "layout": shift.index.floor.layout_version,
            "span": shift.span,
            "given": [_row(row) for row in shift.given],
            "allocations": [_row(row) for row in shift.allocations],
            "booked": [[_members(each.booking), _members(each.request)] for each in booked],
            "waiting": [[each.booking_id, _members(each.request)] for each in shift.waiting],
            "covers": [_members(each) for each in shift.covers],
            "demand": None if shift.demand == PRIOR else [observed, *shift.demand.shares],
            "maxMoves": shift.max_moves,
            "seats": _seating(answer),
            "before": answer.before.score,
            "after": answer.after.score,
        },
        separators=(",", ":"),
        ensure_ascii=False,
    )


def differences(index: FloorIndex, recorded: str) -> list[str]:
    """What is not as it was recorded, on the floor of the same layout version; empty if all is."""
    data = json.loads(recorded)
    if data["layout"] != index.floor.layout_version:
        return [f"made on layout {data['layout']}, not {index.floor.layout_version}"]
    shift = _shift(index, data)
    present = {each.booking.booking_id: each.booking.tables for each in shift.booked}
    seats = present | {booking_id: tuple(tables) for booking_id, tables in data["seats"].items()}
    found = violations(shift, seats)
    for name, wanted in (("before", present), ("after", seats)):
        score = sum_of(shift, wanted).score
        if score != data[name]:
            found.append(f"the score {name} is {score}, not {data[name]}")
    return found


def _seating(answer: Reseating) -> dict[str, tuple[str, ...]]:
    moved = {move.booking_id: move.to_tables for move in answer.moves}
    return moved | {each.booking_id: each.tables for each in answer.seats}


def _row(row: Allocation) -> list[Any]:
    return [row.table_id, row.start, row.end, row.booking_id, row.hold_id]


def _members(each: MovableBooking | PartyRequest | Covers) -> list[Any]:
    return [_plain(getattr(each, field.name)) for field in fields(each)]


def _plain(value: object) -> object:
    if isinstance(value, date):
        return value.isoformat()
    return sorted(value) if isinstance(value, frozenset) else value


def _shift(index: FloorIndex, data: Mapping[str, Any]) -> Shift:
    observed, *shares = data["demand"] or [0]
    return Shift(
        index=index,
        span=tuple(data["span"]),
        given=tuple(Allocation(*row) for row in data["given"]),
        allocations=tuple(Allocation(*row) for row in data["allocations"]),
        booked=tuple(Booked(_booking(one), _request(two)) for one, two in data["booked"]),
        waiting=tuple(Waiting(booking_id, _request(request)) for booking_id, request in data["waiting"]),
        covers=tuple(_covers(*row) for row in data["covers"]),
        demand=Demand(tuple(map(tuple, shares)), observed) if shares else PRIOR,
        max_moves=data["maxMoves"],
    )


def _booking(row: Sequence[Any]) -> MovableBooking:
    booking_id, size, start, end, tables, zone, *sets = row
    return MovableBooking(booking_id, size, start, end, tuple(tables), zone, *map(frozenset, sets))


def _request(row: Sequence[Any]) -> PartyRequest:
    size, start, end, service, day, zone, must, *sets = row
    wishes = (zone, must, *map(frozenset, sets))
    return PartyRequest(size, start, end, service, date.fromisoformat(day), *wishes)


def _covers(start: int, covers: int, on_hold: Any, zones: Any, owner: Any) -> Covers:
    return Covers(start, covers, on_hold, tuple(zones), owner)
