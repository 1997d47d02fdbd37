"""Minutes since the Unix epoch, UTC: the one unit in which stays are compared (precision: a minute)."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_minutes(moment: datetime) -> int:
    """Whole minutes since the epoch of an aware ``moment``; seconds are cut off."""
    return (moment - _EPOCH) // timedelta(minutes=1)


def from_minutes(minutes: int) -> datetime:
    return _EPOCH + timedelta(minutes=minutes)
