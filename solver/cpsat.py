"""The exact solver of evenings, on OR-tools' CP-SAT: one decision a party and set of tables.

At every minute at which a stay begins, a table has at most one party. Not part of the shared layer (130 MB
with what it needs): a worker may carry it, and the tests judge the planner's own search by it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ortools.sat.python import cp_model

from maitred.planner.exact import ExactAnswer, ExactQuestion, Proof
from maitred.planner.floor_index import FloorIndex
from maitred.planner.model import Allocation, MovableBooking, Move

_WORKERS = 1  # one core, and the same answer each time


@dataclass(frozen=True, slots=True)
class _Party:
    """Somebody who needs tables over ``[start, end)``, buffers included, and the sets that would do."""

    booking: MovableBooking | None
    start: int
    end: int
    sets: tuple[frozenset[str], ...]
    now: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Use:
    """If ``chosen`` holds, ``tables`` are taken over ``[start, end)``."""

    chosen: cp_model.IntVar
    tables: frozenset[str]
    start: int
    end: int


class CpSatSolver:
    """``ExactSolver`` on CP-SAT, single-threaded and with a fixed seed."""

    def rearrange(self, question: ExactQuestion, seconds: float) -> ExactAnswer:
        """Prove the fewest moves, or that no arrangement within the limit seats the party."""
        parties = _parties(question)
        model = cp_model.CpModel()
        uses = [_decide(model, party) for party in parties]
        _one_party_a_table(model, [use for party in uses for use in party])
        moved = _moved(parties, uses)
        if question.most_moves is not None:
            model.add(sum(moved) <= question.most_moves)
        model.minimize(sum(moved))
        solver = configured(seconds)
        return _answer(solver.solve(model), solver, parties, uses)


def configured(seconds: float) -> cp_model.CpSolver:
    """A solver that gives the same answer each time, if the time suffices."""
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = _WORKERS
    solver.parameters.random_seed = 1
    return solver


def named_sets(index: FloorIndex, party_size: int, allowed: int) -> Iterable[frozenset[str]]:
    """The sets that may seat the party, of ``allowed`` tables only."""
    for each in index.candidates(party_size).sets:
        if not each.bits & ~allowed:
            yield frozenset(index.tables[position].id for position in each.positions)


def _parties(question: ExactQuestion) -> list[_Party]:
    index, occupancy, request = question.index, question.occupancy, question.request
    rows = _rows_by_booking(occupancy.allocations)
    movable = [each for each in question.movable if _hangs_together(each, rows, occupancy.span)]
    names = {each.booking_id for each in movable}
    fixed = [row for row in occupancy.allocations if row.hold_id is not None or row.booking_id not in names]
    zone = request.zone if request.zone_required else None
    allowed = index.matching(zone, request.required) & ~occupancy.closed_mask(request.start, request.end)
    start, end = occupancy.buffered(request.start, request.end)
    parties = [_party(index, fixed, _Party(None, start, end, (), frozenset()), request.party_size, allowed)]
    for each in movable:
        allowed = index.matching(each.zone, each.attributes | each.required)
        allowed &= ~occupancy.closed_mask(each.start, each.end)
        first = rows[each.booking_id][0]
        party = _Party(each, first.start, first.end, (), frozenset(each.tables))
        parties.append(_party(index, fixed, party, each.party_size, allowed))
    return parties


def _party(
    index: FloorIndex, fixed: Sequence[Allocation], party: _Party, party_size: int, allowed: int
) -> _Party:
    taken = {row.table_id for row in fixed if row.start < party.end and party.start < row.end}
    sets = {each for each in named_sets(index, party_size, allowed) if not each & taken}
    if party.booking is not None:
        sets.add(party.now)
    return _Party(party.booking, party.start, party.end, tuple(sorted(sets, key=sorted)), party.now)


def _rows_by_booking(allocations: Sequence[Allocation]) -> dict[str, list[Allocation]]:
    rows: dict[str, list[Allocation]] = {}
    for row in allocations:
        if row.booking_id is not None and row.hold_id is None:
            rows.setdefault(row.booking_id, []).append(row)
    return rows


def _hangs_together(
    booking: MovableBooking, rows: dict[str, list[Allocation]], span: tuple[int, int]
) -> bool:
    own = rows.get(booking.booking_id, [])
    windows = {(row.start, row.end) for row in own}
    if len(windows) != 1 or {row.table_id for row in own} != set(booking.tables):
        return False
    ((start, end),) = windows
    return span[0] <= start <= booking.start and booking.end <= end <= span[1]


def _decide(model: cp_model.CpModel, party: _Party) -> list[_Use]:
    uses = [_Use(model.new_bool_var(""), each, party.start, party.end) for each in party.sets]
    model.add_exactly_one([use.chosen for use in uses])
    return uses


def _one_party_a_table(model: cp_model.CpModel, uses: Sequence[_Use]) -> None:
    by_table: dict[str, list[_Use]] = {}
    for use in uses:
        for table in use.tables:
            by_table.setdefault(table, []).append(use)
    for table in sorted(by_table):
        here = by_table[table]
        for minute in sorted({use.start for use in here}):
            model.add_at_most_one([use.chosen for use in here if use.start <= minute < use.end])


def _moved(parties: Sequence[_Party], uses: Sequence[Sequence[_Use]]) -> list[cp_model.IntVar]:
    return [
        use.chosen
        for party, own in zip(parties, uses, strict=True)
        if party.booking is not None
        for use in own
        if use.tables != party.now
    ]


def _answer(
    status: cp_model.CpSolverStatus,
    solver: cp_model.CpSolver,
    parties: Sequence[_Party],
    uses: Sequence[Sequence[_Use]],
) -> ExactAnswer:
    if status == cp_model.INFEASIBLE:
        return ExactAnswer(Proof.IMPOSSIBLE)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return ExactAnswer(Proof.UNKNOWN)
    chosen = [next(use.tables for use in own if solver.boolean_value(use.chosen)) for own in uses]
    moves = [
        Move(party.booking.booking_id, tuple(sorted(party.now)), tuple(sorted(tables)))
        for party, tables in zip(parties, chosen, strict=True)
        if party.booking is not None and tables != party.now
    ]
    proof = Proof.ARRANGED if status == cp_model.OPTIMAL else Proof.POSSIBLE
    return ExactAnswer(
        proof, tuple(sorted(chosen[0])), tuple(sorted(moves, key=lambda move: move.booking_id))
    )
