"""How much of the planner is used. The plain mode is a configuration of the same engine, not another one."""

from dataclasses import dataclass, replace

from maitred.domain.floor import Policy

BEST_FIT = "best_fit"
CONTIGUOUS = "contiguous"
SCARCITY = "scarcity"
PREFERENCE = "preference"
BALANCE = "balance"
REARRANGE = "rearrange"

#: Not one to choose: what an exact solver found where the planner's own search had no more time.
EXACT = "exact"

#: In order of priority: among plans of equal score the first one's is taken.
ALL_STRATEGIES = (BEST_FIT, CONTIGUOUS, SCARCITY, PREFERENCE, BALANCE, REARRANGE)


@dataclass(frozen=True, slots=True)
class PlannerOptions:
    """``strategies``: those that may propose. ``max_moves``: at most so many; None: as the policy says.

    A worker's deep search may ask for more moves than a policy can.
    """

    strategies: tuple[str, ...] = ALL_STRATEGIES
    max_moves: int | None = None

    def moving_nobody(self) -> "PlannerOptions":
        """The same, but that no booking is given other tables."""
        return replace(self, max_moves=0)

    def moves_allowed(self, policy: Policy) -> int:
        """How many bookings one plan may move."""
        if REARRANGE not in self.strategies:
            return 0
        return policy.max_moves if self.max_moves is None else self.max_moves


FULL = PlannerOptions()
PLAIN = PlannerOptions(strategies=(BEST_FIT,), max_moves=0)
