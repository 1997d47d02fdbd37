"""``PUT`` and ``GET /restaurants/{id}``: the floor document, and the guests a new one touches."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from maitred.contracts import responses
from maitred.contracts.floor_document import FloorDocument
from maitred.contracts.stored_floor import floor_from_document
from maitred.domain import errors
from maitred.domain.booking import Booking, Trigger
from maitred.domain.floor import Floor
from maitred.domain.states import State
from maitred.planner.floor.index import FloorIndex, compile_floor
from maitred.services import events, ports
from maitred.services.assignment import records
from maitred.services.assignment.layout_change import problem_of
from maitred.services.assignment.waitlist import AT_MOST, wake
from maitred.services.assignment.waking import could_ever_sit
from maitred.services.dependencies import Dependencies
from maitred.services.idempotency import Reply, RequestContext, stored_reply, to_store
from maitred.services.unit_of_work import committed

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
        """Confirmed bookings that are still to come, with their tables."""

    @property
    def overridden(self) -> Mapping[UUID, frozenset[str]]:
        """For bookings still to come: the rules that a person set aside for their tables."""

    @property
    def waiting(self) -> Sequence[ports.WaitingParty]:
        """Bookings still to come that have no tables, oldest first."""

    def replace(
        self, floor: Floor, document: Mapping[str, Any], changes: ports.Changes
    ) -> tuple[ports.LeasedMessage, ...]:
        """Store the layout and apply ``changes``, then commit."""


class Restaurants(Protocol):
    """Restaurants and their layouts. Every method may raise StoreError."""

    def locked(self, restaurant_id: str, now: datetime) -> AbstractContextManager[LockedRestaurant]:
        """Leaving the context without `LockedRestaurant.replace` rolls back."""


class RestaurantService:
    def __init__(self, deps: Dependencies, restaurants: Restaurants) -> None:
        self._deps = deps
        self._restaurants = restaurants

    def read(self, restaurant_id: str) -> Reply:
        """The floor document, with its version as the ETag. Raises RestaurantNotFound."""
        read = self._deps.store.layout(restaurant_id, None, None, None)
        if read is None:
            raise errors.RestaurantNotFound
        return Reply(200, responses.dumps(read.document), {"etag": f'"{read.layout_version}"'})

    def put(
        self, restaurant_id: str, document: FloorDocument, context: RequestContext, *, dry_run: bool
    ) -> Reply:
        """Replace the floor document; confirmed guests whose tables no longer serve go back to the job.

        With ``dry_run`` nothing changes; the reply says what would. Raises Overloaded while bookings are
        being written, IdempotencyInProgress if a duplicate of this request has just committed.
        """
        answered = stored_reply(self._deps.store, context.key)
        if answered is not None:
            return answered
        now, stored = self._deps.clock.now(), document.stored()
        try:
            with self._restaurants.locked(restaurant_id, now) as locked:
                version = locked.current.layout_version + 1 if locked.current else 1
                index = compile_floor(floor_from_document(stored, restaurant_id, version))
                affected = _affected(index, locked, now)
                reply = _reply(locked.current, stored, version, affected)
                if dry_run:
                    return reply
                woken = _woken(index, locked, now) if _tables_differ(locked.current, stored) else []
                changes = _replaced(index.floor, affected, woken, reply, context, now)
                committed(self._deps, changes, locked.replace(index.floor, stored, changes))
                return reply
        except ports.DuplicateRequest as error:
            raise errors.IdempotencyInProgress from error
        except (ports.Conflict, ports.StaleVersion, ports.LockTimeout) as error:
            raise errors.Overloaded("bookings are being written; try again") from error


def _affected(index: FloorIndex, locked: LockedRestaurant, now: datetime) -> list[tuple[Booking, str]]:
    """The confirmed bookings whose tables no longer serve them, each with the reason."""
    overridden = locked.overridden
    found = (
        (booking, problem_of(index, booking, now, overridden.get(booking.id, frozenset())))
        for booking in locked.confirmed
    )
    return [(booking, problem) for booking, problem in found if problem is not None]


def _tables_differ(current: StoredLayout | None, document: Mapping[str, Any]) -> bool:
    """May the new document have tables for a party that the old one had none for?"""
    return current is not None and _of_tables(current.document) != _of_tables(document)


def _woken(index: FloorIndex, locked: LockedRestaurant, now: datetime) -> list[ports.WaitingParty]:
    """Those that the floor could seat on an empty day, the first few hundred: the job judges each."""
    return [party for party in locked.waiting if could_ever_sit(index, party, now)][:AT_MOST]


def _of_tables(document: Mapping[str, Any]) -> Mapping[str, Any]:
    return {member: value for member, value in document.items() if member not in _NO_EFFECT_ON_TABLES}


def _reply(
    current: StoredLayout | None,
    stored: Mapping[str, Any],
    version: int,
    affected: Sequence[tuple[Booking, str]],
) -> Reply:
    body = {
        "restaurant": stored,
        "layoutVersion": version,
        "affected": [
            {"bookingId": str(booking.id), "reference": booking.reference, "problem": problem}
            for booking, problem in affected
        ],
    }
    return Reply(200 if current else 201, responses.dumps(body))


def _replaced(
    floor: Floor,
    affected: Sequence[tuple[Booking, str]],
    woken: Sequence[ports.WaitingParty],
    reply: Reply,
    context: RequestContext,
    now: datetime,
) -> ports.Changes:
    """The affected bookings wait for the job, without tables; so do the parties that are ``woken``."""
    correlation, trigger = context.correlation_id, Trigger.LAYOUT_CHANGE
    updates, history, outbox = [], [], []
    for booking, problem in affected:
        version, state = booking.version + 1, State.ASSIGNMENT_PENDING
        pending = replace(booking, state=state, version=version, pinned=False)
        metadata: ports.Json = {"tables": list(booking.tables), "problem": problem}
        updates.append(ports.BookingUpdate(booking, pending))
        history += records.history_rows(pending, [booking.state], context.actor, trigger.value, metadata)
        outbox.append(records.assign_row(pending, trigger, 1, correlation, now))
    return ports.Changes(
        touched_days=[(booking.restaurant_id, booking.service_date) for booking, _ in affected],
        updates=updates,
        release=[booking.id for booking, _ in affected],
        history=history,
        events=events.state_changed(history, floor.restaurant_id, correlation),
        outbox=[
            *outbox,
            *(wake(floor.restaurant_id, each.id, each.version, correlation, now) for each in woken),
        ],
        reply=to_store(context.key, reply),
    )
