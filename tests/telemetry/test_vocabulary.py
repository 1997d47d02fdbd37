"""The names that are types and the names that are described are the same, and a wrong word is found."""

from typing import get_args

import pytest

from maitred.services.ports import Event, names
from maitred.services.ports.names import EventType
from tests.harness.service import Service, party
from tests.harness.vocabulary import BY_HAND, Undefined, check_event, check_metric, check_stored
from tools import vocabulary


def test_whatever_can_be_told_is_described() -> None:
    assert set(get_args(names.CountName.__value__)) == set(vocabulary.COUNTS)
    assert set(get_args(names.DurationName.__value__)) == set(vocabulary.DURATIONS)
    assert set(get_args(names.EventType.__value__)) == set(vocabulary.EVENTS)
    assert set(get_args(names.SpanName.__value__)) == set(vocabulary.SPANS)


def test_nothing_tells_of_single_guests_or_bookings_in_a_dimension() -> None:
    for metric in (*vocabulary.COUNTS.values(), *vocabulary.DURATIONS.values()):
        assert set(metric.dimensions) <= {"flow", "outcome", "category", "dependency", "limit"}
        assert set(metric.services) <= set(vocabulary.SERVICES)


@pytest.mark.parametrize(
    ("name", "unit", "service", "given"),
    [
        ("Movse", "count", "bookings", {}),
        ("Moves", "milliseconds", "bookings", {}),
        ("Moves", "count", "relay", {}),
        ("Moves", "count", "bookings", {"flow": "inline"}),
        ("AssignOutcome", "count", "bookings", {"flow": "inline"}),
        ("AssignOutcome", "count", "bookings", {"flow": "inline", "outcome": "booking 7"}),
    ],
)
def test_o3_a_metric_that_nobody_reads_is_found(
    name: str, unit: str, service: str, given: dict[str, str]
) -> None:
    with pytest.raises(Undefined):
        check_metric(name, unit, service, given)


def test_o3_a_key_that_is_missing_or_too_much_is_found() -> None:
    whole = {"from": None, "to": "created", "version": 1, "actor": "tester"}
    check_event("booking.state_changed", "bookings", whole)
    with pytest.raises(Undefined):
        check_event("booking.state_changed", "bookings", whole | {"guest": "Ada"})
    with pytest.raises(Undefined):
        check_event("booking.state_changed", "bookings", {"from": None})
    with pytest.raises(Undefined):
        check_event("booking.changed", "bookings", whole)


@pytest.mark.parametrize(
    ("event_type", "key", "value"),
    [
        ("auto_assign.summary", "result", "lost"),
        ("auto_assign.summary", "trigger", "staff"),
        ("auto_assign.summary", "flags", {"weather": "fine"}),
        ("auto_assign.summary", "flags", {"assignment_pipeline": "maybe"}),
        ("auto_assign.quote", "flow", "night"),
        ("auto_assign.quote", "plannerReason", "weather"),
        ("notification.sent", "kind", "greeting"),
        ("assignment.lock", "result", None),
    ],
)
def test_o3_a_value_that_nobody_expects_is_found(event_type: EventType, key: str, value: object) -> None:
    recorded = vocabulary.EVENTS[event_type]
    whole = dict.fromkeys(recorded.keys) | {name: values[-1] for name, values in recorded.values.items()}
    check_event(event_type, recorded.services[0], whole)
    with pytest.raises(Undefined):
        check_event(event_type, recorded.services[0], whole | {key: value})


def test_what_is_stored_is_looked_at_too(harbour: Service) -> None:
    """However it came there."""
    store = (
        "insert into observability_events (source, event_type, severity, correlation_id, context)"
        " values (%s, 'booking.state_changed', 'info', 'c', '{}') returning 1"
    )
    harbour.database.query(store, "bookings")
    assert len(check_stored(harbour.database)) == 1
    harbour.database.query(
        "delete from observability_events where event_type = 'booking.state_changed' returning 1"
    )
    harbour.database.query(store, BY_HAND)
    assert check_stored(harbour.database) == []


def test_no_test_can_tell_another_word_unseen(harbour: Service, recorded: list[str]) -> None:
    from maitred.bootstrap.bookings import services  # noqa: PLC0415 - wired by the fixture's settings

    assert harbour.book("harbour", party()).status == 201
    recorder = services().runtime.recorder
    recorder.count("AssignReason", category="weather")
    recorder.committed([Event("booking.state_changed", {"guest": "Ada"})])
    assert [line.split()[0] for line in recorded] == [
        "AssignReason",
        "booking.state_changed",
    ]
    recorded.clear()
