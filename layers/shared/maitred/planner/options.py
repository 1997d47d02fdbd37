"""How much of the planner is used. The plain mode is a configuration of the same engine, not another one."""

from dataclasses import dataclass, replace

from maitred.domain.floor import Policy

BEST_FIT = "best_fit"
CONTIGUOUS = "contiguous"
SCARCITY = "scarcity"
PREFERENCE = "preference"
BALANCE = "balance"
REARRANGE = "rearrange"

#: Not for ``PlannerOptions``: the name of what an exact solver found when the planner's own search ran out
#: of time.
EXACT = "exact"

#: In order of priority: among plans of equal score, the first strategy's is taken.
ALL_STRATEGIES = (BEST_FIT, CONTIGUOUS, SCARCITY, PREFERENCE, BALANCE, REARRANGE)


@dataclass(frozen=True, slots=True)
class PlannerOptions:
    """``strategies``: the names of those that may propose. ``max_moves``: None means as the policy says.

    A worker's deep search may allow more moves than the policy.
    """

    strategies: tuple[str, ...] = ALL_STRATEGIES
    max_moves: int | None = None

    def moving_nobody(self) -> "PlannerOptions":
        """The same options, except that no booking is moved."""
        return replace(self, max_moves=0)

    def moves_allowed(self, policy: Policy) -> int:
        """How many bookings one plan may move."""
        if REARRANGE not in self.strategies:
            return 0
        return policy.max_moves if self.max_moves is None else self.max_moves

    @property
    def wide(self) -> bool:
        """Does any strategy look beyond the best fit at the free sets?"""
        return any(name not in (BEST_FIT, REARRANGE) for name in self.strategies)


FULL = PlannerOptions()
PLAIN = PlannerOptions(strategies=(BEST_FIT,), max_moves=0)
