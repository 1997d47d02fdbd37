"""Any number of moves: equal tables and equal parties are counted, joins are named.

If even the counts do not work out, that proves it for the evening itself. If they do, the parties at single
tables get table names by colouring; where joins and fixed rows prevent that, the model gets the names.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from time import monotonic

from ortools.sat.python import cp_model

from maitred.planner.model import Allocation
from tests.judges.settings import configured

type Window = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Guest:
    """A party over ``[start, end)``: the single tables and the joined sets that may serve it, and ``now``.

    ``now`` is where it sits; empty for the one that wants in.
    """

    start: int
    end: int
    singles: frozenset[str]
    joins: tuple[frozenset[str], ...]
    now: frozenset[str]


@dataclass(slots=True)
class _Alike:
    """Guests with the same window and the same sets; how many of them sit at each kind, and which joins."""

    guests: list[int]
    window: Window
    joins: tuple[frozenset[str], ...]
    at_kind: dict[int, cp_model.IntVar] = field(default_factory=dict)
    at_join: dict[frozenset[str], cp_model.IntVar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Arrangement:
    """``proven``: there is none. ``tables``: of each guest, if one was found; neither: nothing is known."""

    proven: bool = False
    tables: tuple[frozenset[str], ...] = ()


class Counted:
    """The model of one evening: ``guests`` who may sit anywhere they may, ``fixed`` rows that stay."""

    def __init__(self, guests: Sequence[Guest], fixed: Sequence[Allocation]) -> None:
        """Group tables and guests."""
        self._guests = guests
        self._fixed = fixed
        self._kind_of = _kinds(guests)
        self._tables: defaultdict[int, list[str]] = defaultdict(list)
        for table, kind in sorted(self._kind_of.items()):
            self._tables[kind].append(table)
        self._model = cp_model.CpModel()
        self._groups = self._grouped()
        self._by_name: set[int] = set()

    def solve(self, seconds: float) -> Arrangement:
        """Count, then name the tables of each kind; counts that cannot be named are made anew.

        The first goal is the fewest new joins, the second the fewest tables in joins: these
        leave single tables whole, which mostly suffices. A kind that still fails has its tables named.
        """
        self._limit_kinds()
        self._limit_tables()
        ends = monotonic() + seconds
        new, joined = self._new_joins(), self._joined_tables()
        while True:
            found = self._counted(new, ends)
            if not isinstance(found, Arrangement):
                found = self._counted(joined, ends)
            if isinstance(found, Arrangement):
                return found
            if found in self._by_name:
                return Arrangement()
            self._name(found)

    def _counted(self, goal: cp_model.LinearExprT, ends: float) -> Arrangement | int:
        """The best arrangement by this goal with its tables, or the kind whose tables are not enough."""
        solver = configured(max(0.0, ends - monotonic()), probing=False)
        self._model.minimize(goal)
        status = solver.solve(self._model)
        if status == cp_model.INFEASIBLE:
            return Arrangement(proven=True)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return Arrangement()
        return self._named(solver, max(0.0, ends - monotonic()))

    def _new_joins(self) -> cp_model.LinearExprT:
        return sum(
            chosen
            for group in self._groups
            for join, chosen in group.at_join.items()
            if all(self._guests[number].now != join for number in group.guests)
        )

    def _joined_tables(self) -> cp_model.LinearExprT:
        return sum(chosen * len(join) for group in self._groups for join, chosen in group.at_join.items())

    def _name(self, kind: int) -> None:
        """Counting these tables was not enough: say which of them each group has."""
        self._by_name.add(kind)
        uses: defaultdict[str, list[tuple[Window, cp_model.IntVar]]] = defaultdict(list)
        busy, tables = self._busy({}), self._tables[kind]
        for group in self._groups:
            if kind in group.at_kind:
                guest = self._guests[group.guests[0]]
                free = [table for table in tables if not _overlaps(busy.get(table, ()), guest)]
                own = [self._model.new_bool_var("") for _ in free]
                self._model.add(sum(own) == group.at_kind[kind])
                for table, chosen in zip(free, own, strict=True):
                    uses[table].append((group.window, chosen))
            for join, chosen in group.at_join.items():
                for table in join.intersection(tables):
                    uses[table].append((group.window, chosen))
        for table in tables:
            for _, present in _cliques(uses[table], ()):
                self._model.add_at_most_one(present)

    def _grouped(self) -> list[_Alike]:
        groups: dict[object, _Alike] = {}
        for number, guest in enumerate(self._guests):
            key = (guest.start, guest.end, guest.singles, guest.joins)
            group = groups.setdefault(key, _Alike([], (guest.start, guest.end), guest.joins))
            group.guests.append(number)
        for group in groups.values():
            self._decide(group)
        return list(groups.values())

    def _decide(self, group: _Alike) -> None:
        """Every guest of the group sits somewhere; as hint, where it sits now."""
        guests = [self._guests[number] for number in group.guests]
        for kind in sorted({self._kind_of[table] for table in guests[0].singles}):
            count = self._model.new_int_var(0, len(guests), "")
            group.at_kind[kind] = count
            self._model.add_hint(count, sum(self._sits_at(guest, kind) for guest in guests))
        for join in group.joins:
            chosen = self._model.new_bool_var("")
            group.at_join[join] = chosen
            self._model.add_hint(chosen, any(guest.now == join for guest in guests))
        self._model.add(sum(group.at_kind.values()) + sum(group.at_join.values()) == len(guests))

    def _sits_at(self, guest: Guest, kind: int) -> bool:
        return len(guest.now) == 1 and self._kind_of.get(next(iter(guest.now))) == kind

    def _limit_kinds(self) -> None:
        """At no minute more tables of a kind than there are, whether alone or in joins."""
        for kind, tables in self._tables.items():
            own = set(tables)
            uses: list[tuple[Window, cp_model.LinearExpr | cp_model.IntVar]] = []
            for group in self._groups:
                if kind in group.at_kind:
                    uses.append((group.window, group.at_kind[kind]))
                uses += [
                    (group.window, chosen * len(join & own))
                    for join, chosen in group.at_join.items()
                    if join & own
                ]
            rows = [row for row in self._fixed if row.table_id in own]
            for minute, present in _cliques(uses, rows):
                taken = {row.table_id for row in rows if row.start <= minute < row.end}
                self._model.add(sum(present) <= len(own) - len(taken))

    def _limit_tables(self) -> None:
        """No table in two joins at once."""
        by_table: defaultdict[str, list[tuple[Window, cp_model.IntVar]]] = defaultdict(list)
        for group in self._groups:
            for join, chosen in group.at_join.items():
                for table in join:
                    by_table[table].append((group.window, chosen))
        for table in sorted(by_table):
            for _, present in _cliques(by_table[table], ()):
                self._model.add_at_most_one(present)

    def _named(self, solver: cp_model.CpSolver, seconds: float) -> Arrangement | int:
        """The tables of each guest, or the kind whose tables are not enough."""
        chosen: dict[int, frozenset[str]] = {}
        at_kind: defaultdict[int, list[int]] = defaultdict(list)
        for group in self._groups:
            left = list(group.guests)
            for join, taken in group.at_join.items():
                if solver.boolean_value(taken):
                    here = {number for number in left if self._guests[number].now == join}
                    chosen[_take(left, here)] = join
            for kind, count in group.at_kind.items():
                here = {number for number in left if self._sits_at(self._guests[number], kind)}
                at_kind[kind] += [_take(left, here) for _ in range(solver.value(count))]
        busy = self._busy(chosen)
        for kind, numbers in at_kind.items():
            coloured = self._coloured(self._tables[kind], numbers, busy, seconds)
            if coloured is None:
                return kind
            chosen |= coloured
        return Arrangement(tables=tuple(chosen[number] for number in range(len(self._guests))))

    def _busy(self, joined: Mapping[int, frozenset[str]]) -> dict[str, list[Window]]:
        """The windows that joins and fixed rows take of each table."""
        busy: defaultdict[str, list[Window]] = defaultdict(list)
        for row in self._fixed:
            busy[row.table_id].append((row.start, row.end))
        for number, join in joined.items():
            for table in join:
                busy[table].append((self._guests[number].start, self._guests[number].end))
        return busy

    def _coloured(
        self, tables: Sequence[str], numbers: Sequence[int], busy: Mapping[str, list[Window]], seconds: float
    ) -> dict[int, frozenset[str]] | None:
        """A table of the kind for each guest, its own where that goes."""
        model = cp_model.CpModel()
        uses: defaultdict[str, list[tuple[Window, cp_model.IntVar]]] = defaultdict(list)
        sits: dict[tuple[int, str], cp_model.IntVar] = {}
        stays = []
        for number in numbers:
            guest = self._guests[number]
            free = [table for table in tables if not _overlaps(busy.get(table, ()), guest)]
            for table in free:
                sits[number, table] = model.new_bool_var("")
                uses[table].append(((guest.start, guest.end), sits[number, table]))
                if guest.now == {table}:
                    stays.append(sits[number, table])
            model.add_exactly_one([sits[number, table] for table in free])
        for table in tables:
            for _, present in _cliques(uses[table], ()):
                model.add_at_most_one(present)
        model.maximize(sum(stays))
        solver = configured(seconds)
        if solver.solve(model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return None
        return {
            number: frozenset({table}) for (number, table), sat in sits.items() if solver.boolean_value(sat)
        }


def _kinds(guests: Iterable[Guest]) -> dict[str, int]:
    """Tables by kind: all tables of one number serve the same guests alone, or none."""
    serves: defaultdict[str, list[int]] = defaultdict(list)
    for number, guest in enumerate(guests):
        for table in guest.singles:
            serves[table].append(number)
        for join in guest.joins:
            for table in join:
                serves.setdefault(table, [])
    numbers: dict[tuple[int, ...], int] = {}
    return {table: numbers.setdefault(tuple(serves[table]), len(numbers)) for table in sorted(serves)}


def _cliques[T](
    uses: Sequence[tuple[Window, T]], rows: Sequence[Allocation]
) -> Iterable[tuple[int, list[T]]]:
    """The uses present at the minutes after which one ends: limits that hold there hold at all minutes."""
    windows = [window for window, _ in uses] + [(row.start, row.end) for row in rows]
    starts = sorted({start for start, _ in windows})
    ends = sorted({end for _, end in windows})
    for minute, following in zip_longest(starts, starts[1:]):
        if following is not None and not any(minute < end <= following for end in ends):
            continue  # all uses present here are present at the next start, too
        present = [use for (start, end), use in uses if start <= minute < end]
        if present:
            yield minute, present


def _take(left: list[int], rather: set[int]) -> int:
    """One of those left, one of ``rather`` if there is any."""
    number = next((each for each in left if each in rather), left[0])
    left.remove(number)
    return number


def _overlaps(windows: Iterable[Window], guest: Guest) -> bool:
    return any(start < guest.end and guest.start < end for start, end in windows)
