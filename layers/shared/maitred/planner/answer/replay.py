"""A decision's problem as compact JSON, and the same decision made from it again.

Times are minutes from the start of the known span. Tables are numbered in the order of their ids, so a
replay needs the floor of the layout version that is named. Bookings are numbered too; only those that were
moved keep their ids. A decision that was ended by its deadline ends again at the same check of it. The
answer of an exact solver is part of the problem, so the solver is not asked again.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from maitred.planner.answer.quote import quote
from maitred.planner.answer.settle import settled
from maitred.planner.day.demand import PRIOR, Demand
from maitred.planner.day.drawn_day import draw_day
from maitred.planner.day.exact import ExactAnswer, Proof
from maitred.planner.day.problem import Problem
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import Allocation, Covers, Decision, MovableBooking, Move, PartyRequest, Plan
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


def record(index: FloorIndex, problem: Problem, decision: Decision) -> str:
    """The problem as JSON, for ``replay``: a few kilobytes for a busy day of forty tables."""
    names = sorted({row.booking_id for row in problem.allocations if row.booking_id is not None})
    numbers = {name: number for number, name in enumerate(names)}
    moves = decision.moves if isinstance(decision, Plan) else ()
    demand, options = problem.demand, problem.options
    data = {
        "v": _SCHEMA,
        "layout": index.floor.layout_version,
        "span": problem.span,
        "request": _request_out(problem.request, problem.span[0]),
        "stays": _stays_out(index, problem, numbers),
        "covers": _covers_out(index, problem),
        "demand": None if demand == PRIOR else [demand.observed, *map(list, demand.shares)],
        "strategies": None if options.strategies == FULL.strategies else options.strategies,
        "maxMoves": options.max_moves,
        "checks": decision.checks,
        "exact": _exact_out(index, problem.exact, numbers),
        "ids": {str(numbers[move.booking_id]): move.booking_id for move in moves},
    }
    kept = {key: value for key, value in data.items() if value not in (None, [], {})}
    return json.dumps(kept, separators=(",", ":"), ensure_ascii=False)


def replay(index: FloorIndex, recorded: str) -> Decision:
    """The decision again, from ``record``. Raises ``WrongFloorError`` if the layout is another one."""
    data = json.loads(recorded)
    if data["layout"] != index.floor.layout_version:
        raise WrongFloorError(f"made on layout {data['layout']}, not {index.floor.layout_version}")
    problem = _problem(index, data)
    day = draw_day(index, problem)
    decision = quote(index, problem, _Until(data.get("checks"), []), day)
    if problem.exact is not None:
        decision = settled(day, problem, decision, problem.exact)
    return _named(decision, data.get("ids", {}))


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


def _stays_out(index: FloorIndex, problem: Problem, numbers: Mapping[str, int]) -> list[list[Any]]:
    """A row a booking and window: ``[number, start, minutes, tables, ...]``.

    A booking that may be moved also has its party size, the minutes of its window that are buffers, and its
    promises, as far as it has any. A movable booking that sits elsewhere than it says stays put, here as in
    the quote. Holds are all alike.
    """
    base = problem.span[0]
    movable = {numbers[each.booking_id]: each for each in problem.movable if each.booking_id in numbers}
    groups: dict[tuple[int, int, int], list[int]] = {}
    for row in problem.allocations:
        if row.table_id in index.position:
            number = _HOLD if row.hold_id is not None else numbers.get(row.booking_id or "", _NOBODY)
            groups.setdefault((number, row.start - base, row.end - row.start), []).append(
                index.position[row.table_id]
            )
    rows: list[list[Any]] = []
    for (number, start, minutes), tables in sorted(groups.items()):
        booking = movable.get(number)
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


def _covers_out(index: FloorIndex, problem: Problem) -> list[list[int]]:
    if index.floor.policy.pacing.max_covers_per_slot is None:
        return []
    base = problem.span[0]
    return sorted([each.start - base, each.covers, int(each.on_hold)] for each in problem.pacing)


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
    tables_of = {each.booking_id: tuple(sorted(each.tables)) for each in movable}
    return ExactAnswer(
        Proof(proof),
        index.names(tables),
        tuple(Move(_number_name(no), tables_of[_number_name(no)], index.names(to)) for no, to in moves),
    )


def _problem(index: FloorIndex, data: Mapping[str, Any]) -> Problem:
    begin, end = data["span"]
    rows = data.get("stays", [])
    shares = data.get("demand")
    demand = Demand(tuple((size, share) for size, share in shares[1:]), shares[0]) if shares else PRIOR
    movable = tuple(_mover_in(index, row, begin) for row in rows if len(row) > _PLAIN)
    return Problem(
        request=_request_in(data["request"], begin),
        span=(begin, end),
        allocations=tuple(each for row in rows for each in _allocations_in(index, row, begin)),
        pacing=tuple(
            Covers(begin + at, count, bool(on_hold)) for at, count, on_hold in data.get("covers", [])
        ),
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
    for table in index.names(_where(row)):
        yield Allocation(table, start, start + minutes, booking, hold)


def _mover_in(index: FloorIndex, row: Sequence[Any], base: int) -> MovableBooking:
    size, before, after, zone, attributes, required = [*row[4:], *_DEFAULTS[len(row) - _PLAIN :]]
    start = base + row[1]
    return MovableBooking(
        _number_name(row[0]),
        size,
        start + before,
        start + row[2] - after,
        index.names(sorted(_where(row))),
        zone,
        frozenset(attributes),
        frozenset(required),
    )


#: What ``_mover_out`` leaves out at the end of a row.
_DEFAULTS: tuple[Any, ...] = (0, 0, 0, None, [], [])


def _number_name(number: int) -> str:
    """A name that sorts as the number does."""
    return f"#{number:06}"


def _named(decision: Decision, ids: Mapping[str, str]) -> Decision:
    """The same decision with the ids of the bookings that it moves."""
    if not isinstance(decision, Plan):
        return decision
    names = {_number_name(int(number)): name for number, name in ids.items()}
    moves = tuple(
        Move(names.get(move.booking_id, move.booking_id), move.from_tables, move.to_tables)
        for move in decision.moves
    )
    return replace(decision, moves=moves)
