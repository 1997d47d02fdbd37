"""The operator's commands on the running stack."""

import json
from typing import Any

import pytest

from localstack.stack import LocalStack
from ops import cli
from tests.stack.guest import Guest, eventually

pytestmark = pytest.mark.stack


@pytest.fixture(autouse=True)
def home(stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAITRED_HOME", str(stack.home))


def dead(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert cli.main(["dlq", "show", "--queue", "assign"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]


def test_a_poisoned_message_is_seen_redriven_and_discarded(
    stack: LocalStack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.sqs().send_message(QueueUrl=stack.queue_url("AssignQueue"), MessageBody='{"schema": 9}')
    eventually(lambda: len(dead(capsys)) == 1, "the message is parked")
    [parked] = dead(capsys)
    assert parked["reason"] != "delivered too often"
    assert cli.main(["dlq", "redrive", "--yes"]) == 0
    eventually(lambda: [each["id"] for each in dead(capsys)] not in ([], [parked["id"]]), "parked again")
    [again] = dead(capsys)
    assert cli.main(["dlq", "discard", "--id", again["id"], "--reason", "it was a test"]) == 0
    assert dead(capsys) == []


def test_load_is_carried_and_the_book_stays_sound(
    stack: LocalStack, guest: Guest, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["load", "--number", "12", "--rate", "50", "--concurrency", "2"]) == 0
    recorded = capsys.readouterr().out
    assert "201: 12" in recorded
    assert "P95" in recorded
    assert cli.main(["sweep"]) == 0
    assert cli.main(["check"]) == 0
    assert "AssignDeadLetterQueueUrl" in (cli.main(["outputs"]), capsys.readouterr().out)[1]


def test_one_booking_is_processed(
    stack: LocalStack, guest: Guest, capsys: pytest.CaptureFixture[str]
) -> None:
    status, answer = guest.book(2)
    assert status == 201
    booking = answer["booking"]
    for name in (booking["id"], booking["reference"], booking["reference"].lower()):
        assert cli.main(["process", name]) == 1  # there is nothing to assign
        assert "invalid_state" in capsys.readouterr().out


def test_a_reference_must_lead_to_one_booking(
    stack: LocalStack, guest: Guest, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["process", "NOSUCH"]) == 2
    assert "no restaurant of the token has a booking NOSUCH" in capsys.readouterr().err
