"""Reads the stack's database for the page: the floor of a day, and the events."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import DictRow, dict_row

from maitred.adapters.postgres.statements import load_statements

type Json = dict[str, Any]
type Rows = list[DictRow]

SQL = Path(__file__).parent / "sql"
MOST_EVENTS = 500
_SESSION = "-c default_transaction_read_only=on -c statement_timeout=3000"
_CONNECT_SECONDS = 3
_HOUR = timedelta(hours=1)


class Unknown(LookupError):
    """There is no such restaurant."""


@dataclass(frozen=True, slots=True)
class DayRows:
    """What the database has of one service day."""

    stays: Rows
    holds: Rows
    blocks: Rows
    pending: Rows
    moves: Rows


class Records:
    """Reads the database and cannot change it: each answer uses one read-only connection."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    def events(self, find: str, limit: int) -> list[Json]:
        """Return the latest events, of one booking or correlation id if ``find`` names it."""
        rows = self._read(("events", {"find": find, "limit": max(1, min(limit, MOST_EVENTS))}))[0]
        return [row | {"at": row["at"].timestamp()} for row in rows]

    def restaurants(self) -> list[Json]:
        """Return all restaurants."""
        return self._read(("restaurants", {}))[0]

    def days(self, restaurant: str) -> list[Json]:
        """Return the service days on which a restaurant has anything."""
        return self._read(("days", {"restaurant": restaurant}))[0]

    def floor(self, restaurant: str, day: date) -> Json:
        """Return one service day as a timeline. Raises Unknown when there is no such restaurant."""
        of_day = {"restaurant": restaurant, "day": day}
        names = ("stays", "holds", "blocks", "pending", "moves")
        layouts, stays, holds, blocks, pending, moves = self._read(
            ("layout", {"restaurant": restaurant}), *((name, of_day) for name in names)
        )
        if not layouts:
            raise Unknown(f"no restaurant {restaurant}")
        parts = DayRows(stays=stays, holds=holds, blocks=blocks, pending=pending, moves=moves)
        return floor_of_day(layouts[0], day, parts)

    def _connect(self) -> psycopg.Connection[DictRow]:
        return psycopg.connect(
            self._dsn, options=_SESSION, connect_timeout=_CONNECT_SECONDS, row_factory=dict_row
        )

    def _read(self, *wanted: tuple[str, Mapping[str, object]]) -> list[Rows]:
        """Return the rows of each statement, all as of one moment."""
        statements = load_statements(SQL)
        with self._connect() as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            return [connection.execute(statements[name], values).fetchall() for name, values in wanted]


def floor_of_day(layout: DictRow, day: date, rows: DayRows) -> Json:
    """Lay a day out. Times are seconds since the epoch, and words in the venue's own zone. Pure."""
    zone = ZoneInfo(layout["timezone"])
    shown = [*rows.stays, *rows.holds, *rows.pending]  # a block may last for weeks
    begins, ends = _hours(layout["document"], day, zone, shown)
    moved = {row["booking"] for row in rows.moves}
    return {
        "name": layout["name"],
        "timezone": layout["timezone"],
        "begins": begins.timestamp(),
        "ends": ends.timestamp(),
        "hours": [
            {"at": hour.timestamp(), "label": f"{hour.astimezone(zone):%H}"} for hour in _steps(begins, ends)
        ],
        "tables": [
            {"id": table["id"], "zone": table["zone"], "capacity": table["capacity"]}
            for table in layout["document"]["tables"]
        ],
        "stays": [
            _shown(row, zone) | {"kind": "stay", "moved": row["booking"] in moved} for row in rows.stays
        ]
        + [_shown(row, zone) | {"kind": "hold"} for row in rows.holds]
        + [_shown(row, zone) | {"kind": "block"} for row in rows.blocks],
        "pending": [_shown(row, zone) for row in rows.pending],
        "moves": [_shown(row, zone) for row in rows.moves],
    }


def _shown(row: DictRow, zone: ZoneInfo) -> Json:
    words = f"{row['starts'].astimezone(zone):%H:%M}-{row['ends'].astimezone(zone):%H:%M}"
    shown: Json = {
        name: value.timestamp() if isinstance(value, datetime) else value for name, value in row.items()
    }
    for name in ("at", "expires"):
        if name in row:
            shown[f"{name}Words"] = f"{row[name].astimezone(zone):%H:%M:%S}"
    return shown | {"words": words}


def _hours(document: Json, day: date, zone: ZoneInfo, shown: Iterable[DictRow]) -> tuple[datetime, datetime]:
    """From the first opening or arrival to the last closing or departure, in whole hours.

    Never before the day or past the next noon, however early a party sat down or however long it stays.
    """
    moments = []
    for service in document["services"]:
        opens, closes = time.fromisoformat(service["opens"]), time.fromisoformat(service["closes"])
        last = day if closes > opens else day + timedelta(days=1)
        moments += [datetime.combine(day, opens, zone), datetime.combine(last, closes, zone)]
    for row in shown:
        moments += [row["starts"], row["ends"]]
    # Compared as moments: two local times of one zone would be compared by their digits.
    dawn = datetime.combine(day, time(), zone).timestamp()
    noon = datetime.combine(day + timedelta(days=1), time(12), zone).timestamp()
    seconds = [min(max(moment.timestamp(), dawn), noon) for moment in moments]
    first, last_moment = (datetime.fromtimestamp(each, zone) for each in (min(seconds), max(seconds)))
    begins = first.timestamp() - timedelta(minutes=first.minute).total_seconds()
    ends = last_moment.timestamp() + timedelta(minutes=-last_moment.minute % 60).total_seconds()
    return datetime.fromtimestamp(begins, zone), datetime.fromtimestamp(ends, zone)


def _steps(begins: datetime, ends: datetime) -> Iterable[datetime]:
    zone = begins.tzinfo
    at = begins.timestamp()
    while at <= ends.timestamp():
        yield datetime.fromtimestamp(at, zone)
        at += _HOUR.total_seconds()
