"""``POST`` and ``DELETE /restaurants/{r}/tables/{t}/block``: a table that is out of order for a while.

The block is a row of the ledger like any other, so nothing is planned there, whatever plans it. While a party
sits there it waits: see `settle_blocks`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from maitred.contracts import responses
from maitred.domain import errors
from maitred.domain.errors import FieldError, InvalidRequest
from maitred.domain.hold import Hold
from maitred.domain.windows import from_minutes, service_date_at, service_day, to_minutes
from maitred.planner.floor.index import FloorIndex
from maitred.services import ports
from maitred.services.assignment.day import Floors, read_floor
from maitred.services.assignment.room import (
    BUDGET_MS,
    Replanned,
    Replanner,
    joined,
    locked_room,
    on_hold_there,
    with_block,
    without_blocks,
)
from maitred.services.assignment.waitlist import Waitlist
from maitred.services.dependencies import Dependencies
from maitred.services.idempotency import Reply, RequestContext, to_store
from maitred.services.unit_of_work import committed, once

_LONGEST = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class BlockRequest:
    """A table that is out of order over ``[start, end)``; without a start, from now.

    ``table``: its id, or all that the text in a path may mean; the first that is a table counts.
    """

    restaurant_id: str
    table: Sequence[str]
    start: datetime | None
    end: datetime
    reason: str | None


class Blocking:
    def __init__(self, deps: Dependencies, floors: Floors, replanner: Replanner, waitlist: Waitlist) -> None:
        self._deps = deps
        self._waitlist = waitlist
        self._floors = floors
        self._replanner = replanner

    def block(self, request: BlockRequest, context: RequestContext) -> Reply:
        """Nobody gets the table; who was to sit there moves or is flagged (``affected``).

        A party that sits there stays; the block begins when it leaves. Raises RestaurantNotFound,
        TableNotFound, InvalidRequest for a period that is none, over, or too long.
        """
        now = self._deps.clock.now()
        _require_period(request, now)
        return once(self._deps, context, lambda: self._block(request, context, now))

    def unblock(self, restaurant_id: str, table: Sequence[str], context: RequestContext) -> Reply:
        """All blocks of the table end now; also 204 if there is none. Raises TableNotFound.

        Who waits for today is tried again; guests at risk are safe again, or within a minute on other days.
        """
        return once(self._deps, context, lambda: self._unblock(restaurant_id, table, context))

    def _unblock(self, restaurant_id: str, table: Sequence[str], context: RequestContext) -> Reply:
        now, reply = self._deps.clock.now(), Reply(204, "")
        index, table_id = self._table(restaurant_id, table)
        freed = _freed(index, table_id, self._deps.ids.uuid(), now)
        parties = self._waitlist.parties(freed, now)
        with locked_room(self._deps, index, freed.service_date, now) as room:
            then = without_blocks(room.snapshot, table_id)
            replanned = self._replanner.replan(room, then, context.actor, context.correlation_id)
            changes = ports.Changes(
                unblock=ports.Unblock(restaurant_id, table_id), reply=to_store(context.key, reply)
            )
            self._waitlist.commit_in(room, changes, replanned, parties, context.correlation_id)
        return reply

    def _table(self, restaurant_id: str, table: Sequence[str]) -> tuple[FloorIndex, str]:
        """The floor, and the first of the texts that is a table of it."""
        index = read_floor(self._deps.store, self._floors, restaurant_id, BUDGET_MS)
        found = next((each for each in table if each in index.position), None)
        if found is None:
            raise errors.TableNotFound(f"The restaurant has no table {table[0]}")
        return index, found

    def _block(self, request: BlockRequest, context: RequestContext, now: datetime) -> Reply:
        index, table_id = self._table(request.restaurant_id, request.table)
        begin = max(request.start or now, now)
        service_date = service_date_at(index.floor, begin)
        with_table = request.restaurant_id, table_id
        planned = self._deps.store.planned_at(*with_table, begin, request.end)
        with locked_room(self._deps, index, service_date, now, request.end) as room:
            blocked = ports.BlockedTable(
                self._deps.ids.uuid(), table_id, to_minutes(begin), to_minutes(request.end)
            )
            blocked = joined(room.snapshot, blocked)
            then = with_block(room.snapshot, blocked)
            replanned = self._replanner.replan(room, then, context.actor, context.correlation_id)
            _require_all_known(room.snapshot, table_id, (to_minutes(begin), to_minutes(request.end)), planned)
            reply = Reply(200, responses.dumps({"affected": _affected(replanned, planned, service_date)}))
            start, end = from_minutes(blocked.start), from_minutes(blocked.end)
            changes = replanned.added_to(
                ports.Changes(
                    drop_holds=on_hold_there(room.snapshot, replanned.blocks.rows),
                    block=ports.TableBlock(
                        blocked.id, *with_table, start, end, request.reason, context.actor
                    ),
                    unblock=ports.Unblock(*with_table, start, end),
                    reply=to_store(context.key, reply),
                )
            )
            committed(self._deps, changes, room.locked.apply(changes))
        return reply


def _require_all_known(
    snapshot: ports.Snapshot,
    table_id: str,
    period: tuple[int, int],
    planned: Mapping[UUID, ports.PlannedGuest],
) -> None:
    """Raise Conflict if a guest got the table after ``planned`` was read: it would not be told of.

    Only the period that is asked for: blocks that it joins have told their own guests.
    """
    there = {
        row.booking_id
        for row in snapshot.allocations
        if row.table_id == table_id
        and row.booking_id not in snapshot.seated
        and row.start < period[1]
        and period[0] < row.end
    }
    if any(UUID(each) not in planned for each in there if each):
        raise ports.Conflict("the day has changed")


def _affected(
    replanned: Replanned, planned: Mapping[UUID, ports.PlannedGuest], service_date: date
) -> list[ports.Json]:
    """Who was to sit there, and what becomes of it. Other service days are planned again each minute."""
    problems = {row.booking_id: f"moved to {', '.join(row.metadata['tables'])}" for row in replanned.history}
    for flag in replanned.risks:
        if flag.since and flag.booking_id in planned:
            today = planned[flag.booking_id].service_date == service_date
            problems[flag.booking_id] = (
                "no other table is free"
                if today
                else "gets another table within a minute, or is shown on the floor as a conflict"
            )
    return [
        {"bookingId": str(each), "reference": planned[each].reference, "problem": problems[each]}
        for each in sorted(planned)
        if each in problems
    ]


def _freed(index: FloorIndex, table_id: str, own_id: UUID, now: datetime) -> Hold:
    """The rest of today at this table, as what lets it go."""
    today = service_date_at(index.floor, now)
    end = service_day(index.floor, today)[1]
    return Hold(
        id=own_id,
        restaurant_id=index.floor.restaurant_id,
        party_size=1,
        start_at=now,
        end_at=max(end, now),
        service_id="",
        service_date=today,
        expires_at=now,
        timezone=index.floor.timezone.key,
        layout_version=index.floor.layout_version,
        tables=(table_id,),
    )


def _require_period(request: BlockRequest, now: datetime) -> None:
    start, end = request.start or now, request.end
    if end <= max(start, now):
        raise InvalidRequest([FieldError("until", "not_after_from", "must be after from, and in the future")])
    if end - start > _LONGEST:
        message = (
            "must be at most 31 days after from; put a longer outage into the floor document as a closure"
        )
        raise InvalidRequest([FieldError("until", "too_long", message)])
