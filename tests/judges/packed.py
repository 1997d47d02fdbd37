"""The most sets of tables that share none, with limits of how many may lie in each zone: by CP-SAT."""

from collections.abc import Collection, Mapping

from ortools.sat.python import cp_model

from tests.judges.settings import configured

_SECONDS = 60.0


def most_disjoint(sets: Collection[frozenset[str]], zones: Mapping[frozenset[str], int]) -> int:
    """``zones``: at most so many of the sets have one of these tables."""
    model = cp_model.CpModel()
    chosen = {each: model.new_bool_var(str(sorted(each))) for each in sets}
    for table in frozenset().union(*sets):
        model.add_at_most_one(variable for each, variable in chosen.items() if table in each)
    for tables, most in zones.items():
        model.add(sum(variable for each, variable in chosen.items() if each & tables) <= most)
    model.maximize(sum(chosen.values()))
    solver = configured(_SECONDS, probing=False)
    status = solver.solve(model)
    assert status == cp_model.OPTIMAL, solver.status_name(status)
    return round(solver.objective_value)
