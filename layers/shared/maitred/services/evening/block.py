"""``POST`` and ``DELETE /restaurants/{r}/tables/{t}/block``: a table that is out of order for a while.

The block is a row of the ledger like any other, so nothing is planned there, whatever plans it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from maitred.contracts import responses
from maitred.domain import errors
from maitred.domain.errors import FieldError, InvalidRequest
from maitred.domain.hold import Hold
from maitred.domain.windows import from_minutes, service_day, to_minutes
from maitred.planner.floor.index import FloorIndex
from maitred.services import ports
from maitred.services.assignment.day import Floors, read_floor
from maitred.services.assignment.room import (
    BUDGET_MS,
    Replanned,
    Replanner,
    Room,
    for_who_waits,
    locked_room,
    on_hold_there,
    with_block,
    without_blocks,
)
from maitred.services.assignment.waitlist import Waitlist
from maitred.services.dependencies import Dependencies
from maitred.services.idempotency import Reply, RequestContext, reply_of_duplicate, stored_reply, to_store
from maitred.services.unit_of_work import committed, remember

_LONGEST = timedelta(days=31)
_TRIES = 3


@dataclass(frozen=True, slots=True)
class BlockRequest:
    """A table that is out of order over ``[start, end)``; without a start, from now."""

    restaurant_id: str
    table_id: str
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

        A party that sits there stays; the block begins when it is to leave. Raises RestaurantNotFound,
        TableNotFound, InvalidRequest for a period that is none, over, or too long.
        """
        answered = stored_reply(self._deps.store, context.key)
        if answered is not None:
            return answered
        now = self._deps.clock.now()
        _require_period(request, now)
        for left in reversed(range(_TRIES)):
            try:
                return self._block(request, context, now)
            except ports.DuplicateRequest:
                return reply_of_duplicate(self._deps.store, context.key)
            except ports.Conflict:
                if not left:
                    raise
        raise errors.Overloaded

    def unblock(self, restaurant_id: str, table_id: str, context: RequestContext) -> Reply:
        """All blocks of the table end now; also 204 if there is none. Raises TableNotFound.

        Who waits for today is tried again; guests at risk are safe again, or within a minute on other days.
        """
        answered = stored_reply(self._deps.store, context.key)
        if answered is not None:
            return answered
        now, reply = self._deps.clock.now(), Reply(204, "")
        index = self._floor(restaurant_id, table_id)
        freed = _freed(index, table_id, self._deps.ids.uuid(), now)
        parties = self._waitlist.parties(freed, now)
        with locked_room(self._deps, index, freed.service_date, now) as room:
            then = without_blocks(room.snapshot, table_id)
            replanned = self._replanner.replan(room, then, context.actor, context.correlation_id)
            then = for_who_waits(room, replanned.applied_to(then))
            woken = self._waitlist.woken(index, then, parties, context.correlation_id, now)
            changes = ports.Changes(
                unblock=ports.Unblock(restaurant_id, table_id), reply=to_store(context.key, reply)
            )
            changes = woken.added_to(replanned.added_to(changes))
            committed(self._deps, changes, room.locked.apply(changes))
        return reply

    def _floor(self, restaurant_id: str, table_id: str) -> FloorIndex:
        index = read_floor(self._deps.store, self._floors, restaurant_id, BUDGET_MS)
        if table_id not in index.position:
            raise errors.TableNotFound(f"The restaurant has no table {table_id}")
        return index

    def _block(self, request: BlockRequest, context: RequestContext, now: datetime) -> Reply:
        index = self._floor(request.restaurant_id, request.table_id)
        begin = request.start or now
        service_date = begin.astimezone(index.floor.timezone).date()
        planned = self._deps.store.planned_at(request.restaurant_id, request.table_id, begin, request.end)
        with locked_room(self._deps, index, service_date, min(begin, now), request.end) as room:
            block = ports.TableBlock(
                self._deps.ids.uuid(), request.restaurant_id, request.reason, context.actor
            )
            row = _row(room, block, request.table_id, begin, request.end)
            if row is None:  # somebody sits there until then
                return remember(self._deps, context, Reply(200, responses.dumps({"affected": []})))
            then = with_block(room.snapshot, row)
            replanned = self._replanner.replan(room, then, context.actor, context.correlation_id)
            reply = Reply(200, responses.dumps({"affected": _affected(replanned, planned)}))
            changes = replanned.added_to(
                ports.Changes(
                    drop_holds=on_hold_there(room.snapshot, [row]),
                    block=block,
                    unblock=ports.Unblock(row.restaurant_id, row.table_id, row.start, row.end),
                    allocations=[row],
                    reply=to_store(context.key, reply),
                )
            )
            committed(self._deps, changes, room.locked.apply(changes))
        return reply


def _affected(replanned: Replanned, planned: Mapping[UUID, str]) -> list[ports.Json]:
    """Who was to sit there, and what becomes of it. Raises Conflict if the day has changed meanwhile."""
    problems = {row.booking_id: f"moved to {', '.join(row.metadata['tables'])}" for row in replanned.history}
    problems |= {flag.booking_id: "no other table is free" for flag in replanned.risks if flag.since}
    if any(flag.booking_id not in planned for flag in replanned.risks if flag.since):
        raise ports.Conflict("the day has changed")
    return [
        {"bookingId": str(each), "reference": planned[each], "problem": problems[each]}
        for each in sorted(planned)
        if each in problems
    ]


def _freed(index: FloorIndex, table_id: str, own_id: UUID, now: datetime) -> Hold:
    """The rest of today at this table, as what lets it go."""
    today = now.astimezone(index.floor.timezone).date()
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


def _row(
    room: Room, block: ports.TableBlock, table_id: str, begin: datetime, end: datetime
) -> ports.TableAllocation | None:
    """The row of the ledger, with the earlier blocks that it overlaps; None if a party sits on past it."""
    span = to_minutes(begin), to_minutes(end)
    there = [
        row
        for row in room.snapshot.allocations
        if row.table_id == table_id and row.start < span[1] and span[0] < row.end
    ]
    sits_until = max((row.end for row in there if row.booking_id in room.snapshot.seated), default=span[0])
    blocks = [row for row in there if row.booking_id is None and row.hold_id is None]
    start = max(sits_until, min([span[0], *(row.start for row in blocks)]))
    until = max([span[1], *(row.end for row in blocks)])
    if start >= until:
        return None
    table = room.index.tables[room.index.position[table_id]]
    return ports.TableAllocation(
        restaurant_id=block.restaurant_id,
        layout_version=room.index.floor.layout_version,
        table_id=table_id,
        capacity=table.capacity,
        booking_id=None,
        start=from_minutes(start),
        end=from_minutes(until),
        block_id=block.id,
    )
