"""``PUT`` and ``GET /restaurants/{id}``: the floor document, and the guests a new one touches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from maitred.contracts import responses
from maitred.contracts.floor_document import FloorDocument, to_floor
from maitred.domain import errors
from maitred.domain.booking import Booking, Trigger
from maitred.domain.floor import Floor
from maitred.domain.states import State
from maitred.planner.floor.index import FloorIndex, compile_floor
from maitred.services import events, ports
from maitred.services.assignment import records
from maitred.services.assignment.layout_change import problem_of
from maitred.services.assignment.wake import wake
from maitred.services.idempotency import Reply, RequestContext, earlier, to_store
from maitred.services.kit import Kit

_SEATS_NOBODY = frozenset({"name", "locale", "contactEmail"})


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
        """Of bookings still to come: the rules that a person set aside for their tables."""

    @property
    def waiting(self) -> Sequence[tuple[UUID, int]]:
        """Bookings (id, version) still to come that have no tables, oldest first, a bounded number."""

    def replace(
        self, floor: Floor, document: Mapping[str, Any], effects: ports.Effects
    ) -> tuple[ports.SentBy, ...]:
        """Store the layout and apply ``effects``, then commit."""


class Restaurants(Protocol):
    def layout(self, restaurant_id: str) -> StoredLayout | None: ...

    def locked(self, restaurant_id: str, now: datetime) -> Any:
        """A context manager of LockedRestaurant; leaving it without `replace` rolls back."""


class RestaurantService:
    def __init__(self, kit: Kit, restaurants: Restaurants) -> None:
        self._book = kit.book
        self._clock = kit.clock
        self._relay = kit.relay
        self._telemetry = kit.telemetry
        self._restaurants = restaurants

    def read(self, restaurant_id: str) -> StoredLayout:
        stored = self._restaurants.layout(restaurant_id)
        if stored is None:
            raise errors.RestaurantNotFound
        return stored

    def put(
        self, restaurant_id: str, document: FloorDocument, context: RequestContext, *, dry_run: bool
    ) -> Reply:
        """Replace the floor document; confirmed guests whose tables no longer serve go back to the job."""
        answered = earlier(self._book, context.key)
        if answered is not None:
            return answered
        now = self._clock.now()
        try:
            with self._restaurants.locked(restaurant_id, now) as locked:
                return self._replace(locked, restaurant_id, document, context, now, dry_run=dry_run)
        except ports.DuplicateRequest as error:
            raise errors.IdempotencyInProgress from error
        except (ports.Conflict, ports.StaleVersion, ports.LockTimeout) as error:
            raise errors.Overloaded("bookings are being written; try again") from error

    def _replace(
        self,
        locked: LockedRestaurant,
        restaurant_id: str,
        document: FloorDocument,
        context: RequestContext,
        now: datetime,
        *,
        dry_run: bool,
    ) -> Reply:
        stored = document.model_dump(mode="json", by_alias=True)
        version = locked.current.layout_version + 1 if locked.current else 1
        index = compile_floor(to_floor(document, restaurant_id, version))
        affected = _affected(index, locked, now)
        body = {
            "restaurant": stored,
            "layoutVersion": version,
            "affected": [
                {"bookingId": str(booking.id), "reference": booking.reference, "problem": problem}
                for booking, problem in affected
            ],
        }
        reply = Reply(200 if locked.current else 201, responses.dumps(body))
        if dry_run:
            return reply
        effects = self._effects(affected, reply, context, now)
        if _seats_differently(locked.current, stored):
            woken = [wake(restaurant_id, *each, context.correlation_id, now) for each in locked.waiting]
            effects = replace(effects, outbox=[*effects.outbox, *woken])
        sent = locked.replace(index.floor, stored, effects)
        self._telemetry.committed(effects.events)
        self._relay.send_now(sent)
        return reply

    def _effects(
        self, affected: Sequence[tuple[Booking, str]], reply: Reply, context: RequestContext, now: datetime
    ) -> ports.Effects:
        changes, history, told, outbox = [], [], [], []
        for booking, problem in affected:
            steps = records.steps_through((State.CONFIRMED, State.ASSIGNMENT_PENDING), booking.version + 1)
            waiting = replace(booking, state=State.ASSIGNMENT_PENDING, version=booking.version + 1)
            changes.append(
                ports.BookingChange(booking.id, booking.version, waiting.version, waiting.state, pinned=False)
            )
            metadata: ports.Json = {"tables": list(booking.tables), "problem": problem}
            trigger = Trigger.LAYOUT_CHANGE
            history.extend(records.history_rows(booking, steps, context.actor, trigger.value, metadata))
            told.extend(events.state_changed(booking, context.correlation_id, steps, context.actor))
            outbox.append(records.assign_row(waiting, trigger, 1, context.correlation_id, now))
        return ports.Effects(
            touched_days=[(booking.restaurant_id, booking.service_date) for booking, _ in affected],
            changes=changes,
            release=[booking.id for booking, _ in affected],
            history=history,
            events=told,
            outbox=outbox,
            reply=to_store(context.key, reply),
        )


def _seats_differently(current: StoredLayout | None, document: Mapping[str, Any]) -> bool:
    """May the new document seat somebody whom the old one could not? A new name seats nobody."""
    return current is not None and _seating(current.document) != _seating(document)


def _seating(document: Mapping[str, Any]) -> Mapping[str, Any]:
    return {member: value for member, value in document.items() if member not in _SEATS_NOBODY}


def _affected(index: FloorIndex, locked: LockedRestaurant, now: datetime) -> list[tuple[Booking, str]]:
    set_aside = locked.overridden
    found = (
        (booking, problem_of(index, booking, now, set_aside.get(booking.id, frozenset())))
        for booking in locked.confirmed
    )
    return [(booking, problem) for booking, problem in found if problem is not None]
