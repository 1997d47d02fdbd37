"""The waitlist: who waits is tried again when tables are freed, and until then has them kept for it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from maitred.contracts.messages import ASSIGN, AssignMessage
from maitred.domain.booking import Booking, Trigger
from maitred.domain.states import State
from maitred.domain.windows import from_minutes, to_minutes
from maitred.planner.floor.index import FloorIndex
from maitred.services import ports
from maitred.services.assignment.day import DaySnapshots, Floors, Reading, day_of_services
from maitred.services.assignment.planning import Planning
from maitred.services.assignment.room import Replanned, Room, for_who_waits
from maitred.services.assignment.waking import Awake, free_of, whom_to_wake
from maitred.services.budget import Budget
from maitred.services.dependencies import Dependencies
from maitred.services.ports import OutboxRow, WaitingParty
from maitred.services.unit_of_work import commit, committed

#: How long tables are kept for a party that is woken; the job mostly is done with it in a second or two.
LEASE = timedelta(seconds=90)
#: More than this are never woken at once; they are judged within the time, so more than a few are rare.
AT_MOST = 300
_READ_AT_MOST = 5000
_JUDGING_MS = 150
_BUDGET_MS = 5000


@dataclass(frozen=True, slots=True)
class Woken:
    """What a unit of work that frees tables writes for those who wait: messages, and what is kept for them.

    ``judged``: the day that they were judged on, unless the unit of work claims or has locked it itself.
    """

    outbox: tuple[OutboxRow, ...] = ()
    leases: tuple[ports.WakeLease, ...] = ()
    allocations: tuple[ports.TableAllocation, ...] = ()
    judged: ports.Snapshot | None = None

    def added_to(self, changes: ports.Changes) -> ports.Changes:
        """The same unit of work with all of this."""
        return replace(
            changes,
            judged=self.judged,
            leases=[*changes.leases, *self.leases],
            allocations=[*changes.allocations, *self.allocations],
            outbox=[*changes.outbox, *self.outbox],
        )


class Waitlist:
    """``planning``: how the background job plans, whose promise a wake is."""

    def __init__(self, deps: Dependencies, floors: Floors, planning: Planning) -> None:
        self._deps = deps
        self._days = DaySnapshots(deps.store, floors)
        self._planning = planning

    def commit(
        self,
        changes: ports.Changes,
        freed: ports.Freed,
        correlation_id: str,
        now: datetime,
        parties: Sequence[WaitingParty] | None = None,
        budget_ms: int | None = None,
    ) -> None:
        """Commit ``changes``, which let the tables or the lease of ``freed`` go, and wake who can use them.

        ``parties``: who may be woken, if that is known; ``budget_ms``: of a commit. If nobody waits, this
        costs one small reading more than the commit. Else the day is read and judged, and must be the same at
        the commit; the second try locks it. Raises StoreError.
        """
        parties = self.parties(freed, now) if parties is None else parties
        if not parties:
            committed(self._deps, changes, self._deps.store.apply(changes, budget_ms))
            return
        reading = self._read(freed, now)
        index, snapshot = reading.index, reading.snapshot
        woken = self.woken(index, _after(snapshot, freed), parties, correlation_id, now)
        try:
            commit(self._deps, replace(woken.added_to(changes), judged=snapshot), budget_ms)
        except ports.Conflict:
            self._deps.telemetry.count("Conflicts")
        else:
            return
        days, version, left = changes.touched_days, index.floor.layout_version, budget_ms or _BUDGET_MS
        with self._deps.store.locked_day(snapshot.day, version, left, days) as locked:
            if locked.snapshot.document is not None:
                raise ports.Conflict("a new layout")
            woken = self.woken(index, _after(locked.snapshot, freed), parties, correlation_id, now)
            added = woken.added_to(changes)
            committed(self._deps, added, locked.apply(added))

    def commit_in(
        self,
        room: Room,
        changes: ports.Changes,
        replanned: Replanned,
        parties: Sequence[WaitingParty],
        correlation_id: str,
    ) -> None:
        """Commit ``changes``, by which a table of the room is left, with what they make of the others' plans.

        Who of ``parties`` can use what is free then is woken. Raises StoreError.
        """
        after = for_who_waits(room, replanned.day)
        woken = self.woken(room.index, after, parties, correlation_id, room.now)
        changes = woken.added_to(replanned.added_to(changes))
        committed(self._deps, changes, room.locked.apply(changes))

    def woken_without(
        self, freed: ports.Freed, parties: Sequence[WaitingParty], correlation_id: str, now: datetime
    ) -> Woken:
        """Who of ``parties`` has a place on the day of ``freed`` once that is gone. Raises StoreError."""
        reading = self._read(freed, now)
        woken = self.woken(reading.index, _after(reading.snapshot, freed), parties, correlation_id, now)
        return replace(woken, judged=reading.snapshot)

    def _read(self, freed: ports.Freed, now: datetime) -> Reading:
        return self._days.read(
            freed.restaurant_id,
            lambda floor: day_of_services(floor, freed.service_date, now),
            Budget(self._deps.clock, _BUDGET_MS),
        )

    def parties(self, freed: ports.Freed, now: datetime) -> tuple[WaitingParty, ...]:
        """Who may want what ``freed`` lets go, in order of creation; never itself.

        Nobody if it has neither tables nor a lease.
        """
        if not freed.tables and not (isinstance(freed, Booking) and freed.state in WAITING):
            return ()
        return self._deps.store.waiting(freed, now, _READ_AT_MOST)

    def woken(
        self,
        index: FloorIndex,
        after: ports.Snapshot,
        parties: Sequence[WaitingParty],
        correlation_id: str,
        now: datetime,
    ) -> Woken:
        """Who of ``parties`` has a place on the day ``after`` the change; it must cover the service day.

        To be written with the change, in a transaction that claims or has locked the day.
        """
        if not parties:
            return Woken()
        restaurant_id, deadline = index.floor.restaurant_id, Budget(self._deps.clock, _JUDGING_MS)
        awake = whom_to_wake(
            index, after, parties, lambda day: self._planning.of_day(index, day), now, deadline
        )[:AT_MOST]
        outbox = (
            wake(restaurant_id, each.party.id, each.party.version, correlation_id, now) for each in awake
        )
        leases, allocations = self._kept(index, after, awake, now)
        return Woken(tuple(outbox), tuple(leases), tuple(allocations))

    def _kept(
        self, index: FloorIndex, after: ports.Snapshot, awake: Sequence[Awake], now: datetime
    ) -> tuple[list[ports.WakeLease], list[ports.TableAllocation]]:
        """Of what the parties need, all that is free: if others are to be moved, that may be a part only."""
        taken: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for row in after.allocations:
            taken[row.table_id].append((row.start, row.end))
        leases: list[ports.WakeLease] = []
        allocations: list[ports.TableAllocation] = []
        for each in awake:
            uses = free_of(each.needs, taken)
            if each.window is None or not uses:
                continue
            for table, start, end in uses:
                taken[table].append((start, end))
            lease = _lease(self._deps.ids.uuid(), index, each.party, each.window.service.id, now)
            leases.append(lease)
            allocations += [_allocation(index, lease.id, *use) for use in uses]
        return leases, allocations


#: The states of a booking that waits for tables.
WAITING = frozenset({State.ASSIGNMENT_PENDING, State.ASSIGNMENT_IN_PROGRESS, State.MANUAL_REVIEW})


def wake(restaurant_id: str, booking_id: UUID, version: int, correlation_id: str, now: datetime) -> OutboxRow:
    """The message that has a waiting booking tried again."""
    message = AssignMessage(
        booking_id=booking_id,
        restaurant_id=restaurant_id,
        booking_version=version,
        trigger=Trigger.CAPACITY_FREED,
        attempt=1,
        correlation_id=correlation_id,
        enqueued_at=now,
    )
    return OutboxRow(ASSIGN, booking_id, restaurant_id, message.wire(), correlation_id, now)


def created_after(booking: Booking, parties: Sequence[WaitingParty]) -> tuple[WaitingParty, ...]:
    """Those that came later than ``booking``."""
    own = booking.created_at, booking.id
    return tuple(party for party in parties if (party.created_at, party.id) > own)


def leaves_lease(
    snapshot: ports.Snapshot, booking: Booking, allocations: Sequence[ports.TableAllocation]
) -> bool:
    """Is there a table in the booking's lease that its ``allocations`` do not take?"""
    own = [(row.table_id, to_minutes(row.start), to_minutes(row.end)) for row in allocations]
    return any((row.table_id, row.start, row.end) not in own for row in snapshot.leased_to(booking.id))


def _after(snapshot: ports.Snapshot, freed: ports.Freed) -> ports.Snapshot:
    """The day once ``freed`` has let go. Who was seated stays counted for the kitchen's pace."""
    left = snapshot.without(freed)
    seated = isinstance(freed, Booking) and freed.state is State.SEATED
    return replace(left, covers=snapshot.covers) if seated else left


def _lease(
    lease_id: UUID, index: FloorIndex, party: WaitingParty, service_id: str, now: datetime
) -> ports.WakeLease:
    return ports.WakeLease(
        id=lease_id,
        restaurant_id=index.floor.restaurant_id,
        party_size=party.party_size,
        start_at=party.start_at,
        end_at=party.end_at,
        service_id=service_id,
        service_date=party.service_date,
        expires_at=now + LEASE,
        for_booking=party.id,
        request_version=party.request_version,
    )


def _allocation(index: FloorIndex, lease_id: UUID, table: str, start: int, end: int) -> ports.TableAllocation:
    return ports.TableAllocation(
        restaurant_id=index.floor.restaurant_id,
        layout_version=index.floor.layout_version,
        table_id=table,
        capacity=index.tables[index.position[table]].capacity,
        booking_id=None,
        start=from_minutes(start),
        end=from_minutes(end),
        hold_id=lease_id,
    )
