"""What can go wrong with the store."""


class StoreError(Exception):
    """Base of all failures of the store. Nothing of the unit of work was written unless said otherwise."""


class Unavailable(StoreError):
    """The database cannot be reached or is shutting down; what was sent may or may not have committed."""


class DeadlinePassed(StoreError):
    """The budget ended first: a statement or the commit came too late."""


class LockTimeout(StoreError):
    """Another transaction held what was needed for too long."""


class Conflict(StoreError):
    """A race was lost: the day, the layout or the ledger changed since the snapshot was read."""


class ReferenceTaken(StoreError):
    """The random booking reference exists already in this restaurant."""


class NotAdmitted(StoreError):
    """Nothing was tried. ``wait_seconds``: after which it makes sense to ask again."""

    def __init__(self, wait_seconds: float) -> None:
        super().__init__(f"in {wait_seconds:.1f} s")
        self.wait_seconds = wait_seconds


class RateLimited(NotAdmitted):
    """The client or the restaurant takes more than its share."""


class CircuitOpen(NotAdmitted):
    """What the attempt depends on keeps failing."""


class StaleVersion(StoreError):
    """The booking has changed since it was read."""


class DuplicateRequest(StoreError):
    """A twin with the same Idempotency-Key has committed meanwhile."""


class HoldGone(StoreError):
    """The hold has expired, was used or was given back since it was read."""
