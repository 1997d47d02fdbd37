"""The API's answers as JSON values. Times are in the restaurant's zone, with their offset."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic.alias_generators import to_camel

from maitred.domain.booking import Booking
from maitred.domain.changes import ChangeType
from maitred.domain.hold import Hold
from maitred.domain.reasons import Reason
from maitred.domain.windows import Notice, from_minutes
from maitred.planner.model import Alternative

Json = dict[str, Any]


def dumps(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def local(moment: datetime, timezone: str | ZoneInfo) -> str:
    zone = ZoneInfo(timezone) if isinstance(timezone, str) else timezone
    return moment.astimezone(zone).isoformat()


def booking_json(booking: Booking, now: datetime) -> Json:
    """``now``: the moment that "late" and "never earlier than now" refer to."""
    wishes = booking.preferences

    def at(moment: datetime | None) -> str | None:
        return None if moment is None else local(moment.replace(microsecond=0), booking.timezone)

    return {
        "id": str(booking.id),
        "reference": booking.reference,
        "restaurantId": booking.restaurant_id,
        "status": booking.state.status,
        "state": booking.state.value,
        "version": booking.version,
        "partySize": booking.party_size,
        "startAt": local(booking.start_at, booking.timezone),
        "endAt": local(booking.end_at, booking.timezone),
        "service": booking.service_id,
        "zone": booking.zone,
        "tables": list(booking.tables),
        "pinned": booking.pinned,
        "guest": dict(booking.guest),
        "preferences": {
            "zone": wishes.zone,
            "zoneRequired": wishes.zone_required,
            "attributes": list(wishes.attributes),
            "required": list(wishes.required),
        },
        "notes": booking.notes,
        "createdAt": at(booking.created_at),
        "updatedAt": at(booking.updated_at),
        "arrivedAt": at(booking.arrived_at),
        "seatedAt": at(booking.seated_at),
        "expectedEndAt": at(booking.expected_end_at(now)),
        "completedAt": at(booking.completed_at),
        "late": booking.is_late(now),
    }


def members_json(row: Any) -> Json:
    """A flat data class, its members by their names in the API."""
    return {to_camel(field.name): getattr(row, field.name) for field in fields(row)}


def change_json(cursor: str, change_type: ChangeType, at: datetime, booking: Booking) -> Json:
    """``booking`` as it was right after the change; "late" and "expected end" are of that moment."""
    return {
        "cursor": cursor,
        "type": change_type.value,
        "at": local(at.replace(microsecond=0), booking.timezone),
        "booking": booking_json(booking, at),
    }


def hold_json(hold: Hold) -> Json:
    return {
        "holdId": str(hold.id),
        "expiresAt": local(hold.expires_at, hold.timezone),
        "tables": list(hold.tables),
        "startAt": local(hold.start_at, hold.timezone),
        "endAt": local(hold.end_at, hold.timezone),
    }


def reason_json(reason: Reason | None) -> Json | None:
    """A reason as it is sent and stored."""
    if reason is None:
        return None
    return {"code": reason.code.value, "category": reason.category.value, "detail": reason.detail}


def alternatives_json(alternatives: Sequence[Alternative], timezone: ZoneInfo) -> list[Json]:
    return [
        {
            "startAt": local(from_minutes(a.start), timezone),
            "endAt": local(from_minutes(a.end), timezone),
            "tables": list(a.tables),
            "zone": a.zone,
        }
        for a in alternatives
    ]


def notices_json(notices: Sequence[Notice]) -> list[Json]:
    return [{"code": notice.code, "message": notice.message} for notice in notices]


def warnings_json(notices: Sequence[Notice]) -> Json:
    """The member ``warnings``, for an answer that has it only if there are any."""
    return {"warnings": notices_json(notices)} if notices else {}


def problem_json(
    status: int,
    code: str,
    title: str,
    detail: str,
    correlation_id: str,
    more: Mapping[str, Any] | None = None,
) -> Json:
    """A problem document (RFC 9457)."""
    return {
        "type": f"urn:maitred:problem:{code}",
        "title": title,
        "status": status,
        "code": code,
        "detail": detail,
        "correlationId": correlation_id,
        **(more or {}),
    }
