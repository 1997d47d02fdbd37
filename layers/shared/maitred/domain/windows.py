"""When a party sits: services in the restaurant's local time, stays in UTC.

Opening hours are local times, converted separately for each date; all arithmetic on minutes is done in
UTC. Intervals are half-open. Where services overlap, a start belongs to the service that opened last, then
to the first in the document. If the stay does not fit there, the next service that it fits takes it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from maitred.domain.booking import LocalStart
from maitred.domain.errors import Closed, FieldError, InvalidRequest, OutsideService, ServiceOverrun
from maitred.domain.floor import Closure, Floor, Service, Table, TurnTime

MIN_DURATION_MINUTES = 5
MAX_DURATION_MINUTES = 720
#: No booking has a date outside these years. They keep clear of datetime's own limits.
FIRST_YEAR, LAST_YEAR = 1971, 2199

_DAY_MINUTES = 1440
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ONE_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Notice:
    """A warning to the guest: a time was adjusted."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Window:
    """A stay ``[start, end)`` in UTC, in ``service`` of ``service_date`` (the day the service opened)."""

    start: datetime
    end: datetime
    service: Service
    service_date: date
    notices: tuple[Notice, ...]


@dataclass(frozen=True, slots=True)
class Sitting:
    """One service on one date, in UTC."""

    service: Service
    service_date: date
    opens: datetime
    last: datetime
    closes: datetime


def to_minutes(moment: datetime) -> int:
    """Whole minutes from the epoch to ``moment``, which must be aware. Seconds are dropped.

    Minutes since the Unix epoch, UTC, are the unit of all comparisons between stays.
    """
    return (moment - _EPOCH) // timedelta(minutes=1)


def from_minutes(minutes: int) -> datetime:
    return _EPOCH + timedelta(minutes=minutes)


def local_start(day: date, clock: time, zone: ZoneInfo) -> tuple[datetime, tuple[Notice, ...]]:
    """The UTC moment at which the restaurant's clock shows ``clock`` on ``day``, and notices about it.

    A time that the clock skips moves forward by the gap. If the clock shows a time twice, the first counts.
    Both add a notice. Raises ``InvalidRequest`` for years outside 1971-2199.
    """
    _check_year(day)
    wall = datetime.combine(day, clock.replace(tzinfo=None, fold=0))
    moment = _wall_to_utc(wall, zone)
    shown = moment.astimezone(zone)
    if shown.replace(tzinfo=None) != wall:
        text = f"The clock skips {wall:%H:%M} on {wall:%Y-%m-%d}, so the start is {shown:%H:%M}"
        return moment, (Notice("time_skipped", text),)
    if wall.replace(tzinfo=zone, fold=1).utcoffset() != wall.replace(tzinfo=zone).utcoffset():
        text = f"The clock shows {wall:%H:%M} twice on {wall:%Y-%m-%d}; the start is the first of the two"
        return moment, (Notice("time_ambiguous", text),)
    return moment, ()


def moment_of(start: LocalStart | datetime, zone: ZoneInfo) -> tuple[datetime, tuple[Notice, ...]]:
    """The moment of a start, and notices about it (see `local_start`)."""
    return local_start(start.day, start.clock, zone) if isinstance(start, LocalStart) else (start, ())


def resolve_window(
    floor: Floor,
    start: datetime,
    party_size: int,
    duration_minutes: int | None = None,
    near: Sequence[Sitting] | None = None,
) -> Window:
    """The stay of a party that wants to start at ``start`` (aware, a whole minute).

    ``near``: the sittings around it, for many starts on one day (`sittings_near`); else they are looked up.

    ``duration_minutes`` None: the turn time of this party and service. A stay that would pass closing time is
    shortened to it, with a notice, unless the service allows overrun. Raises ``OutsideService``,
    ``ServiceOverrun`` (less than the minimum dining time would be left), ``Closed`` (the whole restaurant is
    closed during the stay), ``InvalidRequest`` (this duration is not allowed).
    """
    _check_duration(floor, duration_minutes)
    start = start.astimezone(UTC)
    sittings = _sittings_at(floor, start, near)
    if not sittings:
        raise OutsideService(
            f"{floor.name} takes no parties at {_local(floor, start)}; choose a time during its opening hours"
        )
    _refuse_closed(floor, start, start + timedelta(minutes=1))
    for sitting in sittings:
        window = _stay(floor, sitting, start, party_size, duration_minutes)
        if window is not None:
            _refuse_closed(floor, window.start, window.end)
            return window
    closes = max(sitting.closes for sitting in sittings)
    raise ServiceOverrun(
        f"{_local(floor, start)} is less than {floor.policy.min_dining_minutes} minutes before closing "
        f"at {_local(floor, closes)}; choose an earlier time"
    )


def promised_window(floor: Floor, start: datetime, end: datetime) -> Window:
    """The stay ``[start, end)`` as it was promised, in the service that it still lies within.

    Nothing is shortened and no turn time is asked for. Raises ``OutsideService`` with the sentence that says
    which rule it breaks, ``Closed`` if the whole restaurant is closed during the stay.
    """
    start = start.astimezone(UTC)
    broken = None
    for sitting in _sittings_around(floor, start):
        rule = _rule_broken(floor, sitting, start, end)
        if rule is None:
            _refuse_closed(floor, start, end)
            return Window(start, end, sitting.service, sitting.service_date, ())
        broken = broken or rule
    raise OutsideService(broken or _no_service(floor, start))


def on_other_clock(moment: datetime, before: ZoneInfo, after: ZoneInfo) -> datetime:
    """The UTC moment at which a clock in ``after`` shows what a clock in ``before`` shows at ``moment``."""
    wall = moment.astimezone(before).replace(tzinfo=None, fold=0)
    return _wall_to_utc(wall, after)


def service_day(floor: Floor, service_date: date) -> tuple[datetime, datetime]:
    """The first opening of this service day, and the last moment at which a stay may end.

    A day without a service runs from local midnight to midnight.
    """
    sittings = list(_sittings_of(floor, service_date))
    if not sittings:
        return _at(floor, service_date, 0), _at(floor, service_date, _DAY_MINUTES)
    return min(s.opens for s in sittings), max(_last_end(s) for s in sittings)


def service_date_at(floor: Floor, moment: datetime) -> date:
    """The service day in progress: after midnight still that of the evening before, until it closes."""
    today = moment.astimezone(floor.timezone).date()
    before = today - timedelta(days=1)
    return before if moment < service_day(floor, before)[1] else today


def slot_starts(floor: Floor, service_date: date) -> tuple[tuple[Service, datetime], ...]:
    """The bookable starts of a service day with their services, in order of time, each start once.

    A service's slots run from its opening to its last seating inclusive, in steps of ``pacing.slotMinutes``.
    A start that two services offer goes to the one that ``resolve_window`` tries first.
    """
    step = timedelta(minutes=floor.policy.pacing.slot_minutes)
    owners: dict[datetime, Service] = {}
    for sitting in _by_precedence(_sittings_of(floor, service_date)):
        start = sitting.opens
        while start <= sitting.last:
            owners.setdefault(start, sitting.service)
            start += step
    return tuple((owners[start], start) for start in sorted(owners))


def pacing_slot(
    floor: Floor, service_id: str, service_date: date, start: datetime
) -> tuple[datetime, datetime]:
    """The pacing slot that contains ``start``, counted from the service's opening.

    Slots count from local midnight if the floor does not have this service on this day.
    """
    sitting = next((s for s in _sittings_of(floor, service_date) if s.service.id == service_id), None)
    origin = sitting.opens if sitting is not None else _at(floor, service_date, 0)
    step = timedelta(minutes=floor.policy.pacing.slot_minutes)
    begin = origin + (start - origin) // step * step
    return begin, begin + step


def closure_interval(floor: Floor, start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """A closure's local times as a UTC interval."""
    return _wall_to_utc(start, floor.timezone), _wall_to_utc(end, floor.timezone)


def closed_until(floor: Floor, table: Table, moment: datetime) -> datetime | None:
    """The end of the closures of this table, its zone or the restaurant at ``moment``; None: it is open.

    Closures that follow each other without a gap count as one.
    """
    intervals = sorted(
        closure_interval(floor, each.start, each.end)
        for each in floor.closures
        if each.whole_house or table.zone in (each.zones or ()) or table.id in (each.tables or ())
    )
    until = None
    for start, end in intervals:
        if start <= (until or moment) < end:
            until = end
    return until


def _check_year(day: date) -> None:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise InvalidRequest(
            [FieldError("date", "out_of_range", f"must be in the years {FIRST_YEAR} to {LAST_YEAR}")]
        )


def _wall_to_utc(wall: datetime, zone: ZoneInfo) -> datetime:
    # fold=0 takes the offset before the change: the first of two equal times, and forward out of a gap.
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)


def _at(floor: Floor, service_date: date, minutes: int) -> datetime:
    """The moment ``minutes`` of local time after midnight of the service day; 1440 and more: the next day."""
    _check_year(service_date)
    return _wall_to_utc(datetime.combine(service_date, time()) + timedelta(minutes=minutes), floor.timezone)


def _sittings_of(floor: Floor, service_date: date) -> Iterator[Sitting]:
    for service in floor.services_on(service_date):
        yield Sitting(
            service,
            service_date,
            _at(floor, service_date, service.opens),
            _at(floor, service_date, service.last_seating),
            _at(floor, service_date, service.closes),
        )


def sittings_near(floor: Floor, service_date: date) -> tuple[Sitting, ...]:
    """The sittings of this service day, and of the days before and after it."""
    days = (service_date - _ONE_DAY, service_date, service_date + _ONE_DAY)
    return tuple(sitting for day in days for sitting in _sittings_of(floor, day))


def _sittings_at(floor: Floor, start: datetime, near: Sequence[Sitting] | None = None) -> list[Sitting]:
    """The sittings that take parties at ``start``. Yesterday's may still be open after midnight."""
    if not FIRST_YEAR <= start.year <= LAST_YEAR:
        return []
    if near is None:
        today = start.astimezone(floor.timezone).date()
        near = [each for day in (today - _ONE_DAY, today) for each in _sittings_of(floor, day)]
    return _by_precedence(sitting for sitting in near if sitting.opens <= start <= sitting.last)


def _sittings_around(floor: Floor, start: datetime) -> list[Sitting]:
    """The sittings that are open at ``start``, whether or not they still take parties then."""
    if not FIRST_YEAR <= start.year <= LAST_YEAR:
        return []
    today = start.astimezone(floor.timezone).date()
    return _by_precedence(
        sitting
        for service_date in (today - _ONE_DAY, today)
        for sitting in _sittings_of(floor, service_date)
        if sitting.opens <= start <= max(sitting.last, sitting.closes)
    )


def _rule_broken(floor: Floor, sitting: Sitting, start: datetime, end: datetime) -> str | None:
    """Why the stay does not lie within this sitting; None if it does."""
    service = sitting.service
    # Without a lastSeating the last start follows from the least dining time, which is for new stays.
    own_last = service.last_seating != service.closes - floor.policy.min_dining_minutes
    if own_last and start > sitting.last:
        return f"The last seating of {service.name} is at {_clock(floor, sitting.last)}"
    if end > sitting.closes and not service.allow_overrun:
        return f"{service.name} closes at {_clock(floor, sitting.closes)}, before the stay ends"
    return None


def _no_service(floor: Floor, start: datetime) -> str:
    if not floor.services:
        return f"{floor.name} has no services"
    today = start.astimezone(floor.timezone).date()
    if not any(_sittings_of(floor, today)):
        return f"There is no service on {_WEEKDAYS[today.weekday()]}, {today:%Y-%m-%d}"
    return f"There is no service at {_clock(floor, start)} on {today:%Y-%m-%d}"


def _by_precedence(sittings: Iterator[Sitting]) -> list[Sitting]:
    """The last to open comes first. The sort is stable, so ties keep the document's order."""
    return sorted(sittings, key=lambda sitting: sitting.opens, reverse=True)


def _stay(
    floor: Floor, sitting: Sitting, start: datetime, party_size: int, duration_minutes: int | None
) -> Window | None:
    """The stay in this sitting; None if less than the minimum dining time is left before closing."""
    minutes = duration_minutes or turn_minutes(floor, sitting.service, party_size)
    end = start + timedelta(minutes=minutes)
    if sitting.service.allow_overrun or end <= sitting.closes:
        return Window(start, end, sitting.service, sitting.service_date, ())
    left = (sitting.closes - start) // timedelta(minutes=1)
    if left < floor.policy.min_dining_minutes:
        return None
    name = sitting.service.name
    text = f"The stay is shortened from {minutes} to {left} minutes because {name} closes then"
    notices = (Notice("stay_shortened", text),)
    return Window(start, sitting.closes, sitting.service, sitting.service_date, notices)


def turn_minutes(floor: Floor, service: Service, party_size: int) -> int:
    """How long a party of this size stays in this service, in minutes."""
    turns: tuple[TurnTime, ...] = service.turn_times or floor.policy.turn_times
    return next(t.minutes for t in turns if t.max_party is None or party_size <= t.max_party)


def _check_duration(floor: Floor, minutes: int | None) -> None:
    least = max(MIN_DURATION_MINUTES, floor.policy.min_dining_minutes)
    if minutes is not None and not least <= minutes <= MAX_DURATION_MINUTES:
        message = f"must be {least} to {MAX_DURATION_MINUTES} minutes"
        raise InvalidRequest([FieldError("durationMinutes", "out_of_range", message)])


def _refuse_closed(floor: Floor, start: datetime, end: datetime) -> None:
    for closure in floor.closures:
        if not closure.whole_house or _far_from(closure, floor, start):
            continue
        closed_from, closed_to = closure_interval(floor, closure.start, closure.end)
        if closed_from < end and start < closed_to:
            because = f" ({closure.reason})" if closure.reason else ""
            raise Closed(
                f"{floor.name} is closed from {closure.start:%Y-%m-%d %H:%M} "
                f"to {closure.end:%Y-%m-%d %H:%M}{because}"
            )


def _far_from(closure: Closure, floor: Floor, start: datetime) -> bool:
    """Two days away or more? No stay reaches that far, so the time zone need not be consulted."""
    wall = start.astimezone(floor.timezone).replace(tzinfo=None)
    return closure.end < wall - 2 * _ONE_DAY or closure.start > wall + 2 * _ONE_DAY


def _last_end(sitting: Sitting) -> datetime:
    if sitting.service.allow_overrun:
        return sitting.last + timedelta(minutes=MAX_DURATION_MINUTES)
    return sitting.closes


def _local(floor: Floor, moment: datetime) -> str:
    return f"{moment.astimezone(floor.timezone):%Y-%m-%d %H:%M}"


def _clock(floor: Floor, moment: datetime) -> str:
    return f"{moment.astimezone(floor.timezone):%H:%M}"
