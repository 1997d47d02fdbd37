"""States, holds and allocations as a random sequence of calls would have them, against a simple model.

The model knows a table's stays and what each booking last was; the service, with its true handlers and a
real database, must agree after every step, and every invariant must hold.
"""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.harness.consistency import assert_consistent
from tests.harness.fixtures import empty
from tests.harness.service import Answer, Service, evening, house, party

_TABLES = (2, 2, 4)
_TIMES = ("17:00", "18:00", "19:00", "20:00")
_STEPS = {
    "seat": ("confirmed", "seated"),
    "complete": ("seated", "completed"),
    "no-show": ("confirmed", "no_show"),
}
_WAITING = ("assignment_pending", "manual_review")
_ON_TABLES = ("confirmed", "seated")


class BookingMachine(RuleBasedStateMachine):
    """``running`` is set by the test: one service for all sequences, emptied for each."""

    running: Service

    def __init__(self) -> None:
        super().__init__()
        self.states: dict[str, str] = {}
        self.holds: dict[str, dict[str, Any]] = {}
        self.keys = 0

    @initialize()
    def open_house(self) -> None:
        empty(self.running)
        assert self.running.put_restaurant("harbour", house(*_TABLES)).status == 201

    # --- guests ---

    @rule(size=st.integers(1, 4), time=st.sampled_from(_TIMES), refuse=st.booleans())
    def book(self, size: int, time: str, refuse: bool) -> None:
        body = party(size, time, onFull="refuse" if refuse else "pend")
        answer = self._once("bookings", "POST", "/restaurants/harbour/bookings", body)
        if answer.status == 201:
            booking = answer.json["booking"]
            assert booking["state"] in ("confirmed", "assignment_pending")
            self.states[booking["id"]] = booking["state"]
        else:
            assert refuse
            assert answer.status in (409, 503)

    @precondition(lambda self: self.states)
    @rule(data=st.data(), size=st.integers(1, 4), time=st.sampled_from(_TIMES), pend=st.booleans())
    def change(self, data: st.DataObject, size: int, time: str, pend: bool) -> None:
        booking = self._any_booking(data)
        before, known = self._read(booking), self.states[booking]
        body = {"partySize": size, "date": evening(), "time": time, "onFull": "pend" if pend else "keep"}
        answer = self._once("bookings", "PATCH", f"/bookings/{booking}", body)
        after = self._read(booking)
        if known not in (*_WAITING, "confirmed"):
            assert (answer.status, after) == (409, before)
        elif answer.status == 200:
            assert (after["partySize"], after["startAt"][11:16]) == (size, time)
            self.states[booking] = after["state"]
            assert after["state"] in ("confirmed", *_WAITING)
        else:
            assert not pend
            assert (answer.status, after) == (409, before)

    @precondition(lambda self: self.states)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        booking = self._any_booking(data)
        known = self.states[booking]
        answer = self._once("bookings", "POST", f"/bookings/{booking}/cancel", {})
        if known in (*_WAITING, "confirmed", "cancelled"):
            assert answer.status == 200
            self.states[booking] = "cancelled"
        else:
            assert (answer.status, answer.json["code"]) == (409, "invalid_transition")

    # --- holds ---

    @rule(size=st.integers(1, 4), time=st.sampled_from(_TIMES))
    def hold(self, size: int, time: str) -> None:
        body = {"partySize": size, "date": evening(), "time": time}
        answer = self._once("bookings", "POST", "/restaurants/harbour/holds", body)
        if answer.status == 201:
            self.holds[answer.json["holdId"]] = {**body, "tables": answer.json["tables"], "state": "live"}
        else:
            assert answer.status in (409, 503)

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def book_the_hold(self, data: st.DataObject) -> None:
        hold_id = self._any_hold(data)
        hold = self.holds[hold_id]
        body = {name: hold[name] for name in ("partySize", "date", "time")} | {"holdId": hold_id}
        answer = self._once("bookings", "POST", "/restaurants/harbour/bookings", body)
        if hold["state"] == "live":
            assert (answer.status, answer.json["booking"]["tables"]) == (201, hold["tables"])
            self.states[answer.json["booking"]["id"]] = "confirmed"
            hold["state"] = "used"
        else:
            expected = {
                "used": (409, "hold_used"),
                "expired": (410, "hold_expired"),
                "gone": (404, "hold_not_found"),
            }
            assert (answer.status, answer.json["code"]) in (expected[hold["state"]], (410, "hold_expired"))

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        hold_id = self._any_hold(data)
        assert self.running.http("bookings", "DELETE", f"/holds/{hold_id}").status == 204
        if self.holds[hold_id]["state"] == "live":
            self.holds[hold_id]["state"] = "gone"

    @precondition(lambda self: any(hold["state"] == "live" for hold in self.holds.values()))
    @rule(data=st.data())
    def let_a_hold_expire(self, data: st.DataObject) -> None:
        hold_id = self._any_hold(data, "live")
        with self.running.database.connect() as owner:
            owner.execute(
                "update holds set expires_at = now() - %s::interval where id = %s",
                [timedelta(seconds=1), hold_id],
            )
        self.holds[hold_id]["state"] = "expired"

    # --- hosts ---

    @precondition(lambda self: self.states)
    @rule(data=st.data(), step=st.sampled_from(sorted(_STEPS)))
    def mark(self, data: st.DataObject, step: str) -> None:
        booking = self._any_booking(data)
        needed, becomes = _STEPS[step]
        answer = self._once("operations", "POST", f"/bookings/{booking}/{step}", None)
        if self.states[booking] == needed:
            assert answer.status == 200
            self.states[booking] = becomes
        else:
            assert (answer.status, answer.json["code"]) == (409, "invalid_transition")

    @precondition(lambda self: "no_show" in self.states.values())
    @rule(data=st.data())
    def undo_a_no_show(self, data: st.DataObject) -> None:
        booking = self._any_booking(data, "no_show")
        answer = self._once("operations", "POST", f"/bookings/{booking}/undo-no-show", None)
        assert answer.status == 200
        assert answer.json["booking"]["state"] in ("confirmed", "assignment_pending")
        self.states[booking] = answer.json["booking"]["state"]

    @precondition(lambda self: self.states)
    @rule(data=st.data(), table=st.sampled_from(["T1", "T2", "T3"]))
    def a_person_assigns(self, data: st.DataObject, table: str) -> None:
        booking = self._any_booking(data)
        known = self.states[booking]
        body = {"tables": [table], "pin": False}
        answer = self._once("operations", "PUT", f"/bookings/{booking}/assignment", body)
        if answer.status == 200:
            assert known in (*_WAITING, "confirmed")
            assert self._read(booking)["tables"] == [table]
            self.states[booking] = "confirmed"
        else:
            assert answer.json["code"] in ("invalid_transition", "rule_violated", "table_occupied")

    @precondition(lambda self: "confirmed" in self.states.values())
    @rule(data=st.data())
    def a_person_takes_away(self, data: st.DataObject) -> None:
        booking = self._any_booking(data, "confirmed")
        assert self._once("operations", "DELETE", f"/bookings/{booking}/assignment", None).status == 200
        self.states[booking] = "manual_review"

    # --- the house itself ---

    @rule()
    def work(self) -> None:
        """The job may confirm, give up or put off (a hold may end) whoever waits, and nobody else."""
        self.running.work()
        for booking, known in self.states.items():
            now = self._read(booking)["state"]
            assert now == known or (known in _WAITING and now in ("confirmed", *_WAITING)), (known, now)
            self.states[booking] = now

    @invariant()
    def the_book_agrees(self) -> None:
        if not self.states:
            return
        rows = self.running.database.query("select id::text, state from bookings")
        assert dict(rows) == self.states
        seated = self.running.database.query(
            "select distinct booking_id::text from allocations where live and booking_id is not null"
        )
        assert {row[0] for row in seated} == {b for b, state in self.states.items() if state in _ON_TABLES}
        assert_consistent(self.running.database)

    # --- helpers ---

    def _any_booking(self, data: st.DataObject, state: str | None = None) -> str:
        order = [booking for booking, known in self.states.items() if state in (None, known)]
        return order[data.draw(st.integers(0, len(order) - 1))]

    def _any_hold(self, data: st.DataObject, state: str | None = None) -> str:
        """Drawn by its number: ids are random, and the same draw must mean the same hold again."""
        order = [hold_id for hold_id, hold in self.holds.items() if state in (None, hold["state"])]
        return order[data.draw(st.integers(0, len(order) - 1))]

    def _read(self, booking: str) -> dict[str, Any]:
        found: dict[str, Any] = self.running.booking(booking).json["booking"]
        return found

    def _once(self, function: str, method: str, path: str, body: Any) -> Answer:
        """Each call is made twice with one key: the second answer is the first."""
        self.keys += 1
        headers = {"idempotency-key": f"k{self.keys}"}
        first = self.running.http(function, method, path, body=body, headers=headers)
        if first.status < 300 or first.status == 409:
            again = self.running.http(function, method, path, body=body, headers=headers)
            assert again.status == first.status
            if "idempotent-replayed" in again.headers:
                assert again.text == first.text
        return first


@pytest.mark.timeout(600)
def test_states_holds_and_allocations(running: Service) -> None:
    BookingMachine.running = running
    case = BookingMachine.TestCase
    case.settings = settings(
        max_examples=20,
        stateful_step_count=20,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],  # to shrink against a real database takes minutes
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    case().runTest()
