"""How much of the house one caller or one restaurant may take. Counted for all sandboxes together."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bucket:
    """A token bucket: ``burst`` at once, ``per_second`` in the long run."""

    per_second: float
    burst: int


@dataclass(frozen=True, slots=True)
class Limits:
    """``in_flight``: attempts at the same time. ``client``: of each API client; None where none calls."""

    restaurant: Bucket
    in_flight: int
    client: Bucket | None = None
