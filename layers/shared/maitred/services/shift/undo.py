"""``POST /optimizations/{id}/undo``: everybody who is still where the optimisation put it goes back.

Who has been moved, changed, pinned or seated since stays: that is a later decision. If somebody has a table
that is to be given back, nothing is undone, and the answer says who.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from maitred.contracts import responses
from maitred.domain import errors
from maitred.domain.booking import Booking, MailKind, Trigger
from maitred.domain.floor import Floor
from maitred.domain.states import State
from maitred.domain.windows import from_minutes, service_date_at
from maitred.planner.floor.index import FloorIndex
from maitred.planner.floor.rules import check_tables
from maitred.planner.model import Allocation, PartyRequest
from maitred.services import events, ports
from maitred.services.assignment import records
from maitred.services.assignment.day import Floors, day_of_services, read_floor
from maitred.services.assignment.planning import tables_of_bookings
from maitred.services.assignment.room import BUDGET_MS, rows_by_booking
from maitred.services.assignment.waitlist import Waitlist
from maitred.services.dependencies import Dependencies
from maitred.services.idempotency import Reply, RequestContext, to_store
from maitred.services.shift.ports import Optimizations, StoredOptimization
from maitred.services.unit_of_work import committed, once

UNDONE = "shift_undone"


@dataclass(frozen=True, slots=True)
class _Back:
    """A booking that goes back to ``tables`` over ``[start, end)``, its buffers included."""

    stay: ports.MovableStay
    present: tuple[str, ...]
    tables: tuple[str, ...]
    start: int
    end: int

    @property
    def booking_id(self) -> str:
        return self.stay.booking_id


class ShiftUndo:
    def __init__(
        self, deps: Dependencies, floors: Floors, optimizations: Optimizations, waitlist: Waitlist
    ) -> None:
        self._deps = deps
        self._floors = floors
        self._optimizations = optimizations
        self._waitlist = waitlist

    def undo(self, optimization_id: UUID, context: RequestContext) -> Reply:
        """All of it, or nothing: raises CannotUndo, with what is in the way if anything is."""
        again = (ports.Conflict, ports.StaleVersion)
        return once(self._deps, context, lambda: self._undo(optimization_id, context), again)

    def _undo(self, optimization_id: UUID, context: RequestContext) -> Reply:
        now = self._deps.clock.now()
        made = _applied(self._optimizations.read(optimization_id))
        seats = [UUID(each["bookingId"]) for each in made.reply["seats"]]
        seated = self._optimizations.bookings(made.restaurant_id, seats) if seats else ()
        others = self._optimizations.waiting(made.restaurant_id, made.service_date, now)
        index = read_floor(self._deps.store, self._floors, made.restaurant_id, BUDGET_MS)
        if made.service_date < service_date_at(index.floor, now):
            raise errors.CannotUndo("The service is over", {"bookings": []})
        day = _day(index.floor, made, now)
        with self._deps.store.locked_day(day, index.floor.layout_version, BUDGET_MS) as locked:
            if locked.snapshot.document is not None:
                raise ports.Conflict("a new layout")
            snapshot = locked.snapshot
            there = _still_there(made, snapshot)
            back = list(_back(made, snapshot, there))
            waiting = [each for each in seated if str(each.id) in there and each.start_at > now]
            after = _after(snapshot, back, waiting)
            _require_free(index, after, back)
            reply = Reply(200, responses.dumps(_body(made, back, waiting, now, index.floor)))
            changes = replace(
                _changes(index, made, back, context),
                undone=ports.OptimizationUndone(made.id, now, context.actor),
                reply=to_store(context.key, reply),
            )
            for booking in waiting:
                changes = self._waits(booking, made, changes, context, now)
            parties = [ports.WaitingParty.of(each) for each in others]
            woken = self._waitlist.woken(index, after, parties, context.correlation_id, now)
            changes = woken.added_to(changes)
            committed(self._deps, changes, locked.apply(changes))
        return reply

    def _waits(
        self,
        before: Booking,
        made: ports.Optimization,
        changes: ports.Changes,
        context: RequestContext,
        now: datetime,
    ) -> ports.Changes:
        """It waits again, as a new request: a later confirmation is news to it."""
        after = replace(
            before,
            state=State.ASSIGNMENT_PENDING,
            version=before.version + 1,
            request_version=before.request_version + 1,
            tables=(),
            zone=None,
            confirmation_queued=False,
        )
        correlation, ids = context.correlation_id, self._deps.ids
        metadata = {"fromTables": list(before.tables), "tables": [], "optimizationId": str(made.id)}
        history = records.history_rows(after, [before.state], context.actor, UNDONE, metadata)
        due = now + records.WAITS_AFTER
        notifications, outbox = records.mail(after, MailKind.MODIFICATION_PENDING, correlation, ids, due)
        job = records.assign_row(after, Trigger.RETRY, 1, correlation, now)
        return replace(
            changes,
            updates=[*changes.updates, ports.BookingUpdate(before, after)],
            requests=[*changes.requests, after],
            release=[*changes.release, before.id],
            history=[*changes.history, *history],
            events=[*changes.events, *events.state_changed(history, before.restaurant_id, correlation)],
            notifications=[*changes.notifications, *notifications],
            outbox=[*changes.outbox, *outbox, job],
        )


def _applied(found: StoredOptimization | None) -> ports.Optimization:
    """What was applied and is not undone. Raises OptimizationNotFound, CannotUndo."""
    nobody: Mapping[str, object] = {"bookings": []}
    if found is None:
        raise errors.OptimizationNotFound
    if found.made.result != "applied":
        raise errors.CannotUndo("It was not applied, so there is nothing to undo", nobody)
    if found.undone_at is not None:
        raise errors.CannotUndo("It was undone already", nobody)
    return found.made


def _day(floor: Floor, made: ports.Optimization, now: datetime) -> ports.Day:
    """A person undoes it, so the freeze binds nobody; who sits, has come or is pinned stays all the same."""
    return replace(day_of_services(floor, made.service_date, now), movable_from=now - timedelta(days=1))


def _still_there(made: ports.Optimization, snapshot: ports.Snapshot) -> Mapping[str, ports.MovableStay]:
    """Who has the tables that the optimisation gave, for the same stay; who has come or is pinned has not."""
    given = {each["bookingId"]: each["to"] for each in made.reply["moves"]}
    given |= {each["bookingId"]: each["tables"] for each in made.reply["seats"]}
    present = tables_of_bookings(snapshot)
    return {
        stay.booking_id: stay
        for stay in snapshot.stays
        if stay.booking_id in given
        and list(present.get(stay.booking_id, ())) == sorted(given[stay.booking_id])
        and made.stays[stay.booking_id] == [stay.start, stay.end, stay.party_size]
        and stay.booking_id not in snapshot.at_risk
    }


def _back(
    made: ports.Optimization, snapshot: ports.Snapshot, there: Mapping[str, ports.MovableStay]
) -> Iterator[_Back]:
    """Who was moved and is still there."""
    rows = rows_by_booking(snapshot)
    for move in made.reply["moves"]:
        stay = there.get(move["bookingId"])
        if stay is not None:
            own = rows[stay.booking_id]
            start, end = min(row.start for row in own), max(row.end for row in own)
            yield _Back(stay, tuple(move["to"]), tuple(move["from"]), start, end)


def _after(snapshot: ports.Snapshot, back: Sequence[_Back], waiting: Sequence[Booking]) -> ports.Snapshot:
    """The day once everybody is back."""
    for booking in waiting:
        snapshot = snapshot.without(booking)
    own = {each.booking_id for each in back}
    kept = [row for row in snapshot.allocations if row.booking_id not in own]
    new = [Allocation(table, each.start, each.end, each.booking_id) for each in back for table in each.tables]
    stays = tuple(stay for stay in snapshot.stays if stay.booking_id not in own)
    return replace(snapshot, allocations=(*kept, *new), stays=stays)


def _require_free(index: FloorIndex, after: ports.Snapshot, back: Sequence[_Back]) -> None:
    """Raise CannotUndo if a table that is to be given back is gone, or somebody has it."""
    own = {each.booking_id for each in back}
    others = [row for row in after.allocations if row.booking_id not in own]
    in_the_way = [*_unfit(index, back), *_taken(others, back)]
    if in_the_way:
        raise errors.CannotUndo(
            "Some tables are not free any more; move the bookings that are named first",
            {"bookings": in_the_way},
        )


def _unfit(index: FloorIndex, back: Iterable[_Back]) -> Iterator[ports.Json]:
    """Tables that no longer seat who would go back to them: the floor may have changed since."""
    for each in back:
        stay, day = each.stay, index.floor
        request = PartyRequest(stay.party_size, stay.start, stay.end, "", service_date_at(day, _start(stay)))
        problems = [broken.message for broken in check_tables(index, each.tables, request)]
        if not problems and index.bits_of(each.tables) & ~index.assignable:
            problems = ["a table is kept for walk-ins"]
        if problems:
            yield {
                "bookingId": stay.booking_id,
                "tables": list(each.tables),
                "problem": f"cannot go back: {'; '.join(problems)}",
            }


def _start(stay: ports.MovableStay) -> datetime:
    return from_minutes(stay.start)


def _taken(others: Sequence[Allocation], back: Iterable[_Back]) -> Iterator[ports.Json]:
    for each in back:
        for row in others:
            if row.table_id in each.tables and row.start < each.end and each.start < row.end:
                wanted = f"{row.table_id}, to which booking {each.booking_id} would go back"
                if row.booking_id is None:
                    yield {"tables": [row.table_id], "problem": f"a hold or a block has {wanted}"}
                else:
                    owner = row.booking_id
                    yield {"bookingId": owner, "tables": [row.table_id], "problem": f"has {wanted}"}


def _changes(
    index: FloorIndex, made: ports.Optimization, back: Sequence[_Back], context: RequestContext
) -> ports.Changes:
    history = [_history(each, made, context) for each in back]
    return ports.Changes(
        moves=[ports.BookingMove(UUID(each.booking_id), each.stay.version) for each in back],
        release=[UUID(each.booking_id) for each in back],
        allocations=[
            row
            for each in back
            for row in records.planned_rows(
                index, UUID(each.booking_id), each.tables, from_minutes(each.start), from_minutes(each.end)
            )
        ],
        history=history,
        events=events.state_changed(history, made.restaurant_id, context.correlation_id),
    )


def _history(each: _Back, made: ports.Optimization, context: RequestContext) -> ports.HistoryRow:
    metadata = {
        "fromTables": list(each.present),
        "tables": list(each.tables),
        "optimizationId": str(made.id),
    }
    confirmed = State.CONFIRMED
    return ports.HistoryRow(
        UUID(each.booking_id), confirmed, confirmed, each.stay.version, context.actor, UNDONE, metadata
    )


def _body(
    made: ports.Optimization, back: Sequence[_Back], waiting: Sequence[Booking], now: datetime, floor: Floor
) -> ports.Json:
    """Who went back, and who of those that were moved did not because a later decision stands."""
    returned = {each.booking_id for each in back}
    again = {str(booking.id) for booking in waiting}
    return {
        "optimizationId": str(made.id),
        "undoneAt": responses.local(now, floor.timezone),
        "moves": [
            {"bookingId": each.booking_id, "from": list(each.present), "to": list(each.tables)}
            for each in back
        ],
        "waiting": sorted(again),
        "kept": sorted(
            each["bookingId"]
            for each in (*made.reply["moves"], *made.reply["seats"])
            if each["bookingId"] not in returned | again
        ),
    }
