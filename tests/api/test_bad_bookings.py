"""Every rule for a booking's body, broken: its status, code and field, and nothing written."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.harness.events import http_event
from tests.harness.problems import assert_problem, invoke, nothing_written
from tests.harness.service import Service, evening, house, party

DAY = evening()
MISSING = object()
BOOKINGS = "/restaurants/harbour/bookings"

WRONG_GUESTS: tuple[Any, ...] = ("Ada", None, [], 5)
WRONG_MEMBERS: list[tuple[str, Any, str]] = [
    *[
        ("partySize", size, "partySize")
        for size in (0, -1, 10**9, 10**400, "4", 2.5, True, None, [2], {}, MISSING)
    ],
    *[
        ("date", day, "date")
        for day in ("2026-13-01", "2027-02-30", "04.12.2026", "9999-12-31", "0001-01-01", "")
    ],
    *[
        ("date", day, "date")
        for day in (20261204, "\uff12027-01-01", f"{DAY}T00:00", "2027-W01-1", " 2027-01-01")
    ],
    *[
        ("time", time, "time")
        for time in ("24:00", "19:60", "7pm", "19:00:00", "19:00:30", "", "9:00", 1900, "\u0661\u0669:00")
    ],
    ("date", MISSING, "date"),
    ("time", MISSING, "time"),
    *[("guest", guest, "guest") for guest in WRONG_GUESTS],
    *[
        ("guest", {"name": name}, "guest.name")
        for name in ("", " \u3000", "\u200f\ufeff", "x" * 201, "a\nb", "a\tb", "a\x85b", "a\x00b", 5)
    ],
    *[
        ("guest", {"email": mail}, "guest.email")
        for mail in (
            *("ada", "", " ", "@", "a b@c", "a@b c", "a@b@c", "a..b@c", "a@b..c", "ä@", "@ä", "a@\u0301b", 7),
            *("a@b\r\nBcc: c@d", "=?utf-8?q?a=0D=0ABcc=3Ab?=@c", "ä\u2028@c", "a\u200b@c", "a@" + "ä" * 64),
        )
    ],
    *[("guest", {"phone": phone}, "guest.phone") for phone in ("", "\u202d\u202c", "1" * 65, 49123, "1\n2")],
    ("guest", {"name": "Ada", "age": 36}, "guest.age"),
    ("preferences", {"zone": "main", "view": "sea"}, "preferences.view"),
    ("preferences", {"zone": 5}, "preferences.zone"),
    ("preferences", {"zone": "main", "zoneRequired": "yes"}, "preferences.zoneRequired"),
    ("preferences", {"zone": "main", "zoneRequired": 1}, "preferences.zoneRequired"),
    ("preferences", {"zoneRequired": True}, "preferences"),
    ("preferences", {"attributes": "window"}, "preferences.attributes"),
    ("preferences", {"attributes": [""]}, "preferences.attributes.0"),
    ("preferences", {"required": ["a"] * 21}, "preferences.required"),
    ("preferences", {"required": ["a\x00"]}, "preferences.required.0"),
    ("preferences", [], "preferences"),
    *[
        ("durationMinutes", minutes, "durationMinutes")
        for minutes in (14, 721, 0, -60, 60.5, "60", True, 10**30)
    ],
    ("durationMinutes", 44, "durationMinutes"),  # below the house's minDiningMinutes
    *[("notes", notes, "notes") for notes in ("x" * 2001, "x" * 60_000, 5, "a\x00b", "a\x07b", ["a"])],
    *[("holdId", hold, "holdId") for hold in ("abc", "", 5, "0" * 31)],
    *[("onFull", choice, "onFull") for choice in ("maybe", "", None, True, "PEND")],
    ("vip", True, "vip"),
    ("party_size", 2, "party_size"),
    ("status", "confirmed", "status"),
    ("x" * 5000, 1, "x" * 200),
]

WRONG_STARTS: list[tuple[Any, str, str]] = [
    (f"{DAY}T19:00", "naive_timestamp", "startAt"),
    (f"{DAY}T19:00:00", "naive_timestamp", "startAt"),
    (f"{DAY}T19:00:30Z", "invalid_request", "startAt"),
    (f"{DAY}T19:00:00.5Z", "invalid_request", "startAt"),
    (f"{DAY}T19:00+00:00:30", "invalid_request", "startAt"),
    (f"{DAY}T19:00:00+00:00:00.5", "invalid_request", "startAt"),
    (f"{DAY}T19Z", "invalid_request", "startAt"),
    (f"{DAY.replace('-', '')}T190000Z", "invalid_request", "startAt"),
    ("2027-W01-1T19:00Z", "invalid_request", "startAt"),
    (f"{DAY}T25:00Z", "invalid_request", "startAt"),
    (f"{DAY}T19:00+25:00", "invalid_request", "startAt"),
    (DAY, "invalid_request", "startAt"),
    ("tomorrow", "invalid_request", "startAt"),
    ("", "invalid_request", "startAt"),
    ("9999-12-31T23:59:00-14:00", "invalid_request", "startAt"),
    ("0001-01-01T00:00:00+14:00", "invalid_request", "startAt"),
    (1796407200, "invalid_request", "startAt"),
    (f"{DAY}T19:00Z\x00", "invalid_request", "startAt"),
]

NOT_JSON = {
    "nothing": None,
    "empty": "",
    "spaces": "   ",
    "cut": '{"partySize": 2',
    "more": '{"partySize": 2} {}',
    "single quotes": "{'partySize': 2}",
    "byte order mark": '\ufeff{"partySize": 2}',
    "deep array": "[" * 60_000,
    "deep objects": '{"a":' * 10_000 + "1" + "}" * 10_000,
    "lone surrogate": '{"partySize": 2, "notes": "\\ud800"}',
    "raw surrogate": '{"partySize": 2, "notes": "\ud800"}',
    "raw NUL": '{"partySize": 2, "notes": "\x00"}',
    "XML": "<booking/>",
}


@pytest.mark.parametrize(("member", "value", "field"), WRONG_MEMBERS)
def test_a_wrong_member_is_named(shared: Service, member: str, value: Any, field: str) -> None:
    body = party() | {member: value}
    if value is MISSING:
        del body[member]
    with nothing_written(shared):
        assert_problem(shared.book("harbour", body), 422, "invalid_request", field)


@pytest.mark.parametrize(("start", "code", "field"), WRONG_STARTS)
def test_a_start_that_is_no_minute_with_an_offset(shared: Service, start: Any, code: str, field: str) -> None:
    with nothing_written(shared):
        assert_problem(shared.book("harbour", {"partySize": 2, "startAt": start}), 422, code, field)


@pytest.mark.parametrize(
    "start",
    [
        {},
        {"date": DAY, "time": "19:00", "startAt": f"{DAY}T19:00Z"},
        {"date": DAY, "startAt": f"{DAY}T19:00Z"},
    ],
)
def test_the_start_is_given_in_exactly_one_way(shared: Service, start: dict[str, str]) -> None:
    with nothing_written(shared):
        assert_problem(shared.book("harbour", {"partySize": 2} | start), 422, "invalid_request", "startAt")


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_what_is_not_json(shared: Service, body: str | None) -> None:
    with nothing_written(shared):
        assert_problem(shared.book("harbour", body), 400, "malformed_json")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400"])
def test_numbers_that_are_none(shared: Service, number: str) -> None:
    with nothing_written(shared):
        answer = shared.book("harbour", '{"partySize": ' + number + ', "startAt": "x"}')
        assert_problem(answer, 422, "invalid_request", "partySize")


@pytest.mark.parametrize("body", ["[]", "null", "5", '"x"', "true", "[{}]"])
def test_json_that_is_no_object(shared: Service, body: str) -> None:
    with nothing_written(shared):
        assert_problem(shared.book("harbour", body), 422, "invalid_request", "body")


def test_several_faults_are_told_at_once(shared: Service) -> None:
    answer = shared.book("harbour", {"partySize": 0, "date": 5, "guest": {"email": "x", "shoe": 4}})
    problem = assert_problem(answer, 422, "invalid_request")
    assert {e["field"] for e in problem["errors"]} == {"partySize", "date", "guest.email", "guest.shoe"}


def test_a_flood_of_faults_is_cut(shared: Service) -> None:
    body = party() | {f"member{i}": i for i in range(1000)}
    problem = assert_problem(shared.book("harbour", body), 422, "invalid_request")
    assert len(problem["errors"]) == 50


def test_no_answer_repeats_what_a_guest_wrote(shared: Service) -> None:
    body = party(0, guest={"name": "Zebulon\n", "email": "zebulon", "phone": "\n0815"}, notes="zebulon\x00")
    assert "ebulon" not in shared.book("harbour", body).text


@pytest.mark.parametrize("restaurant", ["nowhere", "x" * 64, "x" * 65, "a b", "ü", "harbour'--", "%00"])
def test_an_unknown_restaurant(shared: Service, restaurant: str) -> None:
    with nothing_written(shared):
        assert_problem(shared.book(restaurant, party()), 404, "restaurant_not_found")


def test_an_unknown_hold(shared: Service) -> None:
    with nothing_written(shared):
        answer = shared.book("harbour", party(holdId=str(uuid4())))
        assert_problem(answer, 404, "hold_not_found")


@pytest.mark.parametrize("key", ["", "a b", "ä", "x" * 256, "tab\t", "\x7f", "a\n"])
def test_a_key_that_is_not_visible_ascii(shared: Service, key: str) -> None:
    with nothing_written(shared):
        answer = shared.book("harbour", party(), headers={"Idempotency-Key": key})
        assert_problem(answer, 422, "invalid_request", "Idempotency-Key")


def test_an_input_error_does_not_use_up_the_key(shared: Service) -> None:
    with nothing_written(shared):
        answer = shared.book("harbour", party(0), headers={"idempotency-key": "once"})
        assert_problem(answer, 422, "invalid_request", "partySize")


def _with_body(body: str, *, base64_encoded: bool) -> dict[str, Any]:
    event = http_event("POST", BOOKINGS, body=body)
    return event | {"isBase64Encoded": base64_encoded}


@pytest.mark.parametrize("body", ["%%%", base64.b64encode(b'{"partySize": "\xff"}').decode(), "ä"])
def test_a_body_that_is_not_the_base64_it_claims_to_be(shared: Service, body: str) -> None:
    with nothing_written(shared):
        answer = invoke("bookings", _with_body(body, base64_encoded=True))
        assert_problem(answer, 400, "malformed_json")


def test_a_body_in_base64_is_read(shared: Service) -> None:
    body = base64.b64encode(b'{"partySize": 0, "startAt": "x"}').decode()
    answer = invoke("bookings", _with_body(body, base64_encoded=True))
    assert_problem(answer, 422, "invalid_request", "partySize")


# --- the rules of the house ---


@pytest.fixture(scope="module")
def strict_house(shared: Service) -> Service:
    """``late``: takes parties until a quarter to closing, closed for one evening, one table for walk-ins."""
    closed = (datetime.now(UTC) + timedelta(days=20)).date()
    document = house(
        2,
        4,
        4,
        4,
        services=[{"id": "dinner", "opens": "17:00", "closes": "23:00", "lastSeating": "22:45"}],
        closures=[{"from": f"{closed}T20:00", "to": f"{closed}T22:00", "reason": "A wedding"}],
    )
    document["tables"][2]["walkInOnly"] = True
    document["tables"][3]["active"] = False
    assert shared.put_restaurant("late", document).status in (200, 201)
    return shared


def _moment(**ago: int) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).replace(second=0, microsecond=0).isoformat()


RULES = [
    (party(7), "party_too_large"),
    (party(2, "12:00"), "outside_service"),
    (party(2, "16:59"), "outside_service"),
    (party(2, "22:46"), "outside_service"),
    (party(2, "23:00"), "outside_service"),
    (party(2, "22:45"), "service_overrun"),
    (party(2, "22:16"), "service_overrun"),
    (party(2, "20:00", date=evening(20)), "closed"),
    (party(2, "21:59", date=evening(20)), "closed"),
    (party(2, "19:00", date=evening(20)), "closed"),  # would run into it
    (party(2, "19:00", date="2000-01-01"), "in_the_past"),
    (party(2, "19:00", date=evening(-2)), "in_the_past"),
    ({"partySize": 2, "startAt": _moment(minutes=10)}, "in_the_past"),
    ({"partySize": 2, "startAt": _moment(days=3)}, "in_the_past"),
]


@pytest.mark.parametrize("on_full", ["pend", "refuse"])
@pytest.mark.parametrize(("body", "code"), RULES)
def test_a_wish_the_house_does_not_take(
    strict_house: Service, body: dict[str, Any], code: str, on_full: str
) -> None:
    with nothing_written(strict_house):
        answer = strict_house.book(
            "late", body | {"onFull": on_full}, headers={"idempotency-key": "k"}, scope="bookings:write"
        )
        assert_problem(answer, 422, code)
