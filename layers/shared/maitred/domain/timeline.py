"""Minutes since the Unix epoch, UTC: the unit of all comparisons between stays."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_minutes(moment: datetime) -> int:
    """Whole minutes from the epoch to ``moment``, which must be aware. Seconds are dropped."""
    return (moment - _EPOCH) // timedelta(minutes=1)


def from_minutes(minutes: int) -> datetime:
    return _EPOCH + timedelta(minutes=minutes)
