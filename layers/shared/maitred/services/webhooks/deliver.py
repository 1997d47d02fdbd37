"""Tells a webhook of changes: in the feed's order, one sender at a time, signed by Standard Webhooks 1.0.

The feed and the webhook's position in it say what to send; a message only says that there may be something.
The feed and the webhook's position in it say what to send; a message only says that there may be some.
pauses, in which nothing of its own is tried, and no other webhook waits for it.

A change that a receiver has refused for a day goes to the dead-letter queue, and the next one has its turn. A
webhook that has taken nothing for three days is disabled, and the restaurant gets a letter.
"""

import base64
import hashlib
import hmac
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from maitred.contracts import responses
from maitred.contracts.bookings import SECRET_PREFIX, encode_position
from maitred.contracts.messages import WEBHOOK_DEAD, WebhookMessage
from maitred.services import ports
from maitred.services.assignment import records
from maitred.services.dependencies import Dependencies
from maitred.services.unit_of_work import commit
from maitred.services.webhooks.ports import (
    DeliveryFailed,
    EventSender,
    Secrets,
    Webhook,
    Webhooks,
)

logger = logging.getLogger(__name__)

#: Longer than an invocation can last, so that no second one sends beside it.
LEASE_SECONDS = 60
#: Of one invocation; one more event may take five. The function's time-out is longer.
SENDING = timedelta(seconds=20)
AT_ONCE = 20
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=6)
GIVES_UP_AFTER = timedelta(hours=24)
DISABLED_AFTER = timedelta(days=3)


class Deliver:
    def __init__(self, deps: Dependencies, webhooks: Webhooks, secrets: Secrets, sender: EventSender) -> None:
        self._deps = deps
        self._webhooks = webhooks
        self._secrets = secrets
        self._sender = sender

    def run(self, message: WebhookMessage) -> None:
        """Send what is due. Raises StoreError, so that the queue delivers the message again.

        A message with a position comes from the dead-letter queue, by an operator's hand: that one change is
        sent once more, out of turn. Raises DeliveryFailed if the receiver does not take it.
        """
        if message.position is not None:
            self._send_again(message, message.position)
            return
        token = self._deps.ids.uuid()
        now = self._deps.clock.now()
        webhook = self._webhooks.lease(message.restaurant_id, message.webhook_id, token, LEASE_SECONDS, now)
        if webhook is not None:
            self._send_all(webhook, token, message)

    def _send_all(self, webhook: Webhook, token: UUID, message: WebhookMessage) -> None:
        clock = self._deps.clock
        stops = clock.monotonic() + SENDING.total_seconds()
        after = webhook.position
        goes_on = True
        while goes_on:
            pending = self._webhooks.pending(webhook, after, AT_ONCE)
            for change in pending.changes:
                if clock.monotonic() >= stops:
                    self._commit(ports.WebhookRest(webhook.restaurant_id, webhook.id, token, after), message)
                    return
                try:
                    self._send(webhook, change)
                except DeliveryFailed as failure:
                    logger.warning("webhook %s was not delivered: %s", webhook.id, failure)
                    self._failed(webhook, token, change, message)
                    return
                self._deps.telemetry.count("WebhooksDelivered")
                delay = (clock.now() - change.at).total_seconds()
                self._deps.telemetry.milliseconds("WebhookDelay", max(0.0, delay * 1000))
                if not self._webhooks.delivered(webhook, token, change.position, LEASE_SECONDS):
                    return  # this sandbox was frozen for a minute: somebody else goes on
                after, webhook = (
                    change.position,
                    replace(webhook, attempts=0, first_failed_at=None, failing_since=None),
                )
            if len(pending.changes) < AT_ONCE:
                goes_on = self._webhooks.release(webhook, token, pending.upto, LEASE_SECONDS)
                after = pending.upto

    def _send(self, webhook: Webhook, change: ports.BookingChange) -> None:
        now = self._deps.clock.now()
        body = event_body(change)
        secrets = [self._secrets.decrypt(webhook.secret, webhook.context)]
        if webhook.previous_secret and webhook.previous_until and webhook.previous_until > now:
            secrets.append(self._secrets.decrypt(webhook.previous_secret, webhook.context))
        event_id = f"{webhook.restaurant_id}.{change.position}"
        self._sender.post(webhook.url, body, signed(event_id, now, body, secrets))

    def _send_again(self, message: WebhookMessage, position: int) -> None:
        webhook = self._webhooks.find(message.restaurant_id, message.webhook_id)
        change = self._webhooks.change_at(webhook, position) if webhook else None
        if webhook is None or change is None:
            return  # nobody wants it any more
        try:
            self._send(webhook, change)
        except DeliveryFailed:
            self._deps.telemetry.count("WebhooksFailed")
            raise
        self._deps.telemetry.count("WebhooksDelivered")

    def _failed(
        self, webhook: Webhook, token: UUID, change: ports.BookingChange, message: WebhookMessage
    ) -> None:
        """Rest, and try again later; after a day give this change up, after three days the webhook."""
        self._deps.telemetry.count("WebhooksFailed")
        now = self._deps.clock.now()
        since, failing = webhook.first_failed_at or now, webhook.failing_since or now
        rest = ports.WebhookRest(
            webhook.restaurant_id,
            webhook.id,
            token,
            change.position - 1,
            attempts=webhook.attempts + 1,
            first_failed_at=since,
            failing_since=failing,
            next_try_at=now + self._pause(webhook.attempts),
        )
        if now - failing >= DISABLED_AFTER:
            self._disable(webhook, rest, change, message, now)
        elif now - since >= GIVES_UP_AFTER:
            dead = message.model_copy(update={"position": change.position})
            given_up = replace(
                rest, position=change.position, attempts=0, first_failed_at=None, next_try_at=now
            )
            self._commit(given_up, message, [records.webhook_row(dead, now, WEBHOOK_DEAD)])
        else:
            self._commit(rest, message)

    def _disable(
        self,
        webhook: Webhook,
        rest: ports.WebhookRest,
        change: ports.BookingChange,
        message: WebhookMessage,
        now: datetime,
    ) -> None:
        notifications, outbox = records.webhook_letter(
            change.booking, webhook.contact, message.correlation_id, self._deps.ids, now
        )
        self._commit(replace(rest, disabled_at=now), message, outbox, notifications)

    def _commit(
        self,
        rest: ports.WebhookRest,
        message: WebhookMessage,
        more: Sequence[ports.OutboxRow] = (),
        notifications: Sequence[ports.NotificationRow] = (),
    ) -> None:
        """End the lease; the next message comes when the rest is over."""
        due = rest.next_try_at or self._deps.clock.now()
        again = [] if rest.disabled_at else [records.webhook_row(message, due)]
        changes = ports.Changes(webhook_rest=rest, notifications=notifications, outbox=[*again, *more])
        try:
            commit(self._deps, changes)
        except ports.StaleVersion:
            logger.warning("the lease of a webhook was lost; another worker goes on")

    def _pause(self, attempts: int) -> timedelta:
        """5 s, 20 s, 80 s ... 6 h, each up to a tenth longer, so that receivers are not asked all at once."""
        pause = min(FIRST_PAUSE * int(4 ** min(attempts, 8)), LONGEST_PAUSE)
        return pause + timedelta(seconds=self._deps.ids.jitter(pause.total_seconds() / 10))


def event_body(change: ports.BookingChange) -> str:
    """An event as it is sent; the same text at every try."""
    cursor = encode_position(change.position)
    item = responses.change_json(cursor, change.type, change.at, change.booking)
    data = {"cursor": item["cursor"], "booking": item["booking"]}
    return responses.dumps({"type": item["type"], "timestamp": item["at"], "data": data})


def signed(event_id: str, now: datetime, body: str, secrets: Sequence[str]) -> Mapping[str, str]:
    """The headers of Standard Webhooks 1.0, with a signature for each secret.

    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    timestamp = f"{int(now.timestamp())}"
    content = f"{event_id}.{timestamp}.{body}".encode()
    return {
        "webhook-id": event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(_signature(secret, content) for secret in secrets),
    }


def _signature(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    return f"v1,{base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()}"
