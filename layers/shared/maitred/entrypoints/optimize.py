"""The shift: a person's calls, the schedule that queues the coming services, and the queue."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from aws_lambda_powertools.event_handler import Response

from maitred.adapters.telemetry import log
from maitred.bootstrap.optimize import services
from maitred.contracts import bookings as contract
from maitred.domain.errors import OptimizationNotFound
from maitred.entrypoints.http import OPERATIONS, Routes, send
from maitred.services.shift.optimize import ShiftRequest
from maitred.services.shift.ports import StoredOptimization

type Handler = Callable[[dict[str, Any], Any], Any]

routes = Routes(services)


@routes.post("/restaurants/<restaurant_id>/optimizations")
def optimize(restaurant_id: str) -> Response[str]:
    caller = routes.caller_for(restaurant_id, OPERATIONS)
    body = routes.body(contract.OptimizationBody)
    request = ShiftRequest(
        restaurant_id=restaurant_id,
        service_date=contract.parse_date(body.date, "date", routes.now),
        service_id=body.service,
        dry_run=body.dry_run,
        max_moves=body.max_moves,
    )
    return send(routes.services.optimizer.optimize(request, routes.request_context(caller, restaurant_id)))


@routes.get("/restaurants/<restaurant_id>/optimizations")
def list_optimizations(restaurant_id: str) -> Response[str]:
    routes.caller_for(restaurant_id, OPERATIONS)
    query = routes.query("cursor", "limit")
    before, limit = contract.decode_cursor_down(query.get("cursor")), contract.parse_limit(query.get("limit"))
    return send(routes.services.history.page(restaurant_id, before, limit))


@routes.post("/optimizations/<optimization_id>/undo")
def undo(optimization_id: str) -> Response[str]:
    found = _owned(optimization_id)
    routes.body(contract.NoBody, absent="{}")
    caller = routes.caller_for(found.made.restaurant_id, OPERATIONS)
    return send(
        routes.services.undo.undo(found.made.id, routes.request_context(caller, found.made.restaurant_id))
    )


def _owned(text: str) -> StoredOptimization:
    """The optimisation of this id, if its restaurant is one of the caller's. Raises OptimizationNotFound."""
    caller = routes.caller(OPERATIONS)
    try:
        wanted = UUID(text)
    except ValueError:
        raise OptimizationNotFound from None
    found = routes.services.optimizations.read(wanted)
    if found is None or not caller.may_see(found.made.restaurant_id):
        raise OptimizationNotFound
    log.know(restaurant_id=found.made.restaurant_id)
    return found


def by_source(answer: Handler, work: Handler) -> Handler:
    """API Gateway's events have a route, SQS's have records, the schedule's have neither."""

    def handler(event: dict[str, Any], context: Any) -> Any:
        if "routeKey" in event:
            return answer(event, context)
        if "Records" in event:
            return work(event, context)
        wired = services()
        with wired.runtime.recorder.invocation(context.aws_request_id):
            return {"queued": wired.schedule.queue(context.aws_request_id)}

    return handler
