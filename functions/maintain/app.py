"""Schedule: stuck bookings, lost messages, retention. On demand: what operators ask for."""

from dataclasses import asdict
from typing import Any

from maitred.bootstrap.maintain import Housekeeping, services


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    wired = services()
    with wired.core.recorder.invocation(context.aws_request_id):
        return _run(wired, event, context)


def _run(wired: Housekeeping, event: dict[str, Any], context: Any) -> dict[str, Any]:
    match event:
        case {"task": "check", "days": int(days), "patienceSeconds": int(seconds)}:
            return {"checks": [asdict(check) for check in wired.care.check(days, seconds)]}
        case {"task": "deadOutbox", "limit": int(limit)}:
            return {"dead": [_texts(asdict(row)) for row in wired.care.dead(limit)]}
        case {"task": "reviveOutbox", "limit": int(limit)}:
            return {"revived": wired.care.revive(limit)}
        case {"task": task}:
            raise ValueError(f"no such task: {task}")
        case _:
            return wired.maintain.run(context.aws_request_id)


def _texts(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value if value is None else str(value) for name, value in row.items()}
