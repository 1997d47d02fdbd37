"""How much of the service a restaurant gets. One restaurant has one conduct, whichever process asks."""

from collections.abc import Callable, Mapping
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


_STANDARD, _INFORMED = "standard", "informed"
VALUES: Mapping[Flag, tuple[str | bool, ...]] = {
    Flag.KILL_SWITCH: (True, False),
    Flag.PIPELINE: (Pipeline.OFF.value, Pipeline.SHADOW.value, Pipeline.ON.value),
    Flag.RETRIES: (_STANDARD, _INFORMED),
    Flag.CACHE: (True, False),
}

#: What held for an attempt, by the flag's name; a flag that the attempt does not heed is not there.
type Held = Mapping[str, str | bool]
#: Nothing did: a person chose, or nobody asked.
NONE_HELD: Held = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Conduct:
    """``informed``: reasons may reduce the job's attempts. ``keeps_floors``: are compiled floors kept?"""

    pipeline: Pipeline = Pipeline.ON
    informed: bool = True
    keeps_floors: bool = True

    @property
    def options(self) -> PlannerOptions:
        """Of the planner that decides."""
        return FULL if self.pipeline is Pipeline.ON else PLAIN

    @property
    def held_inline(self) -> Held:
        """What a request heeds: it is tried once."""
        return {Flag.PIPELINE.value: self.pipeline.value, Flag.CACHE.value: self.keeps_floors}

    @property
    def held_by_job(self) -> Held:
        return {**self.held_inline, Flag.RETRIES.value: _INFORMED if self.informed else _STANDARD}


def plain_path() -> Conduct:
    """What the kill switch leaves: best fit, nobody is moved, a fixed number of attempts."""
    return Conduct(Pipeline.OFF, informed=False)


type ConductOf = Callable[[str], Conduct]


def everything(_restaurant_id: str) -> Conduct:
    return Conduct()


class Rollout(Protocol):
    def of(self, restaurant_id: str) -> Conduct:
        """Never raises: without flags there are defaults."""


@dataclass(frozen=True, slots=True)
class Everywhere:
    """Every restaurant's conduct is the same."""

    conduct: Conduct = field(default_factory=Conduct)

    def of(self, restaurant_id: str) -> Conduct:  # noqa: ARG002 - it is everybody's
        return self.conduct
