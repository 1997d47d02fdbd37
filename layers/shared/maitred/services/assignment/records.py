"""What follows from an outcome: history, mail for the guest, the message for the background job."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from maitred.contracts.messages import ASSIGN, NOTIFICATION, AssignMessage, NotificationMessage
from maitred.domain.booking import Booking, Trigger
from maitred.domain.states import State, require_transition
from maitred.services.ports import HistoryRow, Ids, Json, NotificationRow, OutboxRow

type Step = tuple[State | None, State, int]

STANDARD = "standard"
MODIFIED = "modified"
CONFIRMED = "confirmed"
ATTENTION = "attention"


def steps_through(states: Sequence[State | None], first_version: int) -> list[Step]:
    """The transitions along ``states``, each with the version it leads to. Raises InvalidTransition."""
    steps: list[Step] = []
    for version, (source, target) in enumerate(pairwise(states), first_version):
        if target is None:
            raise ValueError("a booking never leaves the machine")
        if source is not None:
            require_transition(source, target)
        steps.append((source, target, version))
    return steps


def history_rows(
    booking: Booking, steps: Sequence[Step], actor: str, reason: str | None, metadata: Json
) -> list[HistoryRow]:
    """``reason`` and ``metadata`` belong to the last step; the others only lead there."""
    last = len(steps) - 1
    return [
        HistoryRow(
            booking.id,
            source,
            target,
            version,
            actor,
            reason if i == last else None,
            metadata if i == last else {},
        )
        for i, (source, target, version) in enumerate(steps)
    ]


@dataclass(frozen=True, slots=True)
class Mailing:
    """A notification and the message that sends it; both empty if nothing is to be told."""

    notifications: Sequence[NotificationRow] = ()
    outbox: Sequence[OutboxRow] = ()

    @property
    def variant(self) -> str | None:
        """Of the confirmation that is written; None if none is."""
        return self.notifications[0].variant if self.notifications else None


def confirmed_mail(booking: Booking, correlation_id: str, ids: Ids, now: datetime) -> Mailing:
    """The confirmation; ``modified`` once the guest has changed the request."""
    variant = STANDARD if booking.request_version == 1 else MODIFIED
    return mail(booking, CONFIRMED, variant, correlation_id, ids, now)


def mail(
    booking: Booking, kind: str, variant: str | None, correlation_id: str, ids: Ids, due_at: datetime
) -> Mailing:
    """Nothing for a guest without an address, or who was told before: new tables are no news to a guest."""
    address = booking.guest.get("email")
    told_before = kind == CONFIRMED and booking.confirmation_queued
    if not address or told_before:
        return Mailing()
    return _mailing(_row(booking, kind, variant, ids), address, booking.locale, correlation_id, due_at)


def attention_mail(booking: Booking, to: str, correlation_id: str, ids: Ids, now: datetime) -> Mailing:
    """To the restaurant: a booking that only a person can settle starts soon."""
    return _mailing(_row(booking, ATTENTION, None, ids), to, booking.locale, correlation_id, now)


def _row(booking: Booking, kind: str, variant: str | None, ids: Ids) -> NotificationRow:
    return NotificationRow(
        ids.uuid(), booking.id, booking.restaurant_id, kind, variant, booking.request_version
    )


def _mailing(row: NotificationRow, to: str, locale: str, correlation_id: str, due_at: datetime) -> Mailing:
    message = NotificationMessage(
        notification_id=row.id,
        booking_id=row.booking_id,
        kind=row.kind,
        variant=row.variant,
        to=to,
        locale=locale,
        correlation_id=correlation_id,
    )
    outgoing = OutboxRow(
        NOTIFICATION, row.booking_id, row.restaurant_id, message.wire(), correlation_id, due_at
    )
    return Mailing([row], [outgoing])


def assign_row(
    booking: Booking,
    trigger: Trigger,
    attempt: int,
    correlation_id: str,
    now: datetime,
    delay: timedelta = timedelta(),
) -> OutboxRow:
    """The message that makes the background job work on ``booking`` at its present version.

    Its age counts from when it is due: a delay that was meant is no waiting in the queue.
    """
    message = AssignMessage(
        booking_id=booking.id,
        restaurant_id=booking.restaurant_id,
        booking_version=booking.version,
        trigger=trigger,
        attempt=attempt,
        correlation_id=correlation_id,
        enqueued_at=now + delay,
    )
    return OutboxRow(ASSIGN, booking.id, booking.restaurant_id, message.wire(), correlation_id, now + delay)
