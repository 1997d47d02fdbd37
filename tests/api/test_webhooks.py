"""Webhooks: where a restaurant's systems want to be told, and what they are told."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from standardwebhooks import Webhook as Verifier

from maitred.adapters.webhook_sender import WebhookSender
from maitred.services.webhooks.ports import DeliveryFailed
from tests.harness.events import http_event
from tests.harness.problems import assert_problem, invoke
from tests.harness.service import Answer, Service, house, party, set_clock

PATH = "/restaurants/harbour/webhooks/ours"
URL = "https://hooks.example.com/maitred?key=1"
BODY = {"url": URL, "events": ["booking.created", "booking.confirmed", "booking.cancelled"]}
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
OTHER_SECRET = "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY="


@dataclass
class Receiver:
    """Takes what is sent, unless it is told not to."""

    taken: list[tuple[str, str, Mapping[str, str]]] = field(default_factory=list)
    failure: str | None = None
    refuses: set[str] = field(default_factory=set)

    def post(self, _: Any, url: str, body: str, headers: Mapping[str, str]) -> None:
        if self.failure or json.loads(body)["type"] in self.refuses:
            raise DeliveryFailed(self.failure or "status 500")
        self.taken.append((url, body, headers))

    @property
    def types(self) -> list[str]:
        return [json.loads(body)["type"] for _, body, _ in self.taken]


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Receiver:
    found = Receiver()

    def post(*given: Any) -> None:
        found.post(*given)  # which a test may replace

    monkeypatch.setattr(WebhookSender, "post", post)
    return found


def put(service: Service, path: str = PATH, headers: Any = None, **changes: Any) -> Answer:
    return service.http("operations", "PUT", path, body=BODY | changes, headers=headers)


def read(service: Service, path: str = PATH) -> Any:
    answer = service.http("operations", "GET", path)
    assert answer.status == 200, answer.text
    return answer.json


def bodies(service: Service, queue: str = "webhook") -> list[str]:
    return [message["Body"] for message in service.messages(queue)]


def deliver(service: Service, *messages: str) -> None:
    for body in messages or bodies(service):
        assert service.deliver("deliver", body) == {"batchItemFailures": []}


def later(monkeypatch: pytest.MonkeyPatch, **passed: float) -> datetime:
    moment = datetime.now(UTC) + timedelta(**passed)
    set_clock(monkeypatch, moment)
    return moment


# --- where they want to be told ---


def test_a_new_webhook_shows_its_secret_once(harbour: Service) -> None:
    made = put(harbour)
    assert made.status == 201, made.text
    assert made.json["secret"].startswith("whsec_")
    webhook = made.json["webhook"]
    assert webhook.keys() == {"id", "url", "events", "createdAt", "updatedAt", "failingSince", "disabledAt"}
    assert (webhook["id"], webhook["url"], webhook["events"]) == ("ours", URL, BODY["events"])
    assert read(harbour) == {"webhook": webhook}
    assert read(harbour, "/restaurants/harbour/webhooks") == {"items": [webhook], "nextCursor": None}
    again = put(harbour, url="https://hooks.example.com/other")
    assert again.status == 200
    assert again.json.keys() == {"webhook"}
    assert again.json["webhook"]["url"] == "https://hooks.example.com/other"


def test_its_own_secret_is_kept_and_only_a_new_one_is_shown(harbour: Service) -> None:
    assert put(harbour, secret=SECRET).json["secret"] == SECRET
    assert "secret" not in put(harbour, secret=SECRET).json
    assert put(harbour, secret=OTHER_SECRET).json["secret"] == OTHER_SECRET
    [(stored,)] = harbour.database.query("select webhooks::text from webhooks")
    assert SECRET not in stored
    assert OTHER_SECRET not in stored


def test_a_replay_has_no_secret(harbour: Service) -> None:
    key = {"idempotency-key": "once"}
    first, second = put(harbour, headers=key), put(harbour, headers=key)
    assert (first.status, second.status) == (201, 201)
    assert second.headers["idempotent-replayed"] == "true"
    assert second.json == {"webhook": first.json["webhook"]}
    assert first.json["secret"] not in str(harbour.database.query("select body from idempotency"))
    assert put(harbour, headers=key, events=["booking.moved"]).json["code"] == "idempotency_key_reused"


def test_a_deleted_webhook_is_gone_and_hears_nothing(harbour: Service, receiver: Receiver) -> None:
    put(harbour)
    harbour.book("harbour", party(2))
    messages = bodies(harbour)
    for _ in range(2):
        assert harbour.http("operations", "DELETE", PATH).status == 204
    assert_problem(harbour.http("operations", "GET", PATH), 404, "webhook_not_found")
    deliver(harbour, *messages)
    assert receiver.taken == []


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "https://localhost/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://[fe80::1%25eth0]/",
        "https://[fd00:ec2::254]/latest/meta-data",
        "https://10.0.0.1/",
        "https://172.16.0.1/",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https://255.255.255.255/",
        "https://metadata.google.internal/",
        "https://printer.local/",
        "https://hook/",
        "https://user:word@hooks.example.com/",
        "https://hooks.example.com:0/",
        "https://hooks.example.com:99999/",
        "https://hooks.example.com\\@127.0.0.1/",
        "https://hooks.example.com /",
        "https://hooks.exämple.com/",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "https:///path",
        "//hooks.example.com/",
        "hooks",
    ],
)
def test_addresses_that_are_refused(harbour: Service, url: str) -> None:
    assert_problem(put(harbour, url=url), 422, "address_not_allowed", "url")
    assert harbour.database.query("select 1 from webhooks") == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"events": []}, "events"),
        ({"events": ["booking.eaten"]}, "events"),
        ({"events": "booking.created"}, "events"),
        ({"url": "https://e.com/" + "a" * 2048}, "url"),
        ({"url": ""}, "url"),
        ({"secret": "short"}, "secret"),
        ({"secret": "whsec_AAAA"}, "secret"),
        ({"secret": "whsec_" + "é" * 40}, "secret"),
        ({"active": True}, "active"),
    ],
)
def test_bad_webhooks(harbour: Service, changes: dict[str, Any], field: str) -> None:
    answer = put(harbour, **changes)
    assert answer.status == 422
    assert answer.json["code"] == "invalid_request"
    assert any(each["field"].split(".")[0] == field for each in answer.json["errors"]), answer.text


def test_names_and_number(harbour: Service) -> None:
    bad = harbour.http("operations", "PUT", "/restaurants/harbour/webhooks/a.b", body=BODY)
    assert_problem(bad, 422, "invalid_request", "webhookId")
    for number in range(10):
        assert put(harbour, f"/restaurants/harbour/webhooks/w{number}").status == 201
    assert_problem(put(harbour), 409, "too_many_webhooks")
    assert put(harbour, "/restaurants/harbour/webhooks/w3").status == 200


def test_another_tenant_sees_nothing(harbour: Service) -> None:
    put(harbour)
    harbour.put_restaurant("other", house(2))
    for method, path in (
        ("GET", PATH),
        ("PUT", PATH),
        ("DELETE", PATH),
        ("GET", "/restaurants/harbour/webhooks"),
    ):
        event = http_event(method, path, body=BODY if method == "PUT" else None, restaurants="other")
        assert_problem(invoke("operations", event), 404, "restaurant_not_found")
    assert read(harbour, "/restaurants/other/webhooks")["items"] == []
    assert_problem(put(harbour, "/restaurants/nowhere/webhooks/a"), 404, "restaurant_not_found")


# --- what they are told ---


def test_an_event_is_signed_and_shows_the_booking(harbour: Service, receiver: Receiver) -> None:
    secret = put(harbour).json["secret"]
    booking = harbour.book("harbour", party(2)).json["booking"]
    deliver(harbour)
    assert receiver.types == ["booking.created", "booking.confirmed"]
    url, body, headers = receiver.taken[1]
    assert url == URL
    event = Verifier(secret).verify(body, dict(headers))
    assert event.keys() == {"type", "timestamp", "data"}
    assert event["data"]["booking"] == booking
    ids = [headers["webhook-id"] for _, _, headers in receiver.taken]
    assert len(set(ids)) == 2


def test_only_what_was_asked_for_and_only_from_then_on(harbour: Service, receiver: Receiver) -> None:
    before = harbour.book("harbour", party(2)).json["booking"]
    put(harbour, events=["booking.cancelled"])
    harbour.book("harbour", party(2))
    harbour.cancel(before["id"])
    deliver(harbour)
    assert receiver.types == ["booking.cancelled"]


def test_the_message_leaves_with_the_commit_and_is_sent_once(harbour: Service, receiver: Receiver) -> None:
    put(harbour)
    bodies(harbour)
    harbour.book("harbour", party(2))
    [message] = bodies(harbour)
    assert harbour.database.query("select 1 from outbox where topic = 'webhook' and sent_at is null") == []
    deliver(harbour, message, message)
    assert len(receiver.taken) == 2


def test_a_lost_message_costs_a_minute(harbour: Service, receiver: Receiver) -> None:
    put(harbour)
    harbour.book("harbour", party(2))
    bodies(harbour)
    harbour.database.query("update booking_changes set at = at - interval '2 minutes'")
    assert harbour.scheduled("maintain")["webhooksWoken"] == 1
    harbour.scheduled("relay")
    deliver(harbour)
    assert receiver.types == ["booking.created", "booking.confirmed"]
    assert harbour.scheduled("maintain")["webhooksWoken"] == 0


def test_two_secrets_sign_for_a_day(
    harbour: Service, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(harbour, secret=SECRET)
    put(harbour, secret=OTHER_SECRET)
    harbour.book("harbour", party(2))
    deliver(harbour)
    _, body, headers = receiver.taken[0]
    for secret in (SECRET, OTHER_SECRET):
        Verifier(secret).verify(body, dict(headers))
    later(monkeypatch, hours=25)
    harbour.book("harbour", party(2))
    deliver(harbour)
    assert len(receiver.taken[-1][2]["webhook-signature"].split()) == 1


def test_a_receiver_that_fails_rests_and_gets_everything_in_order(
    harbour: Service, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(harbour)
    receiver.failure = "status 500"
    booking = harbour.book("harbour", party(2)).json["booking"]
    deliver(harbour)
    [(pause,)] = harbour.database.query("select next_try_at - first_failed_at from webhooks")
    assert timedelta(seconds=5) <= pause <= timedelta(seconds=5.5)
    [(later_by,)] = harbour.database.query(
        "select o.due_at - w.next_try_at from outbox o, webhooks w order by o.id desc limit 1"
    )
    assert later_by == timedelta()
    harbour.cancel(booking["id"])
    deliver(harbour)  # resting: nobody asks it
    assert harbour.database.query("select attempts from webhooks") == [(1,)]
    assert read(harbour)["webhook"]["failingSince"] is not None
    receiver.failure = None
    later(monkeypatch, seconds=7)
    harbour.scheduled("relay")
    deliver(harbour, _message())
    assert receiver.types == ["booking.created", "booking.confirmed", "booking.cancelled"]
    assert read(harbour)["webhook"]["failingSince"] is None


def _message(**more: Any) -> str:
    message = {"schema": 1, "restaurantId": "harbour", "webhookId": "ours", "correlationId": "c"}
    return json.dumps(message | more)


def test_the_pauses_grow(harbour: Service, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    put(harbour)
    receiver.failure = "time-out"
    harbour.book("harbour", party(2))
    moment, pauses = datetime.now(UTC), []
    for _ in range(9):
        set_clock(monkeypatch, moment)
        deliver(harbour, _message())
        [(due,)] = harbour.database.query("select next_try_at from webhooks")
        pauses.append((due - moment).total_seconds())
        moment = due
    expected = [5, 20, 80, 320, 1280, 5120, 20480, 21600, 21600]
    assert all(low <= pause <= low * 1.1 for low, pause in zip(expected, pauses, strict=True)), pauses


def test_after_a_day_the_next_one_has_its_turn_and_an_operator_may_send_again(
    harbour: Service, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(harbour)
    receiver.refuses = {"booking.created"}
    harbour.book("harbour", party(2))
    deliver(harbour)
    later(monkeypatch, hours=25)
    deliver(harbour, _message())
    harbour.scheduled("relay")
    [dead] = bodies(harbour, "webhook-dlq")
    assert json.loads(dead)["position"] == 1
    deliver(harbour, _message())
    assert receiver.types == ["booking.confirmed"]
    assert harbour.deliver("deliver", dead)["batchItemFailures"] != []
    receiver.refuses = set()
    deliver(harbour, dead)
    assert receiver.types == ["booking.confirmed", "booking.created"]
    [(position,)] = harbour.database.query("select position from webhooks")
    assert position == 2


def test_after_three_days_it_is_switched_off_and_the_restaurant_gets_a_letter(
    harbour: Service, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    harbour.put_restaurant("harbour", house(2, 2, 4, contactEmail="house@example.com"))
    put(harbour)
    receiver.failure = "no answer"
    harbour.book("harbour", party(2))
    deliver(harbour)
    later(monkeypatch, hours=73)
    bodies(harbour)
    deliver(harbour, _message())
    assert read(harbour)["webhook"]["disabledAt"] is not None
    queued = "select count(*) from outbox where topic = 'webhook'"
    before = harbour.database.query(queued)
    [(kind, variant, to)] = harbour.database.query(
        "select n.kind, n.variant, o.payload ->> 'to' from notifications n join outbox o"
        " on o.payload ->> 'notificationId' = n.id::text where n.kind = 'attention'"
    )
    assert (kind, variant, to) == ("attention", "webhook_disabled", "house@example.com")
    harbour.scheduled("relay")
    boto3.client("sesv2").create_email_identity(EmailIdentity="bookings@example.com")
    letters = [body for body in bodies(harbour, "notification") if "webhook_disabled" in body]
    assert harbour.deliver("notify", *letters) == {"batchItemFailures": []}
    assert harbour.database.query("select state from notifications where kind = 'attention'") == [("sent",)]
    receiver.failure = None
    harbour.book("harbour", party(2))
    deliver(harbour, _message())
    assert (harbour.database.query(queued), receiver.taken) == (before, [])  # nobody asks it
    assert put(harbour).json["webhook"]["disabledAt"] is None
    deliver(harbour, _message())
    assert receiver.types == ["booking.created", "booking.confirmed"] * 2


def test_only_one_sender_at_a_time_and_it_looks_again(
    harbour: Service, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message that comes while another is worked on is not lost: the sender looks again before it ends."""
    put(harbour)
    harbour.book("harbour", party(2))
    deliver_once = receiver.post

    def busy(sender: Any, url: str, body: str, headers: Mapping[str, str]) -> None:
        deliver_once(sender, url, body, headers)
        if len(receiver.taken) == 2:
            harbour.book("harbour", party(2))
            [message] = bodies(harbour)
            [(found,)] = harbour.database.query(
                "select count(*) from lease_webhook('harbour', 'ours', gen_random_uuid(), 60, now())"
            )
            assert (found, message != "") == (0, True)

    monkeypatch.setattr(WebhookSender, "post", busy)
    [first, *_] = bodies(harbour)
    deliver(harbour, first)
    assert receiver.types == ["booking.created", "booking.confirmed"] * 2


def test_a_killed_sender_keeps_nobody_for_long(harbour: Service, receiver: Receiver) -> None:
    put(harbour)
    harbour.book("harbour", party(2))
    harbour.database.query(
        "update webhooks set lease_token = gen_random_uuid(), lease_until = now() + interval '1 minute'"
    )
    deliver(harbour)
    assert receiver.taken == []
    harbour.database.query("update webhooks set lease_until = now() - interval '1 second'")
    deliver(harbour, _message())
    assert len(receiver.taken) == 2


def test_a_long_row_of_events_is_sent_in_turns(
    harbour: Service, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(harbour, events=["booking.changed"])
    booking = harbour.book("harbour", party(2)).json["booking"]
    for number in range(45):
        harbour.http("bookings", "PATCH", f"/bookings/{booking['id']}", body={"notes": f"no. {number}"})
    messages = bodies(harbour)
    deliver(harbour, messages[0])
    notes = [json.loads(body)["data"]["booking"]["notes"] for _, body, _ in receiver.taken]
    assert notes == [f"no. {number}" for number in range(45)]
    deliver(harbour, *messages[1:])
    assert len(receiver.taken) == 45


def test_an_unreadable_message_goes_to_the_dead_letter_queue(harbour: Service) -> None:
    deliver(harbour, '{"schema": 1}')
    assert bodies(harbour, "webhook-dlq") == ['{"schema": 1}']
