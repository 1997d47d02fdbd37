"""How assignment performs: counts, durations, retries and mails of restaurants over a period. Reads only."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from maitred.contracts import responses
from maitred.domain import errors
from maitred.domain.errors import FieldError, InvalidRequest
from maitred.services.feature_flags import NO_FLAGS, VALUES, Flag, RecordedFlags
from maitred.services.idempotency import Reply
from maitred.services.ports import Charge, Clock, Json

_TOKENS = 10  # it counts events of up to 100 days
_USUAL = timedelta(days=7)
_LONGEST = timedelta(days=100)
#: How long the usual four attempts take with all their pauses: a job cut short would have ended by then.
SOON = timedelta(seconds=65)

#: Stands for every restaurant where a restaurant's id is expected.
EVERYWHERE = "*"
#: The flags that an attempt records. Not the kill switch: it leaves a pipeline that is off.
_COHORT_FLAGS = (Flag.PIPELINE, Flag.RETRIES, Flag.CACHE)

type Bound = datetime | date | None


@dataclass(frozen=True, slots=True)
class Figures:
    """What ``count`` measured values come to; durations in milliseconds."""

    count: int
    total: float
    median: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class Runs:
    """Summaries of one flow that ended with one result."""

    flow: str
    result: str
    count: int
    emails_skipped: int


@dataclass(frozen=True, slots=True)
class Attempts:
    """Attempts of one flow with one outcome and reason; ``category`` and ``code``: None where confirmed."""

    flow: str
    outcome: str
    category: str | None
    code: str | None
    count: int


@dataclass(frozen=True, slots=True)
class StrategyCount:
    """What one strategy brought: attempts that asked it, in which it proposed a set, and that it won.

    ``alone``: won where no other strategy proposed those tables. ``covers``: the guests it seated.
    """

    name: str
    asked: int
    proposed: int
    chosen: int
    alone: int
    covers: int


@dataclass(frozen=True, slots=True)
class Reduction:
    """Jobs cut short for one cause. ``ever``: how many of them were confirmed after all.

    ``soon``: how many within the time that the attempts they were spared would have taken.
    """

    reduced_by: str
    runs: int
    soon: int
    ever: int


@dataclass(frozen=True, slots=True)
class Difference:
    """How the full planner would have decided, where a shadow was asked (`services.assignment.shadow.Kind`).

    ``parties``: how many it is about; a party that was tried several times counts once.
    """

    kind: str
    count: int
    parties: int
    with_moves: int


@dataclass(frozen=True, slots=True)
class Counted:
    """All that a report contains. Figures are by flow."""

    runs: Sequence[Runs]
    durations: Mapping[str, Figures]
    attempts_used: Mapping[str, Figures]
    planner: Mapping[str, Figures]
    planner_calls: int
    planned_bookings: int
    attempts: Sequence[Attempts]
    strategies: Sequence[StrategyCount]
    attempt_durations: Mapping[str, Figures]
    reductions: Sequence[Reduction]
    bookings: Mapping[str, int]
    differences: Sequence[Difference]


@dataclass(frozen=True, slots=True)
class ReportScope:
    """Attempts of ``restaurants`` in [start, end) that recorded ``flags``; all of them if that is empty."""

    restaurants: Sequence[str]
    start: datetime
    end: datetime
    flags: RecordedFlags


class Reports(Protocol):
    def timezones(self, restaurants: Sequence[str], charge: Charge, *, everywhere: bool) -> Mapping[str, str]:
        """The timezones of those that exist, by id; of all restaurants if ``everywhere``.

        The first one is asked for its report. Raises RateLimited.
        """

    def count(self, scope: ReportScope, soon: timedelta) -> Counted: ...


class AssignmentReport:
    """``GET /restaurants/{id}/reports/assignments``."""

    def __init__(self, reports: Reports, clock: Clock) -> None:
        self._reports = reports
        self._clock = clock

    def of(
        self,
        restaurant_id: str,
        others: frozenset[str],
        cohort: RecordedFlags,
        first: Bound,
        last: Bound,
        client: str,
    ) -> Reply:
        """The report of ``[first, last)``; dates are whole days of the restaurant's, the last one included.

        ``others``: restaurants to count too; all of them if `EVERYWHERE` is among these. ``cohort``: only
        attempts that recorded these flags. Without bounds, the seven days up to now. ``client`` pays for it.
        Raises RestaurantNotFound, InvalidRequest, StoreError.
        """
        named = [restaurant_id, *sorted(others - {restaurant_id, EVERYWHERE})]
        found = self._reports.timezones(named, Charge(client, _TOKENS), everywhere=EVERYWHERE in others)
        if not found.keys() >= set(named):
            raise errors.RestaurantNotFound
        zone = ZoneInfo(found[restaurant_id])
        end = _moment(last, zone, timedelta(days=1)) or self._clock.now()
        start = _moment(first, zone, timedelta()) or end - _USUAL
        if not start < end:
            raise InvalidRequest([FieldError("to", "out_of_range", "must lie after from")])
        if end - start > _LONGEST:
            message = f"must lie at most {_LONGEST.days} days after from"
            raise InvalidRequest([FieldError("to", "out_of_range", message)])
        counted = self._reports.count(ReportScope(sorted(found), start, end, cohort), SOON)
        body = {
            "restaurantId": restaurant_id,
            "restaurants": len(found),
            "from": start.astimezone(zone).isoformat(),
            "to": end.astimezone(zone).isoformat(),
            "cohort": dict(cohort),
            **report_json(counted),
        }
        return Reply(200, responses.dumps(body))


def cohort_of(text: str | None) -> RecordedFlags:
    """Read ``flag=value``, or several with commas between them. Raises InvalidRequest."""
    if text is None:
        return NO_FLAGS
    pairs = [_flag(part) for part in text.split(",")]
    flags = dict(pairs)
    if len(flags) < len(pairs):
        raise InvalidRequest([FieldError("cohort", "repeated_flag", "must name each flag once")])
    return flags


def _flag(part: str) -> tuple[str, str | bool]:
    name, _, value = part.partition("=")
    if name not in _COHORT_FLAGS:
        message = f"must be flag=value with a flag of {', '.join(_COHORT_FLAGS)}"
        raise InvalidRequest([FieldError("cohort", "unknown_flag", message)])
    values = {str(each).lower(): each for each in VALUES[Flag(name)]}
    if value not in values:
        message = f"{name} is one of {', '.join(values)}"
        raise InvalidRequest([FieldError("cohort", "unknown_value", message)])
    return name, values[value]


def report_json(counted: Counted) -> Json:
    """The figures, for the HTTP reply and for operators."""
    named = {each.flow for each in counted.runs} | {each.flow for each in counted.attempts}
    flows = sorted(named | counted.planner.keys())
    seen = counted.planned_bookings
    return {
        "bookings": {"made": sum(counted.bookings.values()), "byState": dict(counted.bookings)},
        "flows": {flow: _flow(counted, flow) for flow in flows},
        "reasons": _reasons(counted.attempts),
        "strategies": {each.name: _strategy(each) for each in counted.strategies},
        "retries": _retries(counted.reductions),
        "emails": {"skipped": sum(each.emails_skipped for each in counted.runs)},
        "plannerCalls": {
            "ofBookings": counted.planner_calls,
            "bookings": seen,
            "perBooking": round(counted.planner_calls / seen, 3) if seen else None,
        },
        "shadow": {
            "compared": sum(each.count for each in counted.differences),
            "kinds": {each.kind: each.count for each in counted.differences},
            "parties": {each.kind: each.parties for each in counted.differences},
            "withMoves": sum(each.with_moves for each in counted.differences),
        },
    }


def _flow(counted: Counted, flow: str) -> Json:
    runs = [each for each in counted.runs if each.flow == flow]
    outcomes: Counter[str] = Counter()
    for each in counted.attempts:
        if each.flow == flow:
            outcomes[each.outcome] += each.count
    return {
        "runs": sum(each.count for each in runs),
        "results": {each.result: each.count for each in runs},
        "emailsSkipped": sum(each.emails_skipped for each in runs),
        "durationMs": _figures(counted.durations.get(flow)),
        "attemptsPerRun": _figures(counted.attempts_used.get(flow)),
        "attempts": outcomes.total(),
        "outcomes": dict(outcomes),
        "attemptMs": _figures(counted.attempt_durations.get(flow)),
        "plannerMs": _figures(counted.planner.get(flow)),
    }


def _strategy(count: StrategyCount) -> Json:
    return {
        "asked": count.asked,
        "proposed": count.proposed,
        "chosen": count.chosen,
        "alone": count.alone,
        "covers": count.covers,
    }


def _figures(figures: Figures | None) -> Json | None:
    if figures is None:
        return None
    return {name: round(value, 3) for name, value in asdict(figures).items()}


def _reasons(attempts: Sequence[Attempts]) -> Json:
    by_category: dict[str, dict[str, int]] = {}
    for each in attempts:
        if each.category is not None and each.code is not None:
            codes = by_category.setdefault(each.category, {})
            codes[each.code] = codes.get(each.code, 0) + each.count
    return by_category


def _retries(reductions: Sequence[Reduction]) -> Json:
    """``right``: the share of the cut jobs that more attempts would not have confirmed; None without any."""
    cut, soon = sum(each.runs for each in reductions), sum(each.soon for each in reductions)
    return {
        "cut": cut,
        "confirmedSoon": soon,
        "confirmedLater": sum(each.ever for each in reductions) - soon,
        "right": round(1 - soon / cut, 4) if cut else None,
        "soonSeconds": int(SOON.total_seconds()),
        "byCause": {
            each.reduced_by: {
                "cut": each.runs,
                "confirmedSoon": each.soon,
                "confirmedLater": each.ever - each.soon,
            }
            for each in reductions
        },
    }


def _moment(bound: Bound, zone: ZoneInfo, days: timedelta) -> datetime | None:
    if bound is None or isinstance(bound, datetime):
        return bound
    return datetime.combine(bound + days, time(), zone).astimezone(UTC)
