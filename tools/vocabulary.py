"""What every figure, event and span means: units, keys, dimensions, and who tells it.

docs/telemetry.md is made from this, and the tests hold to it all that is told. Nothing here is loaded in
production, where names.py is enough.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from maitred.domain.booking import Flow, Trigger
from maitred.domain.reasons import Category, ReasonCode
from maitred.domain.states import State
from maitred.services.assignment.attempt import Outcome
from maitred.services.ports.names import CountName, DurationName, EventType, SpanName

#: Those with a database; each is a value of the dimension ``service``.
SERVICES = ("assign", "bookings", "deliver", "maintain", "notify", "operations", "optimize", "relay")
_SEATS = ("assign", "bookings")
_WRITERS = ("assign", "bookings", "maintain", "notify", "operations", "optimize")
_FLOWS = ("inline", "job", "staff")
_OUTCOMES = tuple(sorted(Outcome))
_CATEGORIES = tuple(sorted(Category))
_DEPENDENCIES = ("database", "mail")
_LIMITS = ("client", "restaurant_in_flight", "restaurant_rate")
_KINDS = ("attention", "cancelled", "confirmed", "declined", "modification_pending", "request_received")

#: The values that a key of an event may have; None among them: where there is nothing to say.
type Values = Mapping[str, tuple[str | None, ...]]


@dataclass(frozen=True, slots=True)
class Metric:
    """``services``: who tells it. ``dimensions``: besides ``service``, each with all its values."""

    meaning: str
    services: tuple[str, ...]
    dimensions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """An event. ``keys``: of its context, all of them; ``sometimes``: what may be there besides.

    ``values``: of the keys that have only certain ones.
    """

    meaning: str
    services: tuple[str, ...]
    keys: frozenset[str]
    sometimes: frozenset[str] = frozenset()
    values: Values = field(default_factory=dict)


COUNTS: Mapping[CountName, Metric] = MappingProxyType(
    {
        "AssignAttempts": Metric(
            "An attempt of the background job on a booking it holds", ("assign",), {"flow": ("job",)}
        ),
        "AssignOutcome": Metric(
            "How an attempt to seat a party ended",
            ("assign", "bookings", "operations"),
            {"flow": _FLOWS, "outcome": _OUTCOMES},
        ),
        "AssignReason": Metric("Why an attempt did not confirm", _SEATS, {"category": _CATEGORIES}),
        "CircuitOpened": Metric(
            "A breaker has just opened: what it protects is left alone for a while",
            (*_WRITERS, "deliver"),
            {"dependency": _DEPENDENCIES},
        ),
        "ColdStart": Metric("A sandbox's first invocation", SERVICES),
        "Conflicts": Metric(
            "An attempt lost a race for the day and planned again", (*_SEATS, "operations", "optimize")
        ),
        "CoversSeated": Metric(
            "Guests who were just given tables; a changed booking counts again",
            ("assign", "bookings", "operations"),
            {"flow": _FLOWS},
        ),
        "DbRoundTrips": Metric("Turns to the database and back, of one invocation", SERVICES),
        "EventsLost": Metric("Events that could not be written to their table", _WRITERS),
        "InlineTimeouts": Metric("A request's budget ended before it had an answer", ("bookings",)),
        "LockContention": Metric("A worker found its booking in another's hands", ("assign",)),
        "ManualReviewOpen": Metric("Bookings ahead that wait for a person, now", ("maintain",)),
        "Moves": Metric("Other bookings moved so that a party fits", (*_SEATS, "maintain")),
        "NotificationsFailed": Metric("Letters that were not sent", ("notify",)),
        "NotificationsSent": Metric("Letters that the provider took", ("notify",)),
        "OverTime": Metric("Parties that sit longer than they were to, now", ("maintain",)),
        "OutboxDead": Metric("Outbox rows given up, waiting for an operator, now", ("relay",)),
        "OutboxPending": Metric("Outbox rows not yet sent, delayed ones included, now", ("relay",)),
        "RateLimited": Metric(
            "An attempt or a change turned away at the door", (*_SEATS, "operations"), {"limit": _LIMITS}
        ),
        "RecordsFailed": Metric(
            "Messages of a queue that failed", ("assign", "deliver", "notify", "optimize")
        ),
        "ShiftImprovement": Metric(
            "The share of the score that a better seating of a service saves", ("optimize",)
        ),
        "ShiftMoves": Metric("Bookings that a better seating of a service moves", ("optimize",)),
        "TablesAtRisk": Metric("Tables that will not be free for who is to sit there, now", ("maintain",)),
        "WalkIns": Metric("Guests at the door who got a table", ("operations",)),
        "WebhooksDelivered": Metric("Events that a webhook's receiver took", ("deliver",)),
        "WebhooksFailed": Metric(
            "Events that a webhook's receiver did not take; they are tried again", ("deliver",)
        ),
        "ShadowFailed": Metric("The planner beside the deciding one broke; nobody felt it", _SEATS),
    }
)
DURATIONS: Mapping[DurationName, Metric] = MappingProxyType(
    {
        "InlineQuoteConfirm": Metric("An inline attempt, from the request's start", ("bookings",)),
        "JobDuration": Metric("One run of the background job", ("assign",)),
        "LockWait": Metric("Taking the lease of a booking", ("assign",)),
        "OutboxAge": Metric("How long the oldest outbox row that is due has waited", ("relay",)),
        "PlannerDuration": Metric(
            "One call of the planner",
            ("assign", "bookings", "maintain", "operations"),
            {"flow": (*_FLOWS, "shadow")},
        ),
        "QueueAge": Metric("From when a message was due to its run", ("assign",)),
        "WebhookDelay": Metric("From a change to its delivery to a webhook", ("deliver",)),
        "ShiftDuration": Metric("Finding a better seating of a service, and writing it", ("optimize",)),
    }
)

_REASONS: tuple[str | None, ...] = (None, *sorted(ReasonCode))
_STATES = tuple(sorted(State))
_ATTEMPT_VALUES: Values = {"reason": _REASONS}
_INLINE_VALUES: Values = {"stage": ("confirm", "plan", "snapshot"), "reason": _REASONS}
_LETTER_VALUES: Values = {"kind": _KINDS, "variant": (None, "modified", "standard", "webhook_disabled")}
_ATTEMPT = frozenset({"attemptIndex", "success", "reason", "strategies", "dbMs", "totalMs"})
_INLINE = frozenset({"durationMs", "budgetMs", "stage", "reason"})
_LETTER = frozenset({"kind", "variant", "attempt"})
EVENTS: Mapping[EventType, Told] = MappingProxyType(
    {
        "assignment.circuit": Told(
            "A breaker changed: open, half_open or closed",
            (*_WRITERS, "deliver"),
            frozenset({"dependency", "state", "failures"}),
            values={"dependency": _DEPENDENCIES, "state": ("closed", "half_open", "open")},
        ),
        "assignment.lock": Told(
            "A booking's lease: acquired, contended, unavailable or lost",
            ("assign",),
            frozenset({"result", "waitMs", "token"}),
            values={"result": ("acquired", "contended", "lost", "unavailable")},
        ),
        "assignment.rate_limited": Told(
            "A limit turned an attempt or a change away; once a second and sandbox at most",
            (*_SEATS, "operations"),
            frozenset({"restaurant", "limit"}),
            values={"limit": _LIMITS},
        ),
        "auto_assign.attempt": Told(
            "An attempt that came to an outcome", (*_SEATS, "operations"), _ATTEMPT, values=_ATTEMPT_VALUES
        ),
        "auto_assign.attempt_error": Told(
            "An attempt that broke", ("assign",), _ATTEMPT, values=_ATTEMPT_VALUES
        ),
        "auto_assign.quote": Told(
            "One call of the planner; in the flow shadow with its difference from what was done",
            (*_SEATS, "maintain", "operations"),
            frozenset(
                {
                    "plannerDurationMs",
                    "plannerSuccess",
                    "plannerReason",
                    "plannerReasonCategory",
                    "plannerStrategy",
                    "trigger",
                    "flow",
                    "attemptIndex",
                    "attemptId",
                    "candidates",
                    "evaluated",
                    "cacheHit",
                    "searchTruncated",
                    "flags",
                }
            ),
            frozenset({"difference"}),
            {
                "plannerReason": _REASONS,
                "plannerReasonCategory": (None, *_CATEGORIES),
                "trigger": tuple(sorted(Trigger)),
                "flow": tuple(sorted(Flow)),
            },
        ),
        "auto_assign.summary": Told(
            "The end of a run, exactly one each",
            (*_SEATS, "operations"),
            frozenset(
                {
                    "result",
                    "attemptsUsed",
                    "maxAttempts",
                    "totalDurationMs",
                    "trigger",
                    "flow",
                    "reason",
                    "reducedBy",
                    "emailSkipped",
                    "inlineAttemptId",
                    "flags",
                }
            ),
            values={
                "result": (
                    "already_confirmed",
                    "cancelled",
                    "confirmed",
                    "cutoff",
                    "deferred",
                    "error",
                    "manual_review",
                    "not_found",
                    "refused",
                    "superseded",
                ),
                "trigger": tuple(sorted(set(Trigger) - {Trigger.STAFF})),
                "flow": ("inline", "job", "staff"),
                "reducedBy": (None, "deterministic_reason", "fresh_inline_result", "internal_error"),
            },
        ),
        "booking.at_risk": Told(
            "The tables of a confirmed booking will not be free for it, and no others are",
            ("bookings", "maintain", "operations"),
            frozenset({"tables", "by", "since"}),
        ),
        "booking.state_changed": Told(
            "A booking's state or tables changed",
            ("assign", "bookings", "maintain", "operations", "optimize"),
            frozenset({"from", "to", "version", "actor"}),
            values={"from": (None, *_STATES), "to": _STATES},
        ),
        "inline_auto_assign.aborted": Told(
            "An inline attempt was called off: its twin was first, its hold or version is gone, or it broke",
            ("bookings",),
            _INLINE,
            values=_INLINE_VALUES,
        ),
        "inline_auto_assign.failed": Told(
            "An inline attempt found no table", ("bookings",), _INLINE, values=_INLINE_VALUES
        ),
        "inline_auto_assign.succeeded": Told(
            "An inline attempt confirmed", ("bookings",), _INLINE, values=_INLINE_VALUES
        ),
        "inline_auto_assign.timeout": Told(
            "An inline attempt ran out of time", ("bookings",), _INLINE, values=_INLINE_VALUES
        ),
        "notification.failed": Told("A letter was not sent", ("notify",), _LETTER, values=_LETTER_VALUES),
        "notification.sent": Told("The provider took a letter", ("notify",), _LETTER, values=_LETTER_VALUES),
        "notification.skipped": Told(
            "A letter was no longer due", ("notify",), _LETTER, values=_LETTER_VALUES
        ),
        "shift.optimized": Told(
            "A service was looked at as a whole",
            ("optimize",),
            frozenset({"result", "improvement", "gap", "moves", "seated", "durationMs"}),
            values={"result": ("applied", "failed", "nothing", "suggested")},
        ),
    }
)
SPANS: Mapping[SpanName, str] = MappingProxyType(
    {
        "confirm": "The transaction that writes a decision",
        "plan": "One call of the planner",
        "relay": "The writer's own outbox rows, to the queues",
        "reseat": "The search for a better seating of a whole service",
        "snapshot": "Reading the day",
    }
)
