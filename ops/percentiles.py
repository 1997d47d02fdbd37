"""Percentiles of durations, as the demo, the load commands and the soak print them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Durations:
    """Percentiles in milliseconds, by nearest rank."""

    name: str
    count: int
    p50: float
    p95: float
    p99: float
    most: float


def percentiles(name: str, values: Sequence[float]) -> Durations:
    """Zeros when there are no values."""
    ordered = sorted(values) or [0.0]

    def at(percent: int) -> float:
        return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]

    return Durations(name, len(values), at(50), at(95), at(99), ordered[-1])
