"""Which restaurant gets how much of the service: by flags, unless the stage's settings say it for all."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from maitred import config
from maitred.services.rollout import Conduct, Everywhere, Pipeline, Rollout


def rollout_of(
    settings: config.PlanningSettings,
    monotonic: Callable[[], float],
    *,
    cache: str = "on",
    retries: str = "informed",
) -> Rollout:
    """What is ``flag`` is left to the flags. Where nothing is, no flag is ever read."""
    pipeline = settings.assignment_pipeline
    if "flag" in (pipeline, retries, cache):
        place = (settings.flags_application, settings.flags_environment, settings.flags_profile)
        return _Overridden(_Flags(place, monotonic), pipeline, retries, cache)
    return Everywhere(_override(Conduct(), pipeline, retries, cache))


class _Flags:
    """Loaded when first asked: Powertools' flags bring all of AWS's clients with them."""

    def __init__(self, place: tuple[str, str, str], monotonic: Callable[[], float]) -> None:
        self._place = place
        self._monotonic = monotonic
        self._rollout: Rollout | None = None

    def of(self, restaurant_id: str) -> Conduct:
        if self._rollout is None:
            from maitred.adapters import flags  # noqa: PLC0415 - see above

            read = flags.from_appconfig(*self._place) if all(self._place) else flags.packaged
            self._rollout = flags.FlagRollout(flags.KeptFlags(read, flags.packaged(), self._monotonic))
        return self._rollout.of(restaurant_id)


@dataclass(frozen=True, slots=True)
class _Overridden:
    flags: Rollout
    pipeline: str
    retries: str
    cache: str

    def of(self, restaurant_id: str) -> Conduct:
        return _override(self.flags.of(restaurant_id), self.pipeline, self.retries, self.cache)


def _override(conduct: Conduct, pipeline: str, retries: str, cache: str) -> Conduct:
    if pipeline != "flag":
        conduct = replace(conduct, pipeline=Pipeline(pipeline))
    if retries != "flag":
        conduct = replace(conduct, informed=retries == "informed")
    if cache != "flag":
        conduct = replace(conduct, keeps_floors=cache == "on")
    return conduct
