"""Rows of the ledger for a plan, and the moves of other bookings that it needs.

A move is never felt by the guest who is moved: same time, same promise (contract 9), no mail, no new version.
It commits with the booking it is made for, or not at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from maitred.domain.booking import Booking
from maitred.domain.floor import Floor, Table
from maitred.domain.states import State
from maitred.domain.timeline import from_minutes
from maitred.domain.windows import Window
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import MovableBooking, Move, Plan
from maitred.services import events
from maitred.services.ports import BookingMove, Effects, Event, HistoryRow, Snapshot, Stay, TableAllocation

MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Moved:
    """What the moves of one plan write."""

    moves: tuple[BookingMove, ...]
    allocations: tuple[TableAllocation, ...]
    history: tuple[HistoryRow, ...]
    events: tuple[Event, ...]


def movable_bookings(index: FloorIndex, snapshot: Snapshot) -> tuple[MovableBooking, ...]:
    """The snapshot's stays that may be moved, each with the promise that a move must keep."""
    held = tables_held(snapshot)
    tables = {table.id: table for table in index.floor.tables}
    return tuple(
        _movable(stay, [tables[table] for table in held[stay.booking_id]])
        for stay in snapshot.stays
        if stay.booking_id in held and all(table in tables for table in held[stay.booking_id])
    )


def tables_held(snapshot: Snapshot) -> Mapping[str, tuple[str, ...]]:
    """The tables of each booking, sorted."""
    held: dict[str, list[str]] = {}
    for allocation in snapshot.allocations:
        if allocation.booking_id is not None:
            held.setdefault(allocation.booking_id, []).append(allocation.table_id)
    return {booking_id: tuple(sorted(tables)) for booking_id, tables in held.items()}


def _movable(stay: Stay, tables: Sequence[Table]) -> MovableBooking:
    """The zone is promised if it was a must, or wished and got; of the attributes, those wished and got.

    A must stays one where the party does not have it: a new floor document may have taken it away.
    """
    wishes = stay.preferences
    promised = wishes.zone_required or tables[0].zone == wishes.zone
    got = frozenset.intersection(*(table.attributes for table in tables))
    return MovableBooking(
        booking_id=stay.booking_id,
        party_size=stay.party_size,
        start=stay.start,
        end=stay.end,
        tables=tuple(table.id for table in tables),
        zone=wishes.zone if promised else None,
        attributes=frozenset(wishes.attributes) & got,
        required=frozenset(wishes.required),
    )


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


def held_allocations(
    index: FloorIndex, plan: Plan, hold_id: UUID, window: Window
) -> tuple[TableAllocation, ...]:
    """As `table_allocations`, for a hold."""
    return tuple(
        replace(row, booking_id=None, hold_id=hold_id)
        for row in table_allocations(index, plan, hold_id, window)
    )


def carried_out(
    plan: Plan, index: FloorIndex, snapshot: Snapshot, mover: Booking, correlation_id: str
) -> Moved:
    """What the plan's moves write, made for ``mover``."""
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


def with_moves(effects: Effects, moved: Moved) -> Effects:
    """One unit of work: who is moved lets go before anybody takes a table."""
    if not moved.moves:
        return effects
    return replace(
        effects,
        moves=moved.moves,
        release=[*effects.release, *(move.booking_id for move in moved.moves)],
        allocations=[*effects.allocations, *moved.allocations],
        history=[*effects.history, *moved.history],
        events=[*effects.events, *moved.events],
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


def _history(move: Move, stay: Stay, mover: Booking) -> HistoryRow:
    metadata = {
        "fromTables": list(move.from_tables),
        "tables": list(move.to_tables),
        "movedFor": str(mover.id),
    }
    return HistoryRow(
        UUID(move.booking_id), State.CONFIRMED, State.CONFIRMED, stay.version, "planner", MOVED, metadata
    )


def _event(move: Move, stay: Stay, mover: Booking, correlation_id: str) -> Event:
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
