"""Real reservations from a file: reading them, choosing a part, and moving its visits into the future."""

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

COLUMNS = ("reserved_at", "visit_at", "restaurant", "party_size")
DAY_BEGINS = timedelta(
    hours=10
)  # a service day runs from 10:00 to 04:00, so what is earlier belongs to the night
LARGEST_PARTY = 1000
FURTHEST = timedelta(days=3600)  # bookings are taken for ten years ahead
_WEEK = timedelta(days=7)
_MOST_SHOWN = 40


class DataError(ValueError):
    """The file cannot be played; the message says what to do about it, in one line."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """One party's reservation; times are local and name no zone."""

    reserved_at: datetime
    visit_at: datetime
    restaurant: str
    party: int

    @property
    def service_day(self) -> date:
        """The day whose service the visit belongs to, also after midnight."""
        return (self.visit_at - DAY_BEGINS).date()

    @property
    def week(self) -> date:
        """The Monday of its service day's week."""
        return self.service_day - timedelta(days=self.service_day.weekday())


@dataclass(frozen=True, slots=True)
class Part:
    """Consecutive weeks of a file, in booking order."""

    reservations: Sequence[Reservation]
    first_week: date
    last_week: date
    of: int

    @property
    def weeks(self) -> int:
        """How many weeks."""
        return (self.last_week - self.first_week) // _WEEK + 1


def read(path: Path) -> list[Reservation]:
    """Read a file of reservations, in booking order.

    Raises DataError when it cannot be read, lacks a column or has a row that is not a reservation.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
            if missing:
                raise DataError(
                    f"{path}: no column {', '.join(missing)}; the first line must name {','.join(COLUMNS)}"
                )
            found = [_reservation(row, f"{path}, line {reader.line_num}") for row in reader]
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}); give DATA the path of a CSV file"
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} is not a CSV file in UTF-8 ({error}); save it as one") from error
    if not found:
        raise DataError(f"{path} has no rows; put one reservation on each line below {','.join(COLUMNS)}")
    return sorted(found, key=lambda reservation: reservation.reserved_at)


def _reservation(row: dict[str | None, str | None], where: str) -> Reservation:
    reserved_at, visit_at, restaurant, party = (str(row.get(name) or "").strip() for name in COLUMNS)
    if not restaurant:
        raise DataError(f"{where}: restaurant is empty; name the restaurant")
    return Reservation(
        _moment(reserved_at, "reserved_at", where),
        _moment(visit_at, "visit_at", where),
        restaurant,
        _size(party, where),
    )


def _moment(text: str, column: str, where: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is not None or ":" not in text:
        raise DataError(f"{where}: {column} {text[:_MOST_SHOWN]!r}; write a local time as 2017-03-24 19:00")
    return moment.replace(second=0, microsecond=0)


def _size(text: str, where: str) -> int:
    if not (
        text.isascii()
        and text.isdigit()
        and len(text) <= len(str(LARGEST_PARTY))
        and 1 <= int(text) <= LARGEST_PARTY
    ):
        raise DataError(
            f"{where}: party_size {text[:_MOST_SHOWN]!r}; write a whole number from 1 to {LARGEST_PARTY}"
        )
    return int(text)


def busiest_part(reservations: Sequence[Reservation], at_least: int) -> Part:
    """The fewest consecutive weeks with ``at_least`` reservations, of those the busiest; else everything."""
    counts = Counter(reservation.week for reservation in reservations)
    first, last = min(counts), max(counts)
    mondays = [first + _WEEK * number for number in range((last - first) // _WEEK + 1)]
    for length in range(1, len(mondays) + 1):
        spans = [(mondays[at], mondays[at + length - 1]) for at in range(len(mondays) - length + 1)]
        sums = {span: sum(counts[week] for week in mondays if span[0] <= week <= span[1]) for span in spans}
        fullest = max(spans, key=lambda span: (sums[span], -span[0].toordinal()))
        if sums[fullest] >= at_least:
            first, last = fullest
            break
    chosen = [reservation for reservation in reservations if first <= reservation.week <= last]
    return Part(chosen, first, last, len(reservations))


def moved_ahead(reservations: Iterable[Reservation], not_before: datetime) -> list[Reservation]:
    """Everything moved forward by the fewest whole weeks after which no visit is before ``not_before``.

    Weekdays and times of day stay. Raises DataError when some would then be too far ahead to be booked.
    """
    found = list(reservations)
    earliest = min(reservation.visit_at for reservation in found)
    weeks = max(0, -((earliest - not_before) // _WEEK))
    latest = max(reservation.visit_at for reservation in found)
    if (latest - not_before) + weeks * _WEEK > FURTHEST:
        raise DataError(
            f"visits reach from {earliest:%Y-%m-%d} to {latest:%Y-%m-%d}, bookings only ten years ahead; "
            "take out the rows with wrong years"
        )
    try:
        return [_moved(reservation, weeks * _WEEK) for reservation in found]
    except OverflowError as error:
        raise DataError(
            "some dates lie at the end of the calendar; take out the rows with wrong years"
        ) from error


def _moved(reservation: Reservation, by: timedelta) -> Reservation:
    return replace(reservation, reserved_at=reservation.reserved_at + by, visit_at=reservation.visit_at + by)
