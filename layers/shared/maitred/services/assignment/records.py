"""The rows that an outcome writes: history, mail, messages for the job, tables in the ledger, moves."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from maitred.contracts.messages import ASSIGN, NOTIFICATION, AssignMessage, NotificationMessage
from maitred.domain.booking import Booking, MailKind, Trigger
from maitred.domain.floor import Floor
from maitred.domain.states import State, require_transition
from maitred.domain.timeline import from_minutes
from maitred.domain.windows import Window
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import Move, Plan
from maitred.services import events
from maitred.services.ports import (
    BookingMove,
    Event,
    HistoryRow,
    Ids,
    Json,
    MovableStay,
    NotificationRow,
    OutboxRow,
    Snapshot,
    TableAllocation,
)

type Step = tuple[State | None, State, int]

#: Only a guest who still waits by then gets the letter that says so.
WAITS_AFTER = timedelta(minutes=2)
STANDARD = "standard"
MODIFIED = "modified"


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


def attempt_metadata(attempt_id: UUID, booking: Booking) -> Json:
    """The history's metadata of a state that an attempt led to."""
    return {"attemptId": str(attempt_id), "tables": list(booking.tables)}


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
    """A notification and the message that sends it; both empty if there is nothing to write."""

    notifications: Sequence[NotificationRow] = ()
    outbox: Sequence[OutboxRow] = ()

    @property
    def variant(self) -> str | None:
        """Of the confirmation that is written; None if none is."""
        return self.notifications[0].variant if self.notifications else None


def confirmed_mail(booking: Booking, correlation_id: str, ids: Ids, now: datetime) -> Mailing:
    """The confirmation; ``modified`` once the guest has changed the request."""
    variant = STANDARD if booking.request_version == 1 else MODIFIED
    return mail(booking, MailKind.CONFIRMED, variant, correlation_id, ids, now)


def mail(
    booking: Booking, kind: MailKind, variant: str | None, correlation_id: str, ids: Ids, due_at: datetime
) -> Mailing:
    """Nothing for a guest without an address, or one who has a confirmation: new tables are no news."""
    address = booking.guest.get("email")
    is_known = kind is MailKind.CONFIRMED and booking.confirmation_queued
    if not address or is_known:
        return Mailing()
    return _mailing(_row(booking, kind, variant, ids), address, booking.locale, correlation_id, due_at)


def attention_mail(booking: Booking, to: str, correlation_id: str, ids: Ids, now: datetime) -> Mailing:
    """To the restaurant: a booking that only a person can settle starts soon."""
    return _mailing(_row(booking, MailKind.ATTENTION, None, ids), to, booking.locale, correlation_id, now)


def _row(booking: Booking, kind: MailKind, variant: str | None, ids: Ids) -> NotificationRow:
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


# --- the ledger ---


def table_allocations(
    index: FloorIndex, plan: Plan, booking_id: UUID, window: Window
) -> tuple[TableAllocation, ...]:
    """The rows of the ledger for ``plan``: each table over the stay and its buffers."""
    return stay_allocations(index, plan.tables, booking_id, (window.start, window.end))


def stay_allocations(
    index: FloorIndex,
    tables: Sequence[str],
    booking_id: UUID,
    stay: tuple[datetime, datetime],
    overrides: tuple[str, ...] = (),
) -> tuple[TableAllocation, ...]:
    """As `table_allocations`; ``overrides``: the rules that a person set aside for these tables."""
    floor = index.floor
    start = stay[0] - timedelta(minutes=floor.policy.buffer_before_minutes)
    end = stay[1] + timedelta(minutes=floor.policy.buffer_after_minutes)
    seats, layout = _seats(floor), floor.layout_version
    return tuple(
        TableAllocation(
            floor.restaurant_id, layout, table, seats[table], booking_id, start, end, overrides=overrides
        )
        for table in tables
    )


def hold_allocations(
    index: FloorIndex, plan: Plan, hold_id: UUID, window: Window
) -> tuple[TableAllocation, ...]:
    """As `table_allocations`, for a hold."""
    return tuple(
        replace(row, booking_id=None, hold_id=hold_id)
        for row in table_allocations(index, plan, hold_id, window)
    )


# --- moves: the same time, the same promise, no mail, no new version ---

MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Moved:
    """The rows of one plan's moves. All of them let go (``release``) before anybody takes a table."""

    moves: tuple[BookingMove, ...]
    allocations: tuple[TableAllocation, ...]
    history: tuple[HistoryRow, ...]
    events: tuple[Event, ...]

    @property
    def release(self) -> tuple[UUID, ...]:
        return tuple(move.booking_id for move in self.moves)


_NO_MOVES = Moved((), (), (), ())


def moved_by(plan: Plan, index: FloorIndex, snapshot: Snapshot, mover: Booking, correlation_id: str) -> Moved:
    """The rows of the plan's moves, made for ``mover``; all empty for most plans."""
    if not plan.moves:
        return _NO_MOVES
    stays = {stay.booking_id: stay for stay in snapshot.stays}
    return Moved(
        moves=tuple(
            BookingMove(UUID(move.booking_id), stays[move.booking_id].version) for move in plan.moves
        ),
        allocations=tuple(
            row for move in plan.moves for row in _moved_allocations(move, index.floor, snapshot)
        ),
        history=tuple(_history(move, stays[move.booking_id], mover) for move in plan.moves),
        events=tuple(_event(move, stays[move.booking_id], mover, correlation_id) for move in plan.moves),
    )


def _moved_allocations(move: Move, floor: Floor, snapshot: Snapshot) -> list[TableAllocation]:
    """The same occupied window as before, buffers of that time included, on other tables."""
    before = [a for a in snapshot.allocations if a.booking_id == move.booking_id]
    start, end = min(a.start for a in before), max(a.end for a in before)
    seats = _seats(floor)
    return [
        TableAllocation(
            floor.restaurant_id,
            floor.layout_version,
            table,
            seats[table],
            UUID(move.booking_id),
            from_minutes(start),
            from_minutes(end),
        )
        for table in move.to_tables
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


def _event(move: Move, stay: MovableStay, mover: Booking, correlation_id: str) -> Event:
    context = events.state_context(State.CONFIRMED, State.CONFIRMED, stay.version, "planner")
    return Event(
        "booking.state_changed",
        context,
        restaurant_id=mover.restaurant_id,
        booking_id=UUID(move.booking_id),
        correlation_id=correlation_id,
    )


def _seats(floor: Floor) -> dict[str, int]:
    return {table.id: table.capacity for table in floor.tables}
