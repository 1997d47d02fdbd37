"""A restaurant's feature flags, unless the stage's settings decide for all restaurants."""

from collections.abc import Callable
from dataclasses import dataclass

from maitred import config
from maitred.services.feature_flags import FeatureFlags, FlagSource, Pipeline, SameFlags


def flag_source(
    settings: config.PlanningSettings,
    monotonic: Callable[[], float],
    *,
    cache: str = "on",
    retries: str = "informed",
    optimizer: str = "on",
) -> FlagSource:
    """A setting that is ``flag`` is left to the flags; if none is, no flag is ever read."""
    place = (settings.flags_application, settings.flags_environment, settings.flags_profile)
    stage = _StageFlags(settings.assignment_pipeline, retries, cache, optimizer, _LazyFlags(place, monotonic))
    if "flag" not in (stage.pipeline, stage.retries, stage.cache, stage.optimizer):
        return SameFlags(stage.applied_to(FeatureFlags()))
    return stage


@dataclass(frozen=True, slots=True)
class _StageFlags:
    """The stage's settings; ``flag``: as the restaurant's flags say, which ``source`` has."""

    pipeline: str
    retries: str
    cache: str
    optimizer: str
    source: FlagSource

    def flags_for(self, restaurant_id: str) -> FeatureFlags:
        return self.applied_to(self.source.flags_for(restaurant_id))

    def applied_to(self, flags: FeatureFlags) -> FeatureFlags:
        return FeatureFlags(
            pipeline=flags.pipeline if self.pipeline == "flag" else Pipeline(self.pipeline),
            informed=flags.informed if self.retries == "flag" else self.retries == "informed",
            keeps_floors=flags.keeps_floors if self.cache == "flag" else self.cache == "on",
            optimizes=flags.optimizes if self.optimizer == "flag" else self.optimizer == "on",
        )


class _LazyFlags:
    """Loaded at the first question: Powertools' flags bring all of AWS's clients with them."""

    def __init__(self, place: tuple[str, str, str], monotonic: Callable[[], float]) -> None:
        self._place = place
        self._monotonic = monotonic
        self._source: FlagSource | None = None

    def flags_for(self, restaurant_id: str) -> FeatureFlags:
        if self._source is None:
            from maitred.adapters import flags  # noqa: PLC0415 - see above

            read = flags.from_appconfig(*self._place) if all(self._place) else flags.packaged
            self._source = flags.PowertoolsFlags(flags.KeptFlags(read, flags.packaged(), self._monotonic))
        return self._source.flags_for(restaurant_id)
