"""A confirmed booking that its tables no longer serve goes back to the job."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from maitred.domain.booking import Booking, Trigger
from maitred.domain.states import State
from maitred.services.assignment import records
from maitred.services.ports import HistoryRow, Json, OutboxRow

#: How far ahead a table that is out of service is taken to stay so.
OUT_OF_SERVICE_HORIZON = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class SentBack:
    """A confirmed booking that goes back to the job without its tables, and what that writes."""

    booking: Booking
    history: tuple[HistoryRow, ...]
    message: OutboxRow


def sent_back(
    before: Booking, wanted: Booking, problem: str, actor: str, correlation_id: str, now: datetime
) -> SentBack:
    """``wanted``: the booking as it is to be from now on, but for its state; often just ``before``."""
    trigger, state = Trigger.LAYOUT_CHANGE, State.ASSIGNMENT_PENDING
    pending = replace(wanted, state=state, version=before.version + 1, pinned=False, tables=(), zone=None)
    metadata: Json = {"tables": list(before.tables), "problem": problem}
    history = records.history_rows(pending, [before.state], actor, trigger.value, metadata)
    message = records.assign_row(pending, trigger, 1, correlation_id, now)
    return SentBack(pending, tuple(history), message)
