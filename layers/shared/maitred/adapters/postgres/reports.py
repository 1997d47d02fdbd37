"""The figures of the report on assignments, counted in PostgreSQL."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from maitred.adapters.postgres.database import Call, Database, Rows
from maitred.adapters.postgres.guard import Guard
from maitred.adapters.postgres.rows import jsonb
from maitred.services import ports
from maitred.services.staff.reports import (
    Attempts,
    Counted,
    Difference,
    Figures,
    Reduction,
    ReportScope,
    Runs,
    StrategyCount,
)

_BUDGET_MS = 8000
_STATEMENTS = (
    "report_runs",
    "report_run_figures",
    "report_planner_figures",
    "report_planned_bookings",
    "report_attempts",
    "report_strategies",
    "report_attempt_figures",
    "report_reductions",
    "report_bookings",
    "report_differences",
)


class PostgresReports:
    """Implements services.staff.reports.Reports."""

    def __init__(self, database: Database, guard: Guard) -> None:
        self._db = database
        self._guard = guard

    def timezones(
        self, restaurants: Sequence[str], charge: ports.Charge, *, everywhere: bool
    ) -> dict[str, str]:
        params = {"restaurants": list(restaurants), "everywhere": everywhere}
        found, paid = self._db.read_all([Call("report_timezones", params), self._guard.charge(charge)])
        self._guard.charged(restaurants[0], paid)
        return dict(found)

    def count(self, scope: ReportScope, soon: timedelta) -> Counted:
        """All statements in one transaction and one round trip."""
        params = {
            "restaurants": list(scope.restaurants),
            "start": scope.start,
            "end": scope.end,
            "flags": jsonb(dict(scope.flags)),
            "soon_seconds": soon.total_seconds(),
        }
        found = self._db.read_all([Call(name, params) for name in _STATEMENTS], _BUDGET_MS)
        runs, run_figures, planner, planned, attempts, strategies, attempt_figures, *others = found
        reductions, bookings, differences = others
        [(calls, seen)] = planned
        return Counted(
            runs=[Runs(*row) for row in runs],
            durations=_of_measure(run_figures, "duration"),
            attempts_used=_of_measure(run_figures, "attempts"),
            planner=_by_flow(planner),
            planner_calls=calls,
            planned_bookings=seen,
            attempts=[Attempts(*row) for row in attempts],
            strategies=[StrategyCount(*row) for row in strategies],
            attempt_durations=_by_flow(attempt_figures),
            reductions=[Reduction(*row) for row in reductions],
            bookings=dict(bookings),
            differences=[Difference(*row) for row in differences],
        )


def _by_flow(rows: Sequence[tuple[Any, ...]]) -> dict[str, Figures]:
    return {flow: Figures(count, total, *percentiles) for flow, count, total, percentiles in rows}


def _of_measure(rows: Rows, measure: str) -> dict[str, Figures]:
    return _by_flow([(flow, *figures) for flow, name, *figures in rows if name == measure])
