"""Everything a decision was made from, as compact JSON, and the same decision made from it again.

Times are minutes counted from the start of the known span; tables are their places in the order of
ids, so that a replay needs the floor of the layout version that is named. Bookings are told apart by
number; only those that were moved keep their ids. A decision that its deadline ended is ended again at the
same question to it; what an exact solver said then is among the inputs, and is not asked for again.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from maitred.planner.answer.inputs import PlannerInputs
from maitred.planner.answer.quote import quote
from maitred.planner.answer.settle import settled
from maitred.planner.day.demand import PRIOR, Demand
from maitred.planner.day.exact import ExactAnswer, Proof
from maitred.planner.day.occupancy import Occupancy
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import Allocation, Covers, Decision, MovableBooking, Move, PartyRequest
from maitred.planner.options import FULL, PlannerOptions

_SCHEMA = 1
_HOLD, _NOBODY = -1, -2  # in the place of a booking's number
_PLAIN = 4  # members of the row of a stay that may not be moved


class WrongFloorError(Exception):
    """The floor given is not the layout version that the decision was made on."""


@dataclass(frozen=True, slots=True)
class _Until:
    """A deadline that passes at a certain question (None: never)."""

    checks: int | None
    asked: list[None]

    def expired(self) -> bool:
        self.asked.append(None)
        return self.checks is not None and len(self.asked) >= self.checks


def record(index: FloorIndex, inputs: PlannerInputs, decision: Decision) -> str:
    """The inputs as JSON of a few kilobytes."""
    owners = _Owners.of(inputs)
    moves = decision.plan.moves if decision.plan else ()
    numbers = {name: number for number, name in enumerate(owners.bookings)}
    demand = None if inputs.demand == PRIOR else [inputs.demand.observed, *map(list, inputs.demand.shares)]
    data = {
        "v": _SCHEMA,
        "layout": inputs.layout_version,
        "span": inputs.span,
        "request": _request_out(inputs.request, inputs.span[0]),
        "stays": _stays_out(index, inputs, owners),
        "covers": _covers_out(index, inputs),
        "demand": demand,
        "strategies": None if inputs.options.strategies == FULL.strategies else inputs.options.strategies,
        "maxMoves": inputs.options.max_moves,
        "checks": decision.checks,
        "exact": _exact_out(index, inputs.exact, numbers),
        "ids": {str(numbers[move.booking_id]): move.booking_id for move in moves},
    }
    kept = {key: value for key, value in data.items() if value not in (None, [], {})}
    return json.dumps(kept, separators=(",", ":"), ensure_ascii=False)


def replay(index: FloorIndex, recorded: str) -> Decision:
    """The decision again, from ``record``. Raises ``WrongFloorError`` if the layout is another one."""
    data = json.loads(recorded)
    inputs = _inputs(index, data)
    occupancy = Occupancy.build(index, inputs.span, inputs.allocations)
    decision = quote(
        index,
        occupancy,
        inputs.request,
        inputs.pacing,
        _Until(data.get("checks"), []),
        movable=inputs.movable,
        demand=inputs.demand,
        options=inputs.options,
    )
    if inputs.exact is not None:
        decision = settled(index, occupancy, inputs, decision, inputs.exact)
    return _named(decision, data.get("ids", {}))


@dataclass(frozen=True, slots=True)
class _Owners:
    """Bookings in the order of their ids, which ties are broken by; holds are all alike."""

    bookings: tuple[str, ...]

    @classmethod
    def of(cls, inputs: PlannerInputs) -> "_Owners":
        return cls(
            tuple(sorted({row.booking_id for row in inputs.allocations if row.booking_id is not None}))
        )


def _request_out(request: PartyRequest, base: int) -> list[Any]:
    return [
        request.party_size,
        request.start - base,
        request.end - request.start,
        request.service_id,
        request.service_date.isoformat(),
        request.zone,
        int(request.zone_required),
        sorted(request.attributes),
        sorted(request.required),
    ]


def _request_in(row: Sequence[Any], base: int) -> PartyRequest:
    size, start, minutes, service, day, zone, must, attributes, required = row
    return PartyRequest(
        size,
        base + start,
        base + start + minutes,
        service,
        date.fromisoformat(day),
        zone,
        bool(must),
        frozenset(attributes),
        frozenset(required),
    )


def _stays_out(index: FloorIndex, inputs: PlannerInputs, owners: _Owners) -> list[list[Any]]:
    """A row a booking and window: ``[number, start, minutes, tables, ...]``.

    What may be moved has its party size, the parts of its stay that are buffers, and its promises, as far
    as it has any. What is said to be movable but sits elsewhere than said stays put, here as there.
    """
    base = inputs.span[0]
    numbers: dict[str | None, int] = {name: number for number, name in enumerate(owners.bookings)}
    movable = {each.booking_id: each for each in inputs.movable}
    groups: dict[tuple[int, int, int], list[int]] = {}
    for row in inputs.allocations:
        if row.table_id in index.position:
            number = _HOLD if row.hold_id is not None else numbers.get(row.booking_id, _NOBODY)
            groups.setdefault((number, row.start - base, row.end - row.start), []).append(
                index.position[row.table_id]
            )
    rows: list[list[Any]] = []
    for (number, start, minutes), tables in sorted(groups.items()):
        booking = movable.get(owners.bookings[number]) if number >= 0 else None
        if booking is not None and index.bits_of(booking.tables) != sum(1 << each for each in tables):
            booking = None
        where = tables[0] if len(tables) == 1 else sorted(tables)
        rows.append([number, start, minutes, where, *_mover_out(booking, base + start, minutes)])
    return rows


def _mover_out(booking: MovableBooking | None, start: int, minutes: int) -> list[Any]:
    if booking is None:
        return []
    row = [
        booking.party_size,
        booking.start - start,
        start + minutes - booking.end,
        booking.zone,
        sorted(booking.attributes),
        sorted(booking.required),
    ]
    while row[-1] in (None, []):
        row.pop()
    return row


def _covers_out(index: FloorIndex, inputs: PlannerInputs) -> list[list[int]]:
    if index.floor.policy.pacing.max_covers_per_slot is None:
        return []
    base = inputs.span[0]
    return sorted([each.start - base, each.covers, int(each.held)] for each in inputs.pacing)


def _exact_out(index: FloorIndex, answer: ExactAnswer | None, numbers: Mapping[str, int]) -> list[Any] | None:
    """The proof, the party's tables, and ``[number, tables]`` of each move."""
    if answer is None:
        return None
    moves = [
        [numbers[move.booking_id], [index.position[table] for table in move.to_tables]]
        for move in answer.moves
    ]
    return [answer.proof.value, [index.position[table] for table in answer.tables], moves]


def _exact_in(
    index: FloorIndex, row: Sequence[Any] | None, movable: Sequence[MovableBooking]
) -> ExactAnswer | None:
    if row is None:
        return None
    proof, tables, moves = row
    sits = {each.booking_id: tuple(sorted(each.tables)) for each in movable}
    return ExactAnswer(
        Proof(proof),
        _names(index, tables),
        tuple(Move(_number_name(no), sits[_number_name(no)], _names(index, to)) for no, to in moves),
    )


def _names(index: FloorIndex, positions: Iterable[int]) -> tuple[str, ...]:
    return tuple(index.tables[position].id for position in positions)


def _inputs(index: FloorIndex, data: Mapping[str, Any]) -> PlannerInputs:
    if data["layout"] != index.floor.layout_version:
        raise WrongFloorError(f"made on layout {data['layout']}, not {index.floor.layout_version}")
    span = (data["span"][0], data["span"][1])
    rows = data.get("stays", [])
    shares = data.get("demand")
    demand = Demand(tuple((size, share) for size, share in shares[1:]), shares[0]) if shares else PRIOR
    movable = tuple(_mover_in(index, row, span[0]) for row in rows if len(row) > _PLAIN)
    return PlannerInputs(
        layout_version=data["layout"],
        span=span,
        request=_request_in(data["request"], span[0]),
        allocations=tuple(each for row in rows for each in _allocations_in(index, row, span[0])),
        pacing=tuple(Covers(span[0] + at, count, bool(held)) for at, count, held in data.get("covers", [])),
        movable=movable,
        demand=demand,
        options=PlannerOptions(tuple(data.get("strategies", FULL.strategies)), data.get("maxMoves")),
        exact=_exact_in(index, data.get("exact"), movable),
    )


def _where(row: Sequence[Any]) -> list[int]:
    return row[3] if isinstance(row[3], list) else [row[3]]


def _allocations_in(index: FloorIndex, row: Sequence[Any], base: int) -> Iterable[Allocation]:
    number, start, minutes = row[0], base + row[1], row[2]
    booking = _number_name(number) if number >= 0 else None
    hold = "hold" if number == _HOLD else None
    for position in _where(row):
        yield Allocation(index.tables[position].id, start, start + minutes, booking, hold)


def _mover_in(index: FloorIndex, row: Sequence[Any], base: int) -> MovableBooking:
    size, before, after, zone, attributes, required = [*row[4:], *_DEFAULTS[len(row) - _PLAIN :]]
    start = base + row[1]
    return MovableBooking(
        _number_name(row[0]),
        size,
        start + before,
        start + row[2] - after,
        tuple(index.tables[position].id for position in sorted(_where(row))),
        zone,
        frozenset(attributes),
        frozenset(required),
    )


#: What ``_mover_out`` leaves away at the end of a row.
_DEFAULTS: tuple[Any, ...] = (0, 0, 0, None, [], [])


def _number_name(number: int) -> str:
    """A name that sorts as the number does."""
    return f"#{number:06}"


def _named(decision: Decision, ids: Mapping[str, str]) -> Decision:
    """The same decision with the ids of the bookings that it moves."""
    if decision.plan is None or not decision.plan.moves:
        return decision
    names = {_number_name(int(number)): name for number, name in ids.items()}
    moves = tuple(
        Move(names.get(move.booking_id, move.booking_id), move.from_tables, move.to_tables)
        for move in decision.plan.moves
    )
    return replace(decision, plan=replace(decision.plan, moves=moves))
