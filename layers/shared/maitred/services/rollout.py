"""How much of the service a restaurant gets. One restaurant has one conduct, whichever process asks."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from maitred.planner.options import FULL, PLAIN, PlannerOptions


class Pipeline(StrEnum):
    """``off``: the plain planner. ``shadow``: it decides, and the full one says what it would have done."""

    OFF = "off"
    SHADOW = "shadow"
    ON = "on"


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


def plain_path() -> Conduct:
    """What the kill switch leaves: best fit, nobody is moved, a fixed number of attempts."""
    return Conduct(Pipeline.OFF, informed=False)


class Rollout(Protocol):
    def of(self, restaurant_id: str) -> Conduct:
        """Never raises: without flags there are defaults."""


@dataclass(frozen=True, slots=True)
class Everywhere:
    """Every restaurant's conduct is the same."""

    conduct: Conduct = field(default_factory=Conduct)

    def of(self, restaurant_id: str) -> Conduct:  # noqa: ARG002 - it is everybody's
        return self.conduct
