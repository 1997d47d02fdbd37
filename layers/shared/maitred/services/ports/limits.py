"""How much of the service one caller or one restaurant may use, counted over all sandboxes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bucket:
    """A token bucket: ``burst`` at once, ``per_second`` in the long run."""

    per_second: float
    burst: int


@dataclass(frozen=True, slots=True)
class Limits:
    """``restaurant``, ``in_flight``: of its attempts to seat parties; None where none are made.

    ``client``: changes and attempts of each API client; None where none calls.
    """

    restaurant: Bucket | None = None
    in_flight: int = 0
    client: Bucket | None = None


@dataclass(frozen=True, slots=True)
class TokensLeft:
    """What is left in a client's bucket: ``tokens`` now, and all of them ``full_in_seconds`` from now."""

    bucket: Bucket
    tokens: int
    full_in_seconds: float
