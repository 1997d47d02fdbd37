"""Guests' data stays in the booking and the letter: not in logs, events, figures, messages, errors."""

import json
from collections.abc import Iterator

import boto3
import pytest

from tests.harness.problems import assert_problem, call
from tests.harness.service import Service, house, party

GUEST = {"name": "Zebulon Quagmire", "email": "zquagmire@example.org", "phone": "+44 1632 960983"}
NOTES = "Allergic to xylophones"
REASON = "Broke my fibula"
SECRETS = ["zebulon", "quagmire", "960983", "xylophone", "fibula", "s3cr3t-bearer", "s3cr3t-key"]
# The only tables that may hold them (docs/guest-data.md): the reply kept for a key is what was answered.
HOLDERS = {"bookings", "booking_changes", "idempotency", "booking_state_history"}
VIEWS = {"booking_book", "booking_register", "booking_sheet", "booking_card"}  # of the bookings


def assert_silent(text: str) -> None:
    found = [secret for secret in SECRETS if secret in text.lower()]
    assert not found, found


def everything_logged(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> str:
    """Lines, stack traces and figures; and every member of every record: the formatter writes them all."""
    members = [json.dumps(vars(record), default=str) for record in caplog.records]
    return "\n".join([*capfd.readouterr(), caplog.text, *members])


@pytest.fixture
def recorded(service: Service, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> str:
    """Everything that was written to the logs through a guest's whole story, refusals included."""
    caplog.set_level("INFO")
    service.database.log_statements()
    boto3.client("sesv2").create_email_identity(EmailIdentity="bookings@example.com")
    service.put_restaurant("harbour", house(2, 2, 4))
    headers = {
        "authorization": "Bearer s3cr3t-bearer",
        "idempotency-key": "s3cr3t-key",
        "cookie": "s=s3cr3t-bearer",
    }
    wish = party(4, guest=GUEST, notes=NOTES)
    first = service.book("harbour", wish, headers=headers).json["booking"]["id"]
    service.book("harbour", wish, headers=headers)  # a replay
    waiting = service.book("harbour", wish).json["booking"]["id"]
    service.book("harbour", wish | {"onFull": "refuse"})
    service.book("harbour", wish | {"guest": GUEST | {"email": "zquagmire@"}, "notes": NOTES * 200})
    service.book("harbour", wish | {"guest": GUEST | {"name": "Zebulon\x00"}})
    service.book("harbour", json.dumps(wish)[:-1])
    service.book("harbour", wish | {"partySize": 40})
    service.work()
    service.scheduled("relay")
    mails = [message["Body"] for message in service.messages("notification")]
    assert mails
    service.deliver("notify", *mails)
    service.cancel(first, body={"reason": REASON}, headers=headers | {"idempotency-key": "s3cr3t-key-2"})
    service.work()
    service.process(waiting)
    smaller = house(1, 1, 1, policy={"maxTables": 3})
    service.put_restaurant("harbour", smaller)
    service.work()
    service.scheduled("relay")
    service.deliver("notify", *(message["Body"] for message in service.messages("notification")))
    service.scheduled("maintain")
    for query in ("Quagmire", "960983", "zquagmire@example.org", "xylophone's \\ quagmire", "zebulon" * 20):
        call("bookings", "GET", "/restaurants/harbour/bookings", query={"q": query})
    logged = everything_logged(capfd, caplog)
    assert "booking.state_changed" in logged
    assert "notification.sent" in logged
    return logged


def test_logs_and_figures(recorded: str) -> None:
    assert_silent(recorded)


def test_the_log_of_the_database(recorded: str, service: Service) -> None:
    written = service.database.server.log.read_text()
    assert "insert into bookings" in written
    assert_silent(written)


def test_events_and_whatever_else_is_stored(recorded: str, service: Service) -> None:
    for (table,) in service.database.query(
        "select table_name from information_schema.tables where table_schema = 'public'"
    ):
        rows = service.database.query(f"select to_jsonb(t)::text from {table} t")
        if table == "outbox":
            rows = service.database.query(
                "select to_jsonb(t)::text from outbox t where topic <> 'notification'"
            )
        if table not in HOLDERS and table not in VIEWS:
            assert_silent("\n".join(text for (text,) in rows))
    assert service.database.value("select count(*) from observability_events") > 10


def test_messages_of_letters_hold_the_address_alone(recorded: str, service: Service) -> None:
    payloads = service.database.query("select payload from outbox where topic = 'notification'")
    assert payloads
    for (payload,) in payloads:
        assert payload.pop("to") == GUEST["email"]
        assert_silent(json.dumps(payload))


def test_history_of_a_cancel_is_for_operators_of_the_restaurant(recorded: str, service: Service) -> None:
    booking = service.database.value("select booking_id from booking_state_history where reason = %s", REASON)
    assert call("operations", "GET", f"/bookings/{booking}/history", scope="bookings:write").status == 403


@pytest.fixture
def forbidding(service: Service) -> Iterator[Service]:
    """A database that takes no booking with notes."""
    service.database.query("alter table bookings add constraint forbids check (notes is null) not valid")
    yield service
    service.database.query("alter table bookings drop constraint forbids")


def test_a_defect_of_ours(
    forbidding: Service, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """PostgreSQL's message about a row that it refuses quotes the row."""
    forbidding.put_restaurant("harbour", house(2, 2, 4))
    answer = forbidding.book("harbour", party(2, guest=GUEST, notes=NOTES))
    assert_problem(answer, 500, "internal_error")
    assert "forbids" not in answer.text
    logged = everything_logged(capfd, caplog)
    assert "CheckViolation" in logged  # what is needed to find it
    written = forbidding.database.server.log.read_text()
    assert "forbids" in written
    assert_silent(written)
    assert answer.headers["x-correlation-id"] in logged
    assert_silent(answer.text + logged)
