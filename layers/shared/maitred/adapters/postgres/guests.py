"""Erasing guests' data in PostgreSQL, with everything that was copied from it, in one transaction."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from maitred.adapters.postgres.booking_store import calls_of
from maitred.adapters.postgres.database import Call, Database, Session
from maitred.domain.states import State
from maitred.services import ports
from maitred.services.staff.erasure import GuestBooking, GuestWanted

_BUDGET_MS = 8000
_COPIES = ("erase_messages", "erase_replies", "erase_changes", "erase_reasons")


class PostgresGuests:
    """Implements services.staff.erasure.Guests."""

    def __init__(self, database: Database, source: str) -> None:
        self._db = database
        self._source = source

    @contextmanager
    def locked(self, restaurant_id: str, guest: GuestWanted) -> Iterator["LockedPostgresGuest | None"]:
        restaurant = {"restaurant_id": restaurant_id}
        wanted = {"email": guest.email, "phone": guest.phone, "booking_id": guest.booking_id}
        calls = [Call("has_restaurant", restaurant), Call("lock_bookings_of_guest", restaurant | wanted)]
        with self._db.session(calls, _BUDGET_MS) as session:
            [[(exists,)], found] = session.rows
            bookings = [GuestBooking(own_id, name, State(state), end) for own_id, name, state, end in found]
            locked = LockedPostgresGuest(restaurant_id, bookings, session, self._source)
            yield locked if exists else None


@dataclass(frozen=True, slots=True)
class LockedPostgresGuest:
    """Implements services.staff.erasure.LockedGuest."""

    restaurant_id: str
    bookings: Sequence[GuestBooking]
    session: Session
    source: str

    def erase(self, actor: str) -> int:
        if not self.bookings:
            return 0
        ids = [booking.id for booking in self.bookings]
        [[(letters,)], *_] = self.session.read(_erasure(ids, [self.restaurant_id], actor))
        return int(letters)

    def commit(self, reply: tuple[ports.IdempotencyKey, ports.StoredReply] | None) -> None:
        self.session.commit(calls_of(ports.Changes(reply=reply), self.source))


def erase_long_over(database: Database, before: datetime, limit: int, actor: str) -> int:
    """Erase the guests of up to ``limit`` bookings that ended before ``before``; returns how many."""
    calls = [Call("lock_bookings_long_over", {"before": before, "limit": limit})]
    with database.session(calls, _BUDGET_MS) as session:
        [found] = session.rows
        if found:
            ids, restaurants = [row[0] for row in found], sorted({row[1] for row in found})
            session.commit(_erasure(ids, restaurants, actor))
    return len(found)


def _erasure(booking_ids: Sequence[UUID], restaurant_ids: Sequence[str], actor: str) -> list[Call]:
    """The bookings last: what they release is recorded as a change of each, for who keeps a copy."""
    params = {"booking_ids": list(booking_ids), "restaurant_ids": list(restaurant_ids)}
    return [
        Call("erase_letters", params),
        *(Call(name, params) for name in _COPIES),
        Call("erase_bookings", params | {"actor": actor}),
    ]
