"""Webhooks in PostgreSQL: what is read, and the sender's lease. All other changes are units of work."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from maitred.adapters.postgres.database import Call, Database, Params
from maitred.adapters.postgres.feed import change_of
from maitred.domain.changes import change_type_of
from maitred.services import ports
from maitred.services.webhooks.ports import PendingChanges, Webhook


class PostgresWebhooks:
    """Implements services.webhooks.ports.Webhooks."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def of_restaurant(self, restaurant_id: str) -> list[Webhook] | None:
        found = self._db.read("webhooks_of", {"restaurant_id": restaurant_id})
        return [_webhook(row) for row in found if row[1] is not None] if found else None

    def find(self, restaurant_id: str, webhook_id: str) -> Webhook | None:
        found = self._db.read("read_webhook", {"restaurant_id": restaurant_id, "webhook_id": webhook_id})
        return _webhook(found[0]) if found else None

    def lease(
        self, restaurant_id: str, webhook_id: str, token: UUID, seconds: int, now: datetime
    ) -> Webhook | None:
        params = {
            "restaurant_id": restaurant_id,
            "webhook_id": webhook_id,
            "token": token,
            "seconds": seconds,
            "now": now,
        }
        [found] = self._db.transact([Call("lease_webhook", params)])
        return _webhook(found[0]) if found else None

    def pending(self, webhook: Webhook, after: int, limit: int) -> PendingChanges:
        params = {
            **_key(webhook),
            "after": after,
            "types": [each.stored for each in webhook.events],
            "limit": limit,
        }
        found = self._db.read("pending_changes", params)
        changes = [change_of(row[1:]) for row in found if row[1] is not None]
        return PendingChanges(changes, found[0][0] if found else after)

    def change_at(self, webhook: Webhook, position: int) -> ports.BookingChange | None:
        found = self._db.read("read_change", {**_key(webhook), "position": position})
        return change_of(found[0]) if found else None

    def delivered(self, webhook: Webhook, token: UUID, position: int, seconds: int) -> bool:
        params = {**_key(webhook), "token": token, "position": position, "seconds": seconds}
        [found] = self._db.transact([Call("webhook_delivered", params)])
        return bool(found)

    def release(self, webhook: Webhook, token: UUID, upto: int, seconds: int) -> bool:
        params = {**_key(webhook), "token": token, "position": upto, "seconds": seconds}
        [found] = self._db.transact([Call("release_webhook", params)])
        return bool(found and found[0][0])


def _key(webhook: Webhook) -> Params:
    return {"restaurant_id": webhook.restaurant_id, "webhook_id": webhook.id}


def _webhook(row: Sequence[Any]) -> Webhook:
    restaurant_id, webhook_id, url, events, *rest = row
    return Webhook(restaurant_id, webhook_id, url, tuple(change_type_of(each) for each in events), *rest)
