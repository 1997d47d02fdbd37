"""How CP-SAT is run here."""

from ortools.sat.python import cp_model

_WORKERS = 1  # one core, and the same answer each time


def configured(seconds: float, *, probing: bool = True) -> cp_model.CpSolver:
    """A solver that gives the same answer each time, if the time suffices.

    ``probing`` false: for small models of which hundreds are solved, most of whose time it would take.
    """
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    solver.parameters.num_workers = _WORKERS
    solver.parameters.random_seed = 1
    solver.parameters.linearization_level = 2  # counts of tables are proven by the linear relaxation
    if not probing:
        solver.parameters.cp_model_probing_level = 0
        solver.parameters.symmetry_level = 0
    return solver
