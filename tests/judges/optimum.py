"""The most covers of a whole evening that a planner could seat if it knew all requests: a bound and a plan.

Tables that are alike and never joined are counted, not named, which keeps large restaurants solvable. A table
that may be joined to others is named, so that sets exclude each other; a party that takes it alone is also
counted with the tables like it. That may allow slightly more than a real floor: the bound is never too low.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ortools.sat.python import cp_model

from maitred.planner.floor.index import FloorIndex, TableSet
from maitred.planner.floor.joins import bit_positions
from maitred.planner.model import PartyRequest
from maitred.planner.search.situation import unfit_tables
from tests.judges.cpsat import table_kinds
from tests.judges.settings import configured


@dataclass(frozen=True, slots=True)
class Optimum:
    """Covers of the best evening found (with its joins checked, its singles counted), and a proven bound."""

    covers: int
    bound: float


@dataclass(frozen=True, slots=True)
class _Use:
    """``chosen`` takes ``tables`` (bits) over ``[start, end)``; one alone is any of its ``kind``."""

    chosen: cp_model.IntVar
    tables: int
    kinds: tuple[int, ...]
    start: int
    end: int
    single: bool


def most_covers(index: FloorIndex, requests: Sequence[PartyRequest], seconds: float) -> Optimum:
    """The most covers of ``requests`` that one evening on this floor can seat."""
    kinds = table_kinds(index)
    model = cp_model.CpModel()
    uses: list[_Use] = []
    value: list[cp_model.LinearExpr] = []
    for request in requests:
        own = _decide(model, index, kinds, request)
        if own:
            model.add_at_most_one([use.chosen for use in own])
            value += [use.chosen * request.party_size for use in own]
            uses += own
    _limit(model, kinds, uses)
    model.maximize(sum(value))
    solver = configured(seconds)
    status = solver.solve(model)
    found = status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
    wanted = sum(request.party_size for request in requests)
    # Without any solution the solver's bound may be its first value, which is none.
    bound = min(float(wanted), float(solver.best_objective_bound)) if found else float(wanted)
    return Optimum(round(solver.objective_value) if found else 0, bound)


def _decide(
    model: cp_model.CpModel, index: FloorIndex, kinds: tuple[int, ...], request: PartyRequest
) -> list[_Use]:
    policy, unfit = index.floor.policy, unfit_tables(index, request)
    start, end = request.start - policy.buffer_before_minutes, request.end + policy.buffer_after_minutes
    uses: list[_Use] = []
    known: set[object] = set()
    for each in index.candidates(request.party_size).sets:
        single = len(each.positions) == 1
        key = kinds[each.positions[0]] if single else each.bits
        if each.bits & unfit or (single, key) in known:
            continue
        known.add((single, key))
        of_kinds = tuple(kinds[position] for position in each.positions)
        uses.append(_Use(model.new_bool_var(""), _named(each), of_kinds, start, end, single))
    return uses


def _named(each: TableSet) -> int:
    return each.bits if len(each.positions) > 1 else 0


def _limit(model: cp_model.CpModel, kinds: tuple[int, ...], uses: Sequence[_Use]) -> None:
    """At no minute more of a kind than there are, and no table in two sets."""
    supply = {kind: kinds.count(kind) for kind in set(kinds)}
    for minute in sorted({use.start for use in uses}):
        present = [use for use in uses if use.start <= minute < use.end]
        by_kind: dict[int, list[cp_model.LinearExpr]] = {}
        by_table: dict[int, list[cp_model.IntVar]] = {}
        for use in present:
            for kind in set(use.kinds):
                by_kind.setdefault(kind, []).append(use.chosen * use.kinds.count(kind))
            for position in bit_positions(use.tables):
                by_table.setdefault(position, []).append(use.chosen)
        for kind in sorted(by_kind):
            model.add(sum(by_kind[kind]) <= supply[kind])
        for position in sorted(by_table):
            model.add_at_most_one(by_table[position])
