"""The operator's commands, on queues by moto and the true maintenance function."""

import io
import json
import time
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from ops import cli, commands, dead_letters, load, replays
from ops.bookings import booking_id
from ops.connect import local_target, stage_target
from ops.target import LOCAL, OpsError, Target
from tests.harness.events import LambdaContext
from tests.harness.service import Service, handler, party

NOBODY = "00000000-0000-4000-8000-000000000000"
BODY = {"schema": 1, "bookingId": NOBODY, "trigger": "retry", "to": "ada@example.com", "correlationId": "c-1"}


class Lambdas:
    """Calls the handlers as the service would."""

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - boto3's names
        name = FunctionName.removesuffix("Function").lower()
        try:
            answer = handler(name)(json.loads(Payload), LambdaContext(name, seconds=50))
        except Exception as error:  # noqa: BLE001 - Lambda reports any
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(str(error).encode())}
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


@pytest.fixture
def target(harbour: Service, monkeypatch: pytest.MonkeyPatch) -> Target:
    queues = {
        "AssignQueue": harbour.queues["assign"],
        "AssignDeadLetterQueue": harbour.queues["assign-dlq"],
        "NotificationQueue": harbour.queues["notification"],
        "NotificationDeadLetterQueue": harbour.queues["notification-dlq"],
        "OptimizeQueue": harbour.queues["optimize"],
        "OptimizeDeadLetterQueue": harbour.queues["optimize-dlq"],
        "WebhookQueue": harbour.queues["webhook"],
        "WebhookDeadLetterQueue": harbour.queues["webhook-dlq"],
    }
    functions = {name: name for name in ("RelayFunction", "MaintainFunction")}
    url, token = "http://127.0.0.1:1", "a-token"
    found = Target(
        LOCAL,
        url,
        token,
        harbour.sqs,
        Lambdas(),
        queues,
        functions,
        {},
        sends_mail=False,
    )
    monkeypatch.setattr(commands, "local_target", lambda: found)
    return found


def park(target: Target, *bodies: str, reason: str | None = None, queue: str = "assign") -> None:
    for body in bodies:
        attributes = {"reason": {"DataType": "String", "StringValue": reason}} if reason else {}
        url = target.queues[dead_letters.QUEUES[queue].replace("Queue", "DeadLetterQueue")]
        target.sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=attributes)


def shown(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]


# --- dead letters ---------------------------------------------------------------------------------


def test_dead_letters_are_shown_with_their_reason_and_without_an_address(
    target: Target, capsys: pytest.CaptureFixture[str]
) -> None:
    park(target, json.dumps(BODY))
    park(target, "{", reason="body: json_invalid", queue="notification")
    for _ in range(2):  # looking leaves them where they are
        assert cli.main(["dlq", "show"]) == 0
        text = capsys.readouterr()
        first, second = (json.loads(line) for line in text.out.splitlines() if line.startswith("{"))
        assert (first["queue"], first["bookingId"]) == ("assign", NOBODY)
        assert first["reason"] == "delivered too often"
        assert second["reason"] == "body: json_invalid"
        assert "ada" not in text.out
    assert cli.main(["dlq", "show", "--queue", "assign"]) == 0
    assert len(shown(capsys)) == 1


def test_a_redrive_is_a_dry_run_until_it_is_meant(target: Target, harbour: Service) -> None:
    park(target, *(json.dumps(BODY | {"attempt": n}) for n in range(12)))
    assert cli.main(["dlq", "redrive"]) == 0
    assert harbour.messages("assign") == []
    assert cli.main(["dlq", "redrive", "--yes", "--per-second", "200"]) == 0
    assert sorted(json.loads(m["Body"])["attempt"] for m in harbour.messages("assign")) == list(range(12))
    assert harbour.messages("assign-dlq") == []


def test_a_redrive_keeps_to_its_rate(target: Target) -> None:
    park(target, *["{}"] * 4)
    began = time.monotonic()
    assert cli.main(["dlq", "redrive", "--yes", "--per-second", "10"]) == 0
    assert time.monotonic() - began >= 0.3


def test_one_letter_is_discarded_for_a_reason(
    target: Target,
    harbour: Service,
    capsys: pytest.CaptureFixture[str],
) -> None:
    park(target, json.dumps(BODY), "{}")
    cli.main(["dlq", "show"])
    wanted = next(each for each in shown(capsys) if each.get("bookingId") == NOBODY)
    assert cli.main(["dlq", "discard", "--id", wanted["id"], "--reason", "the restaurant is gone"]) == 0
    [printed] = shown(capsys)
    assert printed == {"discarded": wanted, "because": "the restaurant is gone"}
    assert [message["Body"] for message in harbour.messages("assign-dlq")] == ["{}"]
    assert cli.main(["dlq", "discard", "--id", wanted["id"], "--reason", "again"]) == 2


# --- the outbox, the sweep, the check -------------------------------------------------------------


def test_dead_outbox_rows_are_seen_and_sent_again(
    target: Target,
    harbour: Service,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert harbour.book("harbour", party(2)).status == 201
    harbour.messages("notification")
    harbour.database.query("update outbox set sent_at = null, dead_at = now(), last_error = 'no'")
    assert cli.main(["check"]) == 1
    assert cli.main(["outbox", "dead"]) == 0
    [row] = [line for line in shown(capsys) if "topic" in line]  # among the function's figures
    assert (row["topic"], row["last_error"]) == ("notification", "no")
    assert cli.main(["outbox", "redrive"]) == 0
    assert cli.main(["check"]) == 1
    assert cli.main(["outbox", "redrive", "--yes"]) == 0
    assert cli.main(["sweep"]) == 0
    assert len(harbour.messages("notification")) == 1
    assert cli.main(["check"]) == 0


def test_a_check_names_what_is_wrong(
    target: Target,
    harbour: Service,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert harbour.book("harbour", party(2)).status == 201
    harbour.database.query("update bookings set version = version + 1")
    assert cli.main(["check"]) == 1
    out = capsys.readouterr().out
    assert "INCONSISTENT" in out
    assert "its history ends confirmed" in out


def test_a_function_that_fails_is_one_line(target: Target, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OpsError, match="MaintainFunction failed: no such task: x"):
        target.invoke("MaintainFunction", {"task": "x"})


def test_a_decision_is_replayed_by_id_or_reference(
    harbour: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    booking = harbour.book("harbour", party(2)).json["booking"]
    for name in (booking["id"], booking["reference"]):
        assert replays.run(harbour.database.server.dsn(harbour.database.name), name) == 0
        assert capsys.readouterr().out.endswith("identical\n")
    for name in (NOBODY, "NOSUCH"):
        assert replays.run(harbour.database.server.dsn(harbour.database.name), name) == 1
        assert f"{name} is stored" in capsys.readouterr().err


# --- a booking by its reference -------------------------------------------------------------------


class Restaurants:
    """Answers as the API does for a token of two restaurants; ``references``: of whose bookings."""

    def __init__(self, **references: str) -> None:
        self._references = references

    def call(self, _method: str, path: str, _body: None) -> tuple[str, dict[str, Any]]:
        address = urlsplit(path)
        query, names = dict(parse_qsl(address.query)), list(self._references)
        if address.path == "/restaurants":
            name = names[int(query.get("cursor", "0"))]
            after = None if name == names[-1] else str(names.index(name) + 1)
            return "200", {"items": [{"restaurantId": name}], "nextCursor": after}
        name = address.path.split("/")[2]
        own = [{"id": f"id-{name}"}] if self._references[name] == query["reference"] else []
        return "200", {"items": own, "nextCursor": None}


def test_a_reference_is_looked_for_in_every_restaurant_of_the_token() -> None:
    caller: Any = Restaurants(harbour="K7QX2M", quay="AAAAAA", mole="AAAAAA")
    assert booking_id(caller, "K7QX2M") == "id-harbour"
    assert booking_id(caller, NOBODY) == NOBODY
    with pytest.raises(OpsError, match="several bookings, give the id: id-quay in quay, id-mole in mole"):
        booking_id(caller, "AAAAAA")
    with pytest.raises(OpsError, match="no restaurant of the token has a booking BBBBBB"):
        booking_id(caller, "BBBBBB")


# --- how it is called -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [[], ["dlq"], ["outbox"], ["dlq", "redrive"], ["load"], ["process"], ["check"], ["dlq", "discard"]],
)
def test_help_is_there_on_every_level(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([*words, "--help"])
    assert ended.value.code == 0
    assert "usage: make ops" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ["nothing"],
        ["process", "no-uuid"],
        ["process", "K7Q"],
        ["dlq", "discard", "--id", "x"],
        ["dlq", "discard", "--id", "x", "--reason", " "],
        ["load", "--rate", "1000"],
        ["load", "--rate", "nan"],
        ["load", "--concurrency", "0"],
        ["load", "--number", "1000000"],
        ["dlq", "show", "--limit", "-1"],
    ],
)
def test_bad_words_are_refused_before_anything_is_done(words: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 2


def test_without_a_stack_it_says_what_to_do(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MAITRED_HOME", str(tmp_path))
    assert cli.main(["check"]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert "make up" in message
    with pytest.raises(OpsError):
        local_target()


def test_the_local_stack_is_no_stage() -> None:
    """Or its name would open the door that --yes-i-mean guards."""
    with pytest.raises(OpsError, match="not a deployed stage"):
        stage_target(LOCAL)


# --- load -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sends_mail", "meant", "allowed"),
    [
        (LOCAL, False, None, True),
        ("dev", False, None, False),
        ("dev", False, "staging", False),
        ("dev", True, "dev", False),
        ("dev", False, "dev", True),
    ],
)
def test_e5_load_goes_only_where_it_is_meant_and_no_mail_is_sent(
    target: Target, name: str, sends_mail: bool, meant: str | None, allowed: bool
) -> None:
    stage = replace(target, name=name, sends_mail=sends_mail)
    if allowed:
        load.refuse_unless_meant(stage, meant)
        return
    with pytest.raises(OpsError):
        load.refuse_unless_meant(stage, meant)


def test_e5_no_guest_of_a_load_has_a_real_address(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    bodies: list[dict[str, Any]] = []

    def call(self: load.Caller, method: str, path: str, body: Any) -> tuple[str, dict[str, Any]]:
        bodies.append(body)
        return "201", {}

    monkeypatch.setattr(load.Caller, "call", call)
    tally = load.run(target, load.Load(50, 200.0, 4, rising=False), lambda done, statuses: None)
    assert tally.statuses == {"201": 50}
    assert len({body["guest"]["email"] for body in bodies}) == 50
    assert all(body["guest"]["email"].endswith(".invalid") for body in bodies)


@pytest.mark.parametrize(("rising", "middle"), [(False, 5.0), (True, 14.142)])
def test_load_is_steady_and_stress_rises_to_its_rate(rising: bool, middle: float) -> None:
    wanted = load.Load(100, 10.0, 1, rising=rising)
    assert wanted.due(0) == 0
    assert wanted.due(50) == pytest.approx(middle, abs=0.01)
    last = wanted.due(100) - wanted.due(99)
    assert 1 / last == pytest.approx(10.0, rel=0.01)


def test_a_stage_without_a_token_is_told_so(target: Target) -> None:
    with pytest.raises(OpsError, match="MAITRED_TOKEN"):
        load.Caller(replace(target, token=None))


class Cloud:
    """CloudFormation's answers about one stack."""

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        assert StackName == "maitred-dev"
        outputs = {
            "ApiUrl": "https://api",
            "AssignQueueUrl": "https://q",
            "AssignDeadLetterQueueUrl": "https://d",
        }
        return {
            "Stacks": [
                {
                    "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in outputs.items()],
                    "Parameters": [{"ParameterKey": "MailDelivery", "ParameterValue": "ses"}],
                }
            ]
        }

    def describe_stack_resource(self, StackName: str, LogicalResourceId: str) -> dict[str, Any]:  # noqa: N803
        return {"StackResourceDetail": {"PhysicalResourceId": f"{StackName}-{LogicalResourceId}-1A2B"}}


def test_a_stage_is_known_by_its_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(name: str) -> Any:
        return Cloud() if name == "cloudformation" else name

    monkeypatch.setattr("ops.connect.boto3.client", make)
    monkeypatch.setenv("MAITRED_TOKEN", "a-token")
    found = stage_target("dev")
    assert (found.name, found.url, found.token, found.sends_mail) == ("dev", "https://api", "a-token", True)
    assert found.queues == {"AssignQueue": "https://q", "AssignDeadLetterQueue": "https://d"}
    assert found.functions["MaintainFunction"] == "maitred-dev-MaintainFunction-1A2B:live"
