"""``POST /assignments/process``: have the background job work on one booking, now."""

from maitred.domain.states import State
from maitred.services.kit import Kit

_ASSIGNABLE = frozenset({State.ASSIGNMENT_PENDING, State.ASSIGNMENT_IN_PROGRESS, State.MANUAL_REVIEW})


class ProcessAssignment:
    def __init__(self, kit: Kit) -> None:
        self._book = kit.book
        self._clock = kit.clock
        self._relay = kit.relay
        self._telemetry = kit.telemetry
