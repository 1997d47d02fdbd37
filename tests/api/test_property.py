"""Whatever is sent, the answer is ours: done, or refused with a problem document; never a fault."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.harness.problems import assert_problem
from tests.harness.service import Answer, Service, evening, house, party

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
BOOKING = party(
    2,
    guest={"name": "Ada", "email": "ada@example.com", "phone": "1"},
    preferences={"zone": "main", "zoneRequired": False, "attributes": ["window"], "required": []},
    durationMinutes=60,
    notes="x",
    onFull="refuse",
)
FLOOR = house(
    2,
    4,
    policy={
        "maxTables": 2,
        "turnTimes": [{"maxParty": 2, "minutes": 90}, {"maxParty": None, "minutes": 120}],
        "weights": {},
    },
    closures=[{"from": "2026-12-25T00:00", "to": "2026-12-26T00:00", "zones": ["main"], "tables": None}],
    adjacency=[["T1", "T2"]],
    combinations=[{"tables": ["T1", "T2"], "minParty": 5, "maxParty": 6}],
)
# Values that mean something somewhere, besides any JSON.
TELLING: st.SearchStrategy[Any] = st.sampled_from(
    [
        0, -1, 1, 15, 45, 720, 10**9, 10**30, 1.0, 2.5, 1e308, True, None, "", "T1", "main", "00:00", "23:59",
        "19:00", evening(), evening(3), "2026-12-25T00:00", "Europe/London", "America/New_York", "pend",
        "none", "pairwise",
        f"{evening()}T19:00Z", f"{evening()}T19:00+14:00", "9999-12-31T23:59:59-14:00", [], {}, [[]], ["T1"],
        ["T2", "T1"],
        "\x00", "\u2028", "\u0130", "'; drop table bookings; --", "%s", "{}", "🎂" * 50,
    ]
)  # fmt: skip
many = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, member in inner for place in places(member, (*path, key)))]


@st.composite
def mutated(draw: Callable[[Any], Any], valid: dict[str, Any]) -> Any:
    """``valid`` with one to three members replaced, taken away, doubled or added."""
    document: Any = copy.deepcopy(valid)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from([place for place in places(document) if place] or [()]))
        if not path:
            break
        holder = document
        for key in path[:-1]:
            holder = holder[key]
        way = draw(
            st.sampled_from(["replace", "replace", "telling", "telling", "telling", "drop", "add", "double"])
        )
        if way == "drop":
            del holder[path[-1]]
        elif way == "double" and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[path[-1]]))
        elif way == "add" and isinstance(holder, dict):
            holder[draw(st.text(max_size=6))] = draw(JSON)
        else:
            holder[path[-1]] = draw(JSON if way == "replace" else TELLING)
    return document


def assert_ours(answer: Answer) -> None:
    assert 200 <= answer.status < 500, answer.text[:500]
    if answer.status >= 300:
        assert_problem(answer, answer.status, answer.json["code"])


@many
@given(body=JSON | st.text())
@example(body={})
@example(body=[[[]]])
def test_any_json_as_a_booking(shared: Service, body: Any) -> None:
    assert_ours(shared.book("harbour", body))


@many
@given(body=mutated(BOOKING))
@example(body=BOOKING)
@example(body={"partySize": 2, "startAt": f"{evening()}T19:00+00:00:01"})
def test_bookings_with_something_changed(shared: Service, body: Any) -> None:
    answer = shared.book("harbour", body)
    assert_ours(answer)
    if answer.status == 201:
        shared.cancel(answer.json["booking"]["id"])


@many
@given(body=JSON | st.text())
def test_any_json_as_a_floor(shared: Service, body: Any) -> None:
    assert_ours(shared.put_restaurant("any", body))


@many
@given(body=mutated(FLOOR))
@example(body=FLOOR)
def test_floors_with_something_changed(shared: Service, body: Any) -> None:
    """One that is taken can also be booked, or refuses in words."""
    answer = shared.put_restaurant("changed", body)
    assert_ours(answer)
    if answer.status < 300:
        for size, time in ((2, "19:00"), (6, "22:00")):
            assert_ours(shared.book("changed", party(size, time)))


@many
@given(
    query=st.dictionaries(
        st.sampled_from(["date", "status", "cursor", "limit", "x"]), st.text() | TELLING.map(str), max_size=3
    )
)
def test_any_query(shared: Service, query: dict[str, str]) -> None:
    assert_ours(shared.http("bookings", "GET", "/restaurants/harbour/bookings", query=query))


@pytest.fixture(autouse=True)
def _quiet(capfd: pytest.CaptureFixture[str]) -> None:
    """What so many calls log is of no use."""
