"""Turns a stored floor document into a floor.

Every cold start does this, so it uses no pydantic and checks nothing again: only valid documents with all
defaults filled in are stored. A document that an earlier release stored lacks the members that are newer.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from maitred.contracts.floor_values import clock_minutes, last_seating_minutes, service_minutes
from maitred.domain.floor import (
    DEFAULT_LOCALE,
    Adjacency,
    Closure,
    Combination,
    Floor,
    Pacing,
    Pause,
    Policy,
    Section,
    Service,
    ShiftMode,
    ShiftPolicy,
    Table,
    TurnTime,
    Zone,
)

_WEEKDAYS = {day: number for number, day in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))}


def floor_from_document(document: dict[str, Any], restaurant_id: str, layout_version: int) -> Floor:
    """The floor of a stored document, which must be valid and complete."""
    policy = _policy(document["policy"])
    tables = tuple(_table(row) for row in document["tables"])
    seats = {table.id: table.capacity for table in tables}
    return Floor(
        restaurant_id=restaurant_id,
        layout_version=layout_version,
        name=document["name"],
        timezone=ZoneInfo(document["timezone"]),
        policy=policy,
        services=tuple(_service(row, policy.min_dining_minutes) for row in document["services"]),
        closures=tuple(_closure(row) for row in document["closures"]),
        zones=tuple(_zone(row) for row in document["zones"]),
        tables=tables,
        adjacency=frozenset((min(edge), max(edge)) for edge in document["adjacency"]),
        combinations=tuple(_combination(row, seats) for row in document["combinations"]),
        locale=document.get("locale", DEFAULT_LOCALE),
        contact_email=document.get("contactEmail"),
        pauses=tuple(_pause(row) for row in document.get("pauses", ())),
        sections=tuple(
            Section(row["id"], frozenset(row["tables"]), row["server"])
            for row in document.get("sections", ())
        ),
    )


def _policy(row: Mapping[str, Any]) -> Policy:
    pacing, default = row["pacing"], Policy()
    return Policy(
        buffer_before_minutes=row["bufferBeforeMinutes"],
        buffer_after_minutes=row["bufferAfterMinutes"],
        max_tables=row["maxTables"],
        adjacency=Adjacency(row["adjacency"]),
        min_dining_minutes=row["minDiningMinutes"],
        max_moves=row["maxMoves"],
        freeze_minutes=row["freezeMinutes"],
        hold_seconds=row["holdSeconds"],
        start_cutoff_minutes=row["startCutoffMinutes"],
        early_seat_minutes=row.get("earlySeatMinutes", default.early_seat_minutes),
        lookahead_minutes=row.get("lookaheadMinutes", default.lookahead_minutes),
        late_minutes=row.get("lateMinutes", default.late_minutes),
        min_notice_minutes=row.get("minNoticeMinutes", default.min_notice_minutes),
        max_days_ahead=row.get("maxDaysAhead", default.max_days_ahead),
        max_party_online=row.get("maxPartyOnline"),
        turn_times=_turn_times(row["turnTimes"]),
        pacing=Pacing(
            slot_minutes=pacing["slotMinutes"],
            max_covers_per_slot=pacing["maxCoversPerSlot"],
            per_zone=dict(pacing.get("perZone", {})),
            per_slot=tuple((clock_minutes(s["time"]), s["maxCovers"]) for s in pacing.get("perSlot", ())),
        ),
        optimize=_optimize(row.get("optimize", {})),
        weights=dict(row["weights"]),
    )


def _optimize(row: Mapping[str, Any]) -> ShiftPolicy:
    default = ShiftPolicy()
    mode, at = row.get("mode", default.mode), row.get("at")
    return ShiftPolicy(ShiftMode(mode), default.at if at is None else clock_minutes(at))


def _turn_times(rows: Iterable[Mapping[str, Any]]) -> tuple[TurnTime, ...]:
    return tuple(TurnTime(row["maxParty"], row["minutes"]) for row in rows)


def _service(row: Mapping[str, Any], min_dining: int) -> Service:
    opens, closes = service_minutes(row["opens"], row["closes"])
    return Service(
        id=row["id"],
        name=row["name"] or row["id"],
        days=frozenset(_WEEKDAYS[day] for day in row["days"]),
        opens=opens,
        closes=closes,
        last_seating=last_seating_minutes(
            row["lastSeating"], opens, closes, min_dining, allow_overrun=row["allowOverrun"]
        ),
        allow_overrun=row["allowOverrun"],
        turn_times=None if row["turnTimes"] is None else _turn_times(row["turnTimes"]),
        dates=frozenset(map(date.fromisoformat, row.get("dates") or ())),
        first=_date(row.get("from")),
        last=_date(row.get("to")),
        adds=row.get("adds", False),
    )


def _date(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _closure(row: Mapping[str, Any]) -> Closure:
    return Closure(
        start=datetime.fromisoformat(row["from"]),
        end=datetime.fromisoformat(row["to"]),
        zones=None if row["zones"] is None else frozenset(row["zones"]),
        tables=None if row["tables"] is None else frozenset(row["tables"]),
        reason=row["reason"],
    )


def _pause(row: Mapping[str, Any]) -> Pause:
    return Pause(
        start=datetime.fromisoformat(row["from"]),
        end=datetime.fromisoformat(row["to"]),
        zones=None if row["zones"] is None else frozenset(row["zones"]),
        reason=row["reason"],
    )


def _zone(row: Mapping[str, Any]) -> Zone:
    return Zone(row["id"], row["name"] or row["id"], row.get("position"))


def _table(row: Mapping[str, Any]) -> Table:
    return Table(
        id=row["id"],
        zone=row["zone"],
        capacity=row["capacity"],
        min_party=row["minParty"],
        max_party=row["maxParty"] or row["capacity"],
        movable=row["movable"],
        active=row["active"],
        out_of_service=row["outOfService"],
        walk_in_only=row["walkInOnly"],
        priority=row["priority"],
        seating_type=row["seatingType"],
        attributes=frozenset((*row["attributes"], row["seatingType"])),
        name=row.get("name"),
    )


def _combination(row: Mapping[str, Any], seats: Mapping[str, int]) -> Combination:
    tables = tuple(sorted(row["tables"]))
    together = row.get("seats")
    most = row["maxParty"] or together or sum(seats[table] for table in tables)
    return Combination(tables, row["minParty"], most, together)
