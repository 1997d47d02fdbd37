"""What making a hold and giving one back write. Data in, data out."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from maitred.contracts import responses
from maitred.domain.hold import Hold
from maitred.services import ports
from maitred.services.assignment.attempt import Attempt, Outcome
from maitred.services.assignment.moves import held_allocations
from maitred.services.booking import outcome
from maitred.services.booking.outcome import Seat
from maitred.services.booking.request import DayReading, InlineRun
from maitred.services.idempotency import Reply, RequestContext, to_store

_CREATED, _NO_CONTENT = 201, 204


def made(
    run: InlineRun, reading: DayReading, seat: Seat, hold_id: UUID
) -> tuple[ports.Effects, Reply, Attempt]:
    """The hold, its tables in the ledger, and the reply. No booking, so no history and no attempt row."""
    attempt = outcome.attempt_of(run, Outcome.CONFIRMED, None, reading.index.floor.policy)
    hold = _hold(run, reading, seat, hold_id)
    reply = Reply(_CREATED, responses.dumps(responses.hold_json(hold)))
    effects = ports.Effects(
        claim=seat.claim,
        new_hold=hold,
        allocations=held_allocations(reading.index, seat.plan, hold.id, reading.window),
        events=outcome.events_of(run, attempt, None, email_skipped=True),
        reply=to_store(run.context.key, reply),
    )
    return effects, reply, attempt


def given_back(
    hold: Hold, context: RequestContext, woken: Sequence[ports.OutboxRow]
) -> tuple[ports.Effects, Reply]:
    """The hold ends now and its tables are free; who waits for some is told."""
    reply = nothing()
    effects = ports.Effects(
        touched_days=[(hold.restaurant_id, hold.service_date)],
        drop_hold=hold.id,
        outbox=woken,
        reply=to_store(context.key, reply),
    )
    return effects, reply


def nothing() -> Reply:
    """There is nothing to say about a hold that is over."""
    return Reply(_NO_CONTENT, "")


def _hold(run: InlineRun, reading: DayReading, seat: Seat, hold_id: UUID) -> Hold:
    window, floor = reading.window, reading.index.floor
    return Hold(
        id=hold_id,
        restaurant_id=run.wish.restaurant_id,
        party_size=run.wish.party_size,
        start_at=window.start,
        end_at=window.end,
        service_id=window.service.id,
        service_date=window.service_date,
        expires_at=run.now + timedelta(seconds=floor.policy.hold_seconds),
        timezone=floor.timezone.key,
        layout_version=floor.layout_version,
        tables=seat.plan.tables,
    )
