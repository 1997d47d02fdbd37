"""Schedule: stuck bookings, lost messages, retention."""

from typing import Any

from maitred import bootstrap


def handler(_event: dict[str, Any], context: Any) -> dict[str, int]:
    services = bootstrap.maintain()
    with services.core.recorder.invocation():
        return services.maintain.run(context.aws_request_id)
