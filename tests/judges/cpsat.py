"""The exact solver of evenings, on OR-tools' CP-SAT: one decision a party and set of tables.

At every minute at which a stay begins, a table has at most one party. Not part of the shared layer (130 MB
with what it needs): a worker may carry it, and the tests judge the planner's own search by it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from ortools.sat.python import cp_model

from maitred.planner.day.exact import ExactAnswer, ExactQuestion, Proof
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import Allocation, MovableBooking, Move
from tests.judges.counted import Counted, Guest
from tests.judges.settings import configured


@dataclass(frozen=True, slots=True)
class _Party:
    """A party that needs tables over ``[start, end)``, buffers included, and the sets that would do.

    ``singles`` would do alone, whether or not they are free; ``joins`` are the sets beside these.
    """

    booking: MovableBooking | None
    start: int
    end: int
    now: frozenset[str]
    sets: tuple[frozenset[str], ...] = ()
    singles: frozenset[str] = frozenset()
    joins: tuple[frozenset[str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Use:
    """If ``chosen`` holds, ``tables`` are taken over ``[start, end)``."""

    chosen: cp_model.IntVar
    tables: frozenset[str]
    start: int
    end: int


class CpSatSolver:
    """``ExactSolver`` on CP-SAT, single-threaded and with a fixed seed."""

    def __init__(self, *, fewest: bool = True) -> None:
        """``fewest`` false: with no limit of moves, the first arrangement will do."""
        self._fewest = fewest

    def rearrange(self, question: ExactQuestion, seconds: float) -> ExactAnswer:
        """Prove the fewest moves, or that no arrangement within the limit seats the party.

        Each of the stages (counting, naming, any way, the fewest moves) has ``seconds`` of its own.
        """
        parties, fixed = _parties(question)
        counted = Counted([_guest(party) for party in parties], fixed).solve(seconds)
        if counted.proven:
            return ExactAnswer(Proof.IMPOSSIBLE)
        if counted.tables and question.most_moves is None and not self._fewest:
            return _answer_of(Proof.POSSIBLE, parties, counted.tables)
        return _named(question, parties, counted.tables, seconds)


def _guest(party: _Party) -> Guest:
    return Guest(party.start, party.end, party.singles, party.joins, party.now)


def _named(
    question: ExactQuestion, parties: Sequence[_Party], known: Sequence[frozenset[str]], seconds: float
) -> ExactAnswer:
    """With every table by its name; ``known`` is an arrangement with any number of moves, or empty."""
    model = cp_model.CpModel()
    uses = [_decide(model, party) for party in parties]
    _one_party_a_table(model, [use for party in uses for use in party])
    moved = _moved(parties, uses)
    if question.most_moves is not None:
        model.add(sum(moved) <= question.most_moves)
    for own, tables in zip(uses, known or [party.now for party in parties], strict=True):
        for use in own:
            model.add_hint(use.chosen, use.tables == tables)
    any_way = configured(seconds)
    status = any_way.solve(model)
    if status != cp_model.OPTIMAL:
        return _answer(status, any_way, parties, uses)
    model.clear_hints()  # type: ignore[no-untyped-call]  # it has no types of its own
    for use in (use for own in uses for use in own):
        model.add_hint(use.chosen, any_way.boolean_value(use.chosen))
    model.minimize(sum(moved))
    fewest = configured(seconds)
    status = fewest.solve(model)
    found = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    return _answer(status if found else cp_model.FEASIBLE, fewest if found else any_way, parties, uses)


def named_sets(index: FloorIndex, party_size: int, allowed: int) -> Iterable[frozenset[str]]:
    """The sets that may seat the party, of ``allowed`` tables only."""
    for each in index.candidates(party_size).sets:
        if not each.bits & ~allowed:
            yield frozenset(index.tables[position].id for position in each.positions)


def _parties(question: ExactQuestion) -> tuple[list[_Party], list[Allocation]]:
    index, occupancy, request = question.index, question.occupancy, question.request
    rows = _rows_by_booking(occupancy.allocations)
    movable = [each for each in question.movable if _hangs_together(each, rows, occupancy.span)]
    names = {each.booking_id for each in movable}
    fixed = [row for row in occupancy.allocations if row.hold_id is not None or row.booking_id not in names]
    zone = request.zone if request.zone_required else None
    allowed = index.matching(zone, request.required) & ~index.closed(request.start, request.end)
    allowed &= ~question.barred
    start, end = occupancy.buffered(request.start, request.end)
    parties = [_party(index, fixed, _Party(None, start, end, frozenset()), request.party_size, allowed)]
    for each in movable:
        allowed = index.matching(each.zone, each.attributes | each.required)
        allowed &= ~index.closed(each.start, each.end) & ~index.paused(each.start)
        first = rows[each.booking_id][0]
        party = _Party(each, first.start, first.end, frozenset(each.tables))
        parties.append(_party(index, fixed, party, each.party_size, allowed))
    return parties, fixed


def table_kinds(index: FloorIndex) -> tuple[int, ...]:
    """For each table the first one that is like it, but for what it may be joined with."""
    seen: dict[object, int] = {}
    kinds = []
    for position, table in enumerate(index.tables):
        alike = (table.zone, table.capacity, table.min_party, table.max_party)
        kinds.append(seen.setdefault((alike, table.attributes, table.assignable), position))
    return tuple(kinds)


def _party(
    index: FloorIndex, fixed: Sequence[Allocation], party: _Party, party_size: int, allowed: int
) -> _Party:
    taken = {row.table_id for row in fixed if row.start < party.end and party.start < row.end}
    allowed_sets = set(named_sets(index, party_size, allowed))
    singles = frozenset(table for each in allowed_sets if len(each) == 1 for table in each)
    joins = {each for each in allowed_sets if len(each) > 1 and not each & taken}
    if party.booking is not None and party.now not in allowed_sets:
        joins.add(party.now)
    ordered = tuple(sorted(joins, key=sorted))
    alone = (frozenset({table}) for table in sorted(singles - taken))
    return replace(party, sets=(*alone, *ordered), singles=singles, joins=ordered)


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
    return _answer_of(Proof.ARRANGED if status == cp_model.OPTIMAL else Proof.POSSIBLE, parties, chosen)


def _answer_of(proof: Proof, parties: Sequence[_Party], chosen: Sequence[frozenset[str]]) -> ExactAnswer:
    """The tables of the first party, and the moves of the others."""
    moves = [
        Move(party.booking.booking_id, tuple(sorted(party.now)), tuple(sorted(tables)))
        for party, tables in zip(parties, chosen, strict=True)
        if party.booking is not None and tables != party.now
    ]
    return ExactAnswer(
        proof, tuple(sorted(chosen[0])), tuple(sorted(moves, key=lambda move: move.booking_id))
    )
