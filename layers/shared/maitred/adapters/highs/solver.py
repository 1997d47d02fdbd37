"""The exact solver of the background job, on HiGHS."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from itertools import accumulate, chain
from pathlib import Path
from time import monotonic

from maitred.adapters.highs import child
from maitred.adapters.highs.model import Program, Use, program
from maitred.planner.day.exact import ExactAnswer, ExactQuestion, Proof
from maitred.planner.day.stays import Stays
from maitred.planner.floor.joins import bit_positions
from maitred.planner.model import Move
from maitred.planner.search.join_search import SearchEndedError, Steps
from maitred.services.budget import Budget
from maitred.services.ports import Clock

type Run = Callable[[child.Data, float], child.Answer]

#: What remains of a proof if the list of sets was cut short.
_UNPROVEN = {Proof.ARRANGED: Proof.POSSIBLE, Proof.IMPOSSIBLE: Proof.UNKNOWN}


def apart(data: child.Data, seconds: float) -> child.Answer:
    """Solve it in a separate process, which is killed when its time is over.

    HiGHS checks its time limit only between its steps, and one step took 50 s in a test.
    Raises ``CalledProcessError`` if the process fails.
    """
    ends = monotonic() + seconds
    command = [sys.executable, str(Path(child.__file__)), *sys.path]
    data_out = json.dumps(data)  # takes a second for the largest programs
    left = max(0.0, ends - monotonic())
    asked = f'{{"seconds": {left}, "data": {data_out}}}'.encode()
    try:
        done = subprocess.run(command, input=asked, capture_output=True, timeout=left, check=True)  # noqa: S603 - our own file
    except subprocess.TimeoutExpired:
        return {"proof": "unknown", "ones": []}
    answer: child.Answer = json.loads(done.stdout)
    return answer


class HighsSolver:
    """``ExactSolver`` on HiGHS: one thread, a fixed seed. ``run`` solves a program in a given time."""

    def __init__(self, clock: Clock, run: Run = apart) -> None:
        self._clock = clock
        self._run = run

    def rearrange(self, question: ExactQuestion, seconds: float) -> ExactAnswer:
        """Prove the fewest moves, or that no arrangement within the limit seats the party.

        If the floor's list of sets was cut short, nothing is proven.
        """
        budget = Budget(self._clock, seconds * 1000)
        stays = Stays.build(question.index, question.occupancy, question.movable)
        try:
            asked = program(question, stays, Steps(budget))
            proof, ones = self._solve(asked, budget)
        except SearchEndedError:
            return ExactAnswer(Proof.UNKNOWN)
        if question.index.truncated:
            proof = _UNPROVEN.get(proof, proof)
        return _answer(proof, question, stays, [asked.uses[column] for column in ones])

    def _solve(self, asked: Program, budget: Budget) -> tuple[Proof, Iterable[int]]:
        """The proof, and the columns of the uses that are 1 if there is an arrangement."""
        if not any(use.number is None for use in asked.uses):
            return Proof.IMPOSSIBLE, ()  # the party can have no set at all
        data = _data(asked)
        left = budget.remaining_ms() / 1000
        if not left:
            raise SearchEndedError
        answer = self._run(data, left)
        return Proof(answer["proof"]), [column for column in answer["ones"] if column < len(asked.uses)]


def _data(asked: Program) -> child.Data:
    low, high, columns, factors = (list(each) for each in zip(*asked.rows, strict=True))
    return {
        "costs": asked.costs,
        "low": low,
        "high": high,
        "starts": [0, *accumulate(map(len, columns))],
        "columns": list(chain(*columns)),
        "factors": list(chain(*factors)),
    }


def _answer(proof: Proof, question: ExactQuestion, stays: Stays, uses: Iterable[Use]) -> ExactAnswer:
    """The tables of the party, and the moves of the others."""
    tables: tuple[str, ...] = ()
    moves = []
    for use in uses:
        names = question.index.names(bit_positions(use.bits))
        if use.number is None:
            tables = names
        elif (booking := stays.stays[use.number].booking) is not None:
            moves.append(Move(booking.booking_id, tuple(sorted(booking.tables)), names))
    return ExactAnswer(proof, tables, tuple(sorted(moves, key=lambda move: move.booking_id)))
