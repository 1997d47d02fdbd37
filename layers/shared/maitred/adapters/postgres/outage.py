"""One sandbox's memory of failed logins, which keeps it from hammering a database that is away."""

from collections.abc import Callable

from maitred.services import ports

_MOST = 3  # failed logins in a row
_PAUSE_SECONDS = 2.0


class Outage:
    """Kept in the process, because a row in the database cannot be read while the database is away."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._failures = 0
        self._until = 0.0

    def check(self) -> None:
        """Raise Unavailable at once during the pause after several failed logins."""
        if self._failures >= _MOST and self._monotonic() < self._until:
            raise ports.Unavailable("cannot connect; the next try comes after a pause")

    def failed(self) -> None:
        self._failures += 1
        self._until = self._monotonic() + _PAUSE_SECONDS

    def over(self) -> None:
        self._failures = 0
