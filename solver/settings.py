"""How CP-SAT is run here."""

from ortools.sat.python import cp_model

_WORKERS = 1  # one core, and the same answer each time


def configured(seconds: float) -> cp_model.CpSolver:
    """A solver that gives the same answer each time, if the time suffices."""
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = _WORKERS
    solver.parameters.random_seed = 1
    solver.parameters.linearization_level = 2  # counts of tables are proven by the linear relaxation
    return solver
