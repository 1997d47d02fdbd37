"""``POST /restaurants/{r}/guests/erase``: a guest's data goes; figures, times and tables stay."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from maitred.contracts import responses
from maitred.domain.errors import RestaurantNotFound, UpcomingBooking
from maitred.domain.states import State
from maitred.services.dependencies import Dependencies
from maitred.services.idempotency import Reply, RequestContext, to_store
from maitred.services.ports import IdempotencyKey, StoredReply
from maitred.services.unit_of_work import once

_ENDED = frozenset({State.COMPLETED, State.CANCELLED, State.DECLINED, State.NO_SHOW})


@dataclass(frozen=True, slots=True)
class GuestWanted:
    """Who is meant, by one of the three. ``booking_id``: whose mail or phone that booking has."""

    email: str | None = None
    phone: str | None = None
    booking_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class GuestBooking:
    id: UUID
    reference: str
    state: State
    end_at: datetime

    def is_upcoming(self, now: datetime) -> bool:
        """Is the guest still expected, or at a table, however long?"""
        return self.state not in _ENDED and (self.end_at > now or self.state is State.SEATED)


class LockedGuest(Protocol):
    """All bookings of a guest in one restaurant, which nobody changes until the transaction ends."""

    @property
    def bookings(self) -> Sequence[GuestBooking]: ...

    def erase(self, actor: str) -> int:
        """Erase the data of all these bookings and what was copied from it; returns how many letters."""

    def commit(self, reply: tuple[IdempotencyKey, StoredReply] | None) -> None: ...


class Guests(Protocol):
    def locked(self, restaurant_id: str, guest: GuestWanted) -> AbstractContextManager[LockedGuest | None]:
        """A transaction, rolled back unless it is committed; None if there is no such restaurant."""


class Erasure:
    def __init__(self, deps: Dependencies, guests: Guests) -> None:
        self._deps = deps
        self._guests = guests

    def erase(self, restaurant_id: str, guest: GuestWanted, context: RequestContext) -> Reply:
        """All of it or nothing; a second time, and for a guest whom nobody knows, there is nothing to do.

        Raises RestaurantNotFound, UpcomingBooking.
        """
        return once(self._deps, context, lambda: self._erase(restaurant_id, guest, context))

    def _erase(self, restaurant_id: str, guest: GuestWanted, context: RequestContext) -> Reply:
        now = self._deps.clock.now()
        with self._guests.locked(restaurant_id, guest) as found:
            if found is None:
                raise RestaurantNotFound
            _require_none_upcoming(found.bookings, now)
            letters = found.erase(context.actor)
            reply = Reply(200, responses.dumps({"bookings": len(found.bookings), "letters": letters}))
            found.commit(to_store(context.key, reply))
        return reply


def _require_none_upcoming(bookings: Sequence[GuestBooking], now: datetime) -> None:
    upcoming = [booking for booking in bookings if booking.is_upcoming(now)]
    if upcoming:
        named = [{"bookingId": str(each.id), "reference": each.reference} for each in upcoming]
        references = ", ".join(each.reference for each in upcoming[:3])
        raise UpcomingBooking(f"Cancel or complete first: {references}", {"bookings": named})
