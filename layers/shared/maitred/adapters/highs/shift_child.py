"""A shift's program, solved by HiGHS in one thread, in a process of its own that reports each better answer.

It imports nothing else of Maitred, so that the process starts fast. A column seats one party at one set. The
linear relaxation of such a program is nearly whole, so each goal is reached in the same way: solve the
relaxation, leave the parties that it seats whole where it has them, and decide the few others as integers;
only if bound and answer differ are the columns that could still be better decided together.
"""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from math import inf
from time import monotonic
from typing import Any

type Data = dict[str, Any]
type Report = dict[str, Any]
type Tell = Callable[[Report], None]
#: An array of NumPy, which comes with HiGHS and is loaded only here.
type Array = Any

_OPTIONS = {"output_flag": False, "threads": 1, "parallel": "off", "random_seed": 1}
_RELAXED = {**_OPTIONS, "presolve": "off"}
_INTEGER = {
    **_OPTIONS,
    "mip_rel_gap": 0.0,
    "mip_abs_gap": 1e-7,
    "mip_detect_symmetry": False,
    "mip_allow_restart": False,
}
_WHOLE = 1e-6
_HALF = 0.5
_DUAL, _PRIMAL = 1, 4
#: Two scores that differ by less are equal.
_SAME = 1e-6
#: What a move costs beside the score, so that of two equal scores the one with fewer moves is found.
_MOVE = 1e-5
#: For the most guests: one counts so much, which is so many times what the worst score counts.
_GUEST, _OUTWEIGHS = 1000.0, 20.0
#: And what a move counts there, in units of the score: seats that stay leave less to be chosen.
_HINT = 0.01
#: The columns of each party that the first relaxation has, and those that each round of pricing adds.
_FIRST, _MORE = 8, 5
#: HiGHS stops by itself to report what it has found; the parent process stops it if it does not.
_IN_TIME = 0.9
#: Branches before all parties are decided together, and the shares of the time for that, and for the few
#: that a relaxation seats in part.
_NODES, _FOR_GUESTS, _FOR_PARTS = 12, 0.5, 0.4
#: The most seconds for those.
_PARTS_SECONDS = 3.0
#: So few parts are decided together; of more, the parties that one of so many is are seated for good.
_FEW, _AT_ONCE = 80, 5


class TimeOverError(Exception):
    """The time is over; all that is known has been reported."""


@dataclass(frozen=True, slots=True)
class Solved:
    """A relaxation's answer: its value, each column's share, and each column's reduced cost."""

    value: float
    shares: Array
    reduced: Array


class Columns:
    """The columns and rows. Rows: one a party, then the limits, then moves, guests, and the score.

    ``bounds``: low and high of each row. ``guests``: of each column, those who wait for a table.
    """

    def __init__(self, data: Data) -> None:
        self.np: Any = import_module("numpy")
        np = self.np
        self.party = np.array(data["party"], dtype=np.int64)
        self.cost = np.array(data["cost"])
        self.columns, self.parties = len(self.party), len(data["guests"])
        self.guests = np.array(data["guests"], dtype=float)[self.party]
        self.now = np.zeros(self.columns, dtype=bool)
        self.now[data["now"]] = True
        limits = len(data["high"])
        self.moves = self.parties + limits
        self.covers, self.score = self.moves + 1, self.moves + 2
        self.rows = self.moves + 3
        waits = np.array(data["guests"]) > 0
        self.low = np.concatenate([np.where(waits, 0.0, 1.0), np.full(limits + 3, -inf)])
        self.high = np.concatenate([np.ones(self.parties), np.array(data["high"], dtype=float), [inf] * 3])
        self.low[self.moves] = self.now.sum() - data["most_moves"]
        self._fill(data)

    def _fill(self, data: Data) -> None:
        """The factors, column by column."""
        np = self.np
        every, ones = np.arange(self.columns), np.ones(self.columns)
        limits = np.repeat(np.arange(len(data["high"])), np.diff(data["starts"])) + self.parties
        rows = [self.party, limits, *(np.full(self.columns, row) for row in range(self.moves, self.rows))]
        columns = [every, np.array(data["columns"], dtype=np.int64), *[every] * 3]
        factors = [ones, np.array(data["factors"], dtype=float), self.now * 1.0, self.guests, self.cost]
        column, row, factor = map(np.concatenate, (columns, rows, factors))
        used = np.flatnonzero(factor)
        order = used[np.lexsort((row[used], column[used]))]
        self.row, self.factor, self.column = row[order], factor[order], column[order]
        self.start = np.searchsorted(self.column, np.arange(self.columns + 1))

    def of(self, columns: Array) -> tuple[Array, Array, Array]:
        """The factors of these columns: starts, rows, values."""
        np = self.np
        counts = self.start[columns + 1] - self.start[columns]
        starts = np.concatenate([[0], np.cumsum(counts)])
        places = np.arange(starts[-1]) + np.repeat(self.start[columns] - starts[:-1], counts)
        return starts, self.row[places], self.factor[places]

    def use(self, shares: Array) -> Array:
        """What these shares of the columns take of each row."""
        np = self.np
        return np.bincount(self.row, weights=self.factor * shares[self.column], minlength=self.rows)

    def reduced(self, costs: Array, duals: Array) -> Array:
        """The reduced costs of all columns."""
        np = self.np
        paid = self.factor * duals[self.row]
        return costs - np.bincount(self.column, weights=paid, minlength=self.columns)


class Relaxation:
    """The linear relaxation, kept warm between its solves. It gets the columns that it needs one by one."""

    def __init__(self, program: Columns, costs: Array) -> None:
        self._program, self._costs = program, costs
        self.low, self.high = program.low.copy(), program.high.copy()
        highspy: Any = import_module("highspy")
        self._statuses = highspy.HighsModelStatus
        self._highs = highspy.Highs()
        _set(self._highs, _RELAXED)
        model = highspy.HighsLp()
        model.num_row_ = program.rows
        model.row_lower_, model.row_upper_ = program.low, program.high
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        model.a_matrix_.num_row_, model.a_matrix_.start_ = program.rows, [0]
        self._highs.passModel(model)
        self._known = program.np.zeros(0, dtype=int)
        self._place = program.np.zeros(program.columns, dtype=int)
        self._missing = program.np.ones(program.columns, dtype=bool)
        self._add(self._cheapest())
        self._still_feasible(False)

    def _cheapest(self) -> Array:
        """Today's columns and the cheapest of each party."""
        program, np = self._program, self._program.np
        order = np.lexsort((self._costs, program.party))
        party = program.party[order]
        rank = np.arange(len(order)) - np.searchsorted(party, party)
        return np.union1d(order[rank < _FIRST], np.flatnonzero(program.now))

    def _add(self, columns: Array) -> None:
        np, count = self._program.np, len(columns)
        starts, rows, factors = self._program.of(columns)
        self._highs.addCols(
            count,
            self._costs[columns],
            np.zeros(count),
            np.full(count, inf),  # the party's row bounds it
            len(rows),
            starts[:-1].astype(np.int32),
            rows.astype(np.int32),
            factors,
        )
        self._place[columns] = len(self._known) + np.arange(count)
        self._known = np.concatenate([self._known, columns])
        self._missing[columns] = False
        self._still_feasible(True)

    def minimise(self, costs: Array) -> None:
        """Another goal."""
        self._costs = costs
        known = self._known
        self._highs.changeColsCost(
            len(known), self._program.np.arange(len(known), dtype="int32"), costs[known]
        )
        self._still_feasible(True)

    def limit(self, row: int, low: float, high: float) -> None:
        """Other bounds of a row."""
        self.low[row], self.high[row] = low, high
        self._highs.changeRowBounds(row, low, high)
        self._still_feasible(False)

    def seat(self, columns: Array, least: float) -> None:
        """Hold these columns, which have shares already, at ``least`` or more."""
        places = self._place[columns].astype("int32")
        count = len(columns)
        np = self._program.np
        self._highs.changeColsBounds(count, places, np.full(count, least), np.full(count, inf))
        self._still_feasible(least == 0.0)

    def _still_feasible(self, feasible: bool) -> None:
        """Is the last answer one still, so that it can be improved, or has it to be mended?"""
        self._highs.setOptionValue("simplex_strategy", _PRIMAL if feasible else _DUAL)

    def solve(self, seconds: float, *, prove: bool = True) -> Solved | None:
        """The optimum over all columns; None if there is no solution. Raises ``TimeOverError``.

        Columns are added while some have negative reduced costs. ``prove`` false: None also if there is no
        solution with the columns that are known.
        """
        program, np = self._program, self._program.np
        self._highs.setOptionValue("time_limit", self._highs.getRunTime() + seconds)
        while True:
            self._highs.run()
            status = self._highs.getModelStatus()
            if status == self._statuses.kTimeLimit:
                raise TimeOverError
            if status != self._statuses.kOptimal:
                helpful = self._helpful() if prove else ()
                if not len(helpful):
                    return None
                self._add(helpful)
                self._still_feasible(False)
                continue
            answer = self._highs.getSolution()
            reduced = program.reduced(self._costs, np.array(answer.row_dual))
            better = np.flatnonzero((reduced < -_WHOLE / 10) & self._missing)
            if not len(better):
                shares = np.zeros(program.columns)
                shares[self._known] = answer.col_value
                return Solved(self._highs.getInfo().objective_function_value, shares, reduced)
            self._add(self._best_of_each(better, reduced))

    def _helpful(self) -> Array:
        """The missing columns without which it is not proven that there is no solution."""
        program, np = self._program, self._program.np
        missing = np.flatnonzero(self._missing)
        _, found, ray = self._highs.getDualRay()
        if not found or not len(missing):
            return missing
        weights = program.reduced(np.zeros(program.columns), np.array(ray))
        known = weights[self._known]
        if known.min() < -_WHOLE and known.max() > _WHOLE:
            return missing
        return missing[(weights[missing] > _WHOLE) if known.min() < -_WHOLE else (weights[missing] < -_WHOLE)]

    def _best_of_each(self, columns: Array, reduced: Array) -> Array:
        program, np = self._program, self._program.np
        order = columns[np.lexsort((reduced[columns], program.party[columns]))]
        party = program.party[order]
        rank = np.arange(len(order)) - np.searchsorted(party, party)
        return np.sort(order[rank < _MORE])


@dataclass(frozen=True, slots=True)
class Decided:
    """An integer program's answer: its columns, None if none were found, and a proven bound of the value."""

    columns: Array | None
    bound: float


class Search:
    """The three goals, one after the other. ``best``: the columns of the best answer so far.

    ``most``: no answer seats more guests. ``bound``: no answer that seats as many as the best has less.
    """

    def __init__(self, data: Data, ends: float, tell: Tell) -> None:
        self._program = program = Columns(data)
        self.best = program.np.flatnonzero(program.now)
        self._ends, self._tell = ends, tell
        self.np = np = program.np
        self._moving = program.cost + _MOVE * ~program.now
        worst = np.zeros(program.parties)
        np.maximum.at(worst, program.party, np.abs(program.cost))
        dearest = worst.sum() + _HINT * program.parties
        unit = _GUEST / _OUTWEIGHS / max(1.0, dearest)
        self._guiding = (program.cost + _HINT * ~program.now) * unit - program.guests * _GUEST
        self.most, self.bound, self.fewest = int(sum(data["guests"])), -inf, False
        self._nodes = 0
        self._relaxation = Relaxation(program, self._moving)

    def run(self) -> None:
        """All goals. Raises ``TimeOverError``."""
        first = self._feasible()  # the guests alone would take far longer from nothing
        self._score_is(first.value - _MOVE * self._program.parties)
        self._relaxation.minimise(self._guiding)
        root = self._feasible()
        self.most = min(self.most, self._reachable(root))
        self._improve(self._near(root, self._guiding))
        exact = self._lower_score()
        if self._guests() < self.most:
            self._settle_guests()
            exact = self._lower_score()
        self._settle_score(exact)
        self._settle_moves()

    # --- what is known ---

    def _guests(self, columns: Array | None = None) -> int:
        chosen = self.best if columns is None else columns
        return round(float(self._program.guests[chosen].sum()))

    def _value(self, columns: Array) -> tuple[int, float, int]:
        """Lower is better: guests, score, moves."""
        program = self._program
        score = round(float(program.cost[columns].sum()), 6)
        return -self._guests(columns), score, -int(program.now[columns].sum())

    def _improve(self, columns: Array | None) -> None:
        if columns is None or self._value(columns) >= self._value(self.best):
            return
        self.best = columns
        self._report()

    def _report(self) -> None:
        self._tell(
            {
                "ones": self.best.tolist(),
                "most": self.most,
                "bound": self.bound if self.bound > -inf else None,
                "fewest": self.fewest,
            }
        )

    def _reachable(self, solved: Solved) -> int:
        """The most guests of an answer that is better than the best; those of the best, if there is none.

        Only sums of parties can be seated, of those whose columns could be part of a better answer.
        """
        program, np = self._program, self.np
        sizes = np.zeros(program.parties, dtype=int)
        able = np.where(self._promising(solved), program.guests, 0)
        np.maximum.at(sizes, program.party, able.astype(int))
        sums = _sums(sizes[sizes > 0].tolist())
        most = max(0, _guests_of(solved.value))
        return max(self._guests(), (sums & (1 << most + 1) - 1).bit_length() - 1)

    def _promising(self, solved: Solved) -> Array:
        """Which columns could be part of an answer with more guests than the best has?"""
        return solved.reduced <= _GUEST * (1 / _OUTWEIGHS + _WHOLE - self._guests() - 1) - solved.value

    def _left(self) -> float:
        left = self._ends - monotonic()
        if left <= 0:
            raise TimeOverError
        return left * _IN_TIME

    def _relaxed(self, *, prove: bool = True) -> Solved | None:
        return self._relaxation.solve(self._left(), prove=prove)

    def _feasible(self) -> Solved:
        """The relaxation's answer where the best answer is one. Raises ``TimeOverError`` if it fails."""
        solved = self._relaxed()
        if solved is None:
            raise TimeOverError
        return solved

    # --- guests ---

    def _settle_guests(self) -> None:
        """Seat as many guests as can be, with a proof if there is time for it."""
        self._relaxation.limit(self._program.covers, 0.0, inf)
        self._relaxation.minimise(self._guiding)
        self._nodes = _NODES
        self._seat_more()
        if self._nodes:
            self.most = self._guests()
        else:
            self._decide_guests()
        self._report()

    def _seat_more(self) -> None:
        """Look for answers with more guests: branch on the waiting parties that are seated in part."""
        solved = self._with_more_guests()
        if solved is None or not self._nodes:
            return
        self._nodes -= 1
        party = self._undecided(solved)
        if party is None:
            self._improve(self._near(solved, self._guiding))
            if self._with_more_guests() is not None:
                self._nodes = 0  # whole parties at parts of tables
            return
        for seated in (1.0, 0.0):
            self._relaxation.limit(party, seated, seated)
            self._seat_more()
        self._relaxation.limit(party, 0.0, 1.0)

    def _with_more_guests(self) -> Solved | None:
        """The relaxation with more guests than the best has; None: no answer has."""
        solved = self._relaxed()
        return None if solved is None or self._reachable(solved) <= self._guests() else solved

    def _decide_guests(self) -> None:
        """Decide all parties together."""
        solved = self._with_more_guests()
        if solved is None:
            self.most = self._guests()
            return
        self._relaxation.limit(self._program.covers, self._guests() + 1, inf)
        columns = self.np.flatnonzero(self._promising(solved))
        answer = self._integers(self._guiding, columns, share=_FOR_GUESTS)
        self._improve(answer.columns)
        if answer.bound > -inf:
            most = self._guests() if answer.bound == inf else _guests_of(answer.bound)
            self.most = max(self._guests(), min(self.most, most))

    def _undecided(self, solved: Solved) -> int | None:
        """The waiting party that is seated by half, nearly."""
        program, np = self._program, self.np
        seated = np.bincount(program.party, weights=solved.shares * (program.guests > 0))
        half = np.abs(seated - 0.5)
        party = int(half.argmin())
        return party if half[party] < 0.5 - _WHOLE else None

    # --- score ---

    def _lower_score(self) -> Solved:
        """The best score for the guests reached, or nearly, and a bound: the relaxation's answer.

        A guest never lowers the score, so that the bound holds for more guests as well.
        """
        relaxation, program = self._relaxation, self._program
        relaxation.limit(program.covers, self._guests(), inf)
        relaxation.minimise(self._moving)
        nearly = self._feasible()
        self._score_is(nearly.value - _MOVE * program.parties)
        self._improve(self._near(nearly, self._moving))
        relaxation.minimise(program.cost)
        exact = self._feasible()
        self._score_is(exact.value)
        self._improve(self._around(exact))
        return exact

    def _around(self, exact: Solved) -> Array | None:
        """An answer that leaves where it is who sits the same in the best one and in the relaxation."""
        program, np = self._program, self.np
        saved = self._value(self.best)[1] - exact.value
        if saved <= _SAME:
            return None
        agreed = self.best[exact.shares[self.best] > 1 - _WHOLE]
        useful = (exact.reduced <= saved + _SAME) & ~np.isin(program.party, program.party[agreed])
        return self._integers(program.cost, np.flatnonzero(useful), agreed, share=_FOR_PARTS).columns

    def _score_is(self, bound: float) -> None:
        """No answer for as many guests has a lower score."""
        self.bound = max(self.bound, bound)
        self._report()

    def _settle_score(self, exact: Solved) -> None:
        """Decide all columns that an answer better than the best could have."""
        score = self._value(self.best)[1]
        if score - exact.value > _SAME:
            columns = self.np.flatnonzero(exact.reduced <= score - exact.value + _SAME)
            answer = self._integers(self._program.cost, columns)
            self._improve(answer.columns)
            if answer.columns is not None:
                score = self._value(self.best)[1]
                self._score_is(min(score, answer.bound))

    # --- moves ---

    def _settle_moves(self) -> None:
        """Of all answers with this many guests and this score, one with the fewest moves."""
        program, relaxation = self._program, self._relaxation
        score = self._value(self.best)[1]
        if score - self.bound > _SAME:
            return
        costs = program.now * -1.0
        relaxation.limit(program.score, -inf, score + _SAME / 2)
        relaxation.minimise(costs)
        solved = self._feasible()
        self._improve(self._near(solved, costs))
        self._as_few_as(solved.value)
        if not self.fewest:
            answer = self._integers(costs, self.np.arange(program.columns))
            self._improve(answer.columns)
            if answer.columns is not None:
                self._as_few_as(answer.bound)
        self._report()

    def _as_few_as(self, value: float) -> None:
        """Do as many stay as ever can, by this value of a relaxation?"""
        self.fewest = -self._value(self.best)[2] > -value - 1 + _WHOLE

    # --- integers ---

    def _near(self, solved: Solved, costs: Array) -> Array | None:
        """An answer that leaves what the relaxation seats whole, or what it seats as the best does."""
        program, np = self._program, self.np
        solved = self._made_whole(solved)
        whole = solved.shares > 1 - _WHOLE
        parts = np.flatnonzero((solved.shares > _WHOLE) & ~whole)
        if not len(parts):
            return np.flatnonzero(whole)
        free = np.flatnonzero(np.isin(program.party, program.party[parts]))
        found = self._integers(costs, free, np.flatnonzero(whole), share=_FOR_PARTS).columns
        if found is not None:
            return found
        agreed = np.intersect1d(np.flatnonzero(whole), self.best)
        free = np.flatnonzero(~np.isin(program.party, program.party[agreed]))
        return self._integers(costs, free, agreed, share=_FOR_PARTS).columns

    def _made_whole(self, solved: Solved) -> Solved:
        """A worse answer of the relaxation with few parts, from seating for good who is seated the most."""
        program, np, seated = self._program, self.np, []
        while True:
            shares = np.where(solved.shares < 1 - _WHOLE, solved.shares, 0.0)
            parts = np.flatnonzero(shares > _WHOLE)
            if len(parts) <= _FEW:
                break
            order = parts[np.argsort(-shares[parts], kind="stable")]
            _, first = np.unique(program.party[order], return_index=True)
            most = order[np.sort(first)[: max(1, len(first) // _AT_ONCE)]]
            self._relaxation.seat(most, 1.0)
            seated.append(most)
            following = self._relaxed(prove=False)
            if following is None:
                break
            solved = following
        if seated:
            self._relaxation.seat(np.concatenate(seated), 0.0)
        return solved

    def _integers(
        self, costs: Array, columns: Array, kept: Array | None = None, *, share: float = 1.0
    ) -> Decided:
        """Decide these columns together; those ``kept`` are 1, and all others are 0.

        ``share``: of the time that is left.
        """
        program, np, relaxation = self._program, self.np, self._relaxation
        kept = np.zeros(0, dtype=int) if kept is None else kept
        shares = np.zeros(program.columns)
        shares[kept] = 1.0
        used = program.use(shares)
        low, high = relaxation.low - used, relaxation.high - used
        starts, rows, factors = program.of(columns)
        fits = np.minimum.reduceat(factors <= high[rows] + _WHOLE, starts[:-1]) if len(columns) else []
        columns = columns[np.flatnonzero(fits)]
        answer = _decide(program, costs, columns, (low, high), self._start(columns), self._share(share))
        if answer.columns is None:
            return answer
        value = float(costs[kept].sum())
        return Decided(np.sort(np.concatenate([kept, answer.columns])), answer.bound + value)

    def _share(self, share: float) -> float:
        """So much of the time that is left, in seconds."""
        seconds = share * self._left()
        return min(seconds, _PARTS_SECONDS) if share == _FOR_PARTS else seconds

    def _start(self, columns: Array) -> Array:
        return self.np.isin(columns, self.best)


def _decide(
    program: Columns, costs: Array, columns: Array, bounds: tuple[Array, Array], start: Array, seconds: float
) -> Decided:
    """Choose columns at the least costs. ``start``: those that an answer that is known has."""
    np: Any = program.np
    highspy: Any = import_module("highspy")
    low, high = bounds
    starts, rows, factors = program.of(columns)
    used = np.unique(rows)
    lacking = np.setdiff1d(np.arange(program.rows), used)
    if (low[lacking] > _WHOLE).any() or (high[lacking] < -_WHOLE).any():
        return Decided(None, inf)
    highs = highspy.Highs()
    _set(highs, _INTEGER | {"time_limit": seconds})
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(columns), len(used)
    model.col_cost_, model.integrality_ = costs[columns], [highspy.HighsVarType.kInteger] * len(columns)
    model.col_lower_, model.col_upper_ = np.zeros(len(columns)), np.ones(len(columns))
    model.row_lower_, model.row_upper_ = low[used], high[used]
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.num_col_, model.a_matrix_.num_row_ = len(columns), len(used)
    model.a_matrix_.start_, model.a_matrix_.index_ = starts, np.searchsorted(used, rows)
    model.a_matrix_.value_ = factors
    highs.passModel(model)
    known = highspy.HighsSolution()
    known.col_value = start.astype(float)
    highs.setSolution(known)
    highs.run()
    info = highs.getInfo()
    if highs.getModelStatus() == highspy.HighsModelStatus.kInfeasible:
        return Decided(None, inf)
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return Decided(None, info.mip_dual_bound)
    chosen = columns[np.array(highs.getSolution().col_value) > _HALF]
    return Decided(chosen, info.mip_dual_bound)


def _set(highs: Any, options: dict[str, Any]) -> None:
    for name, value in options.items():
        highs.setOptionValue(name, value)


def _guests_of(value: float) -> int:
    """The most guests that an answer may seat which is guided to no less than this value."""
    return int(1 / _OUTWEIGHS + _WHOLE - value / _GUEST)


def _sums(sizes: Sequence[int]) -> int:
    """The numbers of guests, as bits, that some of these parties add up to."""
    sums = 1
    for size in sizes:
        sums |= sums << size
    return sums


def solve(data: Data, ends: float, tell: Tell) -> None:
    """Tell each better answer, and each better bound, until nothing can be better or the time is over.

    ``ends``: on the clock that all processes share.
    """
    try:
        Search(data, ends, tell).run()
    except TimeOverError:
        return


def last(data: Data, seconds: float) -> Report | None:
    """The last report, in this process."""
    reports: list[Report] = []
    solve(data, monotonic() + seconds, reports.append)
    return reports[-1] if reports else None


def main() -> None:
    """Read ``{"data", "ends"}`` and write a report a line. The arguments are the module search path."""
    sys.path[:] = sys.argv[1:]
    asked = json.load(sys.stdin)

    def tell(report: Report) -> None:
        sys.stdout.write(json.dumps(report) + "\n")
        sys.stdout.flush()

    solve(asked["data"], asked["ends"], tell)


if __name__ == "__main__":
    main()
