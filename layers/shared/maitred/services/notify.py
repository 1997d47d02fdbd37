"""Mail, once: claimed before it is sent, marked after. See docs/notifications.md for what that promises.

A crash between the provider's yes and our mark leaves a claim whose outcome nobody knows. It is not sent
again blindly: the next delivery parks it for a person, because two confirmations are worse than a look.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from maitred.contracts.messages import NOTIFICATION, NotificationMessage
from maitred.domain.booking import Booking
from maitred.domain.states import State
from maitred.services import ports
from maitred.services.letters import Letter, compose
from maitred.telemetry import events

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Notification:
    id: UUID
    booking_id: UUID
    kind: str
    variant: str | None
    request_version: int
    state: str
    attempts: int


class MailRefused(Exception):
    """The provider said no to this letter; another try would be refused as well."""


class MailUnavailable(Exception):
    """The provider certainly did not take the letter; it may be tried again."""


class MailThrottled(MailUnavailable):
    """The provider is well, and asks for patience."""


class Mailer(Protocol):
    def send(self, to: str, letter: Letter, headers: Mapping[str, str]) -> str:
        """Hand the letter over; returns the provider's id. Raises MailRefused or MailUnavailable."""


class Notifications(Protocol):
    def find(self, notification_id: UUID) -> tuple[Notification, Booking, str] | None:
        """The notification, its booking and the restaurant's name."""

    def claim(self, notification_id: UUID) -> bool:
        """Pending to claimed, committed; False if somebody else has it."""

    def finish(self, notification_id: UUID, state: str, detail: str | None, event: ports.Event) -> None:
        """Store how it ended, with its event."""

    def release(self, notification_id: UUID, error: str, event: ports.Event) -> None:
        """Claimed back to pending: the provider certainly has not sent it."""

    def postpone(self, row: ports.OutboxRow) -> None:
        """Have the message delivered again, later, as a new one."""


class Notify:
    """``mailer``: None where the stage does not send mail. ``circuit``: of the mail provider."""

    def __init__(
        self,
        notifications: Notifications,
        mailer: Mailer | None,
        circuit: ports.Circuit,
        clock: ports.Clock,
        telemetry: ports.Telemetry,
    ) -> None:
        self._notifications = notifications
        self._mailer = mailer
        self._circuit = circuit
        self._clock = clock
        self._telemetry = telemetry

    def run(self, message: NotificationMessage) -> str:
        """Send one notification. Raises MailUnavailable or BookError, so that the queue delivers again."""
        found = self._notifications.find(message.notification_id)
        if found is None:
            return "unknown"  # its transaction was rolled back, or its twin was first
        notification, booking, restaurant = found
        if notification.state == "claimed":
            return self._end(
                notification, booking, message, "parked", "the outcome of an earlier send is unknown"
            )
        if notification.state != "pending":
            return notification.state
        skip = self._reason_to_skip(notification, booking, self._clock.now())
        if skip is not None:
            return self._end(notification, booking, message, "skipped", skip)
        return self._send(notification, booking, restaurant, message)

    def _postpone(self, booking: Booking, message: NotificationMessage, wait_seconds: float) -> str:
        """The provider is left alone; waiting for it must not use up the message's deliveries."""
        due = self._clock.now() + timedelta(seconds=wait_seconds)
        row = ports.OutboxRow(
            NOTIFICATION, booking.id, booking.restaurant_id, message.wire(), message.correlation_id, due
        )
        self._notifications.postpone(row)
        return "postponed"

    def _reason_to_skip(self, notification: Notification, booking: Booking, now: datetime) -> str | None:
        if self._mailer is None:
            return "mail is suppressed in this stage"
        if notification.request_version != booking.request_version:
            return "the request has changed since"
        if notification.kind == "confirmed" and booking.state is State.CANCELLED:
            return "cancelled meanwhile"
        waits = notification.kind in ("request_received", "modification_pending")
        if waits and booking.state.status != "pending":
            return "the outcome is known already"
        if notification.kind != "cancelled" and booking.end_at <= now:
            return "the stay is over"
        return None

    def _send(
        self, notification: Notification, booking: Booking, restaurant: str, message: NotificationMessage
    ) -> str:
        if self._mailer is None:
            raise ValueError("without a mailer everything is skipped")
        wait_seconds = self._circuit.enter()
        if wait_seconds:
            return self._postpone(booking, message, wait_seconds)
        if not self._notifications.claim(notification.id):
            return "claimed"
        letter = compose(notification.kind, booking, restaurant)
        headers = {"X-Correlation-Id": message.correlation_id, "X-Maitred-Notification": str(notification.id)}
        try:
            provider_id = self._watched(self._mailer, message.to, letter, headers)
        except MailRefused as error:
            self._telemetry.count("NotificationsFailed")
            return self._end(notification, booking, message, "parked", str(error))
        except MailUnavailable as error:
            self._telemetry.count("NotificationsFailed")
            event = self._event("notification.failed", notification, booking, message)
            self._notifications.release(notification.id, str(error), event)
            raise
        self._telemetry.count("NotificationsSent")
        return self._end(notification, booking, message, "sent", provider_id)

    def _watched(self, mailer: Mailer, to: str, letter: Letter, headers: Mapping[str, str]) -> str:
        """Send, and tell the circuit how the provider did: a no is an answer, silence is a fault."""
        try:
            provider_id = mailer.send(to, letter, headers)
        except (MailRefused, MailThrottled):
            raise
        except Exception:
            self._circuit.failed()
            raise
        self._sent_well()
        return provider_id

    def _sent_well(self) -> None:
        try:
            self._circuit.succeeded()
        except ports.BookError:
            logger.warning("the mail circuit was not told of a success", exc_info=True)

    def _end(
        self,
        notification: Notification,
        booking: Booking,
        message: NotificationMessage,
        state: str,
        detail: str,
    ) -> str:
        kind = {"sent": "notification.sent", "skipped": "notification.skipped"}.get(
            state, "notification.failed"
        )
        event = self._event(kind, notification, booking, message)
        self._notifications.finish(notification.id, state, detail, event)
        self._telemetry.committed([event])
        return state

    def _event(
        self, event_type: str, notification: Notification, booking: Booking, message: NotificationMessage
    ) -> ports.Event:
        context = {
            "kind": notification.kind,
            "variant": notification.variant,
            "attempt": notification.attempts + 1,
        }
        severity = "error" if event_type == "notification.failed" else "info"
        return events.booking_event(booking, message.correlation_id, event_type, context, severity)
