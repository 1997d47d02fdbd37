"""Every rule for a floor document, broken: its code and field, nothing written; and other calls."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.harness.problems import assert_problem, call, nothing_written
from tests.harness.service import Service, house

type Change = Callable[[dict[str, Any]], object]


def _policy(**members: Any) -> Change:
    return lambda d: d["policy"].update(members)


def _service(**members: Any) -> Change:
    return lambda d: d["services"][0].update(members)


def _table(**members: Any) -> Change:
    return lambda d: d["tables"][0].update(members)


def _top(**members: Any) -> Change:
    return lambda d: d.update(members)


def _without(member: str) -> Change:
    return lambda d: d.pop(member)


TURNS = "policy.turnTimes.0"
CLOSURE = {"from": "2026-12-25T00:00", "to": "2026-12-26T00:00"}
FLAWS: list[tuple[Change, str]] = [
    *[(_without(member), member) for member in ("name", "timezone", "services", "zones", "tables")],
    *[(_top(name=name), "name") for name in ("", "x" * 201, None, 5, "a\x00")],
    *[
        (_top(timezone=zone), "timezone")
        for zone in ("Mars/Base", "europe/london", "", "+01:00", "../UTC", 5, "GMT+25")
    ],
    (_top(owner="me"), "owner"),
    (_policy(bufferAfterMinutes=-1), "policy.bufferAfterMinutes"),
    (_policy(bufferBeforeMinutes=121), "policy.bufferBeforeMinutes"),
    (_policy(maxTables=0), "policy.maxTables"),
    (_policy(maxTables="3"), "policy.maxTables"),
    (_policy(adjacency="touching"), "policy.adjacency"),
    (_policy(minDiningMinutes=0), "policy.minDiningMinutes"),
    (_policy(holdSeconds=0), "policy.holdSeconds"),
    (_policy(holdSeconds=1801), "policy.holdSeconds"),
    (_policy(maxMoves=-1), "policy.maxMoves"),
    (_policy(freezeMinutes=-1), "policy.freezeMinutes"),
    (_policy(startCutoffMinutes=-1), "policy.startCutoffMinutes"),
    (_policy(pacing={"slotMinutes": 0}), "policy.pacing.slotMinutes"),
    (_policy(pacing={"maxCoversPerSlot": 0}), "policy.pacing.maxCoversPerSlot"),
    (_policy(weights={"luck": 1}), "policy.weights.luck"),
    (_policy(weights={"luck": 10**400}), "policy.weights.luck"),
    (_policy(turnTimes=[]), "policy.turnTimes"),
    (_policy(turnTimes=[{"maxParty": 2, "minutes": 90}]), f"{TURNS}.maxParty"),
    (_policy(turnTimes=[{"maxParty": None, "minutes": 4}]), f"{TURNS}.minutes"),
    (_policy(turnTimes=[{"maxParty": None, "minutes": 90}] * 2), f"{TURNS}.maxParty"),
    (
        _policy(turnTimes=[{"maxParty": 0, "minutes": 90}, {"maxParty": None, "minutes": 90}]),
        f"{TURNS}.maxParty",
    ),
    (_policy(color="red"), "policy.color"),
    (_service(opens="25:00"), "services.0.opens"),
    (_service(closes="17:00"), "services.0.closes"),
    (_service(closes="17:30"), "services.0.closes"),  # shorter than minDiningMinutes
    (_service(lastSeating="16:00"), "services.0.lastSeating"),
    (_service(lastSeating="23:30"), "services.0.lastSeating"),
    (_service(days=["monday"]), "services.0.days.0"),
    (_service(days=["mon", "mon"]), "services.0.days"),
    (_service(days=[]), "services.0.days"),
    (_service(allowOverrun="no"), "services.0.allowOverrun"),
    (_service(id="din ner"), "services.0.id"),
    (lambda d: d["services"].append(dict(d["services"][0])), "services.1.id"),
    (lambda d: d["services"][0].pop("closes"), "services.0.closes"),
    (_top(closures=[CLOSURE | {"to": "2026-12-25T00:00"}]), "closures.0.to"),
    (_top(closures=[CLOSURE | {"from": "2026-12-25T00:00Z"}]), "closures.0.from"),
    (_top(closures=[CLOSURE | {"from": "christmas"}]), "closures.0.from"),
    (_top(closures=[CLOSURE | {"zones": ["attic"]}]), "closures.0.zones.0"),
    (_top(closures=[CLOSURE | {"tables": ["T9"]}]), "closures.0.tables.0"),
    (_top(zones=[]), "zones"),
    (_top(zones=[{"id": "main"}, {"id": "main"}]), "zones.1.id"),
    (_top(tables=[]), "tables"),
    (_table(zone="attic"), "tables.0.zone"),
    (_table(capacity=0), "tables.0.capacity"),
    (_table(capacity=10**9), "tables.0.capacity"),
    (_table(capacity=2.5), "tables.0.capacity"),
    (_table(capacity=None), "tables.0.capacity"),
    (_table(minParty=3), "tables.0.minParty"),
    (_table(minParty=0), "tables.0.minParty"),
    (_table(maxParty=101), "tables.0.maxParty"),
    (_table(movable="yes"), "tables.0.movable"),
    (_table(attributes="window"), "tables.0.attributes"),
    (_table(id="T2"), "tables.1.id"),
    (_table(id=""), "tables.0.id"),
    (_table(id="T/1"), "tables.0.id"),
    (_table(chairs=2), "tables.0.chairs"),
    (_top(adjacency=[["T1", "T9"]]), "adjacency.0.1"),
    (_top(adjacency=[["T1", "T1"]]), "adjacency.0"),
    (_top(adjacency=[["T1"]]), "adjacency.0.1"),
    (_top(combinations=[{"tables": ["T1"]}]), "combinations.0.tables"),
    (_top(combinations=[{"tables": ["T1", "T9"]}]), "combinations.0.tables.1"),
    (_top(combinations=[{"tables": ["T1", "T1"]}]), "combinations.0.tables"),
    (_top(combinations=[{"tables": ["T1", "T2"], "seats": 5, "maxParty": 6}]), "combinations.0.maxParty"),
    (_top(combinations=[{"tables": ["T1", "T2"], "minParty": 5}]), "combinations.0.minParty"),
]


@pytest.mark.parametrize(("change", "field"), FLAWS)
def test_a_flaw_of_the_document_is_named(shared: Service, change: Change, field: str) -> None:
    document = house(2, 2, 4)
    change(document)
    with nothing_written(shared):
        answer = shared.put_restaurant("harbour", document, headers={"idempotency-key": "k"})
        assert_problem(answer, 422, "invalid_request", field)


@pytest.mark.parametrize("body", [None, "", "{", "[" * 100_000, "\ufeff{}"])
def test_what_is_not_json(shared: Service, body: str | None) -> None:
    with nothing_written(shared):
        assert_problem(shared.put_restaurant("harbour", body), 400, "malformed_json")


@pytest.mark.parametrize("restaurant", ["x" * 65, "a.b", "ü", "a b"])
def test_an_id_that_is_none(shared: Service, restaurant: str) -> None:
    with nothing_written(shared):
        assert_problem(shared.put_restaurant(restaurant, house(2)), 422, "invalid_request", "restaurantId")


@pytest.mark.parametrize("value", ["1", "yes", "", "True"])
def test_a_dry_run_is_true_or_false(shared: Service, value: str) -> None:
    with nothing_written(shared):
        answer = shared.put_restaurant("harbour", house(2), query={"dryRun": value})
        assert_problem(answer, 422, "invalid_request", "dryRun")


def test_a_misspelt_dry_run_is_no_real_run(shared: Service) -> None:
    with nothing_written(shared):
        answer = shared.put_restaurant("harbour", house(2), query={"dryrun": "true"})
        assert_problem(answer, 422, "invalid_request", "dryrun")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "bookingId"),
        ({"bookingId": "abc", "trigger": "retry"}, "bookingId"),
        ({"bookingId": 5, "trigger": "retry"}, "bookingId"),
        ({"bookingId": "0" * 32, "trigger": "layout_change"}, "trigger"),
        ({"bookingId": "0" * 32}, "trigger"),
        ({"bookingId": "0" * 32, "trigger": "retry", "now": True}, "now"),
        ([], "body"),
    ],
)
def test_a_wrong_wish_for_the_job(shared: Service, body: Any, field: str) -> None:
    with nothing_written(shared):
        answer = call("operations", "POST", "/assignments/process", body=body)
        assert_problem(answer, 422, "invalid_request", field)


@pytest.mark.parametrize("body", [None, "", "{"])
def test_the_job_needs_a_body(shared: Service, body: str | None) -> None:
    assert_problem(call("operations", "POST", "/assignments/process", body=body), 400, "malformed_json")
