"""``POST /assignments/process``: have the background job work on one booking, now."""

from dataclasses import replace

from maitred.contracts import responses
from maitred.domain import errors
from maitred.domain.booking import Booking, Trigger
from maitred.domain.states import State
from maitred.services import events, ports
from maitred.services.assignment import records
from maitred.services.idempotency import Reply, RequestContext, earlier, to_store
from maitred.services.kit import Kit

_ASSIGNABLE = frozenset({State.ASSIGNMENT_PENDING, State.ASSIGNMENT_IN_PROGRESS, State.MANUAL_REVIEW})


class ProcessAssignment:
    def __init__(self, kit: Kit) -> None:
        self._book = kit.book
        self._clock = kit.clock
        self._relay = kit.relay
        self._telemetry = kit.telemetry

    def process(self, booking: Booking, trigger: Trigger, context: RequestContext) -> Reply:
        """Raises AssignmentInProgress while a worker holds it, InvalidState if nothing is to assign."""
        answered = earlier(self._book, context.key)
        if answered is not None:
            return answered
        now = self._clock.now()
        if booking.state not in _ASSIGNABLE:
            raise errors.InvalidState(f"the booking is {booking.state.value}")
        if booking.lease_until is not None and booking.lease_until > now:
            raise errors.AssignmentInProgress
        effects, reply = self._effects(booking, trigger, context)
        try:
            sent = self._book.apply(effects)
        except ports.StaleVersion as error:
            raise errors.AssignmentInProgress("the booking is being changed") from error
        except ports.DuplicateRequest as error:
            raise errors.IdempotencyInProgress from error
        self._telemetry.committed(effects.events)
        self._relay.send_now(sent)
        return reply

    def _effects(
        self, booking: Booking, trigger: Trigger, context: RequestContext
    ) -> tuple[ports.Effects, Reply]:
        """A message for the job; out of review, or out of a lease that ran out, by way of pending."""
        now = self._clock.now()
        path = () if booking.state is State.ASSIGNMENT_PENDING else (State.ASSIGNMENT_PENDING,)
        steps = records.steps_through((booking.state, *path), booking.version + 1)
        waiting = replace(booking, state=State.ASSIGNMENT_PENDING, version=booking.version + len(steps))
        change = ports.BookingChange(
            booking.id, booking.version, waiting.version, waiting.state, lease_token=booking.lease_token
        )
        body = {"status": "accepted", "correlationId": context.correlation_id}
        reply = Reply(202, responses.dumps(body))
        effects = ports.Effects(
            changes=[change],
            history=records.history_rows(booking, steps, context.actor, trigger.value, {}),
            events=events.state_changed(booking, context.correlation_id, steps, context.actor),
            outbox=[records.assign_row(waiting, trigger, 1, context.correlation_id, now)],
            reply=to_store(context.key, reply),
        )
        return effects, reply
