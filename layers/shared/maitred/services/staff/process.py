"""``POST /assignments/process``: have the background job work on one booking, now."""

from dataclasses import replace
from datetime import datetime

from maitred.contracts import responses
from maitred.domain import errors
from maitred.domain.booking import Booking, Trigger
from maitred.domain.states import State
from maitred.services import events, ports
from maitred.services.assignment import records
from maitred.services.dependencies import Dependencies
from maitred.services.idempotency import Reply, RequestContext, stored_reply, to_store
from maitred.services.unit_of_work import commit

_ASSIGNABLE = frozenset({State.ASSIGNMENT_PENDING, State.ASSIGNMENT_IN_PROGRESS, State.MANUAL_REVIEW})


class ProcessAssignment:
    def __init__(self, deps: Dependencies) -> None:
        self._deps = deps

    def process(self, booking: Booking, trigger: Trigger, context: RequestContext) -> Reply:
        """Queue the booking for the job.

        Raises AssignmentInProgress while a worker has it, InvalidState if it waits for no tables,
        IdempotencyInProgress if a duplicate of this request has just committed.
        """
        answered = stored_reply(self._deps.store, context.key)
        if answered is not None:
            return answered
        now = self._deps.clock.now()
        if booking.state not in _ASSIGNABLE:
            raise errors.InvalidState(f"the booking is {booking.state.value}")
        if booking.lease_until is not None and booking.lease_until > now:
            raise errors.AssignmentInProgress
        changes, reply = _queued(booking, trigger, context, now)
        try:
            commit(self._deps, changes)
        except ports.StaleVersion as error:
            raise errors.AssignmentInProgress("the booking is being changed") from error
        except ports.DuplicateRequest as error:
            raise errors.IdempotencyInProgress from error
        return reply


def _queued(
    before: Booking, trigger: Trigger, context: RequestContext, now: datetime
) -> tuple[ports.Changes, Reply]:
    """A message for the job; a booking in review, or with a lease that ran out, is pending again."""
    through = () if before.state is State.ASSIGNMENT_PENDING else (before.state,)
    pending = replace(before, state=State.ASSIGNMENT_PENDING, version=before.version + len(through))
    history = records.history_rows(pending, through, context.actor, trigger.value, {})
    reply = Reply(202, responses.dumps({"status": "accepted", "correlationId": context.correlation_id}))
    changes = ports.Changes(
        updates=[ports.BookingUpdate(before, pending, lease_token=before.lease_token)],
        history=history,
        events=events.state_changed(history, before.restaurant_id, context.correlation_id),
        outbox=[records.assign_row(pending, trigger, 1, context.correlation_id, now)],
        reply=to_store(context.key, reply),
    )
    return changes, reply
