"""What can happen to a booking, as clients are told of it."""

from enum import StrEnum


class ChangeType(StrEnum):
    """The names of changes in a restaurant's feed and of the events that webhooks deliver."""

    CREATED = "booking.created"
    CONFIRMED = "booking.confirmed"
    PENDING = "booking.pending"
    MANUAL_REVIEW = "booking.manual_review"
    DECLINED = "booking.declined"
    CHANGED = "booking.changed"
    MOVED = "booking.moved"
    CANCELLED = "booking.cancelled"
    SEATED = "booking.seated"
    COMPLETED = "booking.completed"
    NO_SHOW = "booking.no_show"
    AT_RISK = "booking.at_risk"

    @property
    def stored(self) -> str:
        """As the database writes it."""
        return self.value.removeprefix(_PREFIX)


_PREFIX = "booking."


def change_type_of(name: str) -> ChangeType:
    """From a name with or without its prefix. Raises ValueError."""
    return ChangeType(_PREFIX + name.removeprefix(_PREFIX))
