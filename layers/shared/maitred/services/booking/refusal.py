"""How a refusal is answered when the caller wants no pending booking (``onFull: refuse``)."""

from maitred.contracts import responses
from maitred.domain.errors import MaitredError
from maitred.domain.reasons import Reason
from maitred.services.idempotency import Reply
from maitred.services.ports import Json

_RETRY_AFTER = 5  # seconds until a refusal that is not final may be another


class TryAgain(MaitredError):
    """Refused for now only: nothing was proven. 503 with the reason's own code."""

    status = 503
    title = "Not decided in time"
    retry_after = _RETRY_AFTER

    def __init__(self, reason: Reason, more: Json) -> None:
        super().__init__(reason.detail)
        self.code = reason.code.value
        self.more = more


def refusal_reply(reason: Reason, more: Json, correlation_id: str) -> Reply:
    problem = responses.problem_json(
        409, reason.code.value, "No table at this time", reason.detail, correlation_id, more
    )
    return Reply(409, responses.dumps(problem), {"content-type": "application/problem+json"})
