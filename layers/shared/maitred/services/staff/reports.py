"""How assignment fares: counts, durations, retries and mails of a restaurant over a time. Reads only."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from maitred.contracts import responses
from maitred.domain import errors
from maitred.domain.errors import FieldError
from maitred.services.idempotency import Reply
from maitred.services.ports import Clock, Json
from maitred.services.rollout import NONE_HELD, Held

_USUAL = timedelta(days=7)
_LONGEST = timedelta(days=100)
#: How long the usual four attempts take with all their pauses: what a cut job could still have lived to see.
SOON = timedelta(seconds=65)

#: In the place of a restaurant's id: every restaurant.
EVERYWHERE = "*"

type Edge = datetime | date | None


@dataclass(frozen=True, slots=True)
class Figures:
    """Of ``count`` measured values, in milliseconds where they are durations."""

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
class Reduction:
    """Jobs cut short for one cause. ``soon``, ``ever``: of them, how many the job seated after all.

    ``soon``: within the time in which the attempts that were saved would have been made.
    """

    reduced_by: str
    runs: int
    soon: int
    ever: int


@dataclass(frozen=True, slots=True)
class Difference:
    """How the full planner would have decided, where a shadow was asked (`services.shadow.Kind`).

    ``parties``: about so many; one that was tried several times is one of them.
    """

    kind: str
    count: int
    parties: int
    with_moves: int


@dataclass(frozen=True, slots=True)
class Counted:
    """All that a report says. Figures are by flow: of runs, of attempts used, planner calls, attempts."""

    runs: Sequence[Runs]
    durations: Mapping[str, Figures]
    attempts_used: Mapping[str, Figures]
    planner: Mapping[str, Figures]
    planner_calls: int
    planned_bookings: int
    attempts: Sequence[Attempts]
    attempt_durations: Mapping[str, Figures]
    reductions: Sequence[Reduction]
    bookings: Mapping[str, int]
    differences: Sequence[Difference]


@dataclass(frozen=True, slots=True)
class Scope:
    """What is counted: of ``restaurants`` in [start, end), what ran while ``held`` did (all, if empty)."""

    restaurants: Sequence[str]
    start: datetime
    end: datetime
    held: Held


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose report: a restaurant's, together with others. ``EVERYWHERE`` among them: with all there are."""

    restaurant_id: str
    others: frozenset[str] = frozenset()
    held: Held = NONE_HELD


class Reports(Protocol):
    def timezones(self, restaurants: Collection[str], *, everywhere: bool) -> Mapping[str, str]:
        """Of those that exist, by id; of all, if ``everywhere``."""

    def count(self, scope: Scope, soon: timedelta) -> Counted: ...


class AssignmentReport:
    """``GET /restaurants/{id}/reports/assignments``."""

    def __init__(self, reports: Reports, clock: Clock) -> None:
        self._reports = reports
        self._clock = clock

    def of(self, wanted: Wanted, first: Edge, last: Edge) -> Reply:
        """Of ``[first, last)``; dates are whole days of the restaurant's, the last one included.

        Without edges, the seven days up to now. Raises RestaurantNotFound or InvalidRequest.
        """
        named = {wanted.restaurant_id, *wanted.others} - {EVERYWHERE}
        found = self._reports.timezones(named, everywhere=EVERYWHERE in wanted.others)
        if not named <= found.keys():
            raise errors.RestaurantNotFound
        zone = ZoneInfo(found[wanted.restaurant_id])
        end = _moment(last, zone, timedelta(days=1)) or self._clock.now()
        start = _moment(first, zone, timedelta()) or end - _USUAL
        if not start < end:
            raise errors.InvalidRequest([FieldError("to", "out_of_range", "must lie after from")])
        if end - start > _LONGEST:
            message = f"must lie at most {_LONGEST.days} days after from"
            raise errors.InvalidRequest([FieldError("to", "out_of_range", message)])
        counted = self._reports.count(Scope(sorted(found), start, end, wanted.held), SOON)
        told = {
            "restaurantId": wanted.restaurant_id,
            "restaurants": len(found),
            "from": start.astimezone(zone).isoformat(),
            "to": end.astimezone(zone).isoformat(),
            "cohort": dict(wanted.held),
            **report_json(counted),
        }
        return Reply(200, responses.dumps(told))


def report_json(counted: Counted) -> Json:
    """The figures as they are told, over HTTP and to operators."""
    told_of = {each.flow for each in counted.runs} | {each.flow for each in counted.attempts}
    flows = sorted(told_of | counted.planner.keys())
    seen = counted.planned_bookings
    return {
        "bookings": {"made": sum(counted.bookings.values()), "byState": dict(counted.bookings)},
        "flows": {flow: _flow(counted, flow) for flow in flows},
        "reasons": _reasons(counted.attempts),
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
    outcomes: dict[str, int] = {}
    for each in counted.attempts:
        if each.flow == flow:
            outcomes[each.outcome] = outcomes.get(each.outcome, 0) + each.count
    return {
        "runs": sum(each.count for each in counted.runs if each.flow == flow),
        "results": {each.result: each.count for each in counted.runs if each.flow == flow},
        "emailsSkipped": sum(each.emails_skipped for each in counted.runs if each.flow == flow),
        "durationMs": _figures(counted.durations.get(flow)),
        "attemptsPerRun": _figures(counted.attempts_used.get(flow)),
        "attempts": sum(outcomes.values()),
        "outcomes": outcomes,
        "attemptMs": _figures(counted.attempt_durations.get(flow)),
        "plannerMs": _figures(counted.planner.get(flow)),
    }


def _figures(figures: Figures | None) -> Json | None:
    if figures is None:
        return None
    return {
        "count": figures.count,
        "total": round(figures.total, 3),
        "median": round(figures.median, 3),
        "p95": round(figures.p95, 3),
        "p99": round(figures.p99, 3),
    }


def _reasons(attempts: Sequence[Attempts]) -> Json:
    told: dict[str, dict[str, int]] = {}
    for each in attempts:
        if each.category is not None and each.code is not None:
            codes = told.setdefault(each.category, {})
            codes[each.code] = codes.get(each.code, 0) + each.count
    return told


def _retries(reductions: Sequence[Reduction]) -> Json:
    """``right``: the share of the cut jobs that one more attempt would not have seated; None without any."""
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


def _moment(edge: Edge, zone: ZoneInfo, days: timedelta) -> datetime | None:
    if edge is None or isinstance(edge, datetime):
        return edge
    return datetime.combine(edge + days, time(), zone).astimezone(UTC)
