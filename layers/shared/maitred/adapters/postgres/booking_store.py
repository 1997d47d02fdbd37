"""The booking store in PostgreSQL: reads, and units of work applied whole in one round trip."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from maitred.adapters.postgres import rows
from maitred.adapters.postgres.database import Call, Database, Rows, Session
from maitred.adapters.postgres.guard import Guard
from maitred.domain.booking import Booking
from maitred.domain.states import State
from maitred.planner.model import Allocation
from maitred.services import ports

# The writer sends these topics itself right after its commit, so the sweep leaves them alone for a while.
OWN_TOPICS = ("assign", "optimize", "webhook")
_OWN_LEASE_SECONDS = 15
_FIRST, _LAST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
_LAST_ID = UUID(int=2**128 - 1)
#: The last of a unit of work: runs the checks, which record the changes and queue their messages.
_QUEUED_WEBHOOKS = Call("queued_webhooks", {})
_NO_KEY = ports.IdempotencyKey(caller="", restaurant_id="", key="", fingerprint="")


class PostgresBookingStore:
    """Implements services.ports.BookingStore on one `Database`."""

    def __init__(self, database: Database, source: str, guard: Guard) -> None:
        self._db = database
        self._source = source
        self._guard = guard

    # --- reading ---

    def layout(
        self,
        restaurant_id: str,
        known_version: int | None,
        key: ports.IdempotencyKey | None,
        budget_ms: int | None,
    ) -> ports.LayoutRead | None:
        """The current layout, or None if there is no such restaurant."""
        params = {"restaurant_id": restaurant_id, "known_version": known_version, **_key_params(key)}
        found = self._db.read("read_layout", params, budget_ms)
        if not found:
            return None
        version, document, reply = found[0]
        return ports.LayoutRead(version, document, rows.reply_of(reply))

    def snapshot(
        self,
        day: ports.Day,
        known_version: int,
        key: ports.IdempotencyKey | None,
        budget_ms: int | None,
        entry: ports.Admission | None = None,
    ) -> ports.Snapshot | None:
        read = Call("read_snapshot", _snapshot_params(day, known_version, key))
        if entry is None:
            return _snapshot(day, self._db.read_all([read], budget_ms)[0])
        enter = self._guard.enter(day.restaurant_id, entry, key, budget_ms)
        found, *_, answer = self._db.read_all([read, *enter], budget_ms)
        self._guard.entered(day.restaurant_id, entry, answer)
        return _snapshot(day, found)

    def snapshots(
        self,
        days: Sequence[ports.Day],
        known_version: int,
        budget_ms: int | None,
        charge: ports.Charge | None = None,
    ) -> list[ports.Snapshot] | None:
        """One for each day, all of one moment, or None if there is no such restaurant. Raises RateLimited."""
        calls = [Call("read_snapshot", _snapshot_params(day, known_version, None)) for day in days]
        if charge is None:
            results = self._db.read_at_once(calls, budget_ms)
        else:
            paid, *results = self._db.read_at_once(calls, budget_ms, before=self._guard.charge(charge))
            self._guard.charged(days[0].restaurant_id, paid)
        found = [_snapshot(day, result) for day, result in zip(days, results, strict=True)]
        read = [snapshot for snapshot in found if snapshot is not None]
        return read if len(read) == len(days) else None

    def revisions(
        self, restaurant_id: str, days: Sequence[date], budget_ms: int | None, charge: ports.Charge
    ) -> ports.DayRevisions | None:
        params = {"restaurant_id": restaurant_id, "service_dates": list(days)}
        read = [Call("read_revisions", params), self._guard.charge(charge)]
        found, paid = self._db.read_all(read, budget_ms)
        self._guard.charged(restaurant_id, paid)
        of_days = {day: revision for _, day, revision in found if day is not None}
        return ports.DayRevisions(found[0][0], of_days) if found else None

    def reply(self, key: ports.IdempotencyKey) -> ports.StoredReply | None:
        found = self._db.read("read_reply", _key_params(key) | {"restaurant_id": key.restaurant_id})
        return rows.reply_of(found[0]) if found else None

    def booking(self, booking_id: UUID) -> Booking | None:
        return _booking(self._db.read_all([_read_booking(booking_id)])[0])

    def details(self, booking_id: UUID) -> ports.BookingDetails | None:
        """As `booking`, with how it came to be so, in the same round trip."""
        reads = [_read_booking(booking_id), Call("read_deciding_attempt", {"booking_id": booking_id})]
        found, outcome = self._db.read_all(reads)
        booking = _booking(found)
        if booking is None:
            return None
        [(*attempt, came_by)] = outcome
        counts = None if attempt[0] is None else ports.DecidingAttempt(*attempt)
        return ports.BookingDetails(booking, counts, came_by)

    def booking_to_change(self, booking_id: UUID, client: str) -> Booking | None:
        """Like `booking`, for a change by ``client``. Raises RateLimited."""
        pay = self._guard.charge(ports.Charge(client))
        token, found = self._db.read_all([pay, _read_booking(booking_id)])
        booking = _booking(found)
        self._guard.charged(booking.restaurant_id if booking else "", token)
        return booking

    def hold(
        self, hold_id: UUID, key: ports.IdempotencyKey | None = None, budget_ms: int | None = None
    ) -> ports.HoldRead:
        whose = {"restaurant_id": (key or _NO_KEY).restaurant_id}
        [row] = self._db.read("read_hold", {"hold_id": hold_id, **whose, **_key_params(key)}, budget_ms)
        *hold, reply = row
        return ports.HoldRead(rows.hold_of(hold), rows.reply_of(reply))

    def first_hold_end(self, hold_ids: Sequence[UUID]) -> datetime | None:
        [(ends,)] = self._db.read("first_hold_end", {"hold_ids": list(hold_ids)})
        found: datetime | None = ends
        return found

    def page(
        self, wanted: ports.BookingFilter, after: tuple[datetime, UUID], limit: int
    ) -> ports.BookingPage:
        """Up to ``limit`` bookings after ``after``, by place and id."""
        place, after_id = _start_of_page(after, wanted.updated_since or wanted.start_from)
        params = {
            **rows.members(wanted),
            "states": [state.value for state in wanted.states],
            "start_from": wanted.start_from or _FIRST,
            "start_before": wanted.start_before or _LAST,
            "updated_since": wanted.updated_since or _FIRST,
            "by_change": wanted.by_change,
            "after": place,
            "after_id": after_id,
            "limit": limit + 1,
        }
        items = [rows.booking_of(row) for row in self._db.read(_listing(wanted), params)]
        return ports.BookingPage(tuple(items[:limit]), len(items) > limit)

    def restaurants(self, ids: Collection[str] | None, after: str, limit: int) -> list[ports.RestaurantEntry]:
        """Up to ``limit`` restaurants of these ids (None: all), after ``after``, by id."""
        params = {"all": ids is None, "ids": sorted(ids or ()), "after": after, "limit": limit}
        return [ports.RestaurantEntry(*row) for row in self._db.read("list_restaurants", params)]

    def manual_review(
        self,
        restaurant_id: str,
        now: datetime,
        after: tuple[datetime, UUID],
        limit: int,
        charge: ports.Charge,
    ) -> list[ports.ReviewCase]:
        """Up to ``limit`` bookings in manual review whose stay is not over. Raises RateLimited."""
        params = {
            "restaurant_id": restaurant_id,
            "now": now,
            "after_start": after[0],
            "after_id": after[1],
            "limit": limit,
        }
        found, paid = self._db.read_all([Call("for_a_person", params), self._guard.charge(charge)])
        self._guard.charged(restaurant_id, paid)
        return [ports.ReviewCase(rows.booking_of(row[:-2]), row[-2], row[-1]) for row in found]

    def floor(self, restaurant_id: str, known_version: int | None, at: datetime) -> ports.FloorRead | None:
        params = {"restaurant_id": restaurant_id, "known_version": known_version, "at": at}
        found = self._db.read("read_floor", params)
        if not found:
            return None
        version, document, uses, parties = found[0]
        return ports.FloorRead(version, document, rows.uses_of(uses), rows.parties_of(parties))

    def waiting(self, freed: ports.Freed, now: datetime, limit: int) -> tuple[ports.WaitingParty, ...]:
        """Who may want the tables of ``freed``, or those of its lease if it has no tables; oldest first."""
        params = {
            "restaurant_id": freed.restaurant_id,
            "service_date": freed.service_date,
            "start": freed.start_at,
            "end": freed.end_at,
            "now": now,
            "freed_by": freed.id,
            "only_lease": not freed.tables,
            "limit": limit,
        }
        return rows.waiting_of(self._db.read("waiting_bookings", params))

    def planned_at(
        self, restaurant_id: str, table_id: str, start: datetime, end: datetime
    ) -> dict[UUID, ports.PlannedGuest]:
        params = {"restaurant_id": restaurant_id, "table_id": table_id, "start": start, "end": end}
        return {row[0]: ports.PlannedGuest(*row[1:]) for row in self._db.read("planned_at", params)}

    def planned_tables(self, booking_id: UUID) -> tuple[str, ...]:
        return tuple(sorted(row[0] for row in self._db.read("planned_tables", {"booking_id": booking_id})))

    def released(self, booking_id: UUID) -> list[ports.TableAllocation]:
        found = self._db.read("released_tables", {"booking_id": booking_id})
        return [replace(ports.TableAllocation(*row), overrides=tuple(row[-1])) for row in found]

    def history(self, booking_id: UUID) -> list[ports.HistoryEntry]:
        found = self._db.read("read_history", {"booking_id": booking_id})
        return [ports.HistoryEntry(*row) for row in found]

    def attempts(self, booking_id: UUID) -> list[ports.AttemptEntry]:
        found = self._db.read("read_attempts", {"booking_id": booking_id})
        return [ports.AttemptEntry(*row) for row in found]

    def explanation(self, booking_id: UUID) -> ports.Explanation | None:
        found = self._db.read("read_explanation", {"booking_id": booking_id})
        return ports.Explanation(*found[0]) if found else None

    # --- writing ---

    def apply(self, changes: ports.Changes, budget_ms: int | None = None) -> tuple[ports.LeasedMessage, ...]:
        """All of ``changes`` in one transaction, or none. Returns the outbox rows the writer should relay."""
        calls = calls_of(changes, self._source)
        with self._guard.write() as more:
            results = self._db.transact([*calls, *more], budget_ms)
        return own_rows(changes, calls, results)

    @contextmanager
    def locked_day(
        self,
        day: ports.Day,
        known_version: int,
        budget_ms: int | None,
        also: Sequence[tuple[str, date]] = (),
    ) -> Iterator["LockedPostgresDay"]:
        """Lock the layout and the days, then read, so that no other plan can win a race against this one."""
        days = sorted({(day.restaurant_id, day.service_date), *also})
        calls = [
            Call("lock_layout", {"restaurant_id": day.restaurant_id}),
            *(_lock(*each) for each in days),
            Call("read_snapshot", _snapshot_params(day, known_version, None)),
        ]
        with self._db.session(calls, budget_ms) as session:
            snapshot = _snapshot(day, session.rows[-1])
            if snapshot is None:
                raise ports.Conflict("the restaurant does not exist any more")
            yield LockedPostgresDay(snapshot, session, self._source, self._guard)


@dataclass(frozen=True, slots=True)
class LockedPostgresDay:
    """A day that no other writer can change until `apply` has committed."""

    snapshot: ports.Snapshot
    session: Session
    source: str
    guard: Guard

    def booking(self, booking_id: UUID) -> Booking | None:
        return _booking(self.session.read([_read_booking(booking_id)])[0])

    def apply(self, changes: ports.Changes) -> tuple[ports.LeasedMessage, ...]:
        calls = calls_of(replace(changes, claim=None, judged=None), self.source)  # the lock is the claim
        with self.guard.write() as more:
            results = self.session.commit([*calls, *more])
        return own_rows(changes, calls, results)


def _listing(wanted: ports.BookingFilter) -> str:
    """The statement with the index that leaves the fewest bookings to look at."""
    if wanted.reference is not None:
        return "booking_by_reference"
    if wanted.guest is not None:
        return "find_bookings"
    if wanted.by_change:
        return "list_changed_bookings"
    if wanted.service_date is not None:
        return "list_bookings_of_day"
    return "list_bookings" if set(wanted.states) == set(State) else "list_bookings_in_states"


def _start_of_page(after: tuple[datetime, UUID], first: datetime | None) -> tuple[datetime, UUID]:
    """The place after which the page begins; not before ``first``. One bound, as an index needs it."""
    if first is None or first <= after[0]:
        return after
    return first - timedelta(microseconds=1), _LAST_ID


def _read_booking(booking_id: UUID) -> Call:
    return Call("read_booking", {"booking_id": booking_id})


def _booking(found: Rows) -> Booking | None:
    return rows.booking_of(found[0]) if found else None


def _snapshot_params(day: ports.Day, known_version: int, key: ports.IdempotencyKey | None) -> dict[str, Any]:
    return {**rows.members(day), "known_version": known_version, **_key_params(key)}


def _key_params(key: ports.IdempotencyKey | None) -> dict[str, str]:
    key = key or _NO_KEY
    return {"caller": key.caller, "key": key.key}


def _snapshot(day: ports.Day, found: Rows) -> ports.Snapshot | None:
    if not found:
        return None
    version, document, revision, allocations, covers, stays, demand, first_expiry, reply, leases, blocks = (
        found[0]
    )
    ledger: Sequence[Sequence[Any]] = allocations or ()
    return ports.Snapshot(
        day,
        version,
        document,
        revision,
        tuple(Allocation(*row) for *row, _, _ in ledger),
        rows.covers_of(covers),
        rows.stays_of(stays),
        {int(size): bookings for size, bookings in (demand or {}).items()},
        first_expiry,
        rows.reply_of(reply),
        leases or {},
        frozenset(row[3] for *row, seated, _ in ledger if seated),
        frozenset(row[3] for *row, _, at_risk in ledger if at_risk),
        tuple(ports.BlockedTable(UUID(own_id), *block) for own_id, *block in blocks or ()),
    )


def own_rows(
    changes: ports.Changes, calls: Sequence[Call], results: Sequence[Rows]
) -> tuple[ports.LeasedMessage, ...]:
    """The outbox rows that the writer relays: of its own topics, and those that the database has made.

    ``results``: of ``calls``, and of what ran after them.
    """
    own: list[ports.LeasedMessage] = []
    for call, result in zip(calls, results, strict=False):
        if call.name == "insert_outbox":
            own += [
                ports.LeasedMessage(ids[0], row.topic, row.payload, row.correlation_id, row.due_at)
                for ids, row in zip(result, changes.outbox, strict=True)
                if row.topic in OWN_TOPICS
            ]
        elif call is _QUEUED_WEBHOOKS:
            own += [ports.LeasedMessage(row_id, "webhook", *rest) for row_id, *rest in result]
    return tuple(own)


def calls_of(changes: ports.Changes, source: str) -> list[Call]:
    """The statements of one unit of work. Locks come first and always in the same order."""
    return [
        *_claims(changes),
        *_booking_calls(changes),
        *_hold_calls(changes),
        *_freeing_calls(changes),
        *_taking_calls(changes),
        *_record_calls(changes, source),
        _QUEUED_WEBHOOKS,
    ]


def _claims(changes: ports.Changes) -> Iterator[Call]:
    days = {touched: _lock(*touched) for touched in changes.touched_days}
    for claim in filter(None, (changes.judged, changes.claim)):
        day = claim.day
        params = rows.members(day) | {"layout_version": claim.layout_version, "revision": claim.revision}
        yield Call("claim_layout", params)
        days[day.restaurant_id, day.service_date] = Call("claim_day", params)
    for each in sorted(days):
        yield days[each]


def _lock(restaurant_id: str, service_date: date) -> Call:
    return Call("lock_day", {"restaurant_id": restaurant_id, "service_date": service_date})


def _booking_calls(changes: ports.Changes) -> Iterator[Call]:
    if changes.new_booking is not None:
        yield Call("insert_booking", _booking_params(changes.new_booking))
    for change in sorted(changes.updates, key=lambda c: c.before.id):
        if change.tables is not None:
            yield Call("lock_booking", {"booking_id": change.before.id})
        yield Call("change_booking", _change_params(change))
    if changes.shown is not None:
        seen = {"booking_id": changes.shown.id, "version": changes.shown.version}
        yield Call("claim_shown", seen)
    for booking in changes.requests:
        yield Call("change_request", _booking_params(booking))


def _hold_calls(changes: ports.Changes) -> Iterator[Call]:
    if changes.new_hold is not None:
        yield Call("insert_hold", rows.members(changes.new_hold))
    if changes.use_hold is not None and changes.new_booking is not None:
        use = {"hold_id": changes.use_hold.hold.id, "booking_id": changes.new_booking.id}
        yield Call("use_hold", use)
        yield Call("take_held_tables" if changes.use_hold.keeps_tables else "release_held_tables", use)
    for hold_id in changes.drop_holds:
        dropped = {"hold_id": hold_id}
        yield Call("drop_hold", dropped)
        yield Call("release_held_tables", dropped)
    if changes.leases:
        yield Call("insert_leases", {**rows.rows_param(changes.leases), "expected": len(changes.leases)})


def _freeing_calls(changes: ports.Changes) -> Iterator[Call]:
    if changes.moves:
        yield Call("claim_moved", {**rows.rows_param(changes.moves), "expected": len(changes.moves)})
    if changes.departures:
        yield Call("leave_tables", rows.rows_param(changes.departures))
    if changes.release:
        yield Call("release_tables", {"booking_ids": list(changes.release)})
    if changes.unblock is not None:
        yield Call("end_blocks", rows.members(changes.unblock))
    if changes.lift_blocks:
        yield Call("lift_blocks", {"block_ids": list(changes.lift_blocks)})
    beaten = [risk for risk in changes.risks if risk.since is not None]
    if beaten:
        yield Call("flag_plans", rows.rows_param(beaten))


def _taking_calls(changes: ports.Changes) -> Iterator[Call]:
    if changes.expected_ends:
        longer = rows.rows_param(changes.expected_ends)
        yield Call("release_expired_holds_of_stays", longer)
        yield Call("expect_end", longer)
    safe = [risk for risk in changes.risks if risk.since is None]
    if safe:  # only now: what was in their way ends earlier, and their rows count against others again
        yield Call("flag_plans", rows.rows_param(safe))
    if changes.block is not None:
        yield Call("insert_block", rows.members(changes.block))
    if changes.allocations:
        param = rows.rows_param(changes.allocations)
        yield Call("release_expired_holds", param | {"restaurant_id": changes.allocations[0].restaurant_id})
        yield Call("insert_allocations", param)


def _record_calls(changes: ports.Changes, source: str) -> Iterator[Call]:
    if changes.history:
        yield Call("insert_history", rows.rows_param(changes.history))
    if changes.attempts:
        yield Call("insert_attempts", {"rows": rows.jsonb(changes.attempts)})
    yield from _shift_calls(changes)
    yield from _webhook_calls(changes)
    if changes.events:
        yield Call("insert_events", event_params(changes.events, source))
    if changes.notifications:
        yield Call("insert_notifications", rows.rows_param(changes.notifications))
    if changes.outbox:
        own: Mapping[str, Any] = {"own_topics": list(OWN_TOPICS), "lease_seconds": _OWN_LEASE_SECONDS}
        yield Call("insert_outbox", {**rows.rows_param(changes.outbox), **own})
    if changes.reply is not None:
        key, reply = changes.reply
        headers = rows.jsonb(dict(reply.headers))
        yield Call("insert_reply", {**rows.members(reply), **rows.members(key), "headers": headers})


def _shift_calls(changes: ports.Changes) -> Iterator[Call]:
    if changes.optimization is not None:
        made = rows.members(changes.optimization)
        documents = {name: rows.jsonb(made[name]) for name in ("reply", "stays")}
        yield Call("insert_optimization", {**made, **documents})
    if changes.undone is not None:
        yield Call("undo_optimization", rows.members(changes.undone))
    if changes.shifts_queued is not None:
        yield Call("queue_shifts", rows.members(changes.shifts_queued))


def _webhook_calls(changes: ports.Changes) -> Iterator[Call]:
    if changes.webhook is not None:
        put = changes.webhook
        yield Call("lock_feed", {"restaurant_id": put.restaurant_id})
        yield Call("put_webhook", {**rows.members(put), "events": list(put.events)})
    if changes.webhook_gone is not None:
        yield Call("delete_webhook", rows.members(changes.webhook_gone))
    if changes.webhook_rest is not None:
        yield Call("rest_webhook", rows.members(changes.webhook_rest))


def event_params(events: Sequence[ports.Event], source: str) -> dict[str, Any]:
    return {"rows": rows.jsonb([{**rows.members(event), "source": source} for event in events])}


def _booking_params(booking: Booking) -> dict[str, Any]:
    return {
        **rows.members(booking),
        "guest": rows.jsonb(dict(booking.guest)),
        "preferences": rows.jsonb(rows.members(booking.preferences)),
        "last_result": rows.jsonb(booking.last_result),
    }


def _change_params(change: ports.BookingUpdate) -> dict[str, Any]:
    before, after, lease = change.before, change.after, change.new_lease
    return {
        "booking_id": before.id,
        "expected_version": before.version,
        "version": after.version,
        "state": after.state.value,
        "last_result": None if change.last_result is None else rows.jsonb(change.last_result),
        "lease_token": change.lease_token,
        "new_lease_token": lease and lease.token,
        "new_lease_until": lease and lease.until,
        "pinned": after.pinned,
        "arrived_at": after.arrived_at,
        "seated_at": after.seated_at,
        "completed_at": after.completed_at,
        "updated_at": None if after.updated_at == before.updated_at else after.updated_at,
        "tables": None if change.tables is None else list(change.tables),
    }
