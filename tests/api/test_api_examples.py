"""The examples in `docs/api.md`: the service takes the requests and answers in the shape that is shown."""

import json
import re
from typing import Any

from tests.harness.service import Answer, Service, evening
from tests.infra.template import ROOT

TEXT = (ROOT / "docs" / "api.md").read_text()
NUMBER = (int, float)


def examples(title: str) -> list[Any]:
    """The examples below a heading, with dates that lie ahead."""
    found = re.search(rf"^##+ {title}\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    ahead = re.sub(r"2026-12-0\d", evening(), found[1])
    return [json.loads(each) for each in re.findall(r"^```json\n(.*?)^```", ahead, re.MULTILINE | re.DOTALL)]


def fits(example: Any, answer: Any) -> bool:
    """Does ``answer`` have every member of ``example``, with the same type?

    Null fits everything, and each item of a list must fit one item of the answer.
    """
    if example is None or answer is None:
        return True
    if isinstance(example, dict):
        return example.keys() <= answer.keys() and all(fits(example[name], answer[name]) for name in example)
    if isinstance(example, list):
        return not answer or all(any(fits(each, item) for item in answer) for each in example)
    return isinstance(answer, NUMBER if isinstance(example, NUMBER) else type(example))


def shows(example: Any, answer: Answer, status: int = 200) -> None:
    assert answer.status == status, answer.text
    assert fits(example, answer.json), (example, answer.json)


def test_the_requests_of_guests(service: Service) -> None:
    document, _ = examples("Replace the floor document")
    shows(
        {"restaurant": document, "layoutVersion": 1, "affected": []},
        service.put_restaurant("harbour", document),
        201,
    )
    body, confirmed, deferred, refusal = examples("Create a booking")
    created = service.book("harbour", body, headers={"idempotency-key": "b7e1"})
    shows(confirmed, created, 201)
    assert created.json.keys() == confirmed.keys()
    assert created.json["booking"].keys() == confirmed["booking"].keys()
    assert created.json["assignment"].keys() == confirmed["assignment"].keys()
    reused = service.book("harbour", body | {"partySize": 1}, headers={"idempotency-key": "b7e1"})
    shows(examples("Idempotency")[0], reused, 422)
    [change] = examples("Change a booking")
    booking_id = created.json["booking"]["id"]
    headers = {"if-match": '"3"'}
    shows(
        confirmed, service.http("bookings", "PATCH", f"/bookings/{booking_id}", body=change, headers=headers)
    )
    hold, on_hold = examples("Make a hold")
    shows(on_hold, service.hold("harbour", hold), 201)
    [slots] = examples("Availability")
    shows(slots, service.availability("harbour", partySize=4))
    asked, openings = examples("Availability of many days")
    shows(openings, service.openings("harbour", **asked))
    [shown] = examples("Read a booking")
    read = service.booking(booking_id)
    shows(shown, read)
    assert read.json.keys() == shown.keys()
    [restaurants] = examples("List restaurants")
    shows(restaurants, service.http("bookings", "GET", "/restaurants"))
    [changes] = examples("Follow the changes")
    shows(changes, service.http("bookings", "GET", "/restaurants/harbour/changes"))
    [mistakes] = examples("Errors")
    wrong = {**hold, "bogus": 1, "partySize": 0, "guest": {"email": "nobody"}}
    answer = service.book("harbour", wrong)
    shows(mistakes, answer, 422)
    assert answer.json["errors"] == mistakes["errors"]
    table_for_four = {**hold, "time": "19:30"}
    shows(deferred, service.book("harbour", table_for_four), 201)
    shows(refusal, service.book("harbour", table_for_four | {"partySize": 5, "onFull": "refuse"}), 409)


def test_the_requests_of_the_restaurant(service: Service) -> None:
    document, changed = examples("Replace the floor document")
    service.put_restaurant("harbour", document)
    body, *_ = examples("Create a booking")
    booking_id = service.book("harbour", body).json["booking"]["id"]
    [explanation] = examples("Explanation")
    shows(explanation, _look(service, f"/bookings/{booking_id}/explanation"))
    choice, assigned = examples("Choose tables")
    chosen = service.http("operations", "PUT", f"/bookings/{booking_id}/assignment", body=choice)
    shows(assigned, chosen)
    [step], [attempt] = examples("History"), examples("Attempts")
    shows({"items": [step]}, _look(service, f"/bookings/{booking_id}/history"))
    shows({"items": [attempt]}, _look(service, f"/bookings/{booking_id}/attempts"))
    [floor], [report] = examples("Floor"), examples("Report on assignments")
    shows(floor, _look(service, "/restaurants/harbour/floor", at=f"{evening()}T19:30:00Z"))
    answer = _look(service, "/restaurants/harbour/reports/assignments").json
    assert answer.keys() == report.keys()
    assert answer["flows"]["inline"].keys() == report["flows"]["inline"].keys()
    webhook, written = examples("Write a webhook")
    hook = "/restaurants/harbour/webhooks/ours"
    shows(written, service.http("operations", "PUT", hook, body=webhook), 201)
    fewer = document | {"tables": document["tables"][:2]}
    shows(
        changed,
        service.put_restaurant("harbour", fewer | {"zones": document["zones"]}, query={"dryRun": "true"}),
    )
    service.unassign(booking_id)
    [review] = examples("Bookings that need a person")
    shows(review, _look(service, "/restaurants/harbour/manual-review"))
    job, accepted = examples("Start the job")
    shows(accepted, service.process(booking_id, job["trigger"]), 202)
    [health], [visit] = examples("Health"), examples("Visits")
    shows(health, _look(service, "/health"))
    another = service.book("harbour", body).json["booking"]["id"]
    shows(visit, service.http("operations", "POST", f"/bookings/{another}/no-show"))


def _look(service: Service, path: str, **query: str) -> Answer:
    return service.http("operations", "GET", path, query=query)
