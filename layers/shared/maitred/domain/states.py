"""The booking's state machine (see docs/api.md, States). Guests see its `status`."""

from collections.abc import Mapping
from enum import StrEnum

from maitred.domain.errors import InvalidTransition


class State(StrEnum):
    CREATED = "created"
    ASSIGNMENT_PENDING = "assignment_pending"
    ASSIGNMENT_IN_PROGRESS = "assignment_in_progress"
    CONFIRMED = "confirmed"
    MANUAL_REVIEW = "manual_review"
    SEATED = "seated"
    COMPLETED = "completed"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"
    DECLINED = "declined"

    @property
    def status(self) -> str:
        return "pending" if self in PENDING else self.value


PENDING = frozenset(
    {State.CREATED, State.ASSIGNMENT_PENDING, State.ASSIGNMENT_IN_PROGRESS, State.MANUAL_REVIEW}
)

TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.CREATED: frozenset({State.ASSIGNMENT_IN_PROGRESS, State.ASSIGNMENT_PENDING, State.CANCELLED}),
    State.ASSIGNMENT_PENDING: frozenset(
        {
            State.ASSIGNMENT_IN_PROGRESS,
            State.CONFIRMED,  # by a person
            State.MANUAL_REVIEW,
            State.DECLINED,
            State.CANCELLED,
        }
    ),
    State.ASSIGNMENT_IN_PROGRESS: frozenset(
        {State.CONFIRMED, State.ASSIGNMENT_PENDING, State.MANUAL_REVIEW, State.CANCELLED}
    ),
    State.CONFIRMED: frozenset(
        {
            State.CONFIRMED,  # new tables, same state
            State.ASSIGNMENT_PENDING,
            State.MANUAL_REVIEW,
            State.SEATED,
            State.CANCELLED,
            State.NO_SHOW,
        }
    ),
    State.MANUAL_REVIEW: frozenset(
        {State.ASSIGNMENT_PENDING, State.CONFIRMED, State.DECLINED, State.CANCELLED}
    ),
    State.SEATED: frozenset(
        {
            State.SEATED,  # other tables, another party size, a longer stay
            State.COMPLETED,
            State.CONFIRMED,  # un-seated
        }
    ),
    State.NO_SHOW: frozenset({State.CONFIRMED, State.ASSIGNMENT_PENDING}),
    State.COMPLETED: frozenset({State.SEATED}),
    State.CANCELLED: frozenset(),
    State.DECLINED: frozenset(),
}

STATUSES = tuple(dict.fromkeys(state.status for state in State))


def require_transition(source: State, target: State) -> None:
    """Raise InvalidTransition unless the machine allows ``source -> target``."""
    if target not in TRANSITIONS[source]:
        raise InvalidTransition(f"a booking that is {source.value} cannot become {target.value}")


def states_of(status: str) -> tuple[State, ...]:
    """All states with this status."""
    return tuple(state for state in State if state.status == status)
