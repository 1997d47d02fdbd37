"""Every minute: stuck and lost bookings, tables still out of service, urgent reviews, retention."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from maitred.domain.booking import Booking, MailKind, Trigger
from maitred.domain.states import State
from maitred.services import events, ports
from maitred.services.assignment import records
from maitred.services.assignment.sent_back import OUT_OF_SERVICE_HORIZON, sent_back
from maitred.services.dependencies import Dependencies
from maitred.services.unit_of_work import commit
from maitred.services.upkeep.rooms import RoomUpkeep

logger = logging.getLogger(__name__)

ACTOR = "maintain"
CLOCK = "clock"  # the actor where only the time has passed
UNANSWERED = "unanswered_at_start"
_SWEEPS = 3  # a booking whose worker died this often goes to manual review
_BATCH = 200
_LEARN_AGAIN = timedelta(days=1)
_LEARN_AT_ONCE = 20  # restaurants a minute: a thousand restaurants in less than an hour
LOST_AFTER = timedelta(minutes=20)  # longer than the longest back-off: its message must be gone


@dataclass(frozen=True, slots=True)
class Retention:
    """In days; ``events`` are dropped by whole months, once all of a month is that old.

    ``guests``: after the visit.
    """

    idempotency: int
    events: int
    outbox: int
    changes: int
    guests: int


@dataclass(frozen=True, slots=True)
class MaintenanceRules:
    """``grace``: how long after its lease's end a booking is taken back from its worker.

    ``alert``: how near its start the restaurant is mailed about a booking in manual review.
    """

    retention: Retention
    grace: timedelta
    alert: timedelta


class Maintenance(Protocol):
    """Every method may raise StoreError."""

    def stuck(self, before: datetime, limit: int) -> Sequence[tuple[Booking, int]]:
        """Bookings in progress whose lease ended before ``before``, and how often that happened to them."""

    def lost(self, before: datetime, now: datetime, limit: int) -> Sequence[Booking]:
        """Pending bookings untouched since ``before`` without an unsent message, at most a day past."""

    def count_reviews(self, now: datetime, until: datetime) -> tuple[int, int]:
        """Bookings in manual review: all of them, and those that start before ``until``."""

    def unnotified(self, now: datetime, until: datetime, limit: int) -> Sequence[tuple[Booking, str]]:
        """Bookings in manual review that start before ``until`` and that the restaurant was not mailed
        about, with its address."""

    def unanswered(self, now: datetime, limit: int) -> Sequence[Booking]:
        """Bookings without tables whose start has come, the earliest first."""

    def at_broken_tables(self, now: datetime, until: datetime, limit: int) -> Sequence[Booking]:
        """Confirmed bookings that start before ``until`` at a table that is out of service, soonest first."""

    def learn_demand(self, now: datetime, before: datetime, limit: int) -> int:
        """Learn the demand of restaurants for which that was last done before ``before``; how many."""

    def prune(self, now: datetime, retention: Retention) -> int:
        """Delete what is past its retention, but no events; returns how many rows."""

    def wake_webhooks(self, now: datetime, correlation_id: str, limit: int) -> int:
        """Queue a message for webhooks that have waited for a minute; returns how many."""

    def rotate_event_months(self, now: datetime, days: int) -> int:
        """Make room for the events of the months ahead, drop the months that ended more than ``days`` ago.

        Returns how many were dropped.
        """

    def erase_guests(self, before: datetime, limit: int, actor: str) -> int:
        """Erase the data of guests whose visit ended before ``before``; returns of how many bookings."""

    def prune_limits(self) -> None:
        """Delete rows that no longer change any answer of the limits."""


class Maintain:
    def __init__(
        self, deps: Dependencies, maintenance: Maintenance, rules: MaintenanceRules, rooms: RoomUpkeep
    ) -> None:
        self._deps = deps
        self._rooms = rooms
        self._maintenance = maintenance
        self._rules = rules

    def run(self, correlation_id: str) -> dict[str, int]:
        """Do the minute's work; returns how much was done, by name. Raises StoreError."""
        now = self._deps.clock.now()
        rooms = self._rooms.run(now, correlation_id)  # first: somebody is about to come
        self._maintenance.prune_limits()
        done = {
            **rooms,
            "eventMonthsDropped": self._maintenance.rotate_event_months(now, self._rules.retention.events),
            "pruned": self._maintenance.prune(now, self._rules.retention),
            "returned": self._return_stuck(now, correlation_id),
            "declined": self._decline_unanswered(now, correlation_id),
            "requeued": self._requeue_lost(now, correlation_id),
            "sentBack": self._leave_broken_tables(now, correlation_id),
            "webhooksWoken": self._maintenance.wake_webhooks(now, correlation_id, _BATCH),
            "raised": self._raise_urgent(now, correlation_id),
            "learnt": self._maintenance.learn_demand(now, now - _LEARN_AGAIN, _LEARN_AT_ONCE),
            "erased": self._maintenance.erase_guests(
                now - timedelta(days=self._rules.retention.guests), _BATCH, CLOCK
            ),
        }
        open_cases, urgent = self._maintenance.count_reviews(now, now + self._rules.alert)
        self._deps.telemetry.count("ManualReviewOpen", open_cases)
        if urgent:
            logger.error("%d bookings start soon and still wait for a person", urgent)
        return done | {"manualReviewOpen": open_cases, "manualReviewUrgent": urgent}

    def _return_stuck(self, now: datetime, correlation_id: str) -> int:
        """No worker took the lease over in time: the message is gone, or in the dead-letter queue."""
        stuck = self._maintenance.stuck(now - self._rules.grace, _BATCH)
        return sum(self._return_one(booking, sweeps, now, correlation_id) for booking, sweeps in stuck)

    def _return_one(self, booking: Booking, sweeps: int, now: datetime, correlation_id: str) -> bool:
        target = State.MANUAL_REVIEW if sweeps + 1 >= _SWEEPS else State.ASSIGNMENT_PENDING
        after = replace(booking, state=target, version=booking.version + 1)
        history = records.history_rows(after, [booking.state], ACTOR, "lease_expired", {})
        message = records.assign_row(after, Trigger.RETRY, sweeps + 2, correlation_id, now)
        changes = ports.Changes(
            updates=[ports.BookingUpdate(booking, after, lease_token=booking.lease_token)],
            history=history,
            events=events.state_changed(history, booking.restaurant_id, correlation_id),
            outbox=[message] if target is State.ASSIGNMENT_PENDING else [],
        )
        return self._commit(changes)

    def _requeue_lost(self, now: datetime, correlation_id: str) -> int:
        """Pending bookings whose message got lost. A second message does no harm: its version is stale."""
        done = 0
        for booking in self._maintenance.lost(now - LOST_AFTER, now, _BATCH):
            message = records.assign_row(booking, Trigger.RETRY, 1, correlation_id, now)
            unchanged = ports.BookingUpdate(booking, booking)
            done += self._commit(ports.Changes(updates=[unchanged], outbox=[message]))
        return done

    def _leave_broken_tables(self, now: datetime, correlation_id: str) -> int:
        """A day ahead a table that is out of service is no longer taken to be back in time.

        The booking is confirmed no more, so it is found once.
        """
        until = now + OUT_OF_SERVICE_HORIZON
        found = self._maintenance.at_broken_tables(now, until, _BATCH)
        return sum(self._leave_table(booking, now, correlation_id) for booking in found)

    def _leave_table(self, booking: Booking, now: datetime, correlation_id: str) -> bool:
        problem = "A table of this booking is out of service, and the stay is less than a day ahead"
        back = sent_back(booking, booking, problem, ACTOR, correlation_id, now)
        changes = ports.Changes(
            touched_days=[(booking.restaurant_id, booking.service_date)],
            updates=[ports.BookingUpdate(booking, back.booking, tables=booking.tables)],
            release=[booking.id],
            history=back.history,
            events=events.state_changed(back.history, booking.restaurant_id, correlation_id),
            outbox=[back.message],
        )
        return self._commit(changes)

    def _raise_urgent(self, now: datetime, correlation_id: str) -> int:
        """Mail the restaurant, once a request, about bookings that need a person and start soon."""
        urgent = self._maintenance.unnotified(now, now + self._rules.alert, _BATCH)
        return sum(self._raise_one(booking, to, now, correlation_id) for booking, to in urgent)

    def _raise_one(self, booking: Booking, to: str, now: datetime, correlation_id: str) -> bool:
        unchanged, ids = ports.BookingUpdate(booking, booking), self._deps.ids
        notifications, outbox = records.mail(booking, MailKind.ATTENTION, correlation_id, ids, now, to)
        return self._commit(ports.Changes(updates=[unchanged], notifications=notifications, outbox=outbox))

    def _decline_unanswered(self, now: datetime, correlation_id: str) -> int:
        """Nobody has answered by the time the guests were to come: they are told that there is no table."""
        done = 0
        for booking in self._maintenance.unanswered(now, _BATCH):
            ids = self._deps.ids
            changes, _ = records.declined(booking, CLOCK, UNANSWERED, correlation_id, ids, now)
            done += self._commit(changes)
        return done

    def _commit(self, changes: ports.Changes) -> bool:
        try:
            commit(self._deps, changes)
        except (ports.StaleVersion, ports.Conflict, ports.LockTimeout, ports.DeadlinePassed):
            return False  # somebody took care of it, or it is tried again in a minute: the others are due now
        return True
