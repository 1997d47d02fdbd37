"""Mail, once: claimed before it is sent, marked after. docs/notifications.md says what that promises.

A crash between the provider's acceptance and our mark leaves a claim whose outcome is unknown. It is not
sent again: the next delivery parks it for a person, because two confirmations are worse than a check.
While a claim is young its sender may be alive: a delivery that finds one leaves it to the queue.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from maitred.contracts.messages import NOTIFICATION, NotificationMessage
from maitred.domain.booking import WEBHOOK_DISABLED, Booking, MailKind
from maitred.domain.states import State
from maitred.services import ports
from maitred.services.messaging.mail.email import Email, Sender, compose
from maitred.services.ports.names import EventType, Severity

logger = logging.getLogger(__name__)

# Longer than a sender can live (its function's time-out), shorter than the queue's pause between deliveries.
CLAIM_LIVES = timedelta(seconds=60)
_ENDINGS = frozenset({MailKind.CANCELLED, MailKind.DECLINED})
_WAITING = frozenset({MailKind.REQUEST_RECEIVED, MailKind.MODIFICATION_PENDING})


@dataclass(frozen=True, slots=True)
class Notification:
    id: UUID
    kind: MailKind
    variant: str | None
    request_version: int
    state: str
    attempts: int
    claimed_for: timedelta | None


@dataclass(frozen=True, slots=True)
class Task:
    """A notification, the booking it is about, and the restaurant that sends it."""

    notification: Notification
    booking: Booking
    sender: Sender


class MailRefused(Exception):
    """The provider refused this mail and would refuse it again."""


class MailUnavailable(Exception):
    """The provider certainly did not take the mail; it may be tried again."""


class MailThrottled(MailUnavailable):
    """The provider is well but limits the rate."""


class BeingSent(Exception):
    """Another worker is sending the mail; the next delivery will find the outcome."""


class Mailer(Protocol):
    def write(self, to: str, email: Email, headers: Mapping[str, str]) -> bytes:
        """The mail as the provider takes it. Raises MailRefused if it cannot be written."""

    def send(self, to: str, content: bytes) -> str:
        """Send what `write` made; returns the provider's id. Raises MailRefused or MailUnavailable."""


class Notifications(Protocol):
    def find(self, notification_id: UUID) -> Task | None: ...

    def claim(self, notification_id: UUID) -> bool:
        """Pending to claimed, committed; False if another worker has it."""

    def finish(self, notification_id: UUID, state: str, detail: str | None, event: ports.Event) -> None:
        """Store the outcome, with its event."""

    def release(self, notification_id: UUID, error: str, event: ports.Event) -> None:
        """Claimed back to pending: the provider certainly has not sent it."""

    def postpone(self, row: ports.OutboxRow) -> None:
        """Have the message delivered later, as a new one."""


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
        """Send one notification; returns its state.

        Raises BeingSent, MailUnavailable or StoreError, so that the queue delivers again.
        """
        task = self._notifications.find(message.notification_id)
        if task is None:
            return "unknown"  # its transaction was rolled back, or its twin was first
        self._telemetry.know(restaurant_id=task.booking.restaurant_id)
        notification = task.notification
        if notification.claimed_for is not None:
            return self._claimed(task, notification.claimed_for, message)
        if notification.state != "pending":
            return notification.state
        if self._mailer is None:
            return self._end(task, message, "skipped", "mail is suppressed in this stage")
        skip = _reason_to_skip(notification, task.booking, self._clock.now())
        if skip is not None:
            return self._end(task, message, "skipped", skip)
        return self._send(self._mailer, task, message)

    def _claimed(self, task: Task, claimed_for: timedelta, message: NotificationMessage) -> str:
        """The provider cannot be asked about a mail whose id never arrived: the claim's age decides."""
        if claimed_for < CLAIM_LIVES:
            raise BeingSent
        self._telemetry.count("NotificationsFailed")
        return self._end(task, message, "parked", "the outcome of an earlier send is unknown")

    def _send(self, mailer: Mailer, task: Task, message: NotificationMessage) -> str:
        """Written before it is claimed: a mail that cannot be written was certainly not sent."""
        notification, booking, now = task.notification, task.booking, self._clock.now()
        kind, variant = notification.kind, notification.variant
        email = compose(kind, variant, booking, task.sender, message.locale, now)
        # Ids that find the mail in the provider's records and in ours.
        ids = {"X-Correlation-Id": message.correlation_id, "X-Maitred-Notification": str(notification.id)}
        try:
            content = mailer.write(message.to, email, ids)
            wait_seconds = self._circuit.enter()
            if wait_seconds:
                return self._postpone(booking, message, wait_seconds)
            if not self._notifications.claim(notification.id):
                raise BeingSent
            provider_id = self._send_watched(mailer, message.to, content)
        except MailRefused as error:
            self._telemetry.count("NotificationsFailed")
            return self._end(task, message, "parked", str(error))
        except MailUnavailable as error:
            self._telemetry.count("NotificationsFailed")
            event = _event("notification.failed", task, message)
            self._notifications.release(notification.id, str(error), event)
            self._telemetry.committed([event])
            raise
        self._telemetry.count("NotificationsSent")
        return self._end(task, message, "sent", provider_id)

    def _postpone(self, booking: Booking, message: NotificationMessage, wait_seconds: float) -> str:
        """The provider gets time; waiting for it must not use up the message's deliveries."""
        due = self._clock.now() + timedelta(seconds=wait_seconds)
        row = ports.OutboxRow(
            NOTIFICATION, booking.id, booking.restaurant_id, message.wire(), message.correlation_id, due
        )
        self._notifications.postpone(row)
        return "postponed"

    def _send_watched(self, mailer: Mailer, to: str, content: bytes) -> str:
        """Send, and report to the circuit: a refusal is an answer, silence is a fault."""
        try:
            provider_id = mailer.send(to, content)
        except (MailRefused, MailThrottled):
            raise
        except Exception:
            self._circuit.failed()
            raise
        try:
            self._circuit.succeeded()
        except ports.StoreError:
            logger.warning("the mail circuit could not record a success", exc_info=True)
        return provider_id

    def _end(self, task: Task, message: NotificationMessage, state: str, detail: str) -> str:
        event = _event(_EVENTS.get(state, "notification.failed"), task, message)
        self._notifications.finish(task.notification.id, state, detail, event)
        self._telemetry.committed([event])
        return state


def _reason_to_skip(notification: Notification, booking: Booking, now: datetime) -> str | None:
    if notification.variant == WEBHOOK_DISABLED:
        return None  # it is about no request
    state, kind = booking.state, notification.kind
    reasons = (
        (notification.request_version != booking.request_version, "the request has changed since"),
        (kind is MailKind.CONFIRMED and state is State.CANCELLED, "cancelled meanwhile"),
        (kind in _WAITING and state.status != "pending", "the outcome is known already"),
        (kind is MailKind.ATTENTION and state is not State.MANUAL_REVIEW, "it has been taken care of"),
        (kind is MailKind.DECLINED and state is not State.DECLINED, "it is not declined any more"),
        (kind not in _ENDINGS and booking.end_at <= now, "the stay is over"),
    )
    return next((reason for holds, reason in reasons if holds), None)


_EVENTS: Mapping[str, EventType] = {"sent": "notification.sent", "skipped": "notification.skipped"}


def _event(event_type: EventType, task: Task, message: NotificationMessage) -> ports.Event:
    notification = task.notification
    context = {
        "kind": notification.kind,
        "variant": notification.variant,
        "attempt": notification.attempts + 1,
    }
    severity: Severity = "error" if event_type == "notification.failed" else "info"
    booking, correlation = task.booking, message.correlation_id
    return ports.Event(event_type, context, severity, booking.restaurant_id, booking.id, correlation)
