"""Two cohorts of a flag side by side: each is what was tried while the flag had its value, and no more."""

from collections import Counter
from statistics import median
from typing import Any

import pytest

from tests.harness.problems import assert_problem, call, nothing_written
from tests.harness.service import Service, forget_wiring, house, party

PATH = "/restaurants/harbour/reports/assignments"
SAME = ("restaurantId", "restaurants", "from", "to", "cohort")  # these say what was asked for


def figures(path: str = PATH, **query: str) -> dict[str, Any]:
    answer = call("operations", "GET", path, query=query)
    assert answer.status == 200, answer.text
    recorded: dict[str, Any] = answer.json
    return recorded


@pytest.mark.parametrize("others", ["nowhere", "", "other,", "a\x00b", "harbour other"])
def test_a_restaurant_that_is_none_is_not_counted_as_one(harbour: Service, others: str) -> None:
    with nothing_written(harbour):
        assert_problem(call("operations", "GET", PATH, query={"with": others}), 404, "restaurant_not_found")


@pytest.mark.parametrize(
    "cohort",
    ["", "assignment_pipeline", "assignment_pipeline=maybe", "kill_switch=true", "weather=fine", "a\x00=b",
     "planner_cache=True", "assignment_pipeline=on,",
     "assignment_pipeline=on,assignment_pipeline=off"],
)  # fmt: skip
def test_a_cohort_that_is_none(harbour: Service, cohort: str) -> None:
    with nothing_written(harbour):
        assert_problem(
            call("operations", "GET", PATH, query={"cohort": cohort}), 422, "invalid_request", "cohort"
        )


def counted(recorded: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in recorded.items() if name not in SAME}


def played(service: Service, restaurant: str, number: int) -> list[str]:
    """So many parties ask for the two tables; who has to wait is tried by the job, and not again later."""
    answers = [service.book(restaurant, party(2)).json["booking"]["id"] for _ in range(number)]
    service.work()
    service.sqs.purge_queue(QueueUrl=service.queues["assign"])
    return answers


@pytest.fixture
def cohorts(service: Service, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The bookings that were made under each value of `assignment_pipeline`, each on a day of its own."""
    made = {}
    for pipeline, retries, number in (("off", "standard", 4), ("on", "informed", 3)):
        monkeypatch.setenv("ASSIGNMENT_PIPELINE", pipeline)
        monkeypatch.setenv("RETRY_POLICY", retries)
        forget_wiring()
        for name in ("harbour", "other"):
            assert service.put_restaurant(name, house(2, 2)).status in (200, 201)
        made[pipeline] = played(service, "harbour" if pipeline == "off" else "other", number)
    monkeypatch.setenv("ASSIGNMENT_PIPELINE", "on")
    forget_wiring()
    made["on"] += played(service, "harbour", 2)
    return made


def attempts(service: Service, bookings: list[str]) -> list[tuple[Any, ...]]:
    return service.database.query(
        "select flow, outcome, reason ->> 'code', duration_ms from booking_assignment_attempts"
        " where booking_id = any(%s::uuid[])",
        bookings,
    )


@pytest.mark.parametrize("value", ["off", "on"])
def test_a_cohort_equals_a_recount_by_the_bookings_that_were_made_in_it(
    service: Service, cohorts: dict[str, list[str]], value: str
) -> None:
    recorded = figures(cohort=f"assignment_pipeline={value}", **{"with": "other"})
    assert (recorded["restaurants"], recorded["cohort"]) == (2, {"assignment_pipeline": value})
    bookings = cohorts[value]
    states = service.database.query("select state from bookings where id = any(%s::uuid[])", bookings)
    assert recorded["bookings"] == {
        "made": len(bookings),
        "byState": dict(Counter(state for (state,) in states)),
    }
    rows = attempts(service, bookings)
    for flow in ("inline", "job"):
        own = [row for row in rows if row[0] == flow]
        assert len(own) > 0
        part = recorded["flows"][flow]
        assert part["outcomes"] == dict(Counter(row[1] for row in own))
        assert part["attemptMs"]["median"] == pytest.approx(median(row[3] for row in own), abs=0.001)
        events = service.database.query(
            "select event_type, context from observability_events"
            " where booking_id = any(%s::uuid[]) and context ->> 'flow' = %s",
            bookings,
            flow,
        )
        summaries = [context for kind, context in events if kind == "auto_assign.summary"]
        assert part["results"] == dict(Counter(context["result"] for context in summaries))
        assert part["plannerMs"]["count"] == sum(kind == "auto_assign.quote" for kind, _ in events)
    codes = Counter(row[2] for row in rows if row[2])
    assert recorded["reasons"] == {"deterministic": dict(codes)}


def test_the_cohorts_of_a_flag_that_was_always_set_add_up_to_everything(
    service: Service, cohorts: dict[str, list[str]]
) -> None:
    everything = figures(**{"with": "other"})
    parts = [figures(cohort=f"assignment_pipeline={v}", **{"with": "other"}) for v in ("off", "shadow", "on")]
    assert [part["bookings"]["made"] for part in parts] == [4, 0, 5]
    assert everything["bookings"]["made"] == 9
    assert everything["plannerCalls"]["ofBookings"] == sum(
        part["plannerCalls"]["ofBookings"] for part in parts
    )
    for flow in ("inline", "job"):
        runs = sum(part["flows"].get(flow, {}).get("runs", 0) for part in parts)
        assert everything["flows"][flow]["runs"] == runs


def test_a_flag_that_only_the_job_heeds_has_the_jobs_figures(
    service: Service, cohorts: dict[str, list[str]]
) -> None:
    standard, informed = (
        figures(cohort=f"retry_policy={policy}", **{"with": "other"}) for policy in ("standard", "informed")
    )
    assert standard["flows"].keys() == informed["flows"].keys() == {"job"}
    assert (standard["retries"]["cut"], standard["bookings"]["made"]) == (0, 2)
    assert informed["retries"]["cut"] == informed["bookings"]["made"] > 0


def test_several_flags_are_all_meant(service: Service, cohorts: dict[str, list[str]]) -> None:
    both = figures(cohort="assignment_pipeline=off,planner_cache=true")
    assert counted(both) == counted(figures(cohort="assignment_pipeline=off"))
    assert both["bookings"]["made"] == 4
    assert figures(cohort="assignment_pipeline=off,planner_cache=false")["bookings"]["made"] == 0


def test_a_persons_choice_belongs_to_no_cohort(service: Service, cohorts: dict[str, list[str]]) -> None:
    confirmed = next(
        each for each in cohorts["on"] if service.booking(each).json["booking"]["state"] == "confirmed"
    )
    tables = service.booking(confirmed).json["booking"]["tables"]
    assert service.assign(confirmed, *tables, pin=True).status == 200
    assert "staff" in figures(**{"with": "other"})["flows"]
    assert "staff" not in figures(cohort="assignment_pipeline=on", **{"with": "other"})["flows"]


def test_what_was_told_before_flags_were_is_in_no_cohort(
    service: Service, cohorts: dict[str, list[str]]
) -> None:
    before = counted(figures())
    service.database.query(
        "update observability_events set source = 'by hand', context = context - 'flags' returning 1"
    )
    service.database.query("update booking_assignment_attempts set flags = default returning 1")
    assert counted(figures()) == before
    assert figures(cohort="assignment_pipeline=off")["flows"] == {}


def test_all_restaurants_are_for_who_may_see_all(service: Service, cohorts: dict[str, list[str]]) -> None:
    everywhere = figures(**{"with": "*"})
    assert everywhere["restaurants"] == 2
    assert counted(everywhere) == counted(figures(**{"with": "other"}))
    for others in ("*", "other", "other,*"):
        answer = call("operations", "GET", PATH, query={"with": others}, restaurants="harbour")
        assert_problem(answer, 404, "restaurant_not_found")
    together = call("operations", "GET", PATH, query={"with": "other"}, restaurants="harbour other")
    assert together.json["restaurants"] == 2
