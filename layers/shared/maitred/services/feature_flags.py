"""Feature flags: how much of the service a restaurant gets, the same whichever process asks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from maitred.planner.options import FULL, PLAIN, PlannerOptions


class Pipeline(StrEnum):
    """``off``: the plain planner. ``shadow``: it decides, and the full one says what it would have done."""

    OFF = "off"
    SHADOW = "shadow"
    ON = "on"


class Flag(StrEnum):
    """The flags' names. ``KILL_SWITCH`` beats all others."""

    KILL_SWITCH = "kill_switch"
    PIPELINE = "assignment_pipeline"
    RETRIES = "retry_policy"
    CACHE = "planner_cache"
    OPTIMIZER = "day_optimizer"


_STANDARD, _INFORMED = "standard", "informed"
VALUES: Mapping[Flag, tuple[str | bool, ...]] = {
    Flag.KILL_SWITCH: (True, False),
    Flag.PIPELINE: (Pipeline.OFF.value, Pipeline.SHADOW.value, Pipeline.ON.value),
    Flag.RETRIES: (_STANDARD, _INFORMED),
    Flag.CACHE: (True, False),
    Flag.OPTIMIZER: (True, False),
}

#: The flags of an attempt, by name, as they are stored with it; a flag that it does not heed is not there.
type RecordedFlags = Mapping[str, str | bool]
#: A person chose, or no flag was asked.
NO_FLAGS: RecordedFlags = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class FeatureFlags:
    """``informed``: reasons may reduce the job's attempts. ``keeps_floors``: are compiled floors kept?

    ``optimizes``: are services seated anew?
    """

    pipeline: Pipeline = Pipeline.ON
    informed: bool = True
    keeps_floors: bool = True
    optimizes: bool = True

    @property
    def options(self) -> PlannerOptions:
        """Of the planner that decides."""
        return FULL if self.pipeline is Pipeline.ON else PLAIN

    @property
    def recorded_inline(self) -> RecordedFlags:
        """The flags that a request heeds; it is tried once, so no retry policy is among them."""
        return {Flag.PIPELINE.value: self.pipeline.value, Flag.CACHE.value: self.keeps_floors}

    @property
    def recorded_by_job(self) -> RecordedFlags:
        return {**self.recorded_inline, Flag.RETRIES.value: _INFORMED if self.informed else _STANDARD}


def plain_path() -> FeatureFlags:
    """What the kill switch leaves: best fit, no moves, a fixed number of attempts."""
    return FeatureFlags(Pipeline.OFF, informed=False, optimizes=False)


class FlagSource(Protocol):
    def flags_for(self, restaurant_id: str) -> FeatureFlags:
        """Never raises: without flags there are defaults."""


@dataclass(frozen=True, slots=True)
class SameFlags:
    """Every restaurant has the same flags."""

    flags: FeatureFlags = field(default_factory=FeatureFlags)

    def flags_for(self, restaurant_id: str) -> FeatureFlags:  # noqa: ARG002 - they are everybody's
        return self.flags
