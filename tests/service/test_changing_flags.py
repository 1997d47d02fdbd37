"""Flags that change while an attempt is under way: it keeps to those that it says held for it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, repeat
from typing import Any
from unittest.mock import Mock

import pytest

from maitred.bootstrap.bookings import services
from maitred.domain.booking import Trigger
from maitred.services.feature_flags import FeatureFlags, Pipeline
from maitred.services.idempotency import RequestContext
from tests.harness.desk import wish
from tests.harness.service import Service, forget_wiring
from tests.service.test_moves import party, shuffled

type Turn = Callable[[Pipeline, Pipeline], None]


class Turning:
    """A source of flags: ``before`` for the first question, ``after`` from then on."""

    def __init__(self, before: Pipeline, after: Pipeline) -> None:
        self._values = chain([FeatureFlags(before)], repeat(FeatureFlags(after)))

    def flags_for(self, restaurant_id: str) -> FeatureFlags:
        return next(self._values)


def attempt(service: Service, flow: str) -> tuple[Any, ...]:
    """Its outcome, the flag that held, the moves that it was allowed, and how many planner calls say so."""
    [row] = service.database.query(
        "select outcome, flags ->> 'assignment_pipeline', strategy -> 'maxMoves',"
        " (select count(*) from observability_events where event_type = 'auto_assign.quote'"
        "  and context ->> 'attemptId' = a.id::text and context -> 'flags' = a.flags"
        "  and context -> 'plannerStrategy' = a.strategy and context ->> 'flow' = a.flow)"
        " from booking_assignment_attempts a where flow = %s order by created_at desc limit 1",
        flow,
    )
    return row


@pytest.fixture
def turn(monkeypatch: pytest.MonkeyPatch) -> Turn:
    """From here on the next attempt begins while the flag has one value, and ends while it has another."""

    def change(before: Pipeline, after: Pipeline) -> None:
        forget_wiring()
        turning = Turning(before, after)
        for module in ("bookings", "assign"):
            monkeypatch.setattr(f"maitred.bootstrap.{module}.flag_source", lambda *_, **__: turning)

    return change


@pytest.mark.parametrize(
    ("before", "after", "outcome", "moves"),
    [(Pipeline.OFF, Pipeline.ON, "deferred", 0), (Pipeline.SHADOW, Pipeline.ON, "deferred", 0),
     (Pipeline.ON, Pipeline.OFF, "confirmed", 2)],
)  # fmt: skip
def test_a_request(
    service: Service, turn: Turn, before: Pipeline, after: Pipeline, outcome: str, moves: int
) -> None:
    shuffled(service)
    turn(before, after)
    assert service.book("harbour", party(4)).json["assignment"]["outcome"] == outcome
    assert attempt(service, "inline") == (outcome, before, moves, 1)


@pytest.mark.parametrize(
    ("before", "after", "outcome", "moves"),
    [(Pipeline.OFF, Pipeline.ON, "manual_review", 0), (Pipeline.SHADOW, Pipeline.ON, "manual_review", 0),
     (Pipeline.ON, Pipeline.OFF, "confirmed", 2)],
)  # fmt: skip
def test_a_job(
    service: Service, turn: Turn, before: Pipeline, after: Pipeline, outcome: str, moves: int
) -> None:
    shuffled(service)
    turn(Pipeline.OFF, Pipeline.OFF)
    assert service.book("harbour", party(4)).json["assignment"]["outcome"] == "deferred"
    turn(before, after)
    service.work()
    assert attempt(service, "job") == (outcome, before, moves, 1)


def broken(*_: object) -> None:
    raise RuntimeError("a defect")


def test_the_summary_of_a_job_that_breaks(
    service: Service, turn: Turn, monkeypatch: pytest.MonkeyPatch
) -> None:
    shuffled(service)
    turn(Pipeline.OFF, Pipeline.OFF)
    service.book("harbour", party(4))
    turn(Pipeline.OFF, Pipeline.ON)
    monkeypatch.setattr("maitred.services.job.worker.tries", broken)
    [message] = service.messages("assign")
    assert service.deliver("assign", message["Body"]) != {"batchItemFailures": []}
    summary = service.events("auto_assign.summary")[-1]
    assert (summary["result"], summary["flags"]["assignment_pipeline"]) == ("error", "off")


def test_reading_the_flags_is_part_of_a_requests_time(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AppConfig may be slow: the guest waits no longer for it."""
    inline = services().create._inline
    clock = Mock(monotonic=Mock(return_value=100.0), now=Mock(return_value=datetime.now(UTC)))

    def slow(_restaurant: str) -> FeatureFlags:
        clock.monotonic.return_value += 0.5
        return FeatureFlags()

    monkeypatch.setattr(inline, "_deps", replace(inline._deps, clock=clock))
    monkeypatch.setattr(inline._planning, "flags", Mock(flags_for=slow))
    call = inline.begin(wish(), RequestContext("guest", "c1"), Trigger.INLINE_CREATION)
    assert call.attempt.budget.spent_ms() == 500
