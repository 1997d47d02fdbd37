"""The names of all figures, events and spans, as types: a misspelt one is no program.

What they mean, their keys and dimensions, and what emits them is in tools/vocabulary.py.
"""

from typing import Literal

NAMESPACE = "Maitred"

type CountName = Literal[
    "AssignAttempts",
    "AssignOutcome",
    "AssignReason",
    "CircuitOpened",
    "ColdStart",
    "Conflicts",
    "CoversSeated",
    "DbRoundTrips",
    "EventsLost",
    "InlineTimeouts",
    "LockContention",
    "ManualReviewOpen",
    "Moves",
    "NotificationsFailed",
    "NotificationsSent",
    "OutboxDead",
    "OutboxPending",
    "RateLimited",
    "OverTime",
    "RecordsFailed",
    "ShadowFailed",
    "ShiftImprovement",
    "ShiftMoves",
    "TablesAtRisk",
    "WalkIns",
    "WebhooksDelivered",
    "WebhooksFailed",
]
type DurationName = Literal[
    "InlineQuoteConfirm",
    "JobDuration",
    "LockWait",
    "OutboxAge",
    "PlannerDuration",
    "QueueAge",
    "ShiftDuration",
    "WebhookDelay",
]
type MetricName = CountName | DurationName
type EventType = Literal[
    "assignment.circuit",
    "assignment.lock",
    "assignment.rate_limited",
    "auto_assign.attempt",
    "auto_assign.attempt_error",
    "auto_assign.quote",
    "auto_assign.summary",
    "booking.at_risk",
    "booking.state_changed",
    "inline_auto_assign.aborted",
    "inline_auto_assign.failed",
    "inline_auto_assign.succeeded",
    "inline_auto_assign.timeout",
    "notification.failed",
    "notification.sent",
    "notification.skipped",
    "shift.optimized",
]
type SpanName = Literal["confirm", "plan", "relay", "reseat", "snapshot"]
type Severity = Literal["info", "warning", "error", "critical"]
