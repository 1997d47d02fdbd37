"""The background job: one message, one attempt, one summary, on every exit.

A planner outcome is never an exception: the next attempt is a new, delayed message. Only faults leave
as exceptions; the queue delivers the message again and parks it in the dead-letter queue after five.
"""

from dataclasses import dataclass

from maitred.services.kit import Kit
from maitred.services.planning import Floors, Planning
from maitred.services.seating import Seating

_GRACE_MS = 5000  # for writing an outcome once the attempt's budget is over


class JobFault(Exception):
    """This attempt broke; the queue shall deliver the message again."""


@dataclass(frozen=True, slots=True)
class JobLimits:
    """``budget_ms``: of one attempt. ``lease_seconds``: how long this worker may hold the booking."""

    max_attempts: int
    budget_ms: int
    lease_seconds: int


class AssignJob:
    def __init__(
        self, kit: Kit, floors: Floors, seating: Seating, planning: Planning, limits: JobLimits
    ) -> None:
        self._book = kit.book
        self._clock = kit.clock
        self._ids = kit.ids
        self._relay = kit.relay
        self._telemetry = kit.telemetry
        self._floors = floors
        self._seating = seating
        self._planning = planning
        self._limits = limits
