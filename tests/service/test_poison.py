"""A message that no table or queue could take never costs its batch's neighbours anything."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.harness.service import Service, party

POISON: list[dict[str, Any]] = [
    {"correlationId": "\x00"},
    {"correlationId": ""},
    {"correlationId": "\x07"},
    {"correlationId": "c" * 100_000},
    {"restaurantId": "\x00"},
    {"attempt": 2**40},
]


@pytest.mark.parametrize("poison", POISON, ids=lambda value: ascii(value)[:40])
def test_a_poisoned_message_is_parked_and_its_neighbours_are_told_of(
    harbour: Service, poison: dict[str, Any]
) -> None:
    assert harbour.book("harbour", party(4)).status == 201
    waiting = harbour.book("harbour", party(4)).json["booking"]["id"]
    [message] = harbour.messages("assign")
    stranger = json.loads(message["Body"]) | {"bookingId": str(uuid4())}

    answer = harbour.deliver("assign", json.dumps(stranger), json.dumps(stranger | poison), message["Body"])
    assert answer == {"batchItemFailures": []}
    [parked] = harbour.messages("assign-dlq")
    assert json.loads(parked["Body"]) == stranger | poison
    assert harbour.events("auto_assign.summary", stranger["bookingId"])[-1]["result"] == "not_found"
    assert harbour.events("auto_assign.summary", waiting)[-1]["result"] == "manual_review"
