"""The names that are types and the names that are described are the same, and a wrong word is found."""

from typing import get_args

import pytest

from maitred.services.ports import Event
from maitred.telemetry import names, vocabulary
from tests.harness.service import Service, party
from tests.harness.vocabulary import Undefined, check_event, check_metric


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
    whole = dict.fromkeys(vocabulary.EVENTS["booking.state_changed"].keys)
    check_event("booking.state_changed", "bookings", whole)
    with pytest.raises(Undefined):
        check_event("booking.state_changed", "bookings", whole | {"guest": "Ada"})
    with pytest.raises(Undefined):
        check_event("booking.state_changed", "bookings", {"from": None})
    with pytest.raises(Undefined):
        check_event("booking.changed", "bookings", whole)


def test_no_test_can_tell_another_word_unseen(harbour: Service, told: list[str]) -> None:
    from maitred.bootstrap.bookings import services  # noqa: PLC0415 - wired by the fixture's settings

    assert harbour.book("harbour", party()).status == 201
    recorder = services().core.recorder
    recorder.count("AssignReason", category="weather")
    recorder.committed([Event("booking.state_changed", {"guest": "Ada"})])
    assert [line.split()[0] for line in told] == [
        "AssignReason",
        "booking.state_changed",
    ]
    told.clear()
