"""What a command works on: a stack on this machine, or a deployed stage. ``ops.connect`` finds it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LOCAL = "local"
FUNCTIONS = ("RelayFunction", "MaintainFunction")


class OpsError(Exception):
    """The command cannot be carried out; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Target:
    """``queues`` and ``functions`` by logical id. ``token``: for the API; None if there is none."""

    name: str
    url: str
    token: str | None
    sqs: Any
    lambdas: Any
    queues: Mapping[str, str]
    functions: Mapping[str, str]
    outputs: Mapping[str, str]
    sends_mail: bool

    def invoke(self, function: str, event: Mapping[str, Any]) -> dict[str, Any]:
        """Call one of `FUNCTIONS` and wait for its answer. Raises OpsError if it fails."""
        answer = self.lambdas.invoke(
            FunctionName=self.functions[function], Payload=json.dumps(event).encode()
        )
        payload = answer["Payload"].read().decode()
        if answer.get("FunctionError"):
            raise OpsError(f"{function} failed: {payload[:300]}; its log says why")
        found: dict[str, Any] = json.loads(payload)
        return found
