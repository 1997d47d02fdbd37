"""A decision's problem as compact JSON, and the same decision made from it again.

Times are minutes from the start of the known span. Tables are numbered in the order of their ids, so a
replay needs the floor of the layout version that is named. Bookings are numbered too; only those that were
moved, or were in the way of a refused party, keep their ids. A decision that was ended by its deadline ends
again at the same check of it. The answer of an exact solver is part of the problem, so the solver is not
asked again.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import date
from typing import Any

from maitred.planner.answer.quote import quote
from maitred.planner.answer.settle import settled
from maitred.planner.day.demand import PRIOR, Demand
from maitred.planner.day.drawn_day import Problem, draw_day
from maitred.planner.day.exact import ExactAnswer, Proof
from maitred.planner.floor.index import FloorIndex, compile_floor
from maitred.planner.floor.weights import JOINS, UNASKED
from maitred.planner.model import (
    Allocation,
    Covers,
    Decision,
    MovableBooking,
    Move,
    PartyRequest,
    Plan,
    Refusal,
)
from maitred.planner.options import FULL, PlannerOptions

_SCHEMA = 2
_WITHOUT_SCARCE_THINGS = 1  # decisions of this schema cost nothing for joins and for what was not asked for
_HOLD, _NOBODY = -1, -2  # in the place of a booking's number


class WrongFloorError(Exception):
    """The floor given is not the layout version that the decision was made on."""


class _Until:
    """A deadline that passes at a certain question (None: never)."""

    def __init__(self, checks: int | None) -> None:
        self._checks = checks
        self._asked = 0

    def expired(self) -> bool:
        self._asked += 1
        return self._asked == self._checks


def record(index: FloorIndex, problem: Problem, decision: Decision) -> str:
    """The problem as JSON, for ``replay``: a few kilobytes for a busy day of forty tables."""
    names = sorted({row.booking_id for row in problem.allocations if row.booking_id is not None})
    numbers = {name: number for number, name in enumerate(names)}
    base, demand, options, exact = problem.span[0], problem.demand, problem.options, problem.exact
    named = (
        [each.booking_id for each in decision.moves] if isinstance(decision, Plan) else _in_the_way(decision)
    )
    pacing = problem.pacing if index.floor.policy.pacing.limited else ()
    size, start, end, *wishes = [getattr(problem.request, each.name) for each in fields(PartyRequest)]

    def positions(tables: Iterable[str]) -> list[int]:
        return [index.position[table] for table in tables]

    data = {
        "v": _SCHEMA,
        "layout": index.floor.layout_version,
        "span": problem.span,
        "request": [size, start - base, end - start, *map(_plain, wishes)],
        "stays": _stays(index, problem, numbers),
        "covers": sorted(
            [each.start - base, each.covers, int(each.on_hold), *([each.zones] if each.zones else ())]
            for each in pacing
        ),
        "owned": problem.owned and [problem.owned.start - base, problem.owned.covers],
        "demand": None if demand == PRIOR else [demand.observed, *demand.shares],
        "strategies": None if options.strategies == FULL.strategies else options.strategies,
        "maxMoves": options.max_moves,
        "checks": decision.checks,
        "exact": exact
        and [
            exact.proof,
            positions(exact.tables),
            [[numbers[move.booking_id], positions(move.to_tables)] for move in exact.moves],
        ],
        "ids": {numbers[name]: name for name in named},
    }
    kept = {key: value for key, value in data.items() if value not in (None, [], {})}
    return json.dumps(kept, separators=(",", ":"), ensure_ascii=False)


def replay(index: FloorIndex, recorded: str) -> Decision:
    """The decision again, from ``record``. Raises ``WrongFloorError`` if the layout is another one."""
    data = json.loads(recorded)
    if data["layout"] != index.floor.layout_version:
        raise WrongFloorError(f"made on layout {data['layout']}, not {index.floor.layout_version}")
    if data["v"] <= _WITHOUT_SCARCE_THINGS:
        index = _as_it_was(index)
    problem = _problem(index, data)
    day = draw_day(index, problem)
    decision = quote(index, problem, _Until(data.get("checks")), day)
    if problem.exact is not None:
        decision = settled(day, problem, decision, problem.exact)
    ids = {_name(int(number)): name for number, name in data.get("ids", {}).items()}
    if not isinstance(decision, Plan):
        return _named(decision, ids)
    moves = [replace(move, booking_id=ids.get(move.booking_id, move.booking_id)) for move in decision.moves]
    return replace(decision, moves=tuple(moves))


def _in_the_way(refusal: Refusal) -> list[str]:
    parties = refusal.blocking.parties if refusal.blocking else ()
    return [each.booking_id for each in parties if each.booking_id is not None]


def _named(refusal: Refusal, ids: Mapping[str, str]) -> Refusal:
    """With the bookings in the way by their own ids."""
    if refusal.blocking is None:
        return refusal
    parties = [
        replace(each, booking_id=ids.get(each.booking_id or "", each.booking_id))
        for each in refusal.blocking.parties
    ]
    return replace(refusal, blocking=replace(refusal.blocking, parties=tuple(parties)))


def _as_it_was(index: FloorIndex) -> FloorIndex:
    """The floor as decisions of the first schema saw it."""
    policy = index.floor.policy
    weights = {**policy.weights, JOINS: 0.0, UNASKED: 0.0}
    return compile_floor(replace(index.floor, policy=replace(policy, weights=weights)))


def _plain(value: object) -> object:
    match value:
        case bool():
            return int(value)
        case date():
            return value.isoformat()
        case frozenset():
            return sorted(value)
    return value


def _stays(index: FloorIndex, problem: Problem, numbers: Mapping[str, int]) -> list[list[Any]]:
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
            tables = groups.setdefault((number, row.start - base, row.end - row.start), [])
            tables.append(index.position[row.table_id])
    rows: list[list[Any]] = []
    for (number, start, minutes), tables in sorted(groups.items()):
        rows.append([number, start, minutes, tables[0] if len(tables) == 1 else sorted(tables)])
        booking = movable.get(number)
        if booking is not None and index.bits_of(booking.tables) == sum(1 << each for each in tables):
            begin = base + start
            buffers = booking.start - begin, begin + minutes - booking.end
            promises = [booking.zone, sorted(booking.attributes), sorted(booking.required)]
            while promises and promises[-1] in (None, []):
                promises.pop()
            rows[-1] += [booking.party_size, *buffers, *promises]
    return rows


def _problem(index: FloorIndex, data: Mapping[str, Any]) -> Problem:
    base, _ = data["span"]
    size, at, length, service, day, zone, must, *sets = data["request"]
    stay, wishes = (base + at, base + at + length), (zone, bool(must), *map(frozenset, sets))
    allocations, movable = [], []
    for number, at, length, where, *mover in data.get("stays", []):
        name, start, end = _name(number), base + at, base + at + length
        tables = index.names(where if isinstance(where, list) else [where])
        owner = name if number >= 0 else None, "hold" if number == _HOLD else None
        allocations += [Allocation(table, start, end, *owner) for table in tables]
        if mover:
            guests, before, after, *promises = mover
            promised = (*promises[:1], *map(frozenset, promises[1:]))
            movable.append(MovableBooking(name, guests, start + before, end - after, tables, *promised))
    observed, *shares = data.get("demand", [0])
    owned = data.get("owned")
    return Problem(
        PartyRequest(size, *stay, service, date.fromisoformat(day), *wishes),
        tuple(data["span"]),
        tuple(allocations),
        pacing=tuple(_covers(base, *row) for row in data.get("covers", [])),
        movable=tuple(movable),
        demand=Demand(tuple(map(tuple, shares)), observed) if shares else PRIOR,
        options=PlannerOptions(tuple(data.get("strategies", FULL.strategies)), data.get("maxMoves")),
        exact=_exact(index, data["exact"], movable) if "exact" in data else None,
        owned=Covers(base + owned[0], owned[1]) if owned else None,
    )


def _covers(base: int, at: int, count: int, hold: int, zones: Sequence[str] = ()) -> Covers:
    return Covers(base + at, count, bool(hold), tuple(zones))


def _exact(index: FloorIndex, row: Sequence[Any], movable: Sequence[MovableBooking]) -> ExactAnswer:
    """From the proof, the party's tables, and ``[number, tables]`` of each move."""
    proof, tables, moves = row
    tables_of = {each.booking_id: each.tables for each in movable}
    made = [Move(_name(number), tables_of[_name(number)], index.names(to)) for number, to in moves]
    return ExactAnswer(Proof(proof), index.names(tables), tuple(made))


def _name(number: int) -> str:
    """A name that sorts as the number does."""
    return f"#{number:06}"
