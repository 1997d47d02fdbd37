"""The rows that an outcome writes: history, mail, messages for the job, tables in the ledger, moves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from maitred.contracts.messages import (
    ASSIGN,
    NOTIFICATION,
    WEBHOOK,
    AssignMessage,
    NotificationMessage,
    WebhookMessage,
)
from maitred.domain.booking import WEBHOOK_DISABLED, Booking, MailKind, Trigger
from maitred.domain.hold import Hold
from maitred.domain.states import State, require_transition
from maitred.domain.windows import from_minutes
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import Move, Plan
from maitred.services.events import state_changed
from maitred.services.ports import (
    BookingMove,
    BookingUpdate,
    Changes,
    HistoryRow,
    Ids,
    Json,
    MovableStay,
    NotificationRow,
    OutboxRow,
    Snapshot,
    TableAllocation,
)

#: Only a guest who still waits by then gets the letter that says so.
WAITS_AFTER = timedelta(minutes=2)


def history_rows(
    after: Booking, through: Sequence[State], actor: str, reason: str | None, metadata: Json
) -> list[HistoryRow]:
    """The steps along ``through`` and on to ``after``, each a version more. Raises InvalidTransition.

    ``reason`` and ``metadata`` belong to the last step; the others only lead there.
    """
    steps = list(pairwise((*through, after.state)))
    rows = []
    for version, (source, target) in enumerate(steps, after.version - len(steps) + 1):
        require_transition(source, target)
        rows.append(HistoryRow(after.id, source, target, version, actor, None))
    if rows:
        rows[-1] = replace(rows[-1], reason=reason, metadata=metadata)
    return rows


def attempt_metadata(attempt_id: UUID, booking: Booking) -> Json:
    """The history's metadata of a state that an attempt led to."""
    return {"attemptId": str(attempt_id), "tables": list(booking.tables)}


#: A notification and the message that sends it; both empty if there is nothing to write.
type Mail = tuple[list[NotificationRow], list[OutboxRow]]


def mail(
    booking: Booking,
    kind: MailKind,
    correlation_id: str,
    ids: Ids,
    due_at: datetime,
    to: str | None = None,
) -> Mail:
    """The letter ``to`` this address, which is the guest's if none is given.

    Nothing for a guest without an address, or one who has a confirmation: new tables are no news.
    """
    address, confirms = to or booking.guest.get("email"), kind is MailKind.CONFIRMED
    if not address or (confirms and booking.confirmation_queued):
        return [], []
    row = NotificationRow(
        id=ids.uuid(),
        booking_id=booking.id,
        restaurant_id=booking.restaurant_id,
        kind=kind,
        variant=("standard" if booking.request_version == 1 else "modified") if confirms else None,
        request_version=booking.request_version,
    )
    return _addressed(row, booking, address, correlation_id, due_at)


def webhook_letter(booking: Booking, to: str | None, correlation_id: str, ids: Ids, due_at: datetime) -> Mail:
    """The letter to a restaurant whose webhook has taken nothing for days, ``booking`` last.

    It is about no request of the booking's, so it bears no version of it.
    """
    if not to:
        return [], []
    kind = MailKind.ATTENTION
    row = NotificationRow(ids.uuid(), booking.id, booking.restaurant_id, kind, WEBHOOK_DISABLED, 0)
    return _addressed(row, booking, to, correlation_id, due_at)


def _addressed(
    row: NotificationRow, booking: Booking, to: str, correlation_id: str, due_at: datetime
) -> Mail:
    """The notification, and the message that sends it ``to`` this address."""
    message = NotificationMessage(
        notification_id=row.id,
        booking_id=booking.id,
        kind=row.kind,
        variant=row.variant,
        to=to,
        locale=booking.locale,
        correlation_id=correlation_id,
    )
    body = message.wire()
    return [row], [OutboxRow(NOTIFICATION, booking.id, row.restaurant_id, body, correlation_id, due_at)]


def webhook_row(message: WebhookMessage, due_at: datetime, topic: str = WEBHOOK) -> OutboxRow:
    return OutboxRow(topic, None, message.restaurant_id, message.wire(), message.correlation_id, due_at)


def variant_of(notifications: Sequence[NotificationRow]) -> str | None:
    """The variant of the confirmation that is written; None if none is."""
    return notifications[0].variant if notifications else None


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


def declined(
    before: Booking, actor: str, reason: str | None, correlation_id: str, ids: Ids, now: datetime
) -> tuple[Changes, Booking]:
    """A booking that waits, ended without tables, and the letter to its guest."""
    after = replace(before, state=State.DECLINED, version=before.version + 1, updated_at=now)
    history = history_rows(after, [before.state], actor, reason, {})
    notifications, outbox = mail(after, MailKind.DECLINED, correlation_id, ids, now)
    changes = Changes(
        updates=[BookingUpdate(before, after)],
        history=history,
        events=state_changed(history, before.restaurant_id, correlation_id),
        notifications=notifications,
        outbox=outbox,
    )
    return changes, after


# --- the ledger ---


def table_allocations(
    index: FloorIndex, party: Booking | Hold, overrides: tuple[str, ...] = ()
) -> list[TableAllocation]:
    """The rows of the ledger for the party's tables, each over the stay and its buffers.

    ``overrides``: the rules that a person set aside for these tables.
    """
    policy, on_hold = index.floor.policy, isinstance(party, Hold)
    return [
        TableAllocation(
            restaurant_id=index.floor.restaurant_id,
            layout_version=index.floor.layout_version,
            table_id=table,
            capacity=_capacity(index, table),
            booking_id=None if on_hold else party.id,
            start=party.start_at - timedelta(minutes=policy.buffer_before_minutes),
            end=party.end_at + timedelta(minutes=policy.buffer_after_minutes),
            overrides=overrides,
            hold_id=party.id if on_hold else None,
        )
        for table in party.tables
    ]


def _capacity(index: FloorIndex, table: str) -> int:
    return index.tables[index.position[table]].capacity


# --- moves: the same time, the same promise, no mail, no new version ---

MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Moved:
    """The rows of one plan's moves. All of them let go (``release``) before anybody takes a table."""

    moves: tuple[BookingMove, ...]
    allocations: tuple[TableAllocation, ...]
    history: tuple[HistoryRow, ...]

    @property
    def release(self) -> tuple[UUID, ...]:
        return tuple(move.booking_id for move in self.moves)


_NO_MOVES = Moved((), (), ())


def moved_by(plan: Plan, index: FloorIndex, snapshot: Snapshot, mover: Booking) -> Moved:
    """The rows of the plan's moves, made for ``mover``; all empty for most plans."""
    if not plan.moves:
        return _NO_MOVES
    stays = {stay.booking_id: stay for stay in snapshot.stays}
    return Moved(
        moves=tuple(
            BookingMove(UUID(move.booking_id), stays[move.booking_id].version) for move in plan.moves
        ),
        allocations=tuple(row for move in plan.moves for row in _moved_allocations(move, index, snapshot)),
        history=tuple(_history(move, stays[move.booking_id], mover) for move in plan.moves),
    )


def _moved_allocations(move: Move, index: FloorIndex, snapshot: Snapshot) -> list[TableAllocation]:
    """The same occupied window as before, buffers of that time included, on other tables."""
    before = [a for a in snapshot.allocations if a.booking_id == move.booking_id]
    start, end = min(a.start for a in before), max(a.end for a in before)
    booking_id = UUID(move.booking_id)
    return planned_rows(index, booking_id, move.to_tables, from_minutes(start), from_minutes(end))


def planned_rows(
    index: FloorIndex, booking_id: UUID, tables: Sequence[str], start: datetime, end: datetime
) -> list[TableAllocation]:
    """The ledger's rows of a booking at these tables over ``[start, end)``, buffers included."""
    return [
        TableAllocation(
            index.floor.restaurant_id,
            index.floor.layout_version,
            table,
            _capacity(index, table),
            booking_id,
            start,
            end,
        )
        for table in tables
    ]


def _history(move: Move, stay: MovableStay, mover: Booking) -> HistoryRow:
    metadata = {
        "fromTables": list(move.from_tables),
        "tables": list(move.to_tables),
        "movedFor": str(mover.id),
    }
    return HistoryRow(
        UUID(move.booking_id), State.CONFIRMED, State.CONFIRMED, stay.version, "planner", MOVED, metadata
    )
