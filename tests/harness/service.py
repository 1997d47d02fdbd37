"""The whole service in one process: the true handlers on a real database, with queues by moto."""

import importlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import boto3
import pytest
from moto import mock_aws

from maitred.adapters.system import SystemClock
from tests.harness.databases import APPLICATION_ROLE, TestDatabase
from tests.harness.description import assert_described
from tests.harness.events import LambdaContext, http_event, sqs_event

_WIRINGS = ("bookings", "operations", "assign", "relay", "notify", "maintain", "optimize", "deliver")
_QUEUES = {
    "ASSIGN_QUEUE_URL": "assign",
    "ASSIGN_DLQ_URL": "assign-dlq",
    "NOTIFICATION_QUEUE_URL": "notification",
    "NOTIFICATION_DLQ_URL": "notification-dlq",
    "OPTIMIZE_QUEUE_URL": "optimize",
    "OPTIMIZE_DLQ_URL": "optimize-dlq",
    "WEBHOOK_QUEUE_URL": "webhook",
    "WEBHOOK_DLQ_URL": "webhook-dlq",
}
SETTINGS = {
    "STAGE": "test",
    "DATABASE_HOST": "127.0.0.1",
    "DATABASE_SSLMODE": "disable",
    "DATABASE_AUTH": "trust",
    "DATABASE_USER": APPLICATION_ROLE,
    "ASSIGNMENT_PIPELINE": "on",
    "INLINE_BUDGET_MS": "8000",
    "CLIENT_RATE": "1000",
    "CLIENT_BURST": "10000",
    "RESTAURANT_RATE": "1000",
    "RESTAURANT_BURST": "10000",
    "RESTAURANT_IN_FLIGHT": "1000",
    "MAX_ATTEMPTS": "4",
    "RETRY_POLICY": "informed",
    "PLANNER_CACHE": "on",
    "FLAGS_APPLICATION": "",
    "FLAGS_ENVIRONMENT": "",
    "FLAGS_PROFILE": "",
    "JOB_BUDGET_MS": "10000",
    "LEASE_SECONDS": "90",
    "RELAY_BATCH": "100",
    "DAY_OPTIMIZER": "on",
    "SHIFT_SECONDS": "10",
    "MAIL_FROM": "bookings@example.com",
    "MAIL_DELIVERY": "ses",
    "IDEMPOTENCY_DAYS": "7",
    "EVENTS_DAYS": "400",
    "OUTBOX_DAYS": "14",
    "CHANGES_DAYS": "30",
    "GUEST_DAYS": "400",
    "WEBHOOK_KEY": "alias/webhooks",
    "WEBHOOK_TARGETS": "public",
    "MANUAL_REVIEW_ALERT_MINUTES": "120",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "POWERTOOLS_SERVICE_NAME": "test",
}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


def answer_of(event: dict[str, Any], answer: dict[str, Any]) -> Answer:
    """What a handler has answered to an HTTP event; it must be as docs/openapi.json says."""
    headers = {name.lower(): value for name, value in answer["headers"].items()}
    found = Answer(answer["statusCode"], headers, answer.get("body") or "")
    method = event["requestContext"]["http"]["method"]
    assert_described(method, event["rawPath"], found.status, headers, found.text)
    return found


class Service:
    """Calls handlers as Lambda would. ``database`` is for looking behind the doors."""

    def __init__(self, database: TestDatabase, sqs: Any, queues: dict[str, str]) -> None:
        self.database = database
        self.sqs = sqs
        self.queues = queues

    def http(self, function: str, method: str, path: str, **request: Any) -> Answer:
        event = http_event(method, path, **request)
        answer = handler(function)(event, LambdaContext(function))
        return answer_of(event, answer)

    def put_restaurant(self, restaurant_id: str, document: Any, **request: Any) -> Answer:
        return self.http("operations", "PUT", f"/restaurants/{restaurant_id}", body=document, **request)

    def book(self, restaurant_id: str, body: Any, **request: Any) -> Answer:
        return self.http("bookings", "POST", f"/restaurants/{restaurant_id}/bookings", body=body, **request)

    def hold(self, restaurant_id: str, body: Any, **request: Any) -> Answer:
        return self.http("bookings", "POST", f"/restaurants/{restaurant_id}/holds", body=body, **request)

    def give_back(self, hold_id: str, **request: Any) -> Answer:
        return self.http("bookings", "DELETE", f"/holds/{hold_id}", **request)

    def booking(self, booking_id: str, **request: Any) -> Answer:
        return self.http("bookings", "GET", f"/bookings/{booking_id}", **request)

    def cancel(self, booking_id: str, **request: Any) -> Answer:
        return self.http("bookings", "POST", f"/bookings/{booking_id}/cancel", **request)

    def process(self, booking_id: str, trigger: str = "retry", **request: Any) -> Answer:
        body = {"bookingId": booking_id, "trigger": trigger}
        return self.http("operations", "POST", "/assignments/process", body=body, **request)

    def availability(self, restaurant_id: str, **query: Any) -> Answer:
        """Of the evening, unless another ``date`` is asked for."""
        asked = {name: str(value) for name, value in ({"date": evening()} | query).items()}
        return self.http("bookings", "GET", f"/restaurants/{restaurant_id}/availability", query=asked)

    def openings(self, restaurant_id: str, *sizes: int, **body: Any) -> Answer:
        """Of the evening, unless other ``dates`` are asked for."""
        asked = {"dates": [evening()], "partySizes": sizes} | body
        return self.http("bookings", "POST", f"/restaurants/{restaurant_id}/availability", body=asked)

    def assign(self, booking_id: str, *tables: str, headers: Any = None, **body: Any) -> Answer:
        """A person's choice of tables."""
        path = f"/bookings/{booking_id}/assignment"
        return self.http("operations", "PUT", path, body={"tables": list(tables), **body}, headers=headers)

    def unassign(self, booking_id: str, headers: Any = None) -> Answer:
        return self.http("operations", "DELETE", f"/bookings/{booking_id}/assignment", headers=headers)

    def deliver(self, function: str, *bodies: str, receives: int = 1) -> dict[str, Any]:
        """Hand messages to a queue's reader; returns its partial batch response."""
        answer: dict[str, Any] = handler(function)(
            sqs_event(*bodies, receives=receives), LambdaContext(function)
        )
        return answer

    def scheduled(self, function: str) -> dict[str, Any]:
        answer: dict[str, Any] = handler(function)({}, LambdaContext(function, seconds=50))
        return answer

    def messages(self, queue: str = "assign") -> list[dict[str, Any]]:
        """Receive and delete everything that is visible in a queue."""
        found: list[dict[str, Any]] = []
        while batch := self.sqs.receive_message(
            QueueUrl=self.queues[queue], MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages"):
            for message in batch:
                self.sqs.delete_message(QueueUrl=self.queues[queue], ReceiptHandle=message["ReceiptHandle"])
            found.extend(batch)
        return found

    def work(self, rounds: int = 10) -> None:
        """Let the background job work until its queue has nothing visible."""
        for _ in range(rounds):
            bodies = [message["Body"] for message in self.messages("assign")]
            if not bodies:
                return
            assert self.deliver("assign", *bodies) == {"batchItemFailures": []}
        raise AssertionError("the queue does not run dry")

    def events(self, event_type: str, booking_id: str | None = None) -> list[dict[str, Any]]:
        """Contexts of the stored events of one type, oldest first."""
        rows = self.database.query(
            "select context from observability_events where event_type = %s"
            " and (%s::uuid is null or booking_id = %s::uuid) order by id",
            event_type,
            booking_id,
            booking_id,
        )
        return [row[0] for row in rows]


def handler(function: str) -> Any:
    return importlib.import_module(f"functions.{function}.app").handler


@cache
def _session() -> boto3.Session:
    """One for all tests: each new one reads the descriptions of AWS's services anew."""
    return boto3.Session()


@contextmanager
def running_service(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Settings by environment, wiring made anew, queues of moto."""
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DATABASE_PORT", str(database.port))
    monkeypatch.setenv("DATABASE_NAME", database.name)
    monkeypatch.setenv("MOTO_SQS_ENFORCE_STRICT_QUEUE_PURGE_BEHAVIOUR", "false")  # purged for each test
    slow_stopwatch(monkeypatch)
    monkeypatch.setattr("moto.core.models.RESPONSES_METHODS", [])  # nobody comes through requests
    with mock_aws():
        monkeypatch.setattr(boto3, "DEFAULT_SESSION", _session())
        sqs = boto3.client("sqs")
        queues = {}
        for setting, name in _QUEUES.items():
            queues[name] = sqs.create_queue(QueueName=name)["QueueUrl"]
            monkeypatch.setenv(setting, queues[name])
        kms = boto3.client("kms")
        kms.create_alias(AliasName="alias/webhooks", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
        forget_wiring()
        try:
            yield Service(database, sqs, queues)
        finally:
            forget_wiring()


def slow_stopwatch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Budgets last ten times as long, so that a busy machine does not use them up."""
    monkeypatch.setattr(SystemClock, "monotonic", lambda _: time.monotonic() / 10)


def set_clock(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    """All functions live at ``moment`` (aware) from now on. The database keeps the true time."""
    monkeypatch.setattr(SystemClock, "now", lambda _: moment)


def at(clock: str, days: int = 14) -> datetime:
    """This time of the evening on London's clock, in UTC."""
    wall = datetime.fromisoformat(f"{evening(days)}T{clock}")
    return wall.replace(tzinfo=ZoneInfo("Europe/London")).astimezone(UTC)


def forget_wiring() -> None:
    """As if the sandboxes had ended."""
    for name in _WIRINGS:
        wiring = importlib.import_module(f"maitred.bootstrap.{name}").services
        if wiring.cache_info().currsize:
            wiring().runtime.database.close()
        wiring.cache_clear()


def evening(days: int = 14) -> str:
    """A date that lies safely ahead, as the API takes it."""
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()


def house(*capacities: int, **changes: Any) -> dict[str, Any]:
    """A floor document: one zone, dinner 17:00-23:00 every day, tables T1.. of ``capacities``, no merging."""
    document: dict[str, Any] = {
        "name": "Harbour Room",
        "timezone": "Europe/London",
        "policy": {"maxTables": 1, "bufferAfterMinutes": 0},
        "services": [{"id": "dinner", "name": "Dinner", "opens": "17:00", "closes": "23:00"}],
        "zones": [{"id": "main", "name": "Main room"}],
        "tables": [
            {"id": f"T{i}", "zone": "main", "capacity": capacity} for i, capacity in enumerate(capacities, 1)
        ],
    }
    return document | changes


def party(size: int = 2, time: str = "19:00", **changes: Any) -> dict[str, Any]:
    """A booking's body."""
    body = {
        "partySize": size,
        "date": evening(),
        "time": time,
        "guest": {"name": "Ada", "email": "ada@example.com"},
    }
    return body | changes
