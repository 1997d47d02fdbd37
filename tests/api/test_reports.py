"""The report on assignments says what the book says, counted another way."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import chain
from statistics import median
from typing import Any

import pytest

from maitred.domain.reasons import Reason, ReasonCode
from maitred.services.job.retry_policy import Failed, Retry, RetryRules, next_step
from maitred.services.staff.reports import SOON
from tests.harness.problems import assert_problem, call, nothing_written
from tests.harness.service import Answer, Service, evening, house, party

PATH = "/restaurants/harbour/reports/assignments"


def report(path: str = PATH, **query: str) -> Answer:
    return call("operations", "GET", path, query=query)


def figures(**query: str) -> dict[str, Any]:
    answer = report(**query)
    assert answer.status == 200, answer.text
    recorded: dict[str, Any] = answer.json
    return recorded


def percentile(values: Iterable[float], share: float) -> float:
    """Between the neighbours, as `percentile_cont` has it."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-13-01"}, "to"),
        ({"from": "2026-11-02", "to": "2026-11-01T00:00:00Z"}, "to"),
        ({"from": "2026-01-01", "to": "2026-11-01"}, "to"),
        ({"since": "2026-01-01"}, "since"),
    ],
)
def test_a_time_that_is_none(harbour: Service, query: dict[str, str], field: str) -> None:
    with nothing_written(harbour):
        assert_problem(report(**query), 422, "invalid_request", field)


def test_a_naive_time_is_refused(harbour: Service) -> None:
    assert_problem(report(**{"from": "2026-11-01T10:00:00"}), 422, "naive_timestamp", "from")


def test_soon_is_the_time_that_the_saved_attempts_would_have_taken() -> None:
    now = datetime(2026, 11, 1, tzinfo=UTC)
    reason, latest = Reason(ReasonCode.NO_CAPACITY, ""), now + timedelta(days=1)
    taken = timedelta()
    for attempt in (1, 2, 3):
        step = next_step(RetryRules(4, informed=False), Failed(reason, attempt, None, now, latest, jitter=1))
        assert isinstance(step, Retry)
        taken += step.at - now
    assert taken == SOON


def test_a_restaurant_that_does_not_exist(harbour: Service) -> None:
    with nothing_written(harbour):
        assert_problem(report("/restaurants/nowhere/reports/assignments"), 404, "restaurant_not_found")


@pytest.fixture
def played(service: Service) -> Service:
    """An evening with every kind of end, and another restaurant's, which counts nowhere."""
    for name in ("harbour", "other"):
        assert service.put_restaurant(name, house(2, 2, 4)).status == 201
        made = [service.book(name, party(size)) for size in (2, 2, 4, 4, 2)]
        assert service.book(name, party(2, onFull="refuse")).status == 409
        assert service.book(name, party(4, "21:00")).status == 201
        service.work()
        assert service.cancel(made[0].json["booking"]["id"]).status == 200
        service.work()
    return service


def counted(service: Service, table: str) -> list[tuple[Any, ...]]:
    columns = {
        "bookings": "id::text, state",
        "booking_assignment_attempts": (
            "booking_id::text, flow, outcome, reason ->> 'category', reason ->> 'code', duration_ms"
        ),
    }[table]
    return service.database.query(f"select {columns} from {table} where restaurant_id = 'harbour'")


def test_the_report_equals_a_recount_of_bookings_attempts_and_history(played: Service) -> None:
    recorded = figures()
    bookings = counted(played, "bookings")
    attempts = counted(played, "booking_assignment_attempts")
    assert recorded["bookings"] == {
        "made": len(bookings),
        "byState": dict(Counter(state for _, state in bookings)),
    }
    for flow in ("inline", "job"):
        own = [row for row in attempts if row[1] == flow]
        part = recorded["flows"][flow]
        assert part["outcomes"] == dict(Counter(row[2] for row in own))
        assert part["attempts"] == len(own) == part["attemptMs"]["count"]
        durations = [row[5] for row in own]
        assert part["attemptMs"]["median"] == pytest.approx(median(durations), abs=0.001)
        assert part["attemptMs"]["p95"] == pytest.approx(percentile(durations, 0.95), abs=0.001)
        assert part["attemptMs"]["p99"] == pytest.approx(percentile(durations, 0.99), abs=0.001)
        assert part["attemptMs"]["total"] == pytest.approx(sum(durations), abs=0.001)
    reasons = Counter((row[3], row[4]) for row in attempts if row[3])
    assert recorded["reasons"] == {
        category: {code: count for (of, code), count in reasons.items() if of == category}
        for category in {of for of, _ in reasons}
    }
    # What was confirmed by somebody is in the history once for each booking that was not so before.
    confirmed = played.database.value(
        "select count(*) from booking_state_history h join bookings b on b.id = h.booking_id"
        " where b.restaurant_id = 'harbour' and h.to_state = 'confirmed' and h.from_state <> 'confirmed'"
    )
    assert sum(flow["outcomes"].get("confirmed", 0) for flow in recorded["flows"].values()) == confirmed
    given_up = played.database.value(
        "select count(*) from booking_state_history h join bookings b on b.id = h.booking_id"
        " where b.restaurant_id = 'harbour' and h.to_state = 'manual_review'"
    )
    assert recorded["flows"]["job"]["results"]["manual_review"] == given_up == recorded["retries"]["cut"] > 0


def test_what_each_strategy_brought_is_a_recount_of_the_attempts(played: Service) -> None:
    attempts = played.database.query(
        "select a.outcome, a.strategies, b.party_size from booking_assignment_attempts a"
        " left join bookings b on b.id = a.booking_id where a.restaurant_id = 'harbour'"
    )
    wanted: dict[str, Counter[str]] = {}
    for outcome, strategies, size in attempts:
        for each in strategies:
            won = outcome == "confirmed" and each["chosen"]
            rivals = [other for other in strategies if other["name"] != each["name"]]
            wanted.setdefault(each["name"], Counter()).update(
                asked=1,
                proposed=each["best"] is not None,
                chosen=won,
                alone=won and all(other["best"] != each["best"] for other in rivals),
                covers=size if won else 0,
            )
    recorded = figures()["strategies"]
    assert recorded == {name: dict(counts) for name, counts in wanted.items()}
    assert recorded["best_fit"]["covers"] > 0
    assert recorded["best_fit"]["proposed"] < recorded["best_fit"]["asked"]


def test_runs_planner_calls_and_mails_are_those_of_the_events(played: Service) -> None:
    rows = played.database.query(
        "select event_type, booking_id, context from observability_events where restaurant_id = 'harbour'"
    )
    quotes = [(booking, context) for kind, booking, context in rows if kind == "auto_assign.quote"]
    summaries = [context for kind, _, context in rows if kind == "auto_assign.summary"]
    recorded = figures()
    assert recorded["emails"]["skipped"] == sum(context["emailSkipped"] for context in summaries) > 0
    of_bookings = [booking for booking, _ in quotes if booking]
    assert recorded["plannerCalls"] == {
        "ofBookings": len(of_bookings),
        "bookings": len(set(of_bookings)),
        "perBooking": round(len(of_bookings) / len(set(of_bookings)), 3),
    }
    for flow in ("inline", "job"):
        part, own = recorded["flows"][flow], [context for context in summaries if context["flow"] == flow]
        assert part["runs"] == len(own)
        assert part["results"] == dict(Counter(context["result"] for context in own))
        durations = [context["totalDurationMs"] for context in own]
        assert part["durationMs"]["p95"] == pytest.approx(percentile(durations, 0.95), abs=0.001)
        used = [context["attemptsUsed"] for context in own]
        assert part["attemptsPerRun"]["median"] == pytest.approx(median(used), abs=0.001)
        planner = [context["plannerDurationMs"] for _, context in quotes if context["flow"] == flow]
        assert part["plannerMs"]["count"] == len(planner)
        assert part["plannerMs"]["p99"] == pytest.approx(percentile(planner, 0.99), abs=0.001)


def test_a_cut_was_wrong_if_the_job_seats_the_party_soon_after(played: Service) -> None:
    """The cancelled table went to the one who had been given up."""
    assert figures()["retries"]["confirmedSoon"] == 1
    recorded = figures()["retries"]
    assert recorded["right"] == round(1 - 1 / recorded["cut"], 4)
    assert recorded["byCause"] == {
        "fresh_inline_result": {"cut": recorded["cut"], "confirmedSoon": 1, "confirmedLater": 0}
    }
    played.database.query(
        "update booking_assignment_attempts set created_at = created_at + interval '2 hours'"
        " where flow = 'job' and outcome = 'confirmed' returning 1"
    )
    later = figures()["retries"]
    assert (later["confirmedSoon"], later["confirmedLater"], later["right"]) == (0, 1, 1.0)


def test_only_what_lies_between_from_and_to_counts(played: Service) -> None:
    made = figures()["bookings"]["made"]
    now = datetime.now(UTC)
    yesterday, tomorrow = ((now + timedelta(days=days)).date().isoformat() for days in (-1, 1))
    assert figures(**{"from": yesterday, "to": tomorrow})["bookings"]["made"] == made > 0
    assert figures(to=(now - timedelta(hours=1)).isoformat())["flows"] == {}
    assert figures(**{"from": tomorrow + "T12:00:00Z", "to": tomorrow + "T13:00:00Z"})["retries"] == {
        "cut": 0,
        "confirmedSoon": 0,
        "confirmedLater": 0,
        "right": None,
        "soonSeconds": 65,
        "byCause": {},
    }


def test_dates_are_the_restaurants_days(service: Service) -> None:
    document = house(2) | {"timezone": "Pacific/Auckland"}
    assert service.put_restaurant("harbour", document).status == 201
    recorded = figures(**{"from": "2026-11-01", "to": "2026-11-02"})
    assert (recorded["from"], recorded["to"]) == ("2026-11-01T00:00:00+13:00", "2026-11-03T00:00:00+13:00")


def test_the_report_holds_nothing_of_a_guest(played: Service) -> None:
    assert played.book("harbour", party(2, "21:00") | {"date": evening(20)}).status == 201
    text = report().text
    assert not any(word in text for word in chain(("Ada", "ada@"), _ids(played)))


def _ids(service: Service) -> list[str]:
    return [str(row[0]) for row in service.database.query("select id from bookings")]
