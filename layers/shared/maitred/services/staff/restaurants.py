"""``PUT`` and ``GET /restaurants/{id}``: the floor document, and the guests a new one touches.

A new document never drops a guest: a confirmed booking that it cannot keep as promised goes back to the job.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from maitred.contracts import responses
from maitred.contracts.bookings import IfMatch
from maitred.contracts.floor_document import FloorDocument
from maitred.contracts.stored_floor import floor_from_document
from maitred.domain import errors
from maitred.domain.booking import Booking, MailKind, Trigger
from maitred.domain.floor import Floor
from maitred.domain.states import State
from maitred.planner.floor.index import FloorIndex, compile_floor
from maitred.services import events, ports
from maitred.services.assignment import records
from maitred.services.assignment.layout_change import broken_promise
from maitred.services.assignment.sent_back import sent_back
from maitred.services.assignment.waitlist import AT_MOST, wake
from maitred.services.assignment.waking import could_ever_sit
from maitred.services.dependencies import Dependencies
from maitred.services.idempotency import Reply, RequestContext, stored_reply, to_store, unless_answered
from maitred.services.staff.new_timezone import Keep, Ledger, LedgerRow, in_new_timezone
from maitred.services.unit_of_work import committed

_MOST_NAMED = 100  # bookings in the answer that asks what they keep
#: A change of these members gives nobody a table.
_NO_EFFECT_ON_TABLES = frozenset({"name", "locale", "contactEmail"})


@dataclass(frozen=True, slots=True)
class StoredLayout:
    layout_version: int
    document: Mapping[str, Any]


class LockedRestaurant(Protocol):
    """One restaurant, locked against other layouts and against bookings being confirmed on the old one."""

    @property
    def current(self) -> StoredLayout | None: ...

    @property
    def confirmed(self) -> Sequence[Booking]:
        """Confirmed bookings that are still to come, with their tables, by start."""

    @property
    def waiting(self) -> Sequence[Booking]:
        """Bookings still to come that have no tables, oldest first."""

    @property
    def ledger(self) -> Sequence[LedgerRow]:
        """Who has which table from a day ago on."""

    @property
    def chosen(self) -> frozenset[UUID]:
        """Confirmed bookings that sit where a person put them."""

    def replace(
        self, floor: Floor, document: Mapping[str, Any], changes: ports.Changes
    ) -> tuple[ports.LeasedMessage, ...]:
        """Store the layout and apply ``changes``, then commit."""


class Restaurants(Protocol):
    """Restaurants and their layouts. Every method may raise StoreError."""

    def locked(self, restaurant_id: str, now: datetime) -> AbstractContextManager[LockedRestaurant]:
        """Leaving the context without `LockedRestaurant.replace` rolls back."""


@dataclass(frozen=True, slots=True)
class SeenLayout:
    """Which layout the caller says it replaces. ``strict``: it has to say so as soon as there is one."""

    if_match: IfMatch | None = None
    strict: bool = False

    def require(self, current: StoredLayout | None) -> None:
        """Raise VersionMismatch if it is another one, VersionRequired if the caller does not say."""
        version = current.layout_version if current else None
        if self.if_match is None:
            if self.strict and version is not None:
                raise errors.VersionRequired(
                    f"the restaurant has layout version {version}; send it as If-Match"
                )
        elif not self.if_match.allows(version):
            found = "no layout yet" if version is None else f"layout version {version}"
            raise errors.VersionMismatch(f"the restaurant has {found}")


UNSEEN = SeenLayout()


def _etag(layout_version: int) -> str:
    return f'"{layout_version}"'


class RestaurantService:
    def __init__(self, deps: Dependencies, restaurants: Restaurants) -> None:
        self._deps = deps
        self._restaurants = restaurants

    def read(self, restaurant_id: str) -> Reply:
        """The floor document, with its version as the ETag. Raises RestaurantNotFound."""
        read = self._deps.store.layout(restaurant_id, None, None, None)
        if read is None:
            raise errors.RestaurantNotFound
        return Reply(200, responses.dumps(read.document), {"etag": _etag(read.layout_version)})

    def put(
        self,
        restaurant_id: str,
        document: FloorDocument,
        context: RequestContext,
        *,
        dry_run: bool,
        keep: Keep | None = None,
        seen: SeenLayout = UNSEEN,
    ) -> Reply:
        """Replace the floor document; guests whom it cannot keep as promised go back to the job.

        ``keep``: what bookings keep if the time zone is another. With ``dry_run`` nothing changes; the reply
        says what would. Raises TimezoneHasBookings if the zone is another and ``keep`` is None, what
        `SeenLayout` raises, Overloaded while bookings are being written, IdempotencyInProgress if a duplicate
        of this request has just committed.
        """
        answered = stored_reply(self._deps.store, context.key)
        if answered is not None:
            return answered
        return unless_answered(
            self._deps.store,
            context.key,
            lambda: self._put(restaurant_id, document, context, dry_run=dry_run, keep=keep, seen=seen),
        )

    def _put(
        self,
        restaurant_id: str,
        document: FloorDocument,
        context: RequestContext,
        *,
        dry_run: bool,
        keep: Keep | None,
        seen: SeenLayout,
    ) -> Reply:
        now, stored = self._deps.clock.now(), document.stored()
        try:
            with self._restaurants.locked(restaurant_id, now) as locked:
                seen.require(locked.current)
                version = locked.current.layout_version + 1 if locked.current else 1
                index = compile_floor(floor_from_document(stored, restaurant_id, version))
                moves_with = _moves_with(locked, index.floor, keep)
                checked = _checked(index, locked, now, moves_with)
                reply = _reply(locked.current, stored, version, checked)
                if dry_run:
                    return reply
                reply = replace(reply, headers={"etag": _etag(version)})
                waiting = _waiting(index, locked, moves_with)
                differs = _tables_differ(locked.current, stored)
                woken = _woken(index, locked, waiting, now) if differs else []
                changes = _replaced(
                    index.floor, (checked, waiting, woken), reply, context, self._deps.ids, now
                )
                committed(self._deps, changes, locked.replace(index.floor, stored, changes))
                return reply
        except ports.DuplicateRequest as error:
            raise errors.IdempotencyInProgress from error
        except (ports.Conflict, ports.StaleVersion, ports.LockTimeout) as error:
            raise errors.Overloaded("bookings are being written; try again") from error


@dataclass(frozen=True, slots=True)
class _Checked:
    """A booking still to come, on the new floor.

    ``after``: with the stay and service that it has there. ``problem``: why it cannot be kept as promised;
    None if it can. ``allocations``: its tables at the new time, if that is another.
    """

    before: Booking
    after: Booking
    problem: str | None = None
    allocations: tuple[ports.TableAllocation, ...] = ()

    @property
    def moved(self) -> bool:
        """Is the stay at other moments than it was? Then the guest is told."""
        return (self.after.start_at, self.after.end_at) != (self.before.start_at, self.before.end_at)

    @property
    def changed(self) -> bool:
        present = (self.before.service_id, self.before.service_date)
        return self.moved or (self.after.service_id, self.after.service_date) != present


def _moves_with(locked: LockedRestaurant, floor: Floor, keep: Keep | None) -> Keep | None:
    """What bookings keep; None if the time zone is the same. Raises TimezoneHasBookings."""
    current = locked.current
    if current is None or current.document["timezone"] == floor.timezone.key:
        return None
    bookings = sorted((*locked.confirmed, *locked.waiting), key=lambda each: (each.start_at, each.id))
    if keep is None and bookings:
        before = current.document["timezone"]
        raise errors.TimezoneHasBookings(
            f"{len(bookings)} bookings still to come were made in {before}. Send bookings=keep_local_time "
            "to keep their clock times, or bookings=keep_instant to keep their moments",
            {
                "affected": [
                    _named(each, f"Booked for {_clock(each)}, {before}") for each in bookings[:_MOST_NAMED]
                ]
            },
        )
    return keep


def _clock(booking: Booking) -> str:
    return responses.local(booking.start_at, booking.timezone)[:16].replace("T", " ")


def _checked(index: FloorIndex, locked: LockedRestaurant, now: datetime, keep: Keep | None) -> list[_Checked]:
    """The confirmed bookings, each with what the new floor makes of it."""
    overridden = {
        row.booking_id: frozenset(row.overrides) for row in locked.ledger
    }  # all of a booking's rows have the same
    ledger = Ledger(locked.ledger, (booking.id for booking in locked.confirmed))
    found = []
    for before in locked.confirmed:
        after = in_new_timezone(before, index, keep) if keep else before
        own, chosen = overridden.get(before.id, frozenset()), before.id in locked.chosen
        problem = broken_promise(index, after, now, own, chosen=chosen)
        checked = _Checked(before, after, problem)
        if checked.moved and problem is None:
            moved = ledger.move(before, after, index)
            checked = (
                replace(checked, problem=moved)
                if isinstance(moved, str)
                else replace(checked, allocations=moved)
            )
        found.append(checked)
    return found


def _waiting(index: FloorIndex, locked: LockedRestaurant, keep: Keep | None) -> list[_Checked]:
    """The waiting bookings that change with the time zone."""
    if keep is None:
        return []
    found = (_Checked(before, in_new_timezone(before, index, keep)) for before in locked.waiting)
    return [each for each in found if each.changed]


def _woken(
    index: FloorIndex, locked: LockedRestaurant, changed: Sequence[_Checked], now: datetime
) -> list[Booking]:
    """Whom the floor could seat on an empty day; those that change are tried again anyway."""
    own = {each.before.id for each in changed}
    waiting = (booking for booking in locked.waiting if booking.id not in own)
    return [each for each in waiting if could_ever_sit(index, ports.WaitingParty.of(each), now)][:AT_MOST]


def _tables_differ(current: StoredLayout | None, document: Mapping[str, Any]) -> bool:
    """May the new document have tables for a party that the old one had none for?"""
    return current is not None and _of_tables(current.document) != _of_tables(document)


def _of_tables(document: Mapping[str, Any]) -> Mapping[str, Any]:
    return {member: value for member, value in document.items() if member not in _NO_EFFECT_ON_TABLES}


def _reply(
    current: StoredLayout | None, stored: Mapping[str, Any], version: int, checked: Sequence[_Checked]
) -> Reply:
    body = {
        "restaurant": stored,
        "layoutVersion": version,
        "affected": [_named(each.before, each.problem) for each in checked if each.problem is not None],
    }
    return Reply(200 if current else 201, responses.dumps(body))


def _named(booking: Booking, problem: str) -> ports.Json:
    return {"bookingId": str(booking.id), "reference": booking.reference, "problem": problem}


# --- what a new document writes ---


def _replaced(
    floor: Floor,
    upcoming: tuple[Sequence[_Checked], Sequence[_Checked], Sequence[Booking]],
    reply: Reply,
    context: RequestContext,
    ids: ports.Ids,
    now: datetime,
) -> ports.Changes:
    """``upcoming``: the confirmed, the waiting that change, and those that are woken."""
    checked, waiting, woken = upcoming
    correlation = context.correlation_id
    written = [
        *(_sent_back(each, context, ids, now) for each in checked if each.problem is not None),
        *(_kept(each, context, ids, now) for each in checked if each.problem is None and each.changed),
        *(_waits_on(each, context, now) for each in waiting),
    ]
    history = [row for each in written for row in each.history]
    return ports.Changes(
        touched_days=[day for each in written for day in each.days],
        updates=[ports.BookingUpdate(each.before, each.after) for each in written],
        requests=[each.after for each in written if each.new_request],
        release=[each.before.id for each in written if each.releases],
        allocations=[row for each in written for row in each.allocations],
        history=history,
        events=events.state_changed(history, floor.restaurant_id, correlation),
        notifications=[row for each in written for row in each.mail[0]],
        outbox=[
            *(row for each in written for row in (*each.mail[1], *each.messages)),
            *(wake(floor.restaurant_id, each.id, each.version, correlation, now) for each in woken),
        ],
        reply=to_store(context.key, reply),
    )


@dataclass(frozen=True, slots=True)
class _Written:
    """What a new document writes about one booking. ``new_request``: its stay or its service is another."""

    before: Booking
    after: Booking
    history: Sequence[ports.HistoryRow]
    new_request: bool
    releases: bool = False
    allocations: Sequence[ports.TableAllocation] = ()
    mail: records.Mail = ([], [])
    messages: Sequence[ports.OutboxRow] = ()

    @property
    def days(self) -> set[tuple[str, date]]:
        """The service days whose ledger changes."""
        if not self.releases:
            return set()
        return {(each.restaurant_id, each.service_date) for each in (self.before, self.after)}


def _sent_back(checked: _Checked, context: RequestContext, ids: ports.Ids, now: datetime) -> _Written:
    """Without tables, for the job. A guest whose time is another now is told so while the booking waits."""
    correlation, problem = context.correlation_id, checked.problem or ""
    back = sent_back(checked.before, _requested(checked), problem, context.actor, correlation, now)
    later = now + records.WAITS_AFTER
    pending = MailKind.MODIFICATION_PENDING
    mail = records.mail(back.booking, pending, correlation, ids, later) if checked.moved else ([], [])
    return _Written(
        checked.before,
        back.booking,
        back.history,
        checked.changed,
        releases=True,
        mail=mail,
        messages=[back.message],
    )


def _kept(checked: _Checked, context: RequestContext, ids: ports.Ids, now: datetime) -> _Written:
    """The same tables at the new time, and a letter that says so; or only another service or service day."""
    before = checked.before
    after = replace(_requested(checked), version=before.version + 1)
    history = records.history_rows(
        after, [before.state], context.actor, Trigger.LAYOUT_CHANGE.value, _metadata(checked)
    )
    kind, correlation = MailKind.CONFIRMED, context.correlation_id
    mail = records.mail(after, kind, correlation, ids, now) if checked.moved else ([], [])
    return _Written(
        before,
        after,
        history,
        new_request=True,
        releases=checked.moved,
        allocations=checked.allocations,
        mail=mail,
    )


def _waits_on(checked: _Checked, context: RequestContext, now: datetime) -> _Written:
    """Still without tables, and tried again: what was found out about the old time says nothing any more."""
    before, correlation, trigger = checked.before, context.correlation_id, Trigger.LAYOUT_CHANGE
    after = replace(
        _requested(checked),
        state=State.ASSIGNMENT_PENDING,
        version=before.version + 1,
        lease_token=None,
        lease_until=None,
    )
    row = ports.HistoryRow(
        before.id, before.state, after.state, after.version, context.actor, trigger.value, _metadata(checked)
    )
    message = records.assign_row(after, trigger, 1, correlation, now)
    return _Written(before, after, [row], new_request=True, messages=[message])


def _requested(checked: _Checked) -> Booking:
    """The booking with what it asks for now; other moments are another request."""
    if not checked.moved:
        return checked.after
    version = checked.before.request_version + 1
    return replace(checked.after, request_version=version, confirmation_queued=False)


def _metadata(checked: _Checked) -> ports.Json:
    before, after = checked.before, checked.after
    return {
        "tables": list(before.tables),
        "fromStartAt": responses.local(before.start_at, before.timezone),
        "startAt": responses.local(after.start_at, after.timezone),
    }
