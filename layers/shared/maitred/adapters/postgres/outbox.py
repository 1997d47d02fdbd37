"""The outbox's rows in PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from maitred.adapters.postgres.database import Call, Database
from maitred.adapters.postgres.rows import jsonb
from maitred.services.messaging.outbox import DeadRow, OutboxState
from maitred.services.ports import LeasedMessage


class PostgresOutbox:
    """Implements services.messaging.outbox.Outbox and services.upkeep.checks.DeadOutbox."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def claim(self, limit: int, now: datetime, lease_seconds: int, horizon: datetime) -> list[LeasedMessage]:
        params = {"limit": limit, "now": now, "lease_seconds": lease_seconds, "horizon": horizon}
        [rows] = self._db.transact([Call("claim_outbox", params)])
        return sorted((LeasedMessage(*row) for row in rows), key=lambda message: message.id)

    def mark_sent(self, ids: Sequence[int]) -> None:
        self._db.transact([Call("mark_sent", {"ids": list(ids)})])

    def mark_failed(self, failures: Mapping[int, tuple[str, datetime, bool]]) -> None:
        rows = [
            {"id": row_id, "error": error, "again": again, "dead": dead}
            for row_id, (error, again, dead) in failures.items()
        ]
        self._db.transact([Call("mark_failed", {"rows": jsonb(rows)})])

    def state(self, now: datetime) -> OutboxState:
        [row] = self._db.read("outbox_state", {"now": now})
        return OutboxState(*row)

    def dead(self, limit: int) -> list[DeadRow]:
        return [DeadRow(*row) for row in self._db.read("dead_outbox", {"limit": limit})]

    def revive(self, limit: int) -> int:
        [[row]] = self._db.transact([Call("revive_outbox", {"limit": limit})])
        return int(row[0])
