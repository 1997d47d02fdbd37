"""HiGHS itself: solves a program, given as lists of numbers, in one thread. It also runs as its own process.

It imports nothing else of Maitred, so that the process starts fast. HiGHS and its dependencies are in the
assign function's own package, not in the shared layer, and are loaded only for a question.
"""

import json
import sys
from importlib import import_module
from time import monotonic
from typing import Any

type Data = dict[str, list[Any]]
type Answer = dict[str, Any]

#: Presolving takes 3 s at 80 tables and saves nothing: the root decides nearly every program in 0.2 s.
_OPTIONS = {"output_flag": False, "threads": 1, "parallel": "off", "random_seed": 1, "presolve": "off"}
_IS_ONE = 0.5
#: HiGHS stops by itself to report what it has found; the parent process stops it if it does not.
_IN_TIME = 0.9


def solve(data: Data, seconds: float) -> Answer:
    """``proof``: one of ``Proof`` in planner/day/exact.py. ``ones``: the columns that are 1."""
    ends = monotonic() + seconds
    highspy: Any = import_module("highspy")
    highs = highspy.Highs()
    for name, value in _OPTIONS.items():
        highs.setOptionValue(name, value)
    highs.passModel(_linear_program(highspy, data))
    highs.setOptionValue("time_limit", max(0.0, (ends - monotonic()) * _IN_TIME))
    highs.run()
    status, statuses = highs.getModelStatus(), highspy.HighsModelStatus
    if status in (statuses.kInfeasible, statuses.kUnboundedOrInfeasible):  # all columns are bounded
        return {"proof": "impossible", "ones": []}
    if highs.getInfo().primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return {"proof": "unknown", "ones": []}
    values = highs.getSolution().col_value
    ones = [column for column, value in enumerate(values) if value > _IS_ONE]
    return {"proof": "arranged" if status == statuses.kOptimal else "possible", "ones": ones}


def _linear_program(highspy: Any, data: Data) -> Any:
    """All columns are 0 or 1."""
    columns, rows = len(data["costs"]), len(data["low"])
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = columns, rows
    model.col_cost_ = data["costs"]
    model.col_lower_, model.col_upper_ = [0.0] * columns, [1.0] * columns
    model.integrality_ = [highspy.HighsVarType.kInteger] * columns
    model.row_lower_, model.row_upper_ = data["low"], data["high"]
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.num_col_, model.a_matrix_.num_row_ = columns, rows
    model.a_matrix_.start_, model.a_matrix_.index_ = data["starts"], data["columns"]
    model.a_matrix_.value_ = data["factors"]
    return model


def main() -> None:
    """Read ``{"data", "seconds"}`` and write the answer. The arguments are the module search path."""
    sys.path[:] = sys.argv[1:]
    asked = json.load(sys.stdin)
    json.dump(solve(asked["data"], asked["seconds"]), sys.stdout)


if __name__ == "__main__":
    main()
