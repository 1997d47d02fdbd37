"""One evening, minute by minute, through the true handlers: guests, a host, and the schedule."""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any
from unittest.mock import patch
from uuid import UUID

from maitred.adapters.system import SystemClock, SystemIds
from maitred.services.assignment import room
from tests.evenings import book
from tests.evenings.script import CLOSES, OPENS, Breakage, Script, Visit, house
from tests.harness.service import Answer, Service, at, evening

LATE = 10  # minutes that a guest is left standing, from when it is there and its time has come
_GIVES_UP = 60  # minutes after which it leaves
_NO_SHOW = 25  # minutes after its start at which the host no longer expects it
_UNTIL_NOTICED = 2  # minutes until the host corrects a mistake
_LINGERS = 6  # minutes that a party stays that seemed to have left
_A_CALL = timedelta(milliseconds=150)  # each call is a little later than the one before


class Phase(Enum):
    """Where a party is, as it knows itself."""

    EXPECTED = auto()
    AT_THE_DOOR = auto()
    SITS = auto()
    GONE = auto()


@dataclass(slots=True)
class Party:
    """A visit under way. ``leaves``: the minute at which it gets up. ``end``: the state it must end in.

    ``seated``: when it first sat down. ``confirmed``: a table was ever promised to it.
    """

    visit: Visit
    id: str
    confirmed: bool
    phase: Phase = Phase.EXPECTED
    seated: int | None = None
    leaves: int = 0
    slips: int = 0
    correct_at: int | None = None
    end: str = "declined"

    @property
    def due(self) -> int:
        return max(self.visit.start, self.visit.comes or 0)


@dataclass(slots=True)
class Outcome:
    """``late``: of ``guests`` who came and had a table promised, those who stood too long or left for it."""

    guests: int = 0
    late: int = 0
    gave_up: int = 0
    minutes_waited: int = 0
    counted: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        self.guests += other.guests
        self.late += other.late
        self.gave_up += other.gave_up
        self.minutes_waited += other.minutes_waited
        self.counted += other.counted
        self.wrong += other.wrong


class TickingClock:
    """The evening's clock: it stands where it was put, and each call takes a moment."""

    def __init__(self) -> None:
        self._midnight = at("00:00")
        self._now = self._midnight

    def to(self, minute: int) -> datetime:
        self._now = self._midnight + timedelta(minutes=minute)
        return self._now

    def tick(self) -> datetime:
        self._now += _A_CALL
        return self._now

    @property
    def now(self) -> datetime:
        return self._now


@contextmanager
def nobody_is_moved() -> Iterator[None]:
    """What the room has beaten is flagged only."""
    with patch.object(room, "movable_bookings", lambda _index, _snapshot: ()):
        yield


class SeededIds:
    """Ids that are the same each time, as they decide between equals."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - repeatable on purpose

    def uuid(self) -> UUID:
        return UUID(int=self._chance.getrandbits(128), version=4)


def play(service: Service, scripts: Sequence[Script]) -> Outcome:
    """The evenings of ``scripts``, each in a house of its own, at the same time, in an empty database."""
    clock, outcome = TickingClock(), Outcome()
    ids = SeededIds(scripts[0].seed)
    houses = [_House(service, clock, script, outcome) for script in scripts]
    with (
        patch.object(SystemClock, "now", lambda _: clock.now),
        patch.object(SystemIds, "uuid", lambda _: ids.uuid()),
    ):
        _afternoon(service, houses)
        before = book.letters(service.database)
        for minute in range(OPENS - 30, CLOSES + 1):
            clock.to(minute)
            acted = [each.minute(minute) for each in houses]
            service.scheduled("maintain")
            if any(acted) or minute % 10 == 0:
                service.work()
            _look(service.database, clock.now, outcome)
        _judge(service.database, houses, outcome)
        outcome.counted += Counter(book.letters(service.database))
        outcome.counted -= Counter(before)
    return outcome


def _afternoon(service: Service, houses: Sequence["_House"]) -> None:
    for house_ in houses:
        house_.opens()
    for house_ in houses:
        for visit in house_.script.booked:
            house_.books(visit)
            service.work()


def _look(rows: book.Rows, now: datetime, outcome: Outcome) -> None:
    """Once the minute's work is done, nobody whose table is taken may be without a move or a flag."""
    outcome.wrong += [f"{now:%H:%M} untold: {each}" for each in book.untold(rows, now)]
    outcome.wrong += [f"{now:%H:%M} flagged in vain: {each}" for each in book.cried_wolf(rows, now)]


def _judge(rows: book.Rows, houses: Sequence["_House"], outcome: Outcome) -> None:
    outcome.wrong += [f"two parties at {each}" for each in book.at_one_table(rows)]
    parties = [party for each in houses for party in each.parties]
    stored = book.states(rows)
    outcome.wrong += [
        f"{party.id} is {stored.get(party.id)}, not {party.end}"
        for party in parties
        if stored.get(party.id) != party.end
    ]
    if len(stored) != len(parties):
        outcome.wrong.append(f"{len(stored)} bookings of {len(parties)} parties")
    outcome.counted += Counter(stored.values())
    for party in parties:
        if party.visit.booked_at is not None and party.visit.comes is not None and party.confirmed:
            waited = (CLOSES if party.seated is None else party.seated) - party.due
            outcome.guests += 1
            outcome.late += waited > LATE
            outcome.minutes_waited += max(0, waited)


class _House:
    """One restaurant, its guests and its host."""

    def __init__(self, service: Service, clock: TickingClock, script: Script, outcome: Outcome) -> None:
        self.script = script
        self.parties: list[Party] = []
        self._service = service
        self._clock = clock
        self._outcome = outcome
        self._id = f"house-{script.seed}"

    def opens(self) -> None:
        self._clock.to(11 * 60)
        answer = self._service.put_restaurant(self._id, house())
        assert answer.status == 201, answer.text

    def books(self, visit: Visit) -> None:
        self._clock.to(visit.booked_at or 0)
        body = {
            "partySize": visit.size,
            "date": evening(),
            "time": f"{visit.start // 60:02}:{visit.start % 60:02}",
            "guest": {"name": "Ada", "email": "ada@example.com"},
            "preferences": {} if visit.zone is None else {"zone": visit.zone},
        }
        answer = self._service.book(self._id, body)
        assert answer.status == 201, answer.text
        booking = answer.json["booking"]
        self.parties.append(Party(visit, booking["id"], booking["state"] == "confirmed"))

    def minute(self, minute: int) -> bool:
        """Everything that people do in this minute; was there anything?"""
        before = self._clock.now
        for breakage in self.script.breakages:
            self._table(breakage, minute)
        for party in sorted(self.parties, key=lambda party: (party.due, party.id)):
            _STEPS[party.phase](self, party, minute)
        for visit in self.script.walk_ins:
            if visit.start == minute:
                self._walk_in(visit, minute)
        if minute == CLOSES:
            self._close()
        return self._clock.now > before

    # --- guests ---

    def _expected(self, party: Party, minute: int) -> None:
        visit = party.visit
        if visit.cancels is not None and visit.cancels <= minute:
            self._leaves_for_good(party, "cancel", "cancelled")
        elif visit.comes is not None and visit.comes <= minute:
            answer = self._mark(party, "arrive")
            if answer.status == 200:
                party.phase = Phase.AT_THE_DOOR
                party.confirmed = answer.json["booking"]["state"] == "confirmed"
                self._at_the_door(party, minute)
            else:  # it heard that there is no table
                self._expect(answer, "invalid_transition")
                party.phase = Phase.GONE
        elif visit.comes is None and visit.cancels is None and minute >= visit.start + _NO_SHOW:
            answer = self._mark(party, "no-show")
            party.end = "no_show" if answer.status == 200 else "declined"
            party.phase = Phase.GONE
            if answer.status != 200:
                self._expect(answer, "invalid_transition")

    def _at_the_door(self, party: Party, minute: int) -> None:
        answer = self._mark(party, "seat")
        if answer.status == 200:
            self._sits_down(party, answer, minute)
        elif answer.json["code"] == "invalid_transition":  # it never had a table, and hears so at its start
            if minute > party.visit.start + _UNTIL_NOTICED:
                party.phase = Phase.GONE
        elif minute >= party.due + _GIVES_UP:
            self._outcome.gave_up += 1
            self._leaves_for_good(party, "cancel", "cancelled")
        else:
            self._expect(answer, "table_occupied")
            self._outcome.counted["turned back at the table"] += 1

    def _sits_down(self, party: Party, answer: Answer, minute: int) -> None:
        party.phase, party.confirmed = Phase.SITS, True
        party.seated = minute if party.seated is None else party.seated
        party.leaves = minute + _stay(answer.json["booking"], party.visit)
        party.correct_at = None
        if party.visit.misplaced and not party.slips:
            party.slips, party.correct_at = 1, minute + _UNTIL_NOTICED

    def _sits(self, party: Party, minute: int) -> None:
        if party.correct_at is not None and minute >= party.correct_at:
            party.correct_at = None
            answer = self._mark(party, "unseat")
            if answer.status == 200:
                party.phase = Phase.AT_THE_DOOR
            else:
                self._expect(answer, "table_occupied")
        elif minute >= party.leaves:
            self._leaves_for_good(party, "complete", "completed")

    def _gone(self, party: Party, minute: int) -> None:
        """It has left, or has it?"""
        lingers = party.visit.lingers and party.end == "completed" and not party.slips & 2
        if lingers and minute >= party.leaves + _UNTIL_NOTICED:
            party.slips |= 2
            answer = self._mark(party, "undo-complete")
            if answer.status == 200:
                party.phase, party.leaves = Phase.SITS, minute + _LINGERS
            else:
                self._expect(answer, "table_occupied")

    def _walk_in(self, visit: Visit, minute: int) -> None:
        path = f"/restaurants/{self._id}/walk-ins"
        answer = self._http("operations", "POST", path, body={"partySize": visit.size})
        if answer.status == 201:
            party = Party(visit, answer.json["booking"]["id"], confirmed=True)
            self._sits_down(party, answer, minute)
            self.parties.append(party)
            self._outcome.counted["walked in"] += 1
        else:
            assert answer.status == 409, answer.text
            self._outcome.counted["sent away at the door"] += 1

    def _leaves_for_good(self, party: Party, step: str, end: str) -> None:
        answer = self._mark(party, step)
        party.phase = Phase.GONE
        if answer.status == 200:
            party.end = end
        else:
            self._expect(answer, "invalid_transition")

    # --- the host ---

    def _table(self, breakage: Breakage, minute: int) -> None:
        path = f"/restaurants/{self._id}/tables/{breakage.table}/block"
        if minute == breakage.at:
            until = at("00:00") + timedelta(minutes=breakage.until)
            answer = self._http("operations", "POST", path, body={"until": until.isoformat()})
            assert answer.status == 200, answer.text
            self._outcome.counted["table out of order"] += 1
        elif minute == breakage.mended:
            assert self._http("operations", "DELETE", path).status == 204

    def _close(self) -> None:
        """The lights go on: who still sits leaves, who still waits is sorry."""
        for party in self.parties:
            if party.phase is Phase.SITS:
                self._leaves_for_good(party, "complete", "completed")
            elif party.phase is Phase.AT_THE_DOOR:
                self._leaves_for_good(party, "cancel", "cancelled")

    # --- calls ---

    def _mark(self, party: Party, step: str) -> Answer:
        function = "bookings" if step == "cancel" else "operations"
        answer = self._http(function, "POST", f"/bookings/{party.id}/{step}")
        if answer.status == 200:
            self._outcome.counted[step] += 1
        return answer

    def _http(self, function: str, method: str, path: str, **request: Any) -> Answer:
        self._clock.tick()
        return self._service.http(function, method, path, **request)

    def _expect(self, answer: Answer, code: str) -> None:
        if answer.status != 409 or answer.json["code"] != code:
            self._outcome.wrong.append(f"{code} was expected: {answer.status} {answer.text}")


def _stay(booking: dict[str, Any], visit: Visit) -> int:
    """Minutes that the party will sit there, from now."""
    span = datetime.fromisoformat(booking["endAt"]) - datetime.fromisoformat(booking["startAt"])
    return round(span / timedelta(minutes=1) * visit.stays)


_STEPS: dict[Phase, Callable[[_House, Party, int], None]] = {
    Phase.EXPECTED: _House._expected,
    Phase.AT_THE_DOOR: _House._at_the_door,
    Phase.SITS: _House._sits,
    Phase.GONE: _House._gone,
}
