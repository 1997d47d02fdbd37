"""Whom freed capacity could serve: everybody who waits is judged, in order of creation, on what is left.

Pure: the day goes in, those to wake come out, each with its place. Who is seated in thought is in the way of
those who came later, and may be moved for them as any confirmed booking may.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from maitred.domain.booking import Preferences
from maitred.domain.errors import MaitredError
from maitred.domain.windows import Window, resolve_window, to_minutes
from maitred.planner.floor.index import FloorIndex
from maitred.planner.model import Allocation, Covers, Deadline, Move, PartyRequest, Plan
from maitred.planner.search.join_search import SearchEndedError
from maitred.services.assignment.planning import DayPlanner, party_request
from maitred.services.ports import MovableStay, Snapshot, WaitingParty

#: A table over ``[start, end)``, minutes since the epoch, buffers included.
type Use = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Awake:
    """A waiting party to be tried again. ``window``: the stay; None if the party was not judged in time.

    ``needs``: the tables that it would get, and those that others would be moved to for it.
    """

    party: WaitingParty
    window: Window | None = None
    needs: tuple[Use, ...] = ()


def whom_to_wake(
    index: FloorIndex,
    snapshot: Snapshot,
    waiting: Sequence[WaitingParty],
    planner_of: Callable[[Snapshot], DayPlanner],
    now: datetime,
    deadline: Deadline,
) -> list[Awake]:
    """Those of ``waiting``, which is in order of creation, that ``snapshot`` has a place for.

    A party with a lease on the day counts as seated there. Who is not judged before the deadline, or stays
    undecided, is woken too: that is harmless, and a guest who is forgotten is not. ``planner_of``: a day's.
    """
    requests = _Requests(index, snapshot, now)
    leased = set(snapshot.leases.values())
    day = _with_leases(index, snapshot, waiting, planner_of, requests, deadline)
    planner, awake, refused = planner_of(day), list[Awake](), set[_Wanted]()
    for party in waiting:
        wanted = _wanted(party)
        if wanted in refused or (leased and str(party.id) in leased):
            continue
        answer = _judged(planner, requests, party, wanted, deadline)
        if answer is None:
            refused.add(wanted)
            continue
        if isinstance(answer, _Open):
            awake.append(Awake(party))
            continue
        window, request, plan = answer
        awake.append(Awake(party, window, _needs(index, day, request, plan)))
        day = seated(index, day, _stay_of(party, request), plan.tables, plan.moves)
        planner = planner_of(day)
        if plan.moves:  # without moves, who found nothing before finds nothing now
            refused.clear()
    return awake


class _Open:
    """Not found out."""


def _judged(
    planner: DayPlanner, requests: "_Requests", party: WaitingParty, wanted: "_Wanted", deadline: Deadline
) -> tuple[Window, PartyRequest, Plan] | _Open | None:
    """The party's stay and its place; None: it has none, or the job would not try it."""
    wishes, start, end = party.preferences, to_minutes(party.start_at), to_minutes(party.end_at)
    zone = wishes.zone if wishes.zone_required else None
    if planner.is_full(party.party_size, start, end, zone):  # the answer for most, in next to no time
        return None
    window, request = requests.of(party, wanted)
    if window is None:
        return None
    if request is None:
        return _Open()
    try:
        plan = planner.place(request, deadline)
    except SearchEndedError:
        return _Open()
    return None if plan is None else (window, request, plan)


def could_ever_sit(index: FloorIndex, party: WaitingParty, now: datetime) -> bool:
    """May a party be tried again on this floor, and would a set of its tables seat it on an empty day?"""
    window = window_of(index, party, now)
    if window is None:
        return False
    request = party_request(party.party_size, window, party.preferences)
    zone = request.zone if request.zone_required else None
    unfit = ~index.matching(zone, request.required) | index.closed(request.start, request.end)
    return index.truncated or any(not bits & unfit for bits in index.candidates(party.party_size).bits)


def seated(
    index: FloorIndex, day: Snapshot, stay: MovableStay, tables: Iterable[str], moves: Sequence[Move] = ()
) -> Snapshot:
    """The day with this party at ``tables``, the ``moves`` carried out. It must not be on the day yet."""
    moved = {move.booking_id: move.to_tables for move in moves}
    kept = [row for row in day.allocations if row.booking_id is None or row.booking_id not in moved]
    for booking_id, others in moved.items():
        start, end = _window_of(day, booking_id)
        kept += [Allocation(table, start, end, booking_id) for table in others]
    start, end = _buffered(index, stay.start, stay.end)
    kept += [Allocation(table, start, end, stay.booking_id) for table in tables]
    free_from = day.day.movable_from
    movable = free_from is not None and stay.start > to_minutes(free_from)
    return replace(
        day,
        allocations=tuple(kept),
        covers=(*day.covers, Covers(stay.start, stay.party_size)),
        stays=(*day.stays, stay) if movable else day.stays,
    )


def free_of(uses: Iterable[Use], taken: Mapping[str, Sequence[tuple[int, int]]]) -> tuple[Use, ...]:
    """Those of the uses that nobody is in the way of. ``taken``: by table, ``[start, end)``."""
    return tuple(
        (table, start, end)
        for table, start, end in uses
        if all(end <= begin or finish <= start for begin, finish in taken.get(table, ()))
    )


#: Equal for parties that get the same answer from the same day.
type _Wanted = tuple[int, datetime, datetime, int | None, Preferences]


def _wanted(party: WaitingParty) -> _Wanted:
    return party.party_size, party.start_at, party.end_at, party.duration_minutes, party.preferences


class _Requests:
    """What each party asks for on this floor; hundreds may ask for the same."""

    def __init__(self, index: FloorIndex, snapshot: Snapshot, now: datetime) -> None:
        self._index, self._now = index, now
        self._day = snapshot.day
        self._span = to_minutes(snapshot.day.start), to_minutes(snapshot.day.end)
        self._known: dict[_Wanted, tuple[Window | None, PartyRequest | None]] = {}

    def of(self, party: WaitingParty, wanted: _Wanted) -> tuple[Window | None, PartyRequest | None]:
        """The stay, None if the job would not try this party: too late, or no service takes it.

        And the question to the planner, None if the stay is not on this day or not all in the snapshot.
        """
        known = self._known.get(wanted)
        if known is None:
            window = window_of(self._index, party, self._now)
            request = self._request(party, window) if window else None
            known = self._known[wanted] = window, request
        return known

    def _request(self, party: WaitingParty, window: Window) -> PartyRequest | None:
        request = party_request(party.party_size, window, party.preferences)
        start, end = _buffered(self._index, request.start, request.end)
        inside = self._span[0] <= start and end <= self._span[1]
        return request if inside and window.service_date == self._day.service_date else None


def window_of(index: FloorIndex, party: WaitingParty, now: datetime) -> Window | None:
    """The stay that the job would look for tables for; None if it would not try, or there is no service."""
    if now > party.start_at - timedelta(minutes=index.floor.policy.start_cutoff_minutes):
        return None
    try:
        window = resolve_window(index.floor, party.start_at, party.party_size, party.duration_minutes)
    except MaitredError:
        return None
    return replace(window, end=party.end_at)


def _with_leases(
    index: FloorIndex,
    snapshot: Snapshot,
    waiting: Sequence[WaitingParty],
    planner_of: Callable[[Snapshot], DayPlanner],
    requests: _Requests,
    deadline: Deadline,
) -> Snapshot:
    """The day with each party that has a lease seated: on the leased tables, if those are enough for it.

    If they are not, others are to be moved for it, and it is seated as the planner would do that. Where that
    is not possible any more, its lease just stays in the way.
    """
    day, leased = snapshot, set(snapshot.leases.values())
    for party in waiting if leased else ():
        if str(party.id) not in leased:
            continue
        rows, (_, request) = snapshot.leased_to(party.id), requests.of(party, _wanted(party))
        if not rows or request is None:
            continue
        before = day.without(party)
        tables = tuple(sorted(row.table_id for row in rows))
        whole = {(row.start, row.end) for row in rows} == {_buffered(index, request.start, request.end)}
        if whole and index.bits_of(tables) in index.candidates(party.party_size).bits:
            day = seated(index, before, _stay_of(party, request), tables)
            continue
        try:
            plan = planner_of(before).place(request, deadline)
        except SearchEndedError:
            continue
        if plan is not None:
            day = seated(index, before, _stay_of(party, request), plan.tables, plan.moves)
    return day


def _stay_of(party: WaitingParty, request: PartyRequest) -> MovableStay:
    return stay_of(str(party.id), party.version, request, party.preferences)


def stay_of(booking_id: str, version: int, request: PartyRequest, preferences: Preferences) -> MovableStay:
    """The stay of a party that asks for this."""
    return MovableStay(booking_id, version, request.party_size, request.start, request.end, preferences)


def _needs(index: FloorIndex, day: Snapshot, request: PartyRequest, plan: Plan) -> tuple[Use, ...]:
    start, end = _buffered(index, request.start, request.end)
    own = [(table, start, end) for table in plan.tables]
    for move in plan.moves:
        own += [(table, *_window_of(day, move.booking_id)) for table in move.to_tables]
    return tuple(own)


def _window_of(day: Snapshot, booking_id: str) -> tuple[int, int]:
    rows = [row for row in day.allocations if row.booking_id == booking_id]
    return min(row.start for row in rows), max(row.end for row in rows)


def _buffered(index: FloorIndex, start: int, end: int) -> tuple[int, int]:
    policy = index.floor.policy
    return start - policy.buffer_before_minutes, end + policy.buffer_after_minutes
