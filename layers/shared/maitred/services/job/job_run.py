"""The data of one job attempt."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from maitred.contracts.messages import AssignMessage
from maitred.domain.booking import Booking
from maitred.planner.floor.index import FloorIndex
from maitred.services.assignment.attempt import Quote
from maitred.services.assignment.budget import Budget
from maitred.services.job.retry_policy import InlineResult
from maitred.services.ports import Lease
from maitred.services.rollout import Conduct


@dataclass(slots=True)
class JobRun:
    """One attempt under way.

    ``booking`` is as this worker holds it after its claim; ``leased``: the claim was committed.
    ``held_until``: when the first live hold of the day that was read last expires.
    """

    message: AssignMessage
    booking: Booking
    budget: Budget
    now: datetime
    attempt_id: UUID
    lease: Lease
    inline: InlineResult | None
    max_attempts: int
    conduct: Conduct
    quotes: list[Quote] = field(default_factory=list)
    index: FloorIndex | None = None
    held_until: datetime | None = None
    db_ms: float = 0.0
    leased: bool = False

    @property
    def number(self) -> int:
        return self.message.attempt
