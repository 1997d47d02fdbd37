"""Schedule: stuck bookings, lost messages, retention."""

from typing import Any

from maitred.bootstrap.maintain import services


def handler(_event: dict[str, Any], context: Any) -> dict[str, int]:
    wired = services()
    with wired.core.recorder.invocation():
        return wired.maintain.run(context.aws_request_id)
