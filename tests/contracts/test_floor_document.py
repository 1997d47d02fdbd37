"""The floor document: what is accepted, what each broken rule is called, and the floor it becomes."""

import copy
import json
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest

from maitred.contracts.base import parse
from maitred.contracts.floor_document import FloorDocument
from maitred.contracts.stored_floor import floor_from_document
from maitred.domain.errors import InvalidRequest
from maitred.domain.floor import Adjacency, Combination, Floor, Pacing, Policy, Section, TurnTime
from maitred.planner.floor.weights import DEFAULT_WEIGHTS

type Document = dict[str, Any]

LEAST: Document = {
    "name": "Harbour Room",
    "timezone": "Europe/London",
    "services": [{"id": "dinner", "opens": "17:00", "closes": "23:00"}],
    "zones": [{"id": "main"}],
    "tables": [{"id": "T1", "zone": "main", "capacity": 4}, {"id": "T2", "zone": "main", "capacity": 2}],
}


def changed(change: Callable[[Document], object]) -> str:
    document = copy.deepcopy(LEAST)
    document |= {"policy": {}, "closures": [], "adjacency": [], "combinations": []}
    change(document)
    return json.dumps(document)


def to_floor(document: FloorDocument, restaurant_id: str, layout_version: int) -> Floor:
    return floor_from_document(document.stored(), restaurant_id, layout_version)


def problems(body: str) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRequest) as caught:
        parse(FloorDocument, body)[0]
    return [(error.field, error.code) for error in caught.value.errors]


def test_defaults_are_those_of_the_contract() -> None:
    floor = to_floor(parse(FloorDocument, json.dumps(LEAST))[0], "harbour", 7)
    assert (floor.restaurant_id, floor.layout_version, floor.name) == ("harbour", 7, "Harbour Room")
    assert floor.timezone.key == "Europe/London"
    assert floor.policy == Policy()
    (dinner,) = floor.services
    assert (dinner.name, dinner.days, dinner.opens, dinner.closes) == (
        "dinner",
        frozenset(range(7)),
        1020,
        1380,
    )
    assert (dinner.last_seating, dinner.allow_overrun, dinner.turn_times) == (1380 - 45, False, None)
    first = floor.tables[0]
    assert (first.min_party, first.max_party, first.movable, first.assignable) == (1, 4, True, True)
    assert first.attributes == frozenset({"standard"})
    assert floor.zones[0].name == "main"


def test_the_stored_document_reads_back_as_itself() -> None:
    document = parse(FloorDocument, changed(_everything))[0]
    stored = document.stored()
    assert parse(FloorDocument, json.dumps(stored))[0] == document
    read_back = json.loads(json.dumps(stored))
    assert floor_from_document(read_back, "harbour", 3) == to_floor(document, "harbour", 3)
    assert stored["policy"]["turnTimes"][-1] == {"maxParty": None, "minutes": 100}
    assert stored["policy"]["holdSeconds"] == 300


def _everything(document: Document) -> None:
    document["policy"] = {
        "bufferBeforeMinutes": 5,
        "maxTables": 4,
        "adjacency": "neighbors",
        "turnTimes": [{"maxParty": 2, "minutes": 60}, {"maxParty": None, "minutes": 100}],
        "pacing": {
            "slotMinutes": 30,
            "maxCoversPerSlot": 20,
            "perZone": {"main": 9},
            "perSlot": [{"time": "19:00", "maxCovers": 8}],
        },
        "weights": {"wasted_seats": 2, "extra_tables": 0.5},
    }
    document["services"] = [
        {"id": "late", "name": "Late", "days": ["fri", "sat"], "opens": "18:00", "closes": "02:00",
         "lastSeating": "00:30", "allowOverrun": True, "turnTimes": [{"maxParty": None, "minutes": 45}]},
    ]  # fmt: skip
    document["closures"] = [
        {"from": "2026-12-25T00:00", "to": "2026-12-26T00:00:00", "reason": "Christmas"},
        {"from": "2026-12-01T00:00", "to": "2026-12-02T12:30", "zones": ["main"], "tables": ["T1"]},
    ]
    document["tables"][0] |= {"attributes": ["window"], "seatingType": "booth", "priority": -3, "maxParty": 3}
    document["adjacency"] = [["T2", "T1"], ["T1", "T2"]]
    document["tables"][0]["name"] = "By the window"
    document["zones"][0]["position"] = 2
    document["combinations"] = [{"tables": ["T2", "T1"], "minParty": 5, "seats": 7}]
    document["policy"] |= {"minNoticeMinutes": 60, "maxDaysAhead": 90, "maxPartyOnline": 8}
    document["services"] += [
        {"id": "gala", "opens": "19:00", "closes": "23:00", "dates": ["2026-12-31"], "adds": True},
        {"id": "summer", "opens": "12:00", "closes": "15:00", "from": "2026-06-01", "to": "2026-08-31"},
    ]
    document["pauses"] = [
        {"from": "2026-12-24T19:00", "to": "2026-12-24T19:30", "zones": ["main"], "reason": "Carols"}
    ]
    document["sections"] = [{"id": "S 1", "tables": ["T1"], "server": "Kim"}]


def test_every_member_reaches_the_floor() -> None:
    floor = to_floor(parse(FloorDocument, changed(_everything))[0], "harbour", 1)
    assert floor.policy.adjacency is Adjacency.NEIGHBORS
    assert floor.policy.pacing == Pacing(30, 20, {"main": 9}, ((1140, 8),))
    assert floor.policy.turn_times == (TurnTime(2, 60), TurnTime(None, 100))
    assert floor.policy.weights == {"wasted_seats": 2, "extra_tables": 0.5}
    policy = floor.policy
    assert (policy.min_notice_minutes, policy.max_days_ahead, policy.max_party_online) == (60, 90, 8)
    late, gala, summer = floor.services
    assert (gala.dates, gala.adds, gala.dated) == (frozenset({date(2026, 12, 31)}), True, True)
    assert (summer.first, summer.last, late.dated) == (date(2026, 6, 1), date(2026, 8, 31), False)
    [pause] = floor.pauses
    assert (pause.start.hour, pause.end.minute) == (19, 30)
    assert (pause.zones, pause.reason) == (frozenset({"main"}), "Carols")
    assert (late.days, late.opens, late.closes, late.last_seating) == (frozenset({4, 5}), 1080, 1560, 1470)
    assert late.turn_times == (TurnTime(None, 45),)
    christmas, works = floor.closures
    assert (christmas.whole_house, christmas.end) == (True, datetime(2026, 12, 26))  # noqa: DTZ001 - wall time
    assert (works.zones, works.tables, works.whole_house) == (frozenset({"main"}), frozenset({"T1"}), False)
    assert floor.tables[0].attributes == frozenset({"window", "booth"})
    assert (floor.tables[0].priority, floor.tables[0].max_party) == (-3, 3)
    assert (floor.tables[0].name, floor.tables[1].name, floor.zones[0].position) == ("By the window", None, 2)
    assert floor.sections == (Section("S 1", frozenset({"T1"}), "Kim"),)
    assert floor.adjacency == frozenset({("T1", "T2")})
    assert floor.combinations == (Combination(("T1", "T2"), 5, 7, 7),)


@pytest.mark.parametrize(
    ("opens", "closes", "overrun", "last"),
    [
        ("17:00", "23:00", False, 22 * 60 + 15),
        ("17:00", "23:00", True, 23 * 60),
        ("18:00", "00:15", False, 1410),
    ],
)
def test_last_seating_by_default(opens: str, closes: str, overrun: bool, last: int) -> None:
    service = {"id": "s", "opens": opens, "closes": closes, "allowOverrun": overrun}
    document = parse(FloorDocument, changed(lambda d: d.update(services=[service])))[0]
    assert to_floor(document, "harbour", 1).services[0].last_seating == last


def _service(**members: object) -> Callable[[Document], object]:
    return lambda d: d["services"][0].update(members)


def _table(**members: object) -> Callable[[Document], object]:
    return lambda d: d["tables"][0].update(members)


def _policy(**members: object) -> Callable[[Document], object]:
    return lambda d: d["policy"].update(members)


def _closure(**members: object) -> Callable[[Document], object]:
    times = {"from": "2026-12-25T00:00", "to": "2026-12-26T00:00"}
    return lambda d: d["closures"].append({**times, **members})


def _pause(**members: object) -> Callable[[Document], object]:
    times = {"from": "2026-12-24T19:00", "to": "2026-12-24T19:30"}
    return lambda d: d.update(pauses=[{**times, **members}])


def _row(**members: object) -> Callable[[Document], object]:
    return lambda d: d["combinations"].append({"tables": ["T1", "T2"], **members})


def _turns(*rows: tuple[int | None, int]) -> list[dict[str, int | None]]:
    return [{"maxParty": party, "minutes": minutes} for party, minutes in rows]


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        (
            lambda d: d["tables"].append({"id": "T1", "zone": "main", "capacity": 2}),
            "tables.2.id",
            "duplicate_id",
        ),
        (lambda d: d["zones"].append({"id": "main"}), "zones.1.id", "duplicate_id"),
        (lambda d: d["services"].append(d["services"][0]), "services.1.id", "duplicate_id"),
        (lambda d: d.update(timezone="Europe/Nowhere"), "timezone", "value_error"),
        (lambda d: d.update(timezone="../../etc/passwd"), "timezone", "value_error"),
        (lambda d: d.update(timezone="localtime"), "timezone", "value_error"),
        (lambda d: d.update(timezone="europe/london"), "timezone", "value_error"),
        (lambda d: d.update(name=""), "name", "string_too_short"),
        (lambda d: d.update(name="n\x00"), "name", "nul_character"),
        (lambda d: d.update(tables=[]), "tables", "too_short"),
        (lambda d: d.update(zones=[]), "zones", "too_short"),
        (lambda d: d.pop("services"), "services", "missing"),
        (lambda d: d.update(colour="red"), "colour", "unknown_member"),
        (_table(zone="attic"), "tables.0.zone", "unknown_reference"),
        (_table(id="T/1"), "tables.0.id", "value_error"),
        (_table(id="x" * 41), "tables.0.id", "string_too_long"),
        (
            lambda d: d.update(sections=[{"id": "a", "tables": ["T9"]}]),
            "sections.0.tables.0",
            "unknown_reference",
        ),
        (lambda d: d.update(sections=[{"id": "a", "tables": []}]), "sections.0.tables", "too_short"),
        (
            lambda d: d.update(sections=[{"id": x, "tables": ["T1"]} for x in "ab"]),
            "sections.1.tables.0",
            "duplicate_table",
        ),
        (
            lambda d: d.update(sections=[{"id": "a", "tables": [x]} for x in ("T1", "T2")]),
            "sections.1.id",
            "duplicate_id",
        ),
        (_table(capacity=0), "tables.0.capacity", "greater_than_equal"),
        (_table(capacity=101), "tables.0.capacity", "less_than_equal"),
        (_table(capacity="4"), "tables.0.capacity", "int_type"),
        (_table(maxParty=101), "tables.0.maxParty", "less_than_equal"),
        (_table(minParty=5), "tables.0.minParty", "above_max_party"),
        (_table(minParty=3, maxParty=2), "tables.0.minParty", "above_max_party"),
        (_table(minParty=0), "tables.0.minParty", "greater_than_equal"),
        (_table(movable=1), "tables.0.movable", "bool_type"),
        (_table(seatingtype="x"), "tables.0.seatingtype", "unknown_member"),
        (_service(closes="17:00"), "services.0.closes", "empty_service"),
        (_service(closes="17:30"), "services.0.closes", "service_too_short"),
        (_service(lastSeating="23:01"), "services.0.lastSeating", "outside_service"),
        (_service(dates=[]), "services.0.dates", "too_short"),
        (_service(dates=["2026-12-31"] * 2), "services.0.dates", "duplicate_date"),
        (_service(dates=["2026-02-30"]), "services.0.dates.0", "value_error"),
        (_service(dates=["20261231"]), "services.0.dates.0", "value_error"),
        (_service(dates=["2026-12-31"], to="2026-12-31"), "services.0.dates", "dates_and_period"),
        (_service(**{"from": "2026-12-31", "to": "2026-12-30"}), "services.0.to", "before_from"),
        (_service(adds=True), "services.0.adds", "not_dated"),
        (_pause(to="2026-12-24T19:00"), "pauses.0.to", "not_after_from"),
        (_pause(zones=["attic"]), "pauses.0.zones.0", "unknown_reference"),
        (_policy(minNoticeMinutes=-1), "policy.minNoticeMinutes", "greater_than_equal"),
        (_policy(maxPartyOnline=0), "policy.maxPartyOnline", "greater_than_equal"),
        (_service(lastSeating="16:59"), "services.0.lastSeating", "outside_service"),
        (_service(opens="7:00"), "services.0.opens", "string_pattern_mismatch"),
        (_service(days=[]), "services.0.days", "too_short"),
        (_service(days=["mon", "mon"]), "services.0.days", "duplicate_day"),
        (_service(days=["monday"]), "services.0.days.0", "literal_error"),
        (_service(turnTimes=[]), "services.0.turnTimes", "too_short"),
        (_service(turnTimes=_turns((4, 60))), "services.0.turnTimes.0.maxParty", "sizes_not_covered"),
        (
            _policy(turnTimes=_turns((4, 60), (2, 90), (None, 90))),
            "policy.turnTimes.1.maxParty",
            "not_ascending",
        ),
        (
            _policy(turnTimes=_turns((None, 60), (None, 90))),
            "policy.turnTimes.0.maxParty",
            "null_before_last",
        ),
        (_policy(turnTimes=_turns((None, 4))), "policy.turnTimes.0.minutes", "greater_than_equal"),
        (_policy(turnTimes=_turns((None, 721))), "policy.turnTimes.0.minutes", "less_than_equal"),
        (_policy(adjacency="touching"), "policy.adjacency", "enum"),
        (_policy(maxTables=7), "policy.maxTables", "less_than_equal"),
        (_policy(maxTables=0), "policy.maxTables", "greater_than_equal"),
        (_policy(maxMoves=4), "policy.maxMoves", "less_than_equal"),
        (_policy(holdSeconds=0), "policy.holdSeconds", "greater_than_equal"),
        (_policy(holdSeconds=1801), "policy.holdSeconds", "less_than_equal"),
        (_policy(bufferAfterMinutes=-1), "policy.bufferAfterMinutes", "greater_than_equal"),
        (_policy(minDiningMinutes=0), "policy.minDiningMinutes", "greater_than_equal"),
        (_policy(pacing={"slotMinutes": 0}), "policy.pacing.slotMinutes", "greater_than_equal"),
        (_policy(pacing={"maxCoversPerSlot": 0}), "policy.pacing.maxCoversPerSlot", "greater_than_equal"),
        (_policy(pacing={"perZone": {"attic": 4}}), "policy.pacing.perZone.attic", "unknown_reference"),
        (_policy(pacing={"perZone": {"main": -1}}), "policy.pacing.perZone.main", "greater_than_equal"),
        (
            _policy(pacing={"perSlot": [{"time": "19", "maxCovers": 1}]}),
            "policy.pacing.perSlot.0.time",
            "string_pattern_mismatch",
        ),
        (
            _policy(pacing={"perSlot": [{"time": "19:00", "maxCovers": 1}] * 2}),
            "policy.pacing.perSlot.1.time",
            "duplicate_time",
        ),
        (_policy(weights={"luck": 1}), "policy.weights.luck", "unknown_weight"),
        (_policy(weights={"wasted_seats": -1}), "policy.weights.wasted_seats", "greater_than_equal"),
        (_closure(to="2026-12-25T00:00"), "closures.0.to", "not_after_from"),
        (_closure(to="2026-12-24T00:00"), "closures.0.to", "not_after_from"),
        (_closure(to="2026-02-30T00:00"), "closures.0.to", "value_error"),
        (_closure(to="2026-12-26T00:00Z"), "closures.0.to", "value_error"),
        (_closure(to="2026-12-26T00:00+01"), "closures.0.to", "value_error"),
        (_closure(to="2026-12-26T00:00:30"), "closures.0.to", "value_error"),
        (_closure(to="2026-12-26"), "closures.0.to", "value_error"),
        (_closure(to="9999-12-26T00:00"), "closures.0.to", "value_error"),
        (_closure(zones=["attic"]), "closures.0.zones.0", "unknown_reference"),
        (_closure(tables=["T9"]), "closures.0.tables.0", "unknown_reference"),
        (_closure(zones=[]), "closures.0.zones", "too_short"),
        (lambda d: d["adjacency"].append(["T1", "T9"]), "adjacency.0.1", "unknown_reference"),
        (lambda d: d["adjacency"].append(["T1", "T1"]), "adjacency.0", "self_edge"),
        (lambda d: d["adjacency"].append(["T1"]), "adjacency.0.1", "missing"),
        (_row(tables=["T1", "T9"]), "combinations.0.tables.1", "unknown_reference"),
        (_row(tables=["T1", "T1"]), "combinations.0.tables", "duplicate_table"),
        (_row(tables=["T1"]), "combinations.0.tables", "too_short"),
        (_row(seats=6, maxParty=7), "combinations.0.maxParty", "above_capacity"),
        (_row(minParty=7), "combinations.0.minParty", "above_max_party"),
        (_row(seats=7, minParty=8), "combinations.0.minParty", "above_max_party"),
        (_row(seats=0), "combinations.0.seats", "greater_than_equal"),
        (_row(minParty=4, maxParty=3), "combinations.0.minParty", "above_max_party"),
    ],
)
def test_every_broken_rule_has_a_field_and_a_code(
    change: Callable[[Document], object], field: str, code: str
) -> None:
    assert problems(changed(change)) == [(field, code)]


def test_several_broken_rules_are_told_at_once() -> None:
    def break_three(document: Document) -> None:
        document["tables"][0]["zone"] = "attic"
        document["adjacency"].append(["T1", "T1"])
        document["services"][0]["closes"] = "17:00"

    expected = [
        ("services.0.closes", "empty_service"),
        ("tables.0.zone", "unknown_reference"),
        ("adjacency.0", "self_edge"),
    ]
    assert problems(changed(break_three)) == expected


def test_too_many_tables() -> None:
    tables = [{"id": f"T{number}", "zone": "main", "capacity": 2} for number in range(501)]
    assert problems(changed(lambda d: d.update(tables=tables))) == [("tables", "too_long")]


def test_every_weight_may_be_set() -> None:
    body = changed(_policy(weights=dict.fromkeys(DEFAULT_WEIGHTS, 3)))
    assert set(parse(FloorDocument, body)[0].policy.weights) == set(DEFAULT_WEIGHTS)


@pytest.mark.parametrize("tag", ["en", "de-AT", "zh-Hant-TW", "es-419", "sr-latn-rs", "de-1996", "nds"])
def test_a_language_tag_is_kept_as_it_is_written(tag: str) -> None:
    document = parse(FloorDocument, changed(lambda d: d.update(locale=tag, contactEmail="Host@example.com")))[
        0
    ]
    stored = document.model_dump(mode="json", by_alias=True)
    assert (stored["locale"], stored["contactEmail"]) == (tag, "Host@example.com")
    floor = to_floor(document, "harbour", 1)
    assert (floor.locale, floor.contact_email) == (tag, "Host@example.com")


def test_without_a_language_letters_are_english_and_the_document_says_nothing_of_it() -> None:
    document = parse(FloorDocument, changed(lambda d: d.update(locale=None)))[0]
    assert document.model_dump(mode="json", by_alias=True).keys().isdisjoint({"locale", "contactEmail"})
    floor = to_floor(document, "harbour", 1)
    assert (floor.locale, floor.contact_email) == ("en", None)


@pytest.mark.parametrize("tag", ["", "e", "en_GB", "english", "de-", "de-AT-x", "dé", "de-AT\n", "a" * 36])
def test_what_is_no_language_tag_is_refused(tag: str) -> None:
    [(field, _)] = problems(changed(lambda d: d.update(locale=tag)))
    assert field == "locale"


@pytest.mark.parametrize(
    "address", ["host", "a@b, c@d", "Host <host@example.com>", "a@b\r\nBcc: c@d", "=?x?@b"]
)
def test_what_is_no_bare_address_is_refused(address: str) -> None:
    [(field, _)] = problems(changed(lambda d: d.update(contactEmail=address)))
    assert field == "contactEmail"
