"""Notifications in PostgreSQL."""

from uuid import UUID

from maitred.adapters.postgres import rows
from maitred.adapters.postgres.booking_store import calls_of, event_params
from maitred.adapters.postgres.database import Call, Database
from maitred.domain.booking import MailKind
from maitred.services import ports
from maitred.services.messaging.mail.email import Sender
from maitred.services.messaging.notify import Notification, Task


class PostgresNotifications:
    """Implements services.messaging.notify.Notifications."""

    def __init__(self, database: Database, source: str) -> None:
        self._db = database
        self._source = source

    def find(self, notification_id: UUID) -> Task | None:
        found = self._db.read("find_notification", {"id": notification_id})
        if not found:
            return None
        row_id, booking_id, kind, *rest, name, contact = found[0]
        notification = Notification(row_id, MailKind(kind), *rest)
        [booking] = self._db.read("read_booking", {"booking_id": booking_id})
        return Task(notification, rows.booking_of(booking), Sender(name, contact))

    def claim(self, notification_id: UUID) -> bool:
        [claimed] = self._db.transact([Call("claim_notification", {"id": notification_id})])
        return bool(claimed)

    def finish(self, notification_id: UUID, state: str, detail: str | None, event: ports.Event) -> None:
        params = {"id": notification_id, "state": state, "detail": detail}
        self._db.transact([Call("finish_notification", params), self._event_call(event)])

    def release(self, notification_id: UUID, error: str, event: ports.Event) -> None:
        params = {"id": notification_id, "error": error}
        self._db.transact([Call("release_notification", params), self._event_call(event)])

    def postpone(self, row: ports.OutboxRow) -> None:
        self._db.transact(calls_of(ports.Changes(outbox=[row]), self._source))

    def _event_call(self, event: ports.Event) -> Call:
        return Call("insert_events", event_params([event], self._source))
