"""What was answered about a day within the last second: good as long as nothing about the day has changed."""

from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from maitred.domain.floor import Floor
from maitred.domain.windows import service_day
from maitred.planner.floor.index import FloorIndex
from maitred.services.ports import DayRevisions, Json

_SECONDS = 1.0
_KEPT = 512
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class AnsweredDay:
    """The slots of a day as its ledger was at ``as_of``.

    ``revision``: of the day then. ``first_expiry``: when the first of its live holds ends. ``final``: all was
    decided, and no stay of another day can reach into this one.
    """

    index: FloorIndex
    revision: int
    as_of: datetime
    first_expiry: datetime | None
    slots: list[Json]
    final: bool

    def still_holds(self, day: date, revisions: DayRevisions) -> bool:
        """Are the layout and the day those that it was answered from?"""
        same_floor = revisions.layout_version == self.index.floor.layout_version
        return same_floor and revisions.of_days.get(day, 0) == self.revision


class RecentDays:
    """A bounded number of answered days, each for a second, and never into the next minute.

    All that time alone changes does so on the minute, but the end of a hold. A change of the ledger has to be
    looked for in the database: see `AnsweredDay.still_holds`.
    """

    def __init__(self) -> None:
        self._days: OrderedDict[tuple[Hashable, date], tuple[AnsweredDay, float]] = OrderedDict()

    def keep(self, question: Hashable, day: date, answer: AnsweredDay, monotonic: float) -> None:
        """``question``: all that the answer depends on beside the day."""
        if not answer.final:
            return
        self._days[question, day] = answer, monotonic + _SECONDS
        self._days.move_to_end((question, day))
        while len(self._days) > _KEPT:
            self._days.popitem(last=False)

    def find(
        self, question: Hashable, days: Iterable[date], now: datetime, monotonic: float
    ) -> dict[date, AnsweredDay] | None:
        """The answers to the question for all of these days; None if one is missing."""
        found = {}
        for day in days:
            answer, ends = self._days.get((question, day), (None, 0.0))
            if answer is None or monotonic >= ends or _minute(answer.as_of) != _minute(now):
                return None
            if answer.first_expiry is not None and answer.first_expiry <= now:
                return None
            found[day] = answer
        return found


def stands_alone(floor: Floor, day: date) -> bool:
    """Do the stays of the days before and after end, and begin, outside this service day?"""
    around = timedelta(minutes=floor.policy.buffer_before_minutes + floor.policy.buffer_after_minutes)
    opens, closes = service_day(floor, day)
    before, after = service_day(floor, day - _ONE_DAY), service_day(floor, day + _ONE_DAY)
    return before[1] + around <= opens and closes + around <= after[0]


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)
