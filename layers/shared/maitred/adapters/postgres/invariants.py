"""The invariants of the booking data, counted in PostgreSQL."""

from collections.abc import Sequence

from maitred.adapters.postgres.database import Database
from maitred.domain.states import TRANSITIONS
from maitred.services.upkeep.checks import InspectionScope
from maitred.services.upkeep.maintain import LOST_AFTER

_EXAMPLES = 5


class PostgresInvariants:
    """Implements services.upkeep.checks.Invariants."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def count(self, name: str, scope: InspectionScope) -> tuple[int, int, Sequence[str]]:
        overdue = scope.now - scope.patience
        params = {
            "now": scope.now,
            "since": scope.since,
            "overdue": overdue,
            "lost": overdue - LOST_AFTER,
            "transitions": [
                f"{source} {target}" for source, targets in TRANSITIONS.items() for target in targets
            ],
            "examples": _EXAMPLES,
        }
        [row] = self._db.read(f"invariant_{name}", params)
        return row[0], row[1], row[2]
