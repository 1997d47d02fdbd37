"""A whole service re-seated by HiGHS, in a process of its own that may be killed at any time."""

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from maitred.adapters.highs import shift_child
from maitred.adapters.highs.shift_model import ShiftProgram, shift_program
from maitred.planner.floor.joins import bit_positions
from maitred.planner.model import Move
from maitred.planner.search.scoring import SCORE_DIGITS
from maitred.planner.shift.model import Reseating, Seats, Shift, Sum
from maitred.planner.shift.parties import Parties
from maitred.planner.shift.rules import violations
from maitred.planner.shift.score import sum_of
from maitred.services.budget import Budget
from maitred.services.ports import Clock

#: Solves a program in a given time; the last report, None if there was none.
type Run = Callable[[shift_child.Data, float], shift_child.Report | None]

logger = logging.getLogger(__name__)
#: Two scores that differ by no more are equal.
_SAME = 1e-6
#: The share of the time that checking the answer may take.
_TO_CHECK = 0.03


class BrokenAnswerError(Exception):
    """The solver's answer breaks a rule."""


def apart(data: shift_child.Data, seconds: float) -> shift_child.Report | None:
    """Solve it in a separate process, which is killed when its time is over: the last report counts."""
    ends = monotonic() + seconds
    command = [sys.executable, str(Path(shift_child.__file__)), *sys.path]
    asked = json.dumps({"ends": ends, "data": data}).encode()
    try:
        done = subprocess.run(  # noqa: S603 - our own file
            command, input=asked, capture_output=True, timeout=max(0.0, ends - monotonic()), check=False
        )
    except subprocess.TimeoutExpired as ended:
        written: bytes = ended.stdout or b""
    else:
        written = done.stdout
        if done.returncode:
            logger.error("The shift's solver failed: %s", done.stderr[-500:].decode(errors="replace"))
    return _last(written)


def _last(written: bytes) -> shift_child.Report | None:
    """The last report that was written to its end."""
    lines = written.rpartition(b"\n")[0].splitlines()
    if not lines:
        return None
    report: shift_child.Report = json.loads(lines[-1])
    return report


@dataclass(frozen=True, slots=True)
class _Question:
    shift: Shift
    parties: Parties
    program: ShiftProgram
    before: Sum

    @property
    def fixed_score(self) -> float:
        """The score of the parties that are not in the program."""
        return self.before.score - sum(cost for _, cost in self._now())

    def floor(self) -> float:
        """A score that nothing is below, known without any search."""
        own = dict(self._now())
        least: dict[int, float] = {}
        for each in self.program.choices:
            least[each.party] = min(each.cost, least.get(each.party, each.cost))
        saved = sorted((own[party] - least[party] for party in own), reverse=True)
        waiting = sum(min(0.0, cost) for party, cost in least.items() if party not in own)
        return self.before.score - sum(saved[: self.shift.max_moves]) + waiting

    def _now(self) -> list[tuple[int, float]]:
        program = self.program
        return [
            (each.party, each.cost)
            for each in program.choices
            if each.bits == program.parties[each.party].now
        ]


class HighsShiftSolver:
    """``ShiftSolver`` on HiGHS: one thread, a fixed seed. ``run`` solves a program in a given time."""

    def __init__(self, clock: Clock, run: Run = apart) -> None:
        self._clock = clock
        self._run = run

    def reseat(self, shift: Shift, seconds: float) -> Reseating:
        """The best seats found; today's, if the solver fails or breaks a rule, which is logged."""
        budget = Budget(self._clock, seconds * 1000 * (1 - _TO_CHECK))
        parties = Parties(shift)
        asked = _Question(shift, parties, shift_program(shift, parties), sum_of(shift, {}, parties))
        if all(each.bits == asked.program.parties[each.party].now for each in asked.program.choices):
            return _today(asked, asked.before.score, 0, proven=asked.program.whole)
        try:
            return self._solved(asked, budget.remaining_ms() / 1000)
        except Exception:
            logger.exception("The shift's solver gave no usable answer")
        return _unsolved(asked)

    def _solved(self, asked: _Question, seconds: float) -> Reseating:
        data = asked.program.data(asked.shift.max_moves)
        report = self._run(data, seconds) if seconds else None
        return _unsolved(asked) if report is None else _checked(asked, report)


def _unsolved(asked: _Question) -> Reseating:
    waiting = sum(party.size for party in asked.program.parties if not party.now)
    return _today(asked, asked.floor(), waiting, proven=False)


def _today(asked: _Question, bound: float, waiting: int, *, proven: bool) -> Reseating:
    before = asked.before
    return Reseating(before, before, (), (), round(bound, SCORE_DIGITS), before.covers + waiting, proven)


def _checked(asked: _Question, report: shift_child.Report) -> Reseating:
    """The answer, if it keeps all rules and is no worse than today's seats."""
    shift, before = asked.shift, asked.before
    seats = _seats(asked, report["ones"])
    broken = violations(shift, seats, asked.parties)
    if broken:
        raise BrokenAnswerError("; ".join(broken))
    after = sum_of(shift, seats, asked.parties)
    if (-after.covers, after.score) > (-before.covers, before.score):
        raise BrokenAnswerError("The seats are worse than today's")
    bound = asked.floor() if report["bound"] is None else asked.fixed_score + report["bound"]
    most = before.covers + int(report["most"])
    best = report["fewest"] and most == after.covers and after.score - bound <= _SAME
    return Reseating(
        before=before,
        after=after,
        moves=tuple(_moves(asked, seats)),
        seats=tuple(_new(asked, seats)),
        bound=round(min(bound, after.score), SCORE_DIGITS),
        most_covers=most,
        proven=bool(best) and asked.program.whole,
    )


def _seats(asked: _Question, ones: Iterable[int]) -> dict[str, tuple[str, ...]]:
    """The tables of those who get other ones, or any."""
    program, seats = asked.program, {}
    for column in ones:
        choice = program.choices[column]
        party = program.parties[choice.party]
        if party.booking_id in seats:
            raise BrokenAnswerError(f"{party.booking_id} has two sets of tables")
        seats[party.booking_id] = asked.shift.index.names(bit_positions(choice.bits))
    return seats


def _moves(asked: _Question, seats: dict[str, tuple[str, ...]]) -> Iterable[Move]:
    names = asked.shift.index.names
    for party in asked.parties.all:
        here = names(bit_positions(party.now))
        there = seats.get(party.booking_id, here)
        if here and there != here:
            yield Move(party.booking_id, here, there)


def _new(asked: _Question, seats: dict[str, tuple[str, ...]]) -> Iterable[Seats]:
    for party in asked.parties.all:
        if not party.now and party.booking_id in seats:
            yield Seats(party.booking_id, seats[party.booking_id])
