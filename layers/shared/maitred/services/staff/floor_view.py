"""``GET /restaurants/{id}/floor``: every table at one moment, as a host sees it from the door."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from maitred.contracts import responses
from maitred.domain import errors
from maitred.domain.floor import Floor, Table, Zone
from maitred.domain.states import State
from maitred.domain.windows import closed_until
from maitred.services.assignment.day import Floors, version_of
from maitred.services.idempotency import Reply
from maitred.services.ports import BookingStore, Clock, FloorParty, FloorRead, Json, TableUse


class Status(StrEnum):
    FREE = "free"
    ON_HOLD = "held"
    BOOKED = "booked"
    SEATED = "seated"
    CLOSED = "closed"
    OUT_OF_SERVICE = "out_of_service"


@dataclass(frozen=True, slots=True)
class _Seen:
    """One table. ``until``: when this changes, as far as it is known. ``next``: who is to sit there next."""

    table: Table
    status: Status
    until: datetime | None = None
    party: FloorParty | None = None
    next: FloorParty | None = None


class FloorView:
    def __init__(self, store: BookingStore, clock: Clock, floors: Floors) -> None:
        self._store = store
        self._clock = clock
        self._floors = floors

    def at(self, restaurant_id: str, moment: datetime | None, *, include_holds: bool) -> Reply:
        """The floor at ``moment`` (None: now), as the ledger has it now. Raises RestaurantNotFound."""
        now = self._clock.now()
        at = moment or now
        known = self._floors.latest(restaurant_id)
        read = self._store.floor(restaurant_id, version_of(known), at)
        if read is None:
            raise errors.RestaurantNotFound
        index = self._floors.current(restaurant_id, known, read)
        uses = [use for use in read.uses if include_holds or use.hold_id is None]
        return Reply(200, responses.dumps(_body(index.floor, read, uses, at, now)))


@dataclass(frozen=True, slots=True)
class _Moment:
    """What is looked at: the floor and its parties ``at`` a moment, as it is known ``now``."""

    floor: Floor
    parties: Mapping[str, FloorParty]
    at: datetime
    now: datetime

    def local(self, moment: datetime) -> str:
        return responses.local(moment.replace(microsecond=0), self.floor.timezone)

    def party(self, use: TableUse | None) -> FloorParty | None:
        return None if use is None or use.booking_id is None else self.parties.get(use.booking_id)

    def sits(self, use: TableUse) -> bool:
        """Does the party sit there, and at that moment still, as far as anybody knows?"""
        party = self.party(use)
        seated = party is not None and party.state is State.SEATED
        return seated and use.start <= self.at and (self.at <= self.now + _CLOCKS or self.at < use.end)

    def is_planned(self, use: TableUse) -> bool:
        party = self.party(use)
        return party is not None and party.state is not State.SEATED


#: The clocks of those who ask differ a little.
_CLOCKS = timedelta(minutes=1)


def _body(floor: Floor, read: FloorRead, uses: Sequence[TableUse], at: datetime, now: datetime) -> Json:
    by_table: dict[str, list[TableUse]] = {}
    for use in uses:
        by_table.setdefault(use.table_id, []).append(use)
    moment = _Moment(floor, read.parties, at, now)
    seen = [_seen(moment, table, by_table.get(table.id, ())) for table in floor.tables]
    return {
        "asOf": responses.local(now, floor.timezone),
        "tables": [_table_json(moment, each) for each in seen],
        "zones": [
            {"id": zone.id, "name": zone.name, **_counts([s for s in seen if s.table.zone == zone.id])}
            for zone in sorted(floor.zones, key=_place)
        ],
        "totals": _counts(seen),
        "conflicts": _conflicts(moment, uses),
    }


def _place(zone: Zone) -> tuple[bool, int]:
    """By position; zones without one come after those, in the document's order."""
    return zone.position is None, zone.position or 0


def _seen(moment: _Moment, table: Table, uses: Sequence[TableUse]) -> _Seen:
    """Who sits at the table comes first, whatever the plan and the floor document say about it."""
    at, by_start = moment.at, sorted(uses, key=lambda use: (use.start, str(use.booking_id)))
    plans = [use for use in by_start if moment.is_planned(use)]
    sitting = next((use for use in by_start if moment.sits(use)), None)
    if sitting is not None:
        party = moment.party(sitting)
        until = _expected_end(party, at) if party else None
        return _Seen(table, Status.SEATED, until, party, moment.party(next(iter(plans), None)))
    due = next((use for use in plans if use.start <= at < use.end), None)
    if due is not None:
        later = next((use for use in plans if use is not due), None)
        return _Seen(table, Status.BOOKED, due.end, moment.party(due), moment.party(later))
    following = moment.party(next((use for use in plans if use.start > at), None))
    return replace(_empty(moment, table, by_start), next=following)


def _empty(moment: _Moment, table: Table, uses: Sequence[TableUse]) -> _Seen:
    """A table without a party: why nobody may sit there, or until when it is free."""
    at = moment.at
    other = next((use for use in uses if use.booking_id is None and use.start <= at < use.end), None)
    if other is not None:
        return _Seen(table, Status.ON_HOLD if other.hold_id else Status.OUT_OF_SERVICE, other.end)
    if table.out_of_service or not table.active:
        return _Seen(table, Status.OUT_OF_SERVICE)
    closed = closed_until(moment.floor, table, at)
    if closed is not None:
        return _Seen(table, Status.CLOSED, closed)
    return _Seen(table, Status.FREE, min((use.start for use in uses if use.start > at), default=None))


def _leaves_at(party: FloorParty) -> datetime:
    return (party.seated_at or party.start) + (party.end - party.start)


def _expected_end(party: FloorParty, at: datetime) -> datetime:
    return max(_leaves_at(party), at)


def _table_json(moment: _Moment, seen: _Seen) -> Json:
    body: Json = {"id": seen.table.id, "status": seen.status.value}
    if seen.table.name is not None:
        body["name"] = seen.table.name
    if seen.party is not None:
        body["bookingId"] = seen.party.booking_id
        body["party"] = _party_json(moment, seen.party)
    if seen.until is not None:
        body["until"] = moment.local(seen.until)
    if seen.next is not None:
        body["next"] = {"bookingId": seen.next.booking_id, "at": moment.local(seen.next.start)}
    return body


def _party_json(moment: _Moment, party: FloorParty) -> Json:
    at, sits = moment.at, party.state is State.SEATED
    late = party.start + timedelta(minutes=moment.floor.policy.late_minutes)
    return {
        "bookingId": party.booking_id,
        "reference": party.reference,
        "partySize": party.party_size,
        "name": party.name,
        "state": party.state.value,
        "since": moment.local((party.seated_at or party.start) if sits else party.start),
        "until": moment.local(_expected_end(party, at) if sits else party.end),
        "arrived": party.arrived_at is not None,
        "overTime": sits and _leaves_at(party) <= at,
        "late": not sits and party.arrived_at is None and late <= at,
    }


def _conflicts(moment: _Moment, uses: Sequence[TableUse]) -> list[Json]:
    """The guests whose tables will not be free for them, by start: since when that is known, and why."""
    since: dict[str, datetime] = {}
    tables: dict[str, list[str]] = {}
    for use in uses:
        if use.at_risk_since is not None and use.booking_id is not None and moment.is_planned(use):
            since[use.booking_id] = use.at_risk_since
            tables.setdefault(use.booking_id, []).append(use.table_id)
    return [
        {
            "bookingId": booking_id,
            "tables": sorted(tables[booking_id]),
            "since": moment.local(since[booking_id]),
            "problem": _problem(moment, [use for use in uses if use.table_id in tables[booking_id]]),
        }
        for booking_id in sorted(since, key=lambda each: (moment.parties[each].start, each))
    ]


def _problem(moment: _Moment, uses: Sequence[TableUse]) -> str:
    """Who or what keeps the tables."""
    for use in uses:
        party = moment.party(use)
        if party is not None and party.state is State.SEATED:
            until = f"{_expected_end(party, moment.at).astimezone(moment.floor.timezone):%H:%M}"
            over = _leaves_at(party) <= moment.at
            stays = "is over time" if over else f"is expected to leave at {until}"
            return f"{party.name or party.reference} sits at {use.table_id} and {stays}"
    return "The table is out of order"


#: The statuses' names in the counts.
_NAMES: Mapping[Status, str] = {status: status.value for status in Status} | {
    Status.OUT_OF_SERVICE: "outOfService"
}


def _counts(seen: Sequence[_Seen]) -> Json:
    """Tables by status; seats at all tables in service, and at the free ones."""
    tables = Counter(each.status for each in seen)
    usable = [each for each in seen if each.status is not Status.OUT_OF_SERVICE]
    return {
        "tables": len(seen),
        "seats": sum(each.table.capacity for each in usable),
        "freeSeats": sum(each.table.capacity for each in usable if each.status is Status.FREE),
        **{name: tables[status] for status, name in _NAMES.items()},
    }
