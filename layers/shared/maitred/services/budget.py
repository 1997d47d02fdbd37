"""The time one attempt has: handed to the planner, and to the database as its statements' limit."""

from collections.abc import Iterator

from maitred.services.ports import Clock


class Budget:
    """Counts down ``milliseconds`` from its making. Implements the planner's Deadline."""

    def __init__(self, clock: Clock, milliseconds: float) -> None:
        self.total_ms = milliseconds
        self._clock = clock
        self._began = clock.monotonic()
        self._end = self._began + milliseconds / 1000

    def remaining_ms(self) -> int:
        """Whole milliseconds left, never below 0."""
        return max(0, int((self._end - self._clock.monotonic()) * 1000))

    def part(self, share: float) -> "Budget":
        """A budget of ``share`` (0-1) of what is left of this one."""
        return Budget(self._clock, self.remaining_ms() * share)

    def shares(self, parts: int) -> Iterator["Budget"]:
        """An equal share for each of what the others have left: one cannot use up the time of all."""
        for left in range(parts, 0, -1):
            yield self.part(1 / left)

    def spent_ms(self) -> float:
        return round((self._clock.monotonic() - self._began) * 1000, 3)

    def expired(self) -> bool:
        return self._clock.monotonic() >= self._end
