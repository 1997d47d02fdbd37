"""The minute's upkeep, and the operators' tasks by name."""

from dataclasses import asdict
from typing import Any

from maitred.bootstrap.maintain import MaintainServices, services
from maitred.services.upkeep.checks import check


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Do the event's ``task``, or the minute's upkeep if it names none. Raises ValueError, StoreError."""
    wired = services()
    with wired.runtime.recorder.invocation(context.aws_request_id):
        return _run(wired, event, context.aws_request_id)


def _run(wired: MaintainServices, event: dict[str, Any], correlation_id: str) -> dict[str, Any]:
    match event:
        case {"task": "check", "days": int(days), "patienceSeconds": int(seconds)}:
            now = wired.runtime.deps.clock.now()
            return {"checks": [asdict(each) for each in check(wired.invariants, now, days, seconds)]}
        case {"task": "deadOutbox", "limit": int(limit)}:
            return {"dead": [_texts(asdict(row)) for row in wired.outbox.dead(limit)]}
        case {"task": "reviveOutbox", "limit": int(limit)}:
            return {"revived": wired.outbox.revive(limit)}
        case {"task": task}:
            raise ValueError(f"no such task: {task}")
        case _:
            return wired.maintain.run(correlation_id)


def _texts(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value if value is None else str(value) for name, value in row.items()}
