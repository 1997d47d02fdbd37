"""A host at the desk looks for a booking: by reference, by guest, by time, by what has changed."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.harness.events import http_event
from tests.harness.problems import assert_problem, call, invoke
from tests.harness.service import Service, evening, house, party

GUESTS: dict[str, dict[str, str]] = {
    "ada": {"name": "Ada Lovelace", "email": "ada.lovelace@example.com", "phone": "+44 (0)20 7946-0123"},
    "jose": {"name": "José Ángel Muñoz", "email": "jose@correo.es"},
    "anne": {"name": "Anne-Marie O\u2019Brien", "phone": "0170/55 66 77"},
    "soren": {"name": "SØREN Łukasz Æbel", "email": "s_100%@example.dk"},
    "maria": {"name": "Мария Йодль", "email": "мария@почта.рф"},
    "weiss": {"name": "Groß Weiß-Strauß"},
    "chinese": {"name": "山田 太郎"},
    "korean": {"name": "김철수"},
    "wide": {"name": "\uff37\uff49\uff44\uff45\u3000Load"},
    "arabic": {"name": "مُحَمَّد"},
    "quoted": {"name": "Bobby ' \\ Tables", "email": "o'hara@example.com"},
    "nobody": {},
}

FOUND = {
    "ada": {"ada"},
    "ADA": {"ada"},
    "love": {"ada"},
    "lovelace ada": {"ada"},
    "Ada Lov": {"ada"},
    "ovelace": {"ada"},  # of the mail
    "velace@example.com": {"ada"},
    "EXAMPLE.COM": {"ada", "quoted"},
    "ada muñoz": set(),
    "+44 (0)20 7946-0123": {"ada"},
    "44 020 79 46": {"ada"},
    "+44020": {"ada"},
    "7946": {"ada"},
    "46": {"ada"},
    "0123": {"ada"},
    "ada 0123": {"ada"},
    "jose 0123": set(),
    "jose": {"jose"},
    "JOSÉ": {"jose"},
    "angel munoz": {"jose"},
    "munoz": {"jose"},
    "unoz": set(),
    "ose": {"jose"},
    "a": {"ada", "jose", "anne", "soren", "quoted"},  # begins a word, or stands in a mail
    "marie": {"anne"},
    "anne-marie": {"anne"},
    "anne marie": {"anne"},
    "o'brien": {"anne"},
    "O\u2019B": {"anne"},
    "obrien": {"anne"},
    "brien": {"anne"},
    "0170 5566": {"anne"},
    "556677": {"anne"},
    "soren": {"soren"},
    "lukasz aebel": {"soren"},
    "100%": {"soren"},
    "s_1": {"soren"},
    "%": {"soren"},
    "_": {"soren"},
    "мария": {"maria"},
    "МАРИЯ": {"maria"},
    "иодль": {"maria"},
    "почта": {"maria"},
    "gross": {"weiss"},
    "STRAUSS": {"weiss"},
    "weiß": {"weiss"},
    "山田": {"chinese"},
    "太": {"chinese"},
    "田": set(),
    "김": {"korean"},
    "wide": {"wide"},
    "محمد": {"arabic"},
    "tables": {"quoted"},
    "o'hara": {"quoted"},
    "\\": set(),
    "'": {"quoted"},
    "bobby & tables": {"quoted"},
    "& ada": {"ada"},
    "nobody": set(),
    "zzz": set(),
}


@pytest.fixture(scope="module")
def book(shared: Service) -> dict[str, str]:
    """The guests of the harbour, and the same ones of another house, which never show up."""
    shared.put_restaurant("elsewhere", house(2, 2, 4))
    shared.put_restaurant("harbour-2", house(2, 2, 4))
    made = {}
    for number, (name, guest) in enumerate(GUESTS.items()):
        body = party(2, date=evening(20 + number), guest=guest)
        for other in ("elsewhere", "harbour-2"):
            assert shared.book(other, body).status == 201
        made[name] = shared.book("harbour", body).json["booking"]["id"]
    return made


def items(restaurant: str = "harbour", **query: str) -> list[dict[str, Any]]:
    """All pages, two bookings each."""
    found: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        asked = query | {"limit": "2"} | cursor
        answer = call("bookings", "GET", f"/restaurants/{restaurant}/bookings", query=asked)
        assert answer.status == 200, answer.text
        found += answer.json["items"]
        if answer.json["nextCursor"] is None:
            return found
        cursor = {"cursor": answer.json["nextCursor"]}


def names(book: dict[str, str], **query: str) -> list[str]:
    by_id = {booking: name for name, booking in book.items()}
    return [by_id[each["id"]] for each in items(**query)]


@pytest.mark.parametrize("q", FOUND)
def test_a_guest_is_found(shared: Service, book: dict[str, str], q: str) -> None:
    found = names(book, q=q)
    assert set(found) == FOUND[q]
    assert len(found) == len(FOUND[q])
    assert found == [name for name in GUESTS if name in FOUND[q]]  # by start


@pytest.mark.parametrize("name", [name for name, guest in GUESTS.items() if guest])
def test_whatever_a_guest_is_called_its_own_words_find_it(
    shared: Service, book: dict[str, str], name: str
) -> None:
    for text in GUESTS[name].values():
        assert name in names(book, q=text)
        assert name in names(book, q=text.upper())
        assert name in names(book, q=f"  {text[:3]} ")


def test_a_change_of_the_guest_is_found_and_what_was_is_not(shared: Service) -> None:
    booking = shared.book("harbour", party(2, date=evening(50), guest={"name": "Xerxes"})).json["booking"]
    assert [each["id"] for each in items(q="xerxes")] == [booking["id"]]
    change = {"guest": {"name": "Ysolde", "phone": "+33 1 23"}}
    assert call("bookings", "PATCH", f"/bookings/{booking['id']}", body=change).status == 200
    assert items(q="xerxes") == []
    assert [each["id"] for each in items(q="ysolde 33123")] == [booking["id"]]
    shared.cancel(booking["id"])
    assert [each["status"] for each in items(q="ysolde")] == ["cancelled"]


def test_a_reference_is_found_however_it_is_written(shared: Service, book: dict[str, str]) -> None:
    booking = shared.booking(book["ada"]).json["booking"]
    reference = booking["reference"]
    for written in (reference, reference.lower()):
        assert items(reference=written) == [booking]
    assert items("elsewhere", reference=reference) == []
    assert items(reference="ZZZZZZZZ") == []
    assert items(reference=reference, q="ada", status="confirmed") == [booking]
    for other in ({"q": "jose"}, {"status": "cancelled"}, {"date": evening(51)}):
        assert items(reference=reference, **other) == []


def test_starts_from_and_to(shared: Service, book: dict[str, str]) -> None:
    start = {
        name: shared.booking(book[name]).json["booking"]["startAt"] for name in ("jose", "anne", "maria")
    }
    assert names(book, **{"from": start["jose"], "to": start["maria"]}) == ["jose", "anne", "soren"]
    assert names(book, **{"from": start["jose"], "to": start["jose"]}) == []
    assert names(book, **{"from": start["anne"], "to": start["maria"], "q": "sor"}) == ["soren"]
    assert names(book, **{"from": start["maria"], "q": "ada"}) == []
    assert names(book, **{"from": start["anne"], "to": start["maria"], "status": "confirmed"}) == [
        "anne",
        "soren",
    ]
    on_the_day = {"date": evening(21), "from": start["jose"]}
    assert names(book, **on_the_day) == ["jose"]
    assert names(book, date=evening(21), to=start["jose"]) == []


def test_all_filters_hold_together(shared: Service, book: dict[str, str]) -> None:
    shared.put_restaurant("mole", house(2, 2, 4))
    gone, kept = (
        shared.book("mole", party(2, date=evening(day), guest=GUESTS["ada"])).json["booking"]["id"]
        for day in (60, 61)
    )
    shared.cancel(gone)
    assert [each["id"] for each in items("mole", q="ada")] == [gone, kept]
    assert [each["id"] for each in items("mole", q="ada", status="cancelled")] == [gone]
    assert [each["id"] for each in items("mole", q="ada", date=evening(61))] == [kept]
    assert names(book, q="ada", date=evening(20)) == ["ada"]
    assert names(book, q="ada", status="confirmed", updatedSince="2026-01-01T00:00:00Z") == ["ada"]


# --- what has changed ---


def second(moment: str, **later: float) -> str:
    return (datetime.fromisoformat(moment) + timedelta(**later)).isoformat()


def test_what_has_changed_since_is_listed_in_the_order_of_its_changes(shared: Service) -> None:
    shared.put_restaurant("quay", house(2, 2, 4))
    made = [shared.book("quay", party(2, date=evening(day))).json["booking"]["id"] for day in (12, 11, 10)]
    marks = set_apart(shared, made)
    assert [each["id"] for each in items("quay", updatedSince=marks[0])] == made
    assert [each["id"] for each in items("quay", updatedSince=marks[1])] == made[1:]
    assert [each["id"] for each in items("quay", updatedSince=second(marks[1], seconds=1))] == made[2:]
    changed = call("bookings", "PATCH", f"/bookings/{made[0]}", body={"notes": "late"}).json["booking"]
    assert [each["id"] for each in items("quay", updatedSince=marks[0])] == [*made[1:], made[0]]
    assert items("quay", updatedSince=changed["updatedAt"]) == [changed]
    assert items("quay", updatedSince=changed["updatedAt"], q="ada", status="confirmed") == [changed]


def set_apart(service: Service, bookings: list[str]) -> list[str]:
    """Let the bookings have changed a minute after each other, long ago; returns when."""
    for number, booking in enumerate(bookings):
        service.database.query(
            "update bookings set updated_at = '2026-01-05T10:00:00Z'::timestamptz + %s * interval '1 minute'"
            " where id = %s",
            number,
            booking,
        )
    return [f"2026-01-05T10:0{number}:00+00:00" for number in range(len(bookings))]


def test_a_page_goes_on_where_the_last_one_ended_whatever_happens_between(shared: Service) -> None:
    """By start nobody is skipped or shown twice; by change, who changes meanwhile comes again at the end."""
    shared.put_restaurant("pier", house(2, 2, 4))
    made = [shared.book("pier", party(2, date=evening(day))).json["booking"]["id"] for day in range(10, 16)]
    set_apart(shared, made)

    def pages(between: Callable[[], Any], **query: str) -> list[str]:
        path, found, asked = "/restaurants/pier/bookings", [], query | {"limit": "2"}
        while True:
            answer = call("bookings", "GET", path, query=asked).json
            found += [each["id"] for each in answer["items"]]
            if answer["nextCursor"] is None:
                return found
            between()
            asked = query | {"limit": "2", "cursor": answer["nextCursor"]}

    before = shared.book("pier", party(2, date=evening(9))).json["booking"]["id"]
    for query in ({"q": "ada"}, {"from": f"{evening(10)}T00:00:00Z"}):
        assert [each for each in pages(lambda: shared.cancel(before), **query) if each != before] == made
    changes = iter(({"notes": "a"}, *[{}] * 9))
    renamed = pages(
        lambda: call("bookings", "PATCH", f"/bookings/{made[0]}", body=next(changes)),
        updatedSince="2026-01-05T10:00:00Z",
        to=f"{evening(16)}T00:00:00Z",
        status="confirmed",
    )
    assert renamed == [*made, made[0]]


# --- what cannot be asked ---

BAD = [
    *[({"q": q}, "q") for q in ("", "   ", "x" * 101, "a\x00b", "a\nb", "\x7f", "\ud800", "\u202e")],
    *[({"reference": text}, "reference") for text in ("", "K7 QX", "K7QX2M" * 4, "Ä", "%")],
    *[({name: ""}, name) for name in ("from", "to", "updatedSince")],
    *[({name: "2026-12-04"}, name) for name in ("from", "to", "updatedSince")],
    *[({name: "2026-13-04T19:00:00Z"}, name) for name in ("from", "to", "updatedSince")],
    ({"from": "2026-12-05T19:00:00Z", "to": "2026-12-04T19:00:00Z"}, "to"),
    ({"query": "ada"}, "query"),
    ({"Q": "ada"}, "Q"),
]


@pytest.mark.parametrize(("query", "field"), BAD, ids=lambda value: ascii(value)[:50])
def test_a_question_that_cannot_be_asked(shared: Service, query: dict[str, str], field: str) -> None:
    event = http_event("GET", "/restaurants/harbour/bookings") | {"queryStringParameters": query}
    problem = assert_problem(invoke("bookings", event), 422, "invalid_request", field)
    assert len(problem["errors"]) == 1


@pytest.mark.parametrize("name", ["from", "to", "updatedSince"])
def test_a_moment_without_an_offset(shared: Service, name: str) -> None:
    query = {name: "2026-12-04T19:00:00"}
    answer = call("bookings", "GET", "/restaurants/harbour/bookings", query=query)
    assert_problem(answer, 422, "naive_timestamp", name)


@pytest.mark.parametrize(
    "q", ["'", "''", "\\", "\\'", "a' | 'b", ":*", "!a", "a & b", "(a)", "<->", "\u0301", "a:*"]
)
def test_no_text_is_read_as_an_operator(shared: Service, q: str) -> None:
    assert call("bookings", "GET", "/restaurants/harbour/bookings", query={"q": q}).status == 200


# --- the restaurants of a token ---


def restaurants(**request: Any) -> list[str]:
    answer = call("bookings", "GET", "/restaurants", **request)
    assert answer.status == 200, answer.text
    return [each["restaurantId"] for each in answer.json["items"]]


def test_the_restaurants_of_a_token(shared: Service, book: dict[str, str]) -> None:
    answer = call("bookings", "GET", "/restaurants", restaurants="harbour nowhere")
    assert answer.json == {
        "items": [
            {
                "restaurantId": "harbour",
                "name": "Harbour Room",
                "timezone": "Europe/London",
                "layoutVersion": 1,
            }
        ],
        "nextCursor": None,
    }
    assert restaurants(restaurants="elsewhere harbour-2", scope="bookings:read") == ["elsewhere", "harbour-2"]
    assert restaurants(restaurants="nowhere") == []
    everything = restaurants(restaurants="*")
    assert everything == sorted(everything)
    assert {"elsewhere", "harbour", "harbour-2"} <= set(everything)
    assert restaurants(restaurants="harbour *") == everything


def test_restaurants_come_in_pages(shared: Service, book: dict[str, str]) -> None:
    first = call(
        "bookings", "GET", "/restaurants", query={"limit": "1"}, restaurants="harbour elsewhere"
    ).json
    assert [each["restaurantId"] for each in first["items"]] == ["elsewhere"]
    query = {"limit": "1", "cursor": first["nextCursor"]}
    second = call("bookings", "GET", "/restaurants", query=query, restaurants="harbour elsewhere").json
    assert ([each["restaurantId"] for each in second["items"]], second["nextCursor"]) == (["harbour"], None)
    for wrong in ("", "x", "%%%", "w6Q"):
        answer = call("bookings", "GET", "/restaurants", query={"cursor": wrong})
        assert_problem(answer, 422, "invalid_request", "cursor")


def test_who_may_not_read_sees_no_restaurants(shared: Service) -> None:
    assert_problem(call("bookings", "GET", "/restaurants", scope="openid"), 403, "forbidden")
    assert_problem(call("bookings", "GET", "/restaurants", restaurants=""), 403, "no_restaurants")
