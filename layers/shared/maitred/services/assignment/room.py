"""The room beats the plan: who sits where now, whose plan that beats, and where those guests go instead.

A party that sits at a table, and a table that is out of order, are facts. A confirmed booking whose tables
they keep from it moves to equivalent tables, inside the freeze too; if there are none, it is flagged as at
risk and a person has to help. Never moved are parties that sit, guests who have arrived, and pinned bookings.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from maitred.domain import errors
from maitred.domain.booking import Booking, Flow, Trigger
from maitred.domain.states import State
from maitred.domain.windows import from_minutes, to_minutes
from maitred.planner.day.drawn_day import Problem
from maitred.planner.floor.index import FloorIndex
from maitred.planner.floor.rules import OVERRIDABLE, check_tables
from maitred.planner.model import Allocation, Covers, Deadline, MovableBooking, PartyRequest, Plan
from maitred.planner.options import FULL
from maitred.services import ports
from maitred.services.assignment import records
from maitred.services.assignment.attempt import AttemptContext, Outcome, PlannerRun, attempt_of, quote_event
from maitred.services.assignment.day import day_of_room
from maitred.services.assignment.planning import Planning, booking_request, movable_bookings
from maitred.services.budget import Budget
from maitred.services.dependencies import Dependencies
from maitred.services.feature_flags import NO_FLAGS

BUDGET_MS = 2000  # for a unit of work that locks the day
_REPLAN_MS = 700  # of which this much may go into new plans
_LEAST_ROW = timedelta(seconds=30)  # of a party that is over time from the first moment on


@dataclass(frozen=True, slots=True)
class Room:
    """One service day of a restaurant, locked against all other writers. ``now``: when it was read, UTC."""

    index: FloorIndex
    snapshot: ports.Snapshot
    now: datetime
    locked: ports.LockedDay


@contextmanager
def locked_room(
    deps: Dependencies,
    index: FloorIndex,
    service_date: date,
    now: datetime,
    until: datetime | None = None,
) -> Iterator[Room]:
    """``until``: the end of a stay that the reading must cover. Raises Conflict if the floor has changed."""
    day = day_of_room(index.floor, service_date, now, until)
    with deps.store.locked_day(day, index.floor.layout_version, BUDGET_MS) as locked:
        if locked.snapshot.document is not None:
            raise ports.Conflict("a new layout")
        yield Room(index, locked.snapshot, now, locked)


# --- who sits there ---


def seated_rows(
    index: FloorIndex, booking: Booking, now: datetime, overrides: Sequence[str] = ()
) -> list[ports.TableAllocation]:
    """The ledger's rows of a party that sits at its tables: from ``now`` to its expected end and buffer.

    The ledger counts in minutes: who sits down within one has it from its beginning.
    """
    start = now.replace(second=0, microsecond=0)
    end = max(seated_until(index, booking), start + _LEAST_ROW)
    rows = records.table_allocations(index, booking, tuple(overrides))
    return [replace(row, start=start, end=end, seated=True) for row in rows]


def seated_until(index: FloorIndex, booking: Booking) -> datetime:
    """Until when a party that sits has its tables, if it leaves in time."""
    leaves = booking.leaves_at().replace(second=0, microsecond=0)
    return leaves + timedelta(minutes=index.floor.policy.buffer_after_minutes)


def with_end(snapshot: ports.Snapshot, booking: Booking, end: datetime) -> ports.Snapshot:
    """The day with another end of a party that sits, at the tables that it has."""
    own, until = str(booking.id), _sits_until(snapshot.day, end)
    rows = snapshot.allocations
    return replace(
        snapshot,
        allocations=tuple(replace(row, end=until) if row.booking_id == own else row for row in rows),
    )


def _sits_until(day: ports.Day, end: datetime) -> int:
    """In minutes. A party over time stays for a while longer, as in every reading of the day."""
    return _minute_after(max(end, day.overdue_until) if end <= day.overdue else end)


def with_rows(
    snapshot: ports.Snapshot, booking: Booking, rows: Sequence[ports.TableAllocation]
) -> ports.Snapshot:
    """The day with these rows of ``booking`` in place of the ones that it had."""
    own = str(booking.id)
    kept = tuple(row for row in snapshot.allocations if row.booking_id != own)
    sits = any(row.seated for row in rows)
    stays = tuple(stay for stay in snapshot.stays if stay.booking_id != own)
    return replace(
        snapshot,
        allocations=(*kept, *(_as_read(row, snapshot.day) for row in rows)),
        seated=snapshot.seated | {own} if sits else snapshot.seated - {own},
        at_risk=snapshot.at_risk - {own},
        stays=stays,
    )


def _as_read(row: ports.TableAllocation, day: ports.Day) -> Allocation:
    booking_id = str(row.booking_id) if row.booking_id else None
    end = _sits_until(day, row.end) if row.seated else _minute_after(row.end)
    return Allocation(row.table_id, to_minutes(row.start), end, booking_id)


def _minute_after(moment: datetime) -> int:
    """The first whole minute that is not before ``moment``."""
    return to_minutes(moment + timedelta(seconds=59, microseconds=999_999))


# --- tables that are out of order ---


def joined(snapshot: ports.Snapshot, block: ports.BlockedTable) -> ports.BlockedTable:
    """The block over its own period and those of all blocks that it overlaps, whose place it is to take."""
    blocks = [(each.start, each.end) for each in snapshot.blocks if _meets(each, block)]
    rows = [(row.start, row.end) for row in _block_rows(snapshot, block)]
    starts, ends = zip((block.start, block.end), *blocks, *rows, strict=True)
    return replace(block, start=min(starts), end=max(ends))


def with_block(snapshot: ports.Snapshot, block: ports.BlockedTable) -> ports.Snapshot:
    """The day with a block in place of all that it overlaps at its table. Its row is for `settle_blocks`."""
    others = tuple(each for each in snapshot.blocks if not _meets(each, block))
    gone = _block_rows(snapshot, block)
    rows = tuple(row for row in snapshot.allocations if row not in gone)
    return replace(snapshot, allocations=rows, blocks=(*others, block))


def without_blocks(snapshot: ports.Snapshot, table_id: str) -> ports.Snapshot:
    """The day with a table in order again."""
    others = tuple(block for block in snapshot.blocks if block.table_id != table_id)
    rows = tuple(row for row in snapshot.allocations if row.table_id != table_id or not _is_block(row))
    return replace(snapshot, allocations=rows, blocks=others)


@dataclass(frozen=True, slots=True)
class SettledBlocks:
    """The day with every block where it can be, and what that writes.

    ``lifted``: blocks whose rows of the ledger end, before ``rows`` begin.
    """

    snapshot: ports.Snapshot
    lifted: tuple[UUID, ...] = ()
    rows: tuple[ports.TableAllocation, ...] = ()


def settle_blocks(room: Room, snapshot: ports.Snapshot) -> SettledBlocks:
    """A block begins when a person wants it, or once the party that sits there is to leave.

    It comes forward when that party leaves early, and goes back when the party is to stay longer.
    """
    settled = SettledBlocks(snapshot)
    for block in snapshot.blocks:
        if block.end <= to_minutes(room.now) or block.table_id not in room.index.position:
            continue
        there = _block_rows(settled.snapshot, block)
        start = _block_begins(settled.snapshot, block, there, to_minutes(room.now))
        if [row.start for row in there] == ([start] if start < block.end else []):
            continue
        new = [_block_row(room, block, start)] if start < block.end else []
        kept = (row for row in settled.snapshot.allocations if row not in there)
        rows = (*kept, *(_as_read(row, snapshot.day) for row in new))
        settled = SettledBlocks(
            replace(snapshot, allocations=rows), (*settled.lifted, block.id), (*settled.rows, *new)
        )
    return settled


def _block_begins(
    snapshot: ports.Snapshot, block: ports.BlockedTable, there: Sequence[Allocation], now: int
) -> int:
    """In minutes; at or after its end: not at all, for now."""
    present = there[0].start if there else None
    sits = [
        row.end
        for row in snapshot.allocations
        if row.table_id == block.table_id and row.booking_id in snapshot.seated and row.start < block.end
    ]
    if not sits:
        wanted = max(block.start, now)
        return wanted if present is None else min(present, wanted)
    return max(block.start, *sits)


def _block_rows(snapshot: ports.Snapshot, block: ports.BlockedTable) -> list[Allocation]:
    rows = [row for row in snapshot.allocations if _is_block(row) and _meets(row, block)]
    return sorted(rows, key=lambda row: row.start)


def _meets(one: Allocation | ports.BlockedTable, block: ports.BlockedTable) -> bool:
    """Are both at one table, at one time?"""
    return one.table_id == block.table_id and _overlap(one, block)


def _is_block(row: Allocation) -> bool:
    return row.booking_id is None and row.hold_id is None


def _block_row(room: Room, block: ports.BlockedTable, start: int) -> ports.TableAllocation:
    table = room.index.tables[room.index.position[block.table_id]]
    return ports.TableAllocation(
        restaurant_id=room.index.floor.restaurant_id,
        layout_version=room.index.floor.layout_version,
        table_id=block.table_id,
        capacity=table.capacity,
        booking_id=None,
        start=from_minutes(start),
        end=from_minutes(block.end),
        block_id=block.id,
    )


# --- whose place that is ---


def require_nobody_there(room: Room, tables: Iterable[str], own: UUID | None, end: datetime) -> None:
    """Raise TableOccupied, which names them, if a party sits at one of ``tables`` or it is out of order.

    A party sits there however long its time has been over; a table is in order once its block has ended.
    """
    wanted, snapshot, now, until = frozenset(tables), room.snapshot, to_minutes(room.now), to_minutes(end)
    there = [
        row
        for row in snapshot.allocations
        if row.table_id in wanted
        and row.booking_id != str(own)
        and row.start < until
        and (row.booking_id is not None or now < row.end)
        and _is_fact(snapshot, row)
    ]
    if not there:
        return
    sitting = sorted({row.booking_id for row in there if row.booking_id is not None})
    if not sitting:
        raise errors.TableOccupied(f"Table {there[0].table_id} is out of order; choose another one")
    parties = [party for each in sitting if (party := room.locked.booking(UUID(each))) is not None]
    raise TableTaken(
        [(party, [row.table_id for row in there if row.booking_id == str(party.id)]) for party in parties]
    )


class TableTaken(errors.TableOccupied):
    """Somebody sits there. ``parties``: who, and at which of the tables."""

    def __init__(self, parties: Sequence[tuple[Booking, Sequence[str]]]) -> None:
        words = [
            f"{_name(party)} ({party.reference}, {_people(party.party_size)}) sits at {_listed(tables)}"
            for party, tables in parties
        ]
        super().__init__("; ".join(words) + ". Complete that visit or choose another table")
        self.more = {
            "parties": [
                {
                    "bookingId": str(party.id),
                    "reference": party.reference,
                    "name": party.guest.get("name"),
                    "partySize": party.party_size,
                    "tables": list(tables),
                }
                for party, tables in parties
            ]
        }


def _name(party: Booking) -> str:
    return party.guest.get("name") or "A party"


def _people(size: int) -> str:
    return "1 guest" if size == 1 else f"{size} guests"


def _listed(tables: Sequence[str]) -> str:
    return f"table {tables[0]}" if len(tables) == 1 else f"tables {', '.join(tables)}"


def set_aside(index: FloorIndex, booking: Booking, tables: Sequence[str]) -> tuple[str, ...]:
    """The rules that these tables break for the party, of those that a person may set aside."""
    broken = check_tables(index, tables, booking_request(booking))
    return tuple(sorted({each.code for each in broken} & OVERRIDABLE))


def on_hold_there(snapshot: ports.Snapshot, rows: Sequence[ports.TableAllocation]) -> tuple[UUID, ...]:
    """The live holds whose tables these rows take."""
    return holds_over(snapshot, [_as_read(row, snapshot.day) for row in rows])


def holds_over(snapshot: ports.Snapshot, rows: Iterable[Allocation]) -> tuple[UUID, ...]:
    """The live holds on the tables of ``rows``, at their time."""
    return tuple(
        sorted(
            {
                UUID(taken.hold_id)
                for row in rows
                for taken in snapshot.allocations
                if taken.hold_id is not None and taken.table_id == row.table_id and _overlap(taken, row)
            }
        )
    )


def require_no_hold(snapshot: ports.Snapshot, rows: Sequence[ports.TableAllocation]) -> None:
    """Raise TableOccupied if a guest has one of a person's chosen tables on hold."""
    if on_hold_there(snapshot, rows):
        raise errors.TableOccupied(
            "A guest has one of these tables on hold; choose another one or wait until the hold ends"
        )


def is_free(snapshot: ports.Snapshot, rows: Sequence[ports.TableAllocation]) -> bool:
    """Does nothing on the day, of whatever kind, stand in the way of these rows?"""
    return not any(
        taken.table_id == row.table_id and _overlap(taken, _as_read(row, snapshot.day))
        for row in rows
        for taken in snapshot.allocations
    )


def for_who_waits(room: Room, snapshot: ports.Snapshot) -> ports.Snapshot:
    """The day as the background job may plan on it: nobody is moved for those who wait inside the freeze."""
    policy = room.index.floor.policy
    movable_from = room.now + timedelta(minutes=policy.freeze_minutes)
    first = to_minutes(movable_from)
    stays = tuple(stay for stay in snapshot.stays if stay.start > first) if policy.max_moves else ()
    return replace(snapshot, day=replace(snapshot.day, movable_from=movable_from), stays=stays)


# --- whose plan that beats ---


@dataclass(frozen=True, slots=True)
class Replanned:
    """What has to be written so that no plan is silently beaten, and no block is where a party sits."""

    blocks: SettledBlocks
    moves: tuple[ports.BookingMove, ...] = ()
    allocations: tuple[ports.TableAllocation, ...] = ()
    history: tuple[ports.HistoryRow, ...] = ()
    risks: tuple[ports.RiskFlag, ...] = ()
    events: tuple[ports.Event, ...] = ()

    @property
    def release(self) -> tuple[UUID, ...]:
        return tuple(move.booking_id for move in self.moves)

    @property
    def nothing(self) -> bool:
        return not self.moves and not self.risks and not self.blocks.lifted

    @property
    def day(self) -> ports.Snapshot:
        """The day once this is written."""
        snapshot = self.blocks.snapshot
        moved = {str(booking_id) for booking_id in self.release}
        kept = tuple(row for row in snapshot.allocations if row.booking_id not in moved)
        return replace(
            snapshot, allocations=(*kept, *(_as_read(row, snapshot.day) for row in self.allocations))
        )

    def added_to(self, changes: ports.Changes) -> ports.Changes:
        """``changes``, with all of this in the same unit of work."""
        return replace(
            changes,
            moves=[*changes.moves, *self.moves],
            release=[*changes.release, *self.release],
            lift_blocks=[*changes.lift_blocks, *self.blocks.lifted],
            allocations=[*changes.allocations, *self.blocks.rows, *self.allocations],
            history=[*changes.history, *self.history],
            risks=[*changes.risks, *self.risks],
            events=[*changes.events, *self.events],
        )


@dataclass(slots=True)
class _Day:
    """The day while it is planned again: each booking's rows as they are so far, and who may move."""

    rows: dict[str, list[Allocation]]
    others: list[Allocation]
    movable: dict[str, MovableBooking]
    moved_for: dict[str, str] = field(default_factory=dict)

    def allocations(self, without: str) -> tuple[Allocation, ...]:
        kept = (row for name, rows in self.rows.items() if name != without for row in rows)
        return (*self.others, *kept)

    def move(
        self, booking_id: str, tables: tuple[str, ...], moved_for: str, window: tuple[int, int] | None = None
    ) -> None:
        """``window``: with buffers; None: as before."""
        start, end = window or _window(self.rows[booking_id])
        self.rows[booking_id] = [Allocation(table, start, end, booking_id) for table in tables]
        if booking_id in self.movable:
            self.movable[booking_id] = replace(self.movable[booking_id], tables=tables)
        self.moved_for[booking_id] = moved_for


class Replanner:
    """Plans again what the room has beaten, with the planner that every flow asks."""

    def __init__(self, deps: Dependencies, planning: Planning) -> None:
        self._deps = deps
        self._planning = planning

    def replan(self, room: Room, snapshot: ports.Snapshot, actor: str, correlation_id: str) -> Replanned:
        """``snapshot``: the room's day as it will be once the caller has written what it writes."""
        blocks = settle_blocks(room, snapshot)
        snapshot = blocks.snapshot
        beaten = _beaten(snapshot)
        if not beaten and not snapshot.at_risk:
            return Replanned(blocks)
        movable = {each.booking_id: each for each in movable_bookings(room.index, snapshot)}
        day = _day_of(snapshot, movable)
        budget, stuck, events = Budget(self._deps.clock, _REPLAN_MS), [], []
        for booking_id in beaten:
            plan = None
            if booking_id in movable:
                run, plan = self.place(room, day, movable[booking_id], snapshot, budget)
                events.append(self._quoted(room, run, booking_id, correlation_id))
            if plan is None:
                stuck.append(booking_id)
                continue
            for move in plan.moves:
                day.move(move.booking_id, move.to_tables, booking_id)
            day.move(booking_id, plan.tables, beaten[booking_id], _buffered(room.index, movable[booking_id]))
        flagged = self._flags(snapshot, stuck, room.now, beaten)
        return Replanned(
            blocks,
            *_moves(room, snapshot, day, actor),
            risks=tuple(flagged),
            events=(*events, *_at_risk(snapshot, flagged, room, beaten, correlation_id)),
        )

    def tables_for(self, room: Room, snapshot: ports.Snapshot, booking: Booking) -> Plan | None:
        """Free tables for the plan of a booking that has none on ``snapshot``; nobody moves for it."""
        problem = Problem(
            request=booking_request(booking),
            span=(to_minutes(snapshot.day.start), to_minutes(snapshot.day.end)),
            allocations=snapshot.allocations,
            owned=Covers(to_minutes(booking.start_at), booking.party_size),
            options=FULL.moving_nobody(),
        )
        return self._planning.quote(
            room.index, problem, Budget(self._deps.clock, _REPLAN_MS), cache_hit=True
        ).plan

    def place(
        self, room: Room, day: "_Day", booking: MovableBooking, snapshot: ports.Snapshot, deadline: Deadline
    ) -> tuple[PlannerRun, Plan | None]:
        """Equivalent tables for a booking without its own: what it was promised is required."""
        problem = Problem(
            request=_promised(booking, snapshot),
            span=(to_minutes(snapshot.day.start), to_minutes(snapshot.day.end)),
            allocations=day.allocations(without=booking.booking_id),
            owned=Covers(booking.start, booking.party_size),  # counted when it was booked
            movable=tuple(each for each in day.movable.values() if each.booking_id != booking.booking_id),
            options=self._planning.allowed(FULL),
        )
        run = self._planning.quote(room.index, problem, deadline, cache_hit=True)
        return run, run.plan

    def _quoted(self, room: Room, run: PlannerRun, booking_id: str, correlation_id: str) -> ports.Event:
        """The event of this planner call, as of every other."""
        deps = self._deps
        deps.telemetry.milliseconds("PlannerDuration", run.duration_ms, flow=Flow.STAFF.value)
        context = AttemptContext(
            id=deps.ids.uuid(),
            restaurant_id=room.index.floor.restaurant_id,
            flow=Flow.STAFF,
            trigger=Trigger.ROOM,
            number=1,
            options=FULL,
            flags=NO_FLAGS,
            correlation_id=correlation_id,
            budget=Budget(deps.clock, _REPLAN_MS),
        )
        outcome = Outcome.REFUSED if run.plan is None else Outcome.CONFIRMED
        attempt = attempt_of(context, outcome, run.refusal, [run], room.index)
        return quote_event(attempt, run, UUID(booking_id))

    def _flags(
        self, snapshot: ports.Snapshot, stuck: Sequence[str], now: datetime, beaten: Mapping[str, str]
    ) -> list[ports.RiskFlag]:
        """Who is newly at risk, and who no longer is although nobody moved it.

        Whose stay the day does not cover whole is left to its own day, which knows all that is in its way.
        """
        begins, ends = to_minutes(snapshot.day.start), _minute_after(snapshot.day.end)
        stays = {each: _window(rows) for each, rows in rows_by_booking(snapshot).items()}
        new = [ports.RiskFlag(UUID(each), now) for each in stuck if each not in snapshot.at_risk]
        safe = [
            ports.RiskFlag(UUID(each), None)
            for each in sorted(snapshot.at_risk - beaten.keys())
            if begins <= stays[each][0] and stays[each][1] <= ends
        ]
        return [*new, *safe]


def _beaten(snapshot: ports.Snapshot) -> dict[str, str]:
    """The bookings whose tables a fact keeps from them, by start; each with who or what is in its way."""
    facts: dict[str, list[Allocation]] = {}
    for row in snapshot.allocations:
        if _is_fact(snapshot, row):
            facts.setdefault(row.table_id, []).append(row)
    found: dict[str, tuple[int, str]] = {}
    for row in snapshot.allocations:
        if row.booking_id is None or row.booking_id in snapshot.seated:
            continue
        for fact in facts.get(row.table_id, ()):
            if _overlap(row, fact):
                found[row.booking_id] = (row.start, fact.booking_id or BLOCKED)
    ordered = sorted(found, key=lambda booking_id: (found[booking_id][0], booking_id))
    return {booking_id: found[booking_id][1] for booking_id in ordered}


#: Stands for a table that is out of order, where a party could be in the way too.
BLOCKED = "blocked"


def _is_fact(snapshot: ports.Snapshot, row: Allocation) -> bool:
    """Does somebody sit there, or is the table out of order?"""
    return row.hold_id is None and (row.booking_id is None or row.booking_id in snapshot.seated)


def _overlap(one: Allocation | ports.BlockedTable, other: Allocation | ports.BlockedTable) -> bool:
    return one.start < other.end and other.start < one.end


def _window(rows: Sequence[Allocation]) -> tuple[int, int]:
    return min(row.start for row in rows), max(row.end for row in rows)


def _buffered(index: FloorIndex, booking: MovableBooking) -> tuple[int, int]:
    """What the booking occupies by the buffers of now, in minutes."""
    policy = index.floor.policy
    return booking.start - policy.buffer_before_minutes, booking.end + policy.buffer_after_minutes


def _day_of(snapshot: ports.Snapshot, movable: Mapping[str, MovableBooking]) -> _Day:
    rows: dict[str, list[Allocation]] = {}
    others = []
    for row in snapshot.allocations:
        if row.booking_id is None:
            others.append(row)
        else:
            rows.setdefault(row.booking_id, []).append(row)
    return _Day(rows, others, dict(movable))


def _promised(booking: MovableBooking, snapshot: ports.Snapshot) -> PartyRequest:
    return PartyRequest(
        booking.party_size,
        booking.start,
        booking.end,
        snapshot.day.profile.partition(":")[2],
        snapshot.day.service_date,
        zone=booking.zone,
        zone_required=booking.zone is not None,
        required=booking.required | booking.attributes,
    )


type _Rows = tuple[
    tuple[ports.BookingMove, ...], tuple[ports.TableAllocation, ...], tuple[ports.HistoryRow, ...]
]


def _moves(room: Room, snapshot: ports.Snapshot, day: _Day, actor: str) -> _Rows:
    """The rows of everybody who has other tables now than before."""
    stays = {stay.booking_id: stay for stay in snapshot.stays}
    before = rows_by_booking(snapshot)
    moves: list[ports.BookingMove] = []
    allocations: list[ports.TableAllocation] = []
    history: list[ports.HistoryRow] = []
    for booking_id, moved_for in sorted(day.moved_for.items()):
        tables, old = tuple(row.table_id for row in day.rows[booking_id]), before[booking_id]
        if set(tables) == {row.table_id for row in old}:
            continue
        stay, (start, end) = stays[booking_id], _window(day.rows[booking_id])
        moves.append(ports.BookingMove(UUID(booking_id), stay.version))
        allocations += records.planned_rows(
            room.index, UUID(booking_id), tables, from_minutes(start), from_minutes(end)
        )
        metadata = {
            "fromTables": sorted(row.table_id for row in old),
            "tables": sorted(tables),
            "movedFor": moved_for,
        }
        history.append(
            ports.HistoryRow(
                UUID(booking_id),
                State.CONFIRMED,
                State.CONFIRMED,
                stay.version,
                actor,
                records.MOVED,
                metadata,
            )
        )
    return tuple(moves), tuple(allocations), tuple(history)


def rows_by_booking(snapshot: ports.Snapshot) -> dict[str, list[Allocation]]:
    """Each booking's rows of the ledger."""
    found: dict[str, list[Allocation]] = {}
    for row in snapshot.allocations:
        if row.booking_id is not None:
            found.setdefault(row.booking_id, []).append(row)
    return found


def _at_risk(
    snapshot: ports.Snapshot,
    flagged: Sequence[ports.RiskFlag],
    room: Room,
    beaten: Mapping[str, str],
    correlation_id: str,
) -> list[ports.Event]:
    before = rows_by_booking(snapshot)
    return [
        ports.Event(
            "booking.at_risk",
            {
                "tables": sorted(row.table_id for row in before[str(flag.booking_id)]),
                "by": beaten[str(flag.booking_id)],
                "since": flag.since.isoformat(),
            },
            "warning",
            room.index.floor.restaurant_id,
            flag.booking_id,
            correlation_id,
        )
        for flag in flagged
        if flag.since is not None
    ]
