"""Answers that can be repeated: the reply is made before the commit and stored in the same transaction."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from maitred.contracts import responses
from maitred.domain.booking import Booking
from maitred.domain.errors import IdempotencyInProgress, IdempotencyKeyReused, VersionMismatch
from maitred.services.ports import BookingStore, IdempotencyKey, StoredReply

_TAG_LENGTH = 32  # hexadecimal digits


@dataclass(frozen=True, slots=True)
class Reply:
    """What the HTTP edge sends. ``body`` is the exact text; ``replayed`` marks an earlier answer."""

    status: int
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)
    replayed: bool = False


def booking_reply(booking: Booking, now: datetime, headers: Mapping[str, str] = {}) -> Reply:
    return Reply(200, responses.dumps({"booking": responses.booking_json(booking, now)}), headers)


def read_reply(body: Mapping[str, Any], prefix: str = "") -> Reply:
    """The answer to a read, with an ETag that changes with everything in it, and begins with ``prefix``."""
    return tagged_reply(responses.dumps(body), prefix)


def tagged_reply(text: str, prefix: str = "") -> Reply:
    """As `read_reply`, of JSON that is text already."""
    tag = hashlib.sha256(text.encode()).hexdigest()[:_TAG_LENGTH]
    return Reply(200, text, {"etag": f'"{prefix}{tag}"'})


def problem_reply(
    status: int, code: str, title: str, detail: str, correlation_id: str, more: Mapping[str, Any]
) -> Reply:
    """A problem document; ``more``: its members beyond those of every problem."""
    problem = responses.problem_json(status, code, title, detail, correlation_id, more)
    return Reply(status, responses.dumps(problem), {"content-type": "application/problem+json"})


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Of one call: who, the key if one was sent, and the id that follows the request everywhere.

    ``is_staff``: the caller has the scope ``operations``; limits for guests do not bind it.
    """

    actor: str
    correlation_id: str
    key: IdempotencyKey | None = None
    is_staff: bool = False


def fingerprint(method: str, path: str, body: Any) -> str:
    """Stands for a request; ``body`` is compared as a JSON value, so 2 and 2.0 are the same."""
    canonical = json.dumps([method, path, _canonical(body)], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _canonical(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _canonical(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    return value


def repeat(key: IdempotencyKey | None, stored: StoredReply | None) -> Reply | None:
    """The reply that was stored for this key, marked as a repetition; None if there is none.

    Raises IdempotencyKeyReused if it answered another request.
    """
    if key is None or stored is None:
        return None
    if stored.fingerprint != key.fingerprint:
        raise IdempotencyKeyReused
    return Reply(stored.status, stored.body, stored.headers, replayed=True)


def stored_reply(store: BookingStore, key: IdempotencyKey | None) -> Reply | None:
    """The reply that this key was given before, if any. Raises IdempotencyKeyReused."""
    return repeat(key, store.reply(key)) if key is not None else None


def unless_answered(store: BookingStore, key: IdempotencyKey | None, change: Callable[[], Reply]) -> Reply:
    """The reply of ``change``; of its duplicate, if that has made the version that is not the expected one.

    Raises what ``change`` raises, and IdempotencyKeyReused.
    """
    try:
        return change()
    except VersionMismatch:
        answered = stored_reply(store, key)
        if answered is None:
            raise
        return answered


def reply_of_duplicate(store: BookingStore, key: IdempotencyKey | None) -> Reply:
    """The reply of a duplicate request with the same key, which has just committed."""
    reply = stored_reply(store, key)
    if reply is None:
        raise IdempotencyInProgress
    return reply


def to_store(key: IdempotencyKey | None, reply: Reply) -> tuple[IdempotencyKey, StoredReply] | None:
    """What goes into the unit of work with the effect, if the caller sent a key."""
    if key is None:
        return None
    return key, StoredReply(key.fingerprint, reply.status, reply.headers, reply.body)
