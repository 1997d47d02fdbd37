"""A guest's request: what is asked for, the call that carries it, and the stay it would be on a floor."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from maitred.domain import errors
from maitred.domain.booking import Booking, LocalStart, Preferences
from maitred.domain.floor import Floor
from maitred.domain.reasons import Reason
from maitred.domain.windows import Notice, Sitting, Window, moment_of, promised_window, resolve_window
from maitred.planner.floor.index import FloorIndex
from maitred.services.assignment.attempt import AttemptContext
from maitred.services.idempotency import RequestContext
from maitred.services.ports import Snapshot

_SIMILAR = 0.6  # of 1; words that are less alike are not offered
_LATE = timedelta(minutes=5)  # how far in the past a start may lie


@dataclass(frozen=True, slots=True)
class BookingRequest:
    """What a guest asks for. ``start`` is venue-local, or a moment in UTC. ``hold_id``: the guest's own."""

    restaurant_id: str
    party_size: int
    start: LocalStart | datetime
    preferences: Preferences
    guest: Mapping[str, str] = field(default_factory=dict)
    notes: str | None = None
    duration_minutes: int | None = None
    refuse_if_full: bool = True
    hold_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class InlineCall:
    """One call that finds tables within its own request; nothing in it changes once it has begun.

    ``now``: when it began, UTC. ``booking_id``: the booking that is made or changed. ``changed``: that
    booking as it was read.
    """

    request: BookingRequest
    context: RequestContext
    attempt: AttemptContext
    now: datetime
    booking_id: UUID
    changed: Booking | None = None


@dataclass(frozen=True, slots=True)
class DayReading:
    """The floor, the stay on it, and the day's ledger; or why that could not be read in time.

    ``cache_hit``: the floor was kept from an earlier request. ``db_ms``: how long the ledger took to read.
    """

    index: FloorIndex
    window: Window
    notices: tuple[Notice, ...]
    snapshot: Snapshot | Reason
    cache_hit: bool
    db_ms: float


def stay(
    request: BookingRequest,
    index: FloorIndex,
    now: datetime,
    changed: Booking | None = None,
    *,
    is_staff: bool = False,
    near: Sequence[Sitting] | None = None,
) -> tuple[Window, tuple[Notice, ...]]:
    """When the party would sit. Raises MaitredError if the floor document does not allow it.

    A party that only tables for walk-ins could seat is no input error of staff's: it waits for a person.
    A booking that is ``changed`` may keep a start that has passed; the same party also keeps its end.
    ``is_staff``: the policy's limits for guests do not bind the caller. ``near``: as in `resolve_window`.
    """
    floor = index.floor
    seats = index.seats_with_walk_ins if is_staff else index.seats
    if request.party_size > seats:
        raise errors.PartyTooLarge(f"the restaurant has {seats} seats in all; call it, or split the party")
    moment, notices = moment_of(request.start, floor.timezone)
    stays = changed is not None and moment == changed.start_at
    if moment < now - _LATE and not stays:
        raise errors.InThePast
    same = (request.party_size, request.duration_minutes)
    if changed is not None and stays and same == (changed.party_size, changed.duration_minutes):
        return _promised_window(floor, changed), notices
    fewer = changed is not None and stays and request.party_size < changed.party_size
    if not (is_staff or fewer or request.hold_id):  # who has a hold was let in when it was made
        _check_limits(floor, request.party_size, moment, now)
    window = resolve_window(floor, moment, request.party_size, request.duration_minutes, near)
    return window, (*notices, *window.notices)


def earliest_start(floor: Floor, now: datetime, *, is_staff: bool) -> datetime:
    """The first moment at which this caller's party may start."""
    return now if is_staff else now + timedelta(minutes=floor.policy.min_notice_minutes)


def _check_limits(floor: Floor, party_size: int, start: datetime, now: datetime) -> None:
    """The limits for guests. Raises PartyNeedsACall, TooSoon or TooFarAhead."""
    policy, zone = floor.policy, floor.timezone
    most, notice, ahead = policy.max_party_online, policy.min_notice_minutes, policy.max_days_ahead
    if most is not None and party_size > most:
        raise errors.PartyNeedsACall(f"{floor.name} takes parties of more than {most} by telephone only")
    if notice and start < earliest_start(floor, now, is_staff=False):
        raise errors.TooSoon(f"{floor.name} takes bookings at least {notice} minutes ahead")
    if (start.astimezone(zone).date() - now.astimezone(zone).date()).days > ahead:
        raise errors.TooFarAhead(f"{floor.name} takes bookings at most {ahead} days ahead")


def _promised_window(floor: Floor, booking: Booking) -> Window:
    """The stay that was promised, even if new hours no longer allow it. Raises OutsideService."""
    service = next((each for each in floor.services if each.id == booking.service_id), None)
    if service is None:
        return promised_window(floor, booking.start_at, booking.end_at)
    return Window(booking.start_at, booking.end_at, service, booking.service_date, ())


# --- zones and attributes that the guest names and the restaurant does not have ---


def unknown_words(index: FloorIndex, preferences: Preferences) -> tuple[Notice, ...]:
    """A warning for each word, with the restaurant's own word that comes nearest to it, if one does."""
    zone = preferences.zone
    notices = []
    if zone is not None and zone not in index.zone_bits:
        text = f"The restaurant has no zone {zone}"
        notices.append(Notice("unknown_zone", text + _did_you_mean(zone, _zones(index))))
    for word in dict.fromkeys((*preferences.required, *preferences.attributes)):
        if word not in index.attribute_bits:
            text = f"No table of the restaurant has the attribute {word}"
            named = {name: name for name in index.attribute_bits}
            notices.append(Notice("unknown_attribute", text + _did_you_mean(word, named)))
    return tuple(notices)


def _zones(index: FloorIndex) -> Mapping[str, str]:
    """The zones' ids by their names and ids: a guest may have read either."""
    ids = {zone.id: zone.id for zone in index.floor.zones}
    return {zone.name: zone.id for zone in index.floor.zones} | ids


def _did_you_mean(word: str, known: Mapping[str, str]) -> str:
    found = _nearest(word.casefold(), known)
    return "" if found is None else f"; did you mean {found}?"


def _nearest(word: str, known: Mapping[str, str]) -> str | None:
    from difflib import get_close_matches  # noqa: PLC0415 - few requests need it

    folded = {name.casefold(): own for name, own in known.items()}
    names: Iterable[str] = get_close_matches(word, sorted(folded), n=1, cutoff=_SIMILAR)
    return next((folded[name] for name in names), None)
