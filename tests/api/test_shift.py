"""A whole service seated anew: shown, applied, listed and taken back."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from maitred.adapters.highs.shift import HighsShiftSolver
from maitred.adapters.postgres.optimizations import PostgresOptimizations
from maitred.bootstrap.optimize import services
from maitred.planner.shift.model import Reseating, Shift
from maitred.services.idempotency import RequestContext
from maitred.services.ports import Conflict
from tests.harness.consistency import assert_consistent
from tests.harness.service import Answer, Service, at, evening, house, party, set_clock

_HOUSE = house(2, 4, policy={"maxTables": 1, "bufferAfterMinutes": 0, "maxMoves": 0})


@pytest.fixture
def crooked(service: Service) -> Service:
    """A couple sits at the table for four, so a party of four waits; at the table for two sits nobody."""
    return _crooked(service)


def _crooked(service: Service, **policy: Any) -> Service:
    document = _HOUSE | {"policy": _HOUSE["policy"] | policy}
    assert service.put_restaurant("harbour", document).status == 201
    couple = _book(service, 2)
    assert service.assign(couple, "T2", pin=False).status == 200
    _book(service, 4)
    service.work()
    return service


def _book(service: Service, size: int, time: str = "19:00") -> str:
    answer = service.book("harbour", party(size, time))
    assert answer.status == 201, answer.text
    booking: str = answer.json["booking"]["id"]
    return booking


def _optimize(place: Service, headers: Any = None, **body: Any) -> Answer:
    asked = {"date": evening()} | body
    return place.http("optimize", "POST", "/restaurants/harbour/optimizations", body=asked, headers=headers)


def _undo(service: Service, optimization: str, headers: Any = None) -> Answer:
    return service.http("optimize", "POST", f"/optimizations/{optimization}/undo", headers=headers)


def _seats(service: Service) -> dict[int, tuple[str, list[str]]]:
    rows = service.database.query(
        "select b.party_size, b.state, array_agg(a.table_id order by a.table_id) filter (where a.live)"
        " from bookings b left join allocations a on a.booking_id = b.id group by b.id order by b.created_at"
    )
    return {size: (state, tables or []) for size, state, tables in rows}


def _ledger(service: Service) -> list[Any]:
    return service.database.query(
        "select booking_id::text, table_id, occupied::text from allocations where live order by 1, 2"
    )


def _letters(service: Service) -> list[tuple[int, str]]:
    return service.database.query(
        "select b.party_size, n.kind from notifications n join bookings b on b.id = n.booking_id"
        " order by n.created_at, n.kind"
    )


_CROOKED = {2: ("confirmed", ["T2"]), 4: ("manual_review", [])}
_STRAIGHT = {2: ("confirmed", ["T1"]), 4: ("confirmed", ["T2"])}


def test_a_suggestion_changes_nothing(crooked: Service) -> None:
    before = _ledger(crooked)
    body = _optimize(crooked).json
    assert (body["applied"], body["reason"]) == (False, "dry_run")
    assert (body["before"]["covers"], body["after"]["covers"]) == (2, 6)
    assert [(each["from"], each["to"]) for each in body["moves"]] == [(["T2"], ["T1"])]
    assert [each["tables"] for each in body["seats"]] == [["T2"]]
    assert body["gap"] == pytest.approx(0.0, abs=1e-6)
    assert body["bound"] <= body["after"]["score"] + 1e-6
    assert sum(body["after"]["terms"].values()) == pytest.approx(body["after"]["score"], abs=1e-5)
    assert (_ledger(crooked), _seats(crooked)) == (before, _CROOKED)
    assert crooked.events("shift.optimized")[-1]["result"] == "suggested"


def test_applied_it_moves_and_seats_and_tells_only_who_is_newly_confirmed(crooked: Service) -> None:
    before = _letters(crooked)
    body = _optimize(crooked, dryRun=False).json
    assert (body["applied"], body["reason"]) == (True, None)
    assert _seats(crooked) == _STRAIGHT
    assert _letters(crooked) == [*before, (4, "confirmed")]
    moved = crooked.database.query(
        "select b.party_size, h.reason, h.metadata ->> 'optimizationId' from booking_state_history h"
        " join bookings b on b.id = h.booking_id where h.metadata ? 'optimizationId' order by 1"
    )
    assert moved == [(2, "moved", body["optimizationId"]), (4, "shift", body["optimizationId"])]
    event = crooked.events("shift.optimized")[-1]
    assert (event["result"], event["moves"], event["seated"]) == ("applied", 1, 1)
    assert_consistent(crooked.database)


def test_who_moved_and_who_was_seated_can_be_explained(crooked: Service) -> None:
    made = _optimize(crooked, dryRun=False).json
    [move], [seats] = made["moves"], made["seats"]
    couple = _explanation(crooked, move["bookingId"])
    assert (couple["chosen"], couple["moved"]["from"], couple["moved"]["to"]) == (["T1"], ["T2"], ["T1"])
    assert couple["moved"]["optimizationId"] == made["optimizationId"]
    assert "It moved from T2 to T1 since" in couple["summary"]
    four = _explanation(crooked, seats["bookingId"])
    assert (four["chosen"], [each["bookingId"] for each in four["moves"]]) == (["T2"], [move["bookingId"]])


def _explanation(place: Service, booking: str) -> dict[str, Any]:
    found: dict[str, Any] = place.http("operations", "GET", f"/bookings/{booking}/explanation").json
    return found


def test_a_second_time_there_is_nothing_better(crooked: Service) -> None:
    assert _optimize(crooked, dryRun=False).json["applied"]
    again = _optimize(crooked, dryRun=False).json
    assert (again["applied"], again["reason"], again["moves"], again["seats"]) == (
        False,
        "nothing_better",
        [],
        [],
    )
    assert again["before"] == again["after"]


def test_undone_every_row_is_back_and_the_guest_waits_again(crooked: Service) -> None:
    before = _ledger(crooked)
    made = _optimize(crooked, dryRun=False).json["optimizationId"]
    answer = _undo(crooked, made)
    assert answer.status == 200, answer.text
    assert _ledger(crooked) == before
    assert _seats(crooked) == {2: ("confirmed", ["T2"]), 4: ("assignment_pending", [])}
    assert _letters(crooked)[-1] == (4, "modification_pending")
    assert answer.json["kept"] == []
    crooked.work()
    assert crooked.events("auto_assign.summary")[-1]["trigger"] == "retry"
    assert_consistent(crooked.database)


def test_what_is_undone_or_was_never_applied_is_not_undone(crooked: Service) -> None:
    suggested = _optimize(crooked).json["optimizationId"]
    made = _optimize(crooked, dryRun=False).json["optimizationId"]
    assert _undo(crooked, made).status == 200
    for each in (suggested, made):
        answer = _undo(crooked, each)
        assert (answer.status, answer.json["code"], answer.json["bookings"]) == (409, "cannot_undo", [])


def test_a_later_decision_stands_and_is_named_if_it_is_in_the_way(crooked: Service) -> None:
    made = _optimize(crooked, dryRun=False).json
    four = made["seats"][0]["bookingId"]
    assert crooked.assign(four, "T2", pin=True).status == 200
    before = _ledger(crooked)
    answer = _undo(crooked, made["optimizationId"])
    assert (answer.status, answer.json["code"]) == (409, "cannot_undo")
    assert [(each["bookingId"], each["tables"]) for each in answer.json["bookings"]] == [(four, ["T2"])]
    assert (_ledger(crooked), _seats(crooked)) == (before, _STRAIGHT)


def test_who_has_left_since_is_left_alone(crooked: Service) -> None:
    made = _optimize(crooked, dryRun=False).json
    assert crooked.cancel(made["seats"][0]["bookingId"]).status == 200
    answer = _undo(crooked, made["optimizationId"])
    assert answer.status == 200, answer.text
    assert answer.json["kept"] == [made["seats"][0]["bookingId"]]
    assert _seats(crooked)[2] == ("confirmed", ["T2"])


def test_a_block_where_a_party_would_go_back_is_in_the_way(crooked: Service) -> None:
    made = _optimize(crooked, dryRun=False).json
    assert crooked.cancel(made["seats"][0]["bookingId"]).status == 200
    [move] = made["moves"]
    path = f"/restaurants/harbour/tables/{move['from'][0]}/block"
    until = (datetime.now(UTC) + timedelta(days=30)).replace(second=0, microsecond=0).isoformat()
    assert crooked.http("operations", "POST", path, body={"until": until}).status == 200
    before = _ledger(crooked)
    answer = _undo(crooked, made["optimizationId"])
    assert (answer.status, answer.json["code"]) == (409, "cannot_undo")
    assert "a hold or a block has" in answer.json["bookings"][0]["problem"]
    assert _ledger(crooked) == before


@pytest.mark.parametrize(
    ("table", "problem"),
    [({"capacity": 1}, "too large"), ({"active": False}, "not in use"), ({"walkInOnly": True}, "walk-ins")],
)
def test_a_table_that_no_longer_seats_who_would_go_back_is_in_the_way(
    crooked: Service, table: dict[str, Any], problem: str
) -> None:
    made = _optimize(crooked, dryRun=False).json
    assert crooked.cancel(made["seats"][0]["bookingId"]).status == 200
    one, two = _HOUSE["tables"]
    assert crooked.put_restaurant("harbour", _HOUSE | {"tables": [one, two | table]}).status == 200
    before = _ledger(crooked)
    answer = _undo(crooked, made["optimizationId"])
    assert (answer.status, answer.json["code"]) == (409, "cannot_undo")
    [named] = answer.json["bookings"]
    assert (named["bookingId"], named["tables"]) == (made["moves"][0]["bookingId"], ["T2"])
    assert problem in named["problem"]
    assert _ledger(crooked) == before


def test_another_time_is_a_later_decision(crooked: Service) -> None:
    made = _optimize(crooked, dryRun=False).json
    four, couple = made["seats"][0]["bookingId"], made["moves"][0]["bookingId"]
    for booking, time in ((four, "20:45"), (couple, "21:00")):
        body = {"date": evening(), "time": time}
        assert crooked.http("bookings", "PATCH", f"/bookings/{booking}", body=body).status == 200
    before = _ledger(crooked)
    answer = _undo(crooked, made["optimizationId"])
    assert (answer.status, answer.json["kept"]) == (200, sorted([four, couple]))
    assert _ledger(crooked) == before


def test_what_was_undone_can_be_explained(crooked: Service) -> None:
    made = _optimize(crooked, dryRun=False).json
    _undo(crooked, made["optimizationId"])
    couple = _explanation(crooked, made["moves"][0]["bookingId"])
    assert (couple["moved"]["from"], couple["moved"]["to"]) == (["T1"], ["T2"])
    assert "moved" not in _explanation(crooked, made["seats"][0]["bookingId"])


@pytest.mark.parametrize(
    "hours",
    [
        [],
        [{"id": "lunch", "opens": "12:00", "closes": "15:00"}],
        [{"id": "dinner", "opens": "17:00", "closes": "23:00", "lastSeating": "18:30"}],
    ],
)
def test_nobody_is_seated_when_there_is_no_service(crooked: Service, hours: list[dict[str, Any]]) -> None:
    assert crooked.put_restaurant("harbour", _HOUSE | {"services": hours}).status == 200
    assert _optimize(crooked, dryRun=False).json["seats"] == []


def test_nobody_is_seated_after_the_cutoff(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    _crooked(service, freezeMinutes=0)
    set_clock(monkeypatch, at("18:56"))
    assert _optimize(service, dryRun=False).json["seats"] == []
    set_clock(monkeypatch, at("18:45"))
    assert _optimize(service, dryRun=False).json["applied"]


def test_nobody_moves_who_is_pinned_or_has_come(crooked: Service) -> None:
    couple = crooked.database.query("select id::text from bookings where party_size = 2")[0][0]
    assert crooked.assign(couple, "T2", pin=True).status == 200
    assert _optimize(crooked, dryRun=False).json["reason"] == "nothing_better"
    assert crooked.assign(couple, "T2", pin=False).status == 200
    assert crooked.http("operations", "POST", f"/bookings/{couple}/arrive").status == 200
    assert _optimize(crooked, dryRun=False).json["reason"] == "nothing_better"


def test_nobody_moves_within_the_freeze(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    _crooked(service)
    set_clock(monkeypatch, at("17:30"))
    assert _optimize(service, dryRun=False).json["reason"] == "nothing_better"
    set_clock(monkeypatch, at("16:30"))
    assert _optimize(service, dryRun=False).json["applied"]


def test_as_many_may_move_as_the_caller_says(crooked: Service) -> None:
    assert _optimize(crooked, dryRun=False, maxMoves=0).json["reason"] == "nothing_better"
    assert _optimize(crooked, dryRun=False, maxMoves=1).json["applied"]


def test_a_key_is_answered_once(crooked: Service) -> None:
    key = {"idempotency-key": str(uuid4())}
    first, second = _optimize(crooked, key, dryRun=False), _optimize(crooked, key, dryRun=False)
    assert (first.text, second.headers["idempotent-replayed"]) == (second.text, "true")
    assert crooked.database.value("select count(*) from optimizations") == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"service": "brunch"}, "service"),
        ({"date": "2020-01-01"}, "date"),
        ({"date": "soon"}, "date"),
        ({"maxMoves": -1}, "maxMoves"),
        ({"often": True}, "often"),
    ],
)
def test_bad_input_names_its_field(crooked: Service, body: dict[str, Any], field: str) -> None:
    answer = _optimize(crooked, **body)
    assert (answer.status, answer.json["errors"][0]["field"]) == (422, field)
    assert crooked.database.value("select count(*) from optimizations") == 0


def test_another_tenant_sees_and_undoes_nothing(crooked: Service) -> None:
    made = _optimize(crooked, dryRun=False).json["optimizationId"]
    path = "/restaurants/harbour/optimizations"
    theirs: dict[str, Any] = {"restaurants": "elsewhere"}
    assert crooked.http("optimize", "POST", path, body={"date": evening()}, **theirs).status == 404
    assert crooked.http("optimize", "GET", path, **theirs).status == 404
    assert crooked.http("optimize", "GET", "/restaurants/nowhere/optimizations").status == 404
    answer = crooked.http("optimize", "POST", f"/optimizations/{made}/undo", **theirs)
    assert (answer.status, answer.json["code"]) == (404, "optimization_not_found")
    assert _undo(crooked, "no-id").status == _undo(crooked, str(uuid4())).status == 404


def test_they_are_listed_the_latest_first(crooked: Service) -> None:
    first = _optimize(crooked, service="dinner").json
    second = _optimize(crooked, dryRun=False).json
    _undo(crooked, second["optimizationId"])
    path = "/restaurants/harbour/optimizations"
    page = crooked.http("optimize", "GET", path, query={"limit": "1"}).json
    [item] = page["items"]
    assert (item["optimizationId"], item["result"], item["undoneBy"]) == (
        second["optimizationId"],
        "applied",
        "tester",
    )
    last = crooked.http("optimize", "GET", path, query={"cursor": page["nextCursor"]}).json
    assert [each["optimizationId"] for each in last["items"]] == [first["optimizationId"]]
    assert (last["items"][0]["service"], last["items"][0]["undoneAt"], last["nextCursor"]) == (
        "dinner",
        None,
        None,
    )


# --- races ---


def _meanwhile(monkeypatch: pytest.MonkeyPatch, *acts: Any) -> Iterator[None]:
    """One of ``acts`` happens each time that the solver has answered."""
    left, solve = list(acts), HighsShiftSolver.reseat

    def reseat(self: HighsShiftSolver, shift: Shift, seconds: float) -> Reseating:
        answer = solve(self, shift, seconds)
        if left:
            left.pop(0)()
        return answer

    monkeypatch.setattr(HighsShiftSolver, "reseat", reseat)
    yield


def test_a_day_that_changes_is_looked_at_once_more(crooked: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    list(_meanwhile(monkeypatch, lambda: _book(crooked, 2, "17:00")))
    body = _optimize(crooked, dryRun=False).json
    assert (body["applied"], body["before"]["covers"]) == (True, 4)
    assert_consistent(crooked.database)


def test_a_day_that_keeps_changing_is_a_conflict(crooked: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    acts = [lambda: _book(crooked, 2, "17:00"), lambda: _book(crooked, 2, "21:00")]
    list(_meanwhile(monkeypatch, *acts))
    answer = _optimize(crooked, dryRun=False)
    assert (answer.status, answer.json["code"]) == (409, "conflict")
    assert crooked.database.value("select count(*) from optimizations") == 0
    assert _seats(crooked)[4] == ("manual_review", [])


def _before_the_lock(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """It happens once, between what an undo reads and the lock that it takes."""
    left, read = [act], PostgresOptimizations.waiting

    def waiting(self: PostgresOptimizations, *what: Any) -> Any:
        found = read(self, *what)
        if left:
            left.pop()()
        return found

    monkeypatch.setattr(PostgresOptimizations, "waiting", waiting)


def test_of_two_undos_one_is_told_that_it_is_late(crooked: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    made = _optimize(crooked, dryRun=False).json["optimizationId"]
    rival = RequestContext("rival", "c")
    _before_the_lock(monkeypatch, lambda: services().undo.undo(UUID(made), rival))
    answer = _undo(crooked, made)
    assert (answer.status, answer.json["code"]) == (409, "cannot_undo")
    assert crooked.database.value("select undone_by from optimizations") == "rival"


def test_a_guest_who_comes_in_the_midst_of_an_undo_stays(
    crooked: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _optimize(crooked, dryRun=False).json
    four = made["seats"][0]["bookingId"]
    path = f"/bookings/{four}/arrive"
    _before_the_lock(monkeypatch, lambda: crooked.http("operations", "POST", path))
    answer = _undo(crooked, made["optimizationId"])
    assert (answer.status, answer.json["bookings"][0]["bookingId"]) == (409, four)
    assert _seats(crooked) == _STRAIGHT


def test_of_two_at_once_one_applies(crooked: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Answer] = []
    list(_meanwhile(monkeypatch, lambda: answers.append(_optimize(crooked, dryRun=False))))
    answers.append(_optimize(crooked, dryRun=False))
    assert [each.json["applied"] for each in answers] == [True, False]
    assert _seats(crooked) == _STRAIGHT
    assert sum(kind == "confirmed" and size == 4 for size, kind in _letters(crooked)) == 1


def test_what_was_only_looked_at_is_forgotten_after_a_fortnight(
    crooked: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    _optimize(crooked)
    _optimize(crooked, dryRun=False)
    for days, left in ((13, 2), (15, 1), (399, 1), (401, 0)):
        set_clock(monkeypatch, datetime.now(UTC) + timedelta(days=days))
        crooked.scheduled("maintain")
        assert crooked.database.value("select count(*) from optimizations") == left


# --- the schedule ---


def _queued(service: Service) -> list[dict[str, Any]]:
    service.scheduled("relay")
    return [json.loads(message["Body"]) for message in service.messages("optimize")]


def test_at_its_time_each_coming_service_is_queued_once(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    _crooked(service, optimize={"mode": "apply", "at": "15:00"})
    set_clock(monkeypatch, at("14:59"))
    assert service.scheduled("optimize") == {"queued": 0}
    set_clock(monkeypatch, at("15:00"))
    assert service.scheduled("optimize") == {"queued": 2}
    assert service.scheduled("optimize") == {"queued": 0}
    today, tomorrow = _queued(service)
    assert (today["serviceDate"], today["serviceId"]) == (evening(), "dinner")
    assert tomorrow["serviceDate"] == evening(15)
    set_clock(monkeypatch, at("15:00") + timedelta(days=1))
    assert service.scheduled("optimize") == {"queued": 2}


def test_a_message_and_its_twin_apply_once(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    _crooked(service, optimize={"mode": "apply", "at": "15:00"})
    set_clock(monkeypatch, at("15:00"))
    service.scheduled("optimize")
    today = json.dumps(_queued(service)[0])
    assert service.deliver("optimize", today) == {"batchItemFailures": []}
    assert _seats(service) == _STRAIGHT
    assert service.deliver("optimize", today) == {"batchItemFailures": []}
    assert service.database.query("select result, actor_id from optimizations") == [("applied", "schedule")]


@pytest.mark.parametrize(("mode", "results"), [("suggest", ["suggested"]), ("off", [])])
def test_the_restaurant_decides_what_the_schedule_does(
    service: Service, monkeypatch: pytest.MonkeyPatch, mode: str, results: list[str]
) -> None:
    _crooked(service, optimize={"mode": "apply", "at": "15:00"})
    set_clock(monkeypatch, at("15:00"))
    service.scheduled("optimize")
    today = json.dumps(_queued(service)[0])
    later = _HOUSE | {"policy": _HOUSE["policy"] | {"optimize": {"mode": mode}}}
    assert service.put_restaurant("harbour", later).status == 200
    service.deliver("optimize", today)
    assert [row[0] for row in service.database.query("select result from optimizations")] == results
    assert _seats(service)[4][0] != "confirmed"


def test_switched_off_it_only_suggests(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAY_OPTIMIZER", "off")
    _crooked(service, optimize={"mode": "apply", "at": "15:00"})
    assert _optimize(service, dryRun=False).json["reason"] == "switched_off"
    set_clock(monkeypatch, at("15:00"))
    service.scheduled("optimize")
    assert service.deliver("optimize", json.dumps(_queued(service)[0])) == {"batchItemFailures": []}
    assert _seats(service)[4] == ("manual_review", [])


def test_one_restaurants_fault_stops_no_other(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    _crooked(service, optimize={"mode": "apply", "at": "15:00"})
    assert service.put_restaurant("a-broken-one", _HOUSE).status == 201
    service.database.query("update layouts set document = '{}' where restaurant_id = 'a-broken-one'")
    set_clock(monkeypatch, at("15:00"))
    assert service.scheduled("optimize") == {"queued": 2}


def test_a_message_that_fails_comes_back(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    _crooked(service, optimize={"mode": "apply", "at": "15:00"})
    set_clock(monkeypatch, at("15:00"))
    service.scheduled("optimize")
    today = json.dumps(_queued(service)[0])

    def broken(*_: Any) -> Any:
        raise Conflict("broken")

    monkeypatch.setattr(HighsShiftSolver, "reseat", broken)
    assert len(service.deliver("optimize", today)["batchItemFailures"]) == 1
    assert service.events("shift.optimized")[-1]["result"] == "failed"
