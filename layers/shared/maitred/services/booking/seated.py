"""``PATCH /bookings/{id}`` of a party that sits at its tables: another size, a longer stay, notes, the guest.

Its start is past and its tables are where it sits (``PUT …/assignment`` moves it), so nothing is searched
for. A longer stay may beat the plans that follow at these tables; they are planned again in the same
transaction, and a block of a table waits for as long. All else is noted, wherever the party sits.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from maitred.domain import errors
from maitred.domain.booking import Booking, Preferences
from maitred.domain.errors import FieldError
from maitred.planner.floor.index import FloorIndex
from maitred.planner.floor.rules import OVERRIDABLE, check_tables
from maitred.services import events, ports
from maitred.services.assignment import records
from maitred.services.assignment.day import Floors, read_floor
from maitred.services.assignment.planning import booking_request
from maitred.services.assignment.room import (
    BUDGET_MS,
    Replanner,
    holds_over,
    locked_room,
    rows_by_booking,
    seated_until,
    with_end,
)
from maitred.services.dependencies import Dependencies
from maitred.services.idempotency import Reply, RequestContext, booking_reply, to_store
from maitred.services.unit_of_work import commit, committed, remember

CHANGED = "changed_at_the_table"
_SIZE = frozenset({"capacity"})


@dataclass(frozen=True, slots=True)
class SeatedRequest:
    """What the party is from now on, whole. ``override``: the rules that a person sets aside for its size."""

    party_size: int
    duration_minutes: int | None
    guest: Mapping[str, str]
    preferences: Preferences
    notes: str | None
    override: frozenset[str]


class SeatedChange:
    def __init__(self, deps: Dependencies, floors: Floors, replanner: Replanner) -> None:
        self._deps = deps
        self._floors = floors
        self._replanner = replanner

    def change(self, booking: Booking, request: SeatedRequest, context: RequestContext) -> Reply:
        """Raises RuleViolated if the tables do not seat that many, InvalidRequest for a stay that is over."""
        now = self._deps.clock.now()
        after = _changed(booking, request, now)
        if after == replace(booking, version=after.version, updated_at=now):
            return remember(self._deps, context, booking_reply(booking, now), booking)
        if after.party_size <= booking.party_size and after.end_at == booking.end_at:
            changes, reply = _written(booking, after, context, now)
            commit(self._deps, changes)
            return reply
        index = read_floor(self._deps.store, self._floors, booking.restaurant_id, BUDGET_MS)
        overrides = _overrides(index, booking, after, request.override)
        end = seated_until(index, after)
        with locked_room(self._deps, index, booking.service_date, now, max(end, now)) as room:
            then = with_end(room.snapshot, after, end)
            changes, reply = _written(booking, after, context, now)
            changes = replace(
                changes,
                drop_holds=holds_over(room.snapshot, rows_by_booking(then).get(str(booking.id), ())),
                expected_ends=[ports.ExpectedEnd(booking.id, end, overrides)],
            )
            replanned = self._replanner.replan(room, then, context.actor, context.correlation_id)
            changes = replanned.added_to(changes)
            committed(self._deps, changes, room.locked.apply(changes))
        return reply


def _changed(before: Booking, request: SeatedRequest, now: datetime) -> Booking:
    stay = before.end_at - before.start_at
    if request.duration_minutes is not None:
        stay = timedelta(minutes=request.duration_minutes)
    return replace(
        before,
        version=before.version + 1,
        updated_at=now,
        party_size=request.party_size,
        end_at=before.start_at + stay,
        duration_minutes=request.duration_minutes or before.duration_minutes,
        guest=request.guest,
        preferences=request.preferences,
        notes=request.notes,
    )


def _overrides(
    index: FloorIndex, before: Booking, after: Booking, override: frozenset[str]
) -> tuple[str, ...]:
    """The rules that its tables break. Only more guests than seats needs a person's word: it sits there."""
    if after.party_size <= before.party_size:
        return ()
    if not set(after.tables) <= index.position.keys():
        message = "The floor no longer has the party's tables; give it other tables first"
        raise errors.RuleViolated([FieldError("partySize", "unknown_table", message)])
    violations = check_tables(index, after.tables, booking_request(after))
    broken = [each for each in violations if each.code in _SIZE - override]
    if broken:
        raise errors.RuleViolated([FieldError("partySize", each.code, each.message) for each in broken])
    return tuple(sorted({each.code for each in violations} & OVERRIDABLE))


def _written(
    before: Booking, after: Booking, context: RequestContext, now: datetime
) -> tuple[ports.Changes, Reply]:
    metadata: ports.Json = {"partySize": after.party_size, "tables": list(after.tables)}
    history = records.history_rows(after, [before.state], context.actor, CHANGED, metadata)
    reply = booking_reply(after, now)
    changes = ports.Changes(
        updates=[ports.BookingUpdate(before, after, tables=before.tables)],
        requests=[after],
        history=history,
        events=events.state_changed(history, before.restaurant_id, context.correlation_id),
        reply=to_store(context.key, reply),
    )
    return changes, reply
